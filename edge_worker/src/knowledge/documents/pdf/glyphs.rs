//! What hayro would draw.

use hayro_interpret::font::{Glyph as Drawn, GlyphRun};
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::hayro_syntax::object::{Dict, String as PdfString};
use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::hayro_syntax::{LoadPdfError, Pdf};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, interpret_page,
};
use unicode_normalization::UnicodeNormalization as _;

use super::Found;
use super::lines::{self, Glyph};
use super::paragraphs::Paragraphs;
use crate::knowledge::documents::text::MOST_CHARS;

/// The units of a glyph in the size of its letters.
const UNITS: f64 = 1000.0;

/// So many glyphs without a character to one that has one, and a document is shapes.
const SHAPES_TO_A_LETTER: usize = 4;

/// So many letters to a shape are a text with bullets and ornaments in it.
const LETTERS_TO_A_SHAPE: usize = 50;

/// How far from its place a glyph is drawn a second time to look bold, in parts of its size.
const BOLD: f64 = 0.1;

/// Why there is no text.
#[derive(Debug)]
pub(super) enum Failure {
    Load(LoadPdfError),
    /// There are glyphs, and the fonts do not say of which characters.
    NoCharacters,
    /// More than anybody reads; the rest was not looked at.
    TooLong,
}

/// The text of all pages.
pub(super) fn text(bytes: &[u8]) -> Result<Found, Failure> {
    let pdf = Pdf::new(bytes.to_vec()).map_err(Failure::Load)?;
    let mut paragraphs = Paragraphs::default();
    let cache = InterpreterCache::new();
    let (mut letters, mut shapes) = (0, 0);
    for page in pdf.pages().iter() {
        let mut shown = Shown::of(page);
        let (x, y) = shown.size;
        let transform = Affine::new(page.initial_transform(true).as_coeffs());
        let mut context = Context::new(
            transform,
            Rect::new(0.0, 0.0, x, y),
            &cache,
            pdf.xref(),
            InterpreterSettings::default(),
        );
        interpret_page(page, &mut context, &mut shown);
        let glyphs = shown.glyphs();
        for glyph in glyphs {
            let count = if glyph.is_named { &mut letters } else { &mut shapes };
            *count += 1_usize;
        }
        lines::write(glyphs, &mut paragraphs);
        // No character has more than four bytes.
        if paragraphs.len() > MOST_CHARS * 4 {
            return Err(Failure::TooLong);
        }
    }
    if shapes > letters * SHAPES_TO_A_LETTER {
        return Err(Failure::NoCharacters);
    }
    Ok(Found {
        text: paragraphs.text(),
        is_whole: shapes * LETTERS_TO_A_SHAPE <= letters,
    })
}

/// A text string of the format: UTF-16 or UTF-8 where it says so, else letters of one byte, as in Latin-1 but for a few signs.
fn text_string(bytes: &[u8]) -> String {
    if let Some(pairs) = bytes.strip_prefix(b"\xfe\xff") {
        let units = pairs
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte)));
        char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    } else if let Some(text) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        String::from_utf8_lossy(text).into_owned()
    } else {
        bytes.iter().copied().map(char::from).collect()
    }
}

/// Letters for shapes: fonts know ligatures and the forms of Arabic letters as characters of their own, which nobody types.
fn plain(text: String) -> String {
    let is_form = |letter| matches!(letter, '\u{fb00}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}');
    if text.contains(is_form) {
        text.nfkc().filter(|sign| is_character(*sign)).collect()
    } else {
        text.chars().filter(|sign| is_character(*sign)).collect()
    }
}

/// Fonts name a shape that is no character by a control character.
fn is_character(sign: char) -> bool {
    !sign.is_control() || sign.is_whitespace()
}

/// The glyphs of a page.
struct Shown {
    size: (f64, f64),
    visible: Vec<Glyph>,
    /// Text that is not drawn lies over the picture of a scanned page, for whoever searches it.
    invisible: Vec<Glyph>,
    /// What the marked content that is open says that it reads as; taken by its first glyph.
    spoken: Vec<Option<Spoken>>,
    /// Where the run before began among the visible ones.
    last_run: usize,
}

#[derive(Debug)]
enum Spoken {
    Text(String),
    Taken,
}

impl Shown {
    fn of(page: &Page<'_>) -> Self {
        let (x, y) = page.render_dimensions();
        Self {
            size: (x.into(), y.into()),
            visible: Vec::new(),
            invisible: Vec::new(),
            spoken: Vec::new(),
            last_run: 0,
        }
    }

    /// What a reader sees of the page, the picture's words where there is a picture alone.
    fn glyphs(&self) -> &[Glyph] {
        let has_words = self.visible.iter().any(|glyph| !glyph.text.trim().is_empty());
        if has_words || self.invisible.is_empty() {
            &self.visible
        } else {
            &self.invisible
        }
    }

    fn is_on_page(&self, glyph: &Glyph) -> bool {
        let (x, y) = self.size;
        Rect::new(0.0, 0.0, x, y)
            .inflate(glyph.size, glyph.size)
            .contains(glyph.start)
    }

    /// The text of a glyph, or of the marked content that it is the first one of; none where nothing says it.
    fn text(&mut self, unicode: Option<BfString>) -> Option<String> {
        match self.spoken.iter_mut().rev().flatten().next() {
            Some(spoken) => match std::mem::replace(spoken, Spoken::Taken) {
                Spoken::Text(text) => Some(text),
                Spoken::Taken => Some(String::new()),
            },
            None => Some(match unicode? {
                BfString::Char(letter) => letter.to_string(),
                BfString::String(letters) => letters,
            }),
        }
    }

    /// Letters that are filled and then outlined, or drawn twice to look bold, are there once.
    fn repeats_last_run(&self, run: &[Glyph]) -> bool {
        let last = self.visible.get(self.last_run..).unwrap_or_default();
        let is_same = |(one, other): (&Glyph, &Glyph)| {
            one.text == other.text && (one.start - other.start).hypot() < BOLD * one.size
        };
        !run.is_empty() && last.len() == run.len() && last.iter().zip(run).all(is_same)
    }
}

impl<'a> Device<'a> for Shown {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        let mut glyphs = Vec::with_capacity(run.glyphs().len());
        for glyph in run.glyphs() {
            let transform = props.transform * glyph.transform();
            let advance = match &**glyph {
                Drawn::Outline(outline) => outline.advance_width().unwrap_or_default(),
                Drawn::Type3(drawing) => drawing.advance_width().unwrap_or_default(),
            };
            let start = transform * Point::ZERO;
            let right = transform * Point::new(UNITS, 0.0) - start;
            let size = (transform * Point::new(0.0, UNITS) - start).hypot();
            let text = self.text(glyph.as_unicode());
            let glyph = Glyph {
                is_named: text
                    .as_ref()
                    .is_some_and(|text| text.is_empty() || text.contains(is_character)),
                text: plain(text.unwrap_or_default()),
                start,
                end: transform * Point::new(advance.into(), 0.0),
                along: right / right.hypot(),
                size,
            };
            if glyph.along.is_finite()
                && glyph.start.is_finite()
                && glyph.end.is_finite()
                && self.is_on_page(&glyph)
            {
                glyphs.push(glyph);
            }
        }
        if matches!(mode, DrawMode::Invisible) {
            self.invisible.append(&mut glyphs);
        } else if !self.repeats_last_run(&glyphs) {
            self.last_run = self.visible.len();
            self.visible.append(&mut glyphs);
        }
    }

    fn begin_marked_content(&mut self, _: &[u8], properties: Option<&Dict<'_>>) {
        let text = properties.and_then(|properties| properties.get::<PdfString<'_>>(b"ActualText"));
        self.spoken
            .push(text.map(|text| Spoken::Text(text_string(text.as_bytes()))));
    }

    fn end_marked_content(&mut self) {
        self.spoken.pop();
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

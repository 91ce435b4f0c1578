//! Glyphs at their places become lines. The order is the one in which they are drawn, which writers of documents keep to that of reading: columns come one
//! after the other, where an order by place would mix them.

use hayro_interpret::kurbo::{Point, Vec2};

use super::paragraphs::Paragraphs;
use crate::knowledge::documents::script::is_written_without_spaces;

/// Gaps, in parts of the size of the letters. The space of most fonts is 0.25 wide, and a line that is set tight makes 0.18 of it; pairs of letters are moved by
/// up to 0.1. Where a page has glyphs for its spaces, a gap of that size is letters set wide.
const WORD_GAP: f64 = 0.15;
const WORD_GAP_BESIDE_SPACES: f64 = 0.22;

/// A page has glyphs for spaces when so many of them are.
const SPACES_IN: usize = 25;

/// The room that a mark takes.
const NO_ROOM: f64 = 0.01;

/// Ideographs are moved apart in lines that are set to a width.
const IDEOGRAPH_GAP: f64 = 1.0;

/// How far a raised or lowered letter may be off its line; lines are at least as far apart as letters are high.
const OFF_LINE: f64 = 0.5;

/// Between paragraphs: lines are up to 1.7 apart, and farther than the ones before.
const PARAGRAPH_GAP: f64 = 1.8;
const PARAGRAPH_PITCH: f64 = 1.35;

/// A heading is so much larger than its text.
const OTHER_SIZE: f64 = 1.25;

/// A glyph on a page whose y grows downwards.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Glyph {
    /// Its characters; several for a ligature, none for a part of one.
    pub(super) text: String,
    /// Something says what its characters are.
    pub(super) is_named: bool,
    /// Where it begins and ends on its line.
    pub(super) start: Point,
    pub(super) end: Point,
    /// The direction of its line, of length 1.
    pub(super) along: Vec2,
    /// The size of the letters.
    pub(super) size: f64,
}

impl Glyph {
    /// It takes no room on its line.
    fn is_mark(&self) -> bool {
        (self.end - self.start).hypot() < NO_ROOM * self.size
    }

    fn is_space(&self) -> bool {
        !self.text.is_empty() && self.text.trim().is_empty()
    }

    /// Whether a mark stands over it, or right behind it.
    fn is_under(&self, mark: &Self) -> bool {
        let (begin, end) = (
            self.along.dot(self.start.to_vec2()),
            self.along.dot(self.end.to_vec2()),
        );
        let place = self.along.dot(mark.start.to_vec2());
        let room = WORD_GAP * self.size;
        (begin - room..=end + room).contains(&place)
    }
}

/// How a glyph follows another.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Letter,
    Word,
    /// So far below.
    Line(f64),
    Paragraph,
}

/// Adds the text of a page.
pub(super) fn write(glyphs: &[Glyph], paragraphs: &mut Paragraphs) {
    let spaces = glyphs.iter().filter(|glyph| glyph.is_space()).count();
    let word_gap = if spaces * SPACES_IN >= glyphs.len() {
        WORD_GAP_BESIDE_SPACES
    } else {
        WORD_GAP
    };
    let mut line = Line::default();
    // A page begins a paragraph: what runs on over two pages has a page number between its halves, as a rule.
    let (mut begins, mut pitch) = (true, None);
    let mut before: Option<&Glyph> = None;
    // Marks over a letter that is drawn after them.
    let mut marks: Vec<&Glyph> = Vec::new();
    for glyph in glyphs {
        let step = before.map_or(Step::Letter, |before| step(before, glyph, word_gap));
        let is_here = matches!(step, Step::Letter | Step::Word);
        if is_here && glyph.is_mark() {
            match before {
                Some(before) if before.is_under(glyph) => line.push(glyph),
                _ => marks.push(glyph),
            }
            continue;
        }
        match step {
            Step::Letter => {}
            Step::Word => line.push_space(),
            Step::Line(_) | Step::Paragraph => {
                line.append(&mut marks);
                paragraphs.push(&std::mem::take(&mut line).text(), begins);
            }
        }
        (begins, pitch) = match step {
            Step::Letter | Step::Word => (begins, pitch),
            Step::Line(down) => (
                pitch.is_some_and(|pitch| down > pitch * PARAGRAPH_PITCH),
                Some(down),
            ),
            Step::Paragraph => (true, None),
        };
        line.append(&mut marks);
        line.push(glyph);
        before = Some(glyph);
    }
    line.append(&mut marks);
    paragraphs.push(&line.text(), begins);
}

fn step(before: &Glyph, glyph: &Glyph, word_gap: f64) -> Step {
    let (small, large) = (before.size.min(glyph.size), before.size.max(glyph.size));
    if before.along.dot(glyph.along) < 0.9 {
        return Step::Paragraph;
    }
    let offset = glyph.start - before.end;
    let down = before.along.cross(offset);
    if down.abs() >= OFF_LINE * large {
        // Back up is another column.
        let is_next = down > 0.0 && down < PARAGRAPH_GAP * large && large < OTHER_SIZE * small;
        return if is_next {
            Step::Line(down)
        } else {
            Step::Paragraph
        };
    }
    let ahead = before.along.dot(offset);
    // From right to left, as people read it, one is before the other.
    let behind = before.along.dot(before.start - glyph.end);
    let gap = ahead.max(behind);
    let is_dense = |glyph: &Glyph| glyph.text.chars().all(is_written_without_spaces);
    let least = if is_dense(before) && is_dense(glyph) {
        IDEOGRAPH_GAP
    } else {
        word_gap
    };
    // One far over another is no part of the same word; marks are over their letters.
    if (gap > least * small || gap < -1.5 * large) && !before.is_space() && !glyph.is_space() {
        Step::Word
    } else {
        Step::Letter
    }
}

/// Glyphs and spaces of one line with their place on it.
#[derive(Debug, Default)]
struct Line<'a>(Vec<(&'a str, f64)>);

/// How strongly a glyph is of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Left,
    Right,
    Neutral,
}

impl<'a> Line<'a> {
    fn push(&mut self, glyph: &'a Glyph) {
        let place = glyph.along.dot(glyph.start.to_vec2());
        if !glyph.text.is_empty() {
            self.0.push((&glyph.text, place));
        }
    }

    fn append(&mut self, glyphs: &mut Vec<&'a Glyph>) {
        glyphs.drain(..).for_each(|glyph| self.push(glyph));
    }

    fn push_space(&mut self) {
        let place = self.0.last().map_or(0.0, |(_, place)| *place);
        self.0.push((" ", place));
    }

    /// In the order of reading. Arabic and Hebrew are mostly drawn from left to right, the last letter first.
    fn text(mut self) -> String {
        if self.is_visual() {
            let count = |wanted| {
                self.0
                    .iter()
                    .filter(|(text, _)| direction(text) == wanted)
                    .count()
            };
            if count(Direction::Left) > count(Direction::Right) {
                self.0.reverse();
                self.reverse_runs(Direction::Right);
            } else {
                self.reverse_runs(Direction::Left);
            }
        }
        self.0.iter().map(|(text, _)| *text).collect()
    }

    /// Whether letters that are read to the left are drawn to the right.
    fn is_visual(&self) -> bool {
        let places = self
            .0
            .iter()
            .filter(|(text, _)| direction(text) == Direction::Left);
        let places: Vec<f64> = places.map(|(_, place)| *place).collect();
        let to_the_right = places
            .windows(2)
            .filter(|pair| pair.first() < pair.last())
            .count();
        to_the_right * 2 > places.len().saturating_sub(1)
    }

    /// Turns what is of a direction around, with what is between.
    fn reverse_runs(&mut self, wanted: Direction) {
        let (mut from, mut to) = (None, 0);
        for at in 0..=self.0.len() {
            let direction = self.0.get(at).map(|(text, _)| direction(text));
            if direction == Some(wanted) {
                from = from.or(Some(at));
                to = at + 1;
            } else if direction != Some(Direction::Neutral) {
                let run = from.take().and_then(|from| self.0.get_mut(from..to));
                run.into_iter().for_each(<[_]>::reverse);
            }
        }
    }
}

/// Digits count as of the right: they stand so in every text.
fn direction(text: &str) -> Direction {
    let strong = text.chars().find_map(|letter| match u32::from(letter) {
        0x0660..=0x0669 | 0x06F0..=0x06F9 => Some(Direction::Right),
        0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFF | 0x10800..=0x10FFF | 0x1E800..=0x1EFFF => {
            Some(Direction::Left)
        }
        _ if letter.is_alphanumeric() => Some(Direction::Right),
        _ => None,
    });
    strong.unwrap_or(Direction::Neutral)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters of size 10 and width 6 from a place on.
    fn drawn(text: &str, (x, y): (f64, f64)) -> Vec<Glyph> {
        let glyph = |(place, letter): (usize, char)| {
            let start = Point::new(x + 6.0 * f64::from(u32::try_from(place).unwrap()), y);
            let end = start + Vec2::new(6.0, 0.0);
            (letter != ' ').then(|| Glyph {
                text: letter.to_string(),
                is_named: true,
                start,
                end,
                along: Vec2::new(1.0, 0.0),
                size: 10.0,
            })
        };
        text.chars().enumerate().filter_map(glyph).collect()
    }

    fn text(pieces: &[Vec<Glyph>]) -> String {
        let mut paragraphs = Paragraphs::default();
        write(&pieces.concat(), &mut paragraphs);
        paragraphs.text()
    }

    #[test]
    fn gaps_are_spaces_and_places_are_lines_columns_and_paragraphs() {
        let page = [
            drawn("The first co-", (50.0, 100.0)),
            drawn("lumn ends", (50.0, 112.0)),
            drawn("here.", (50.0, 124.0)),
            drawn("Another paragraph", (50.0, 141.0)),
            drawn("and the second", (300.0, 100.0)),
            drawn("column.", (300.0, 112.0)),
        ];
        assert_eq!(
            text(&page),
            "The first column ends here.\n\nAnother paragraph\n\nand the second column."
        );
    }

    #[test]
    fn raised_letters_and_cells_stay_on_their_line() {
        let page = [
            drawn("E=mc", (50.0, 100.0)),
            drawn("2", (74.0, 96.0)),
            drawn("holds", (90.0, 100.0)),
            drawn("49", (300.0, 100.0)),
        ];
        assert_eq!(text(&page), "E=mc2 holds 49");
    }

    #[test]
    fn marks_over_letters_and_ideographs_that_are_set_wide_make_no_words() {
        let mut wide = drawn("支持部署", (50.0, 100.0));
        for (glyph, move_by) in wide.iter_mut().zip([0.0, 3.0, 6.0, 9.0]) {
            (glyph.start.x, glyph.end.x) = (glyph.start.x + move_by, glyph.end.x + move_by);
        }
        assert_eq!(text(&[wide]), "支持部署");
        let mut mark = drawn("่", (50.0, 100.0));
        mark[0].end = mark[0].start;
        assert_eq!(
            text(&[drawn("ท", (46.0, 100.0)), mark, drawn("าน", (52.0, 100.0))]),
            "ท่าน"
        );
    }

    #[test]
    fn what_is_read_to_the_left_is_stored_as_it_is_read_whichever_way_it_is_drawn() {
        let logical = "مرحبا بالعالم 2026 نص";
        let visual = "صن 2026 ملاعلاب ابحرم";
        assert_eq!(text(&[drawn(visual, (50.0, 100.0))]), logical);
        let mut to_the_left = drawn(logical, (0.0, 100.0));
        for glyph in &mut to_the_left {
            let mirrored = 500.0 - glyph.end.x;
            (glyph.start.x, glyph.end.x) = (mirrored, mirrored + 6.0);
        }
        assert_eq!(text(&[to_the_left]), logical);
        assert_eq!(
            text(&[drawn("Shalom םולש 12 and more", (50.0, 100.0))]),
            "Shalom שלום 12 and more"
        );
    }
}

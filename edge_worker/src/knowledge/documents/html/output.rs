//! Text with its white space as a browser has it.

/// What stands between two words, the stronger ones later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Break {
    /// They are one.
    #[default]
    Nothing,
    Space,
    /// They are in two cells.
    Cell,
    Line,
    Paragraph,
}

/// What is shown, so far.
#[derive(Debug, Default)]
pub(super) struct Output {
    text: String,
    /// Before the next word. At the beginning and at the end there is none.
    pending: Break,
    /// The text from here on stands beside what it is about.
    aside: Option<(usize, Break)>,
    asides: String,
}

impl Output {
    /// The next word is divided so from the last one, or more.
    pub(super) fn break_at_least(&mut self, least: Break) {
        self.pending = self.pending.max(least);
    }

    /// A second one is an empty line.
    pub(super) fn end_line(&mut self) {
        self.pending = if self.pending >= Break::Line {
            Break::Paragraph
        } else {
            Break::Line
        };
    }

    /// Adds text. White space is one space, or what stands there already, unless it is preformatted.
    pub(super) fn push(&mut self, text: &str, is_preformatted: bool) {
        for sign in text.chars() {
            match sign {
                // Where a word may be divided; nobody sees it.
                '\u{ad}' => {}
                ' ' | '\t' | '\n' | '\r' | '\u{c}' if !is_preformatted => self.break_at_least(Break::Space),
                '\n' if is_preformatted => self.preformatted('\n'),
                sign => {
                    self.divide();
                    self.text.push(sign);
                }
            }
        }
    }

    fn preformatted(&mut self, sign: char) {
        if !self.text.is_empty() {
            self.divide();
            self.text.push(sign);
        }
    }

    fn divide(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        if self.text.is_empty() {
            return;
        }
        let has_line = self.text.ends_with('\n');
        self.text.push_str(match pending {
            Break::Nothing => "",
            Break::Space if has_line => "",
            Break::Space => " ",
            Break::Cell if has_line => "",
            Break::Cell => "\t",
            Break::Line if has_line => "",
            Break::Line => "\n",
            Break::Paragraph if self.text.ends_with("\n\n") => "",
            Break::Paragraph if has_line => "\n",
            Break::Paragraph => "\n\n",
        });
    }

    /// What comes is the reading of a word, above it: the word must not be divided by it.
    pub(super) fn begin_aside(&mut self) {
        self.aside = Some((self.text.len(), self.pending));
    }

    pub(super) fn end_aside(&mut self) {
        if let Some((from, pending)) = self.aside.take() {
            let aside = self.text.split_off(from);
            self.asides.push_str(&aside);
            self.pending = pending;
        }
    }

    /// All readings of a word, behind it.
    pub(super) fn push_asides(&mut self) {
        let asides = std::mem::take(&mut self.asides);
        if !asides.trim().is_empty() {
            self.break_at_least(Break::Space);
            self.push(&asides, false);
            self.break_at_least(Break::Space);
        }
    }

    pub(super) fn text(mut self) -> String {
        self.push_asides();
        self.text
    }
}

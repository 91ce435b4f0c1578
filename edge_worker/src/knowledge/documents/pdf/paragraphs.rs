//! Printed lines become sentences again.

use crate::knowledge::documents::script::is_written_without_spaces;

/// The last sign of a line whose last word goes on in the next one: hyphen-minus, hyphen, soft hyphen.
const DIVIDES: [char; 3] = ['-', '\u{2010}', '\u{ad}'];

/// Text by the line. Lines of a paragraph become one, words that were divided are whole, an empty line is between paragraphs.
#[derive(Debug, Default)]
pub(super) struct Paragraphs {
    text: String,
    is_over: bool,
}

impl Paragraphs {
    /// Adds a line. An empty one ends a paragraph.
    pub(super) fn push(&mut self, line: &str, begins_paragraph: bool) {
        let line = line.trim();
        let Some(first) = line.chars().next() else {
            self.is_over = true;
            return;
        };
        if !self.text.is_empty() {
            if self.is_over || begins_paragraph {
                self.text.push_str("\n\n");
            } else {
                self.join(first);
            }
        }
        self.is_over = false;
        self.text.push_str(line);
    }

    fn join(&mut self, first: char) {
        let mut ending = self.text.chars().rev();
        let (last, before) = (ending.next(), ending.next());
        let is_divided = last.is_some_and(|sign| DIVIDES.contains(&sign))
            && before.is_some_and(char::is_alphabetic)
            && first.is_lowercase();
        if is_divided {
            self.text.pop();
        } else if !(last.is_some_and(is_written_without_spaces) && is_written_without_spaces(first)) {
            self.text.push(' ');
        }
    }

    /// So many bytes are there.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        let mut paragraphs = Paragraphs::default();
        text.lines().for_each(|line| paragraphs.push(line, false));
        paragraphs.text()
    }

    #[test]
    fn printed_lines_become_sentences_again() {
        for (printed, expected) in [
            (
                "A sen-\ntence that\nruns on.\n\n\n\nAnother",
                "A sentence that runs on.\n\nAnother",
            ),
            (
                "Ge\u{ad}\nwicht und Größen\u{2010}\nordnung",
                "Gewicht und Größenordnung",
            ),
            // A dash, a name in two parts, a range.
            (
                "one -\ntwo, Marks-\nMeyer, 1990-\n1995",
                "one - two, Marks- Meyer, 1990- 1995",
            ),
            (
                "支持docker部\n署。\n支持 and\n部署",
                "支持docker部署。支持 and 部署",
            ),
            ("ประเทศ\nไทย", "ประเทศไทย"),
            ("한국어\n문서", "한국어 문서"),
        ] {
            assert_eq!(of(printed), expected);
        }
    }
}

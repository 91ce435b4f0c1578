//! A place in a text that is being parsed.

use crate::error::Error;

/// Where parsing stands, and what the text is called in an error.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    position: usize,
    what: &'a str,
}

impl<'a> Cursor<'a> {
    /// At the beginning. `what` completes "failed to parse ...".
    pub(super) fn new(what: &'a str, text: &'a str) -> Self {
        Self {
            text,
            position: 0,
            what,
        }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.position >= self.text.len()
    }

    pub(super) fn looks_at(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    /// Moves over one character.
    pub(super) fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.position += character.len_utf8();
        Some(character)
    }

    /// Moves over `text` if it is next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let is_next = self.looks_at(text);
        if is_next {
            self.position += text.len();
        }
        is_next
    }

    /// Moves over all characters that fit.
    pub(super) fn take_while(&mut self, mut fits: impl FnMut(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !fits(character)).unwrap_or(rest.len());
        self.position += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Moves to the end.
    pub(super) fn take_rest(&mut self) -> &'a str {
        let rest = self.rest();
        self.position = self.text.len();
        rest
    }

    pub(super) fn skip_blanks(&mut self) {
        self.take_while(|character| character == ' ' || character == '\t');
    }

    pub(super) fn expect(&mut self, text: &str) -> Result<(), Error> {
        if self.take(text) {
            Ok(())
        } else {
            Err(self.error(&format!("\"{text}\"")))
        }
    }

    pub(super) fn expect_end(&self) -> Result<(), Error> {
        if self.is_at_end() {
            Ok(())
        } else {
            Err(self.error("end of input"))
        }
    }

    /// The refusal of what is next.
    pub(super) fn error(&self, expected: &str) -> Error {
        let before = self.text.get(..self.position).unwrap_or_default();
        let column = before.chars().count() + 1;
        let found = match self.peek() {
            Some(character) => format!("\"{character}\""),
            None => "end of input".to_owned(),
        };
        let message = format!(
            "\"failed to parse {} ({})\" (line 1, column {column})",
            self.what, self.text
        );
        Error::new(400, "PGRST100", message).with_details(format!("unexpected {found} expecting {expected}"))
    }
}

//! The statements of an SQL text, for the ledger's record of what ran. The database itself gets the whole text, so a mistake
//! here can spoil the record and never the schema.

/// Splits at the semicolons that end statements: not those in strings, quoted names, dollar quotes, comments, parentheses or
/// the body of a function in standard SQL (`begin atomic ... end`). Statements come back trimmed and without the semicolon.
pub(crate) fn statements(sql: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut scan = Scan {
        bytes: sql.as_bytes(),
        at: 0,
        parentheses: 0,
        atomic: 0,
    };
    let mut start = 0;
    while let Some(end) = scan.next_end() {
        keep(&mut found, sql.get(start..end));
        start = scan.at;
    }
    keep(&mut found, sql.get(start..));
    found
}

fn keep<'a>(found: &mut Vec<&'a str>, piece: Option<&'a str>) {
    let piece = piece.unwrap_or_default().trim();
    if has_code(piece) {
        found.push(piece);
    }
}

/// Whether there is anything but comments and space.
fn has_code(piece: &str) -> bool {
    let mut scan = Scan {
        bytes: piece.as_bytes(),
        at: 0,
        parentheses: 0,
        atomic: 0,
    };
    while let Some(byte) = scan.peek(0) {
        if byte.is_ascii_whitespace() {
            scan.at += 1;
        } else if !scan.skip_comment() {
            return true;
        }
    }
    false
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    parentheses: u32,
    /// Depth of `begin atomic` and of `case` inside it.
    atomic: u32,
}

impl Scan<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// Moves behind the next semicolon that ends a statement and says where it was.
    fn next_end(&mut self) -> Option<usize> {
        while let Some(byte) = self.peek(0) {
            if self.skip_comment() || self.skip_quoted() || self.skip_dollar_quoted() {
                continue;
            }
            match byte {
                b'(' => self.parentheses += 1,
                b')' => self.parentheses = self.parentheses.saturating_sub(1),
                b';' if self.parentheses == 0 && self.atomic == 0 => {
                    self.at += 1;
                    return Some(self.at - 1);
                }
                _ if is_name_byte(byte) => {
                    self.take_word();
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        None
    }

    fn skip_comment(&mut self) -> bool {
        match (self.peek(0), self.peek(1)) {
            (Some(b'-'), Some(b'-')) => {
                while self.peek(0).is_some_and(|byte| byte != b'\n') {
                    self.at += 1;
                }
                true
            }
            (Some(b'/'), Some(b'*')) => {
                let mut depth = 0_u32;
                while let Some(byte) = self.peek(0) {
                    match (byte, self.peek(1)) {
                        (b'/', Some(b'*')) => depth += 1,
                        (b'*', Some(b'/')) => depth -= 1,
                        _ => {
                            self.at += 1;
                            continue;
                        }
                    }
                    self.at += 2;
                    if depth == 0 {
                        break;
                    }
                }
                true
            }
            _ => false,
        }
    }

    /// A string or a quoted name. A doubled quote is two quotes in a row here, which comes to the same.
    fn skip_quoted(&mut self) -> bool {
        let Some(quote @ (b'\'' | b'"')) = self.peek(0) else {
            return false;
        };
        let has_escapes = quote == b'\''
            && self.at > 0
            && matches!(self.bytes.get(self.at - 1), Some(b'e' | b'E'))
            && !self
                .at
                .checked_sub(2)
                .and_then(|at| self.bytes.get(at))
                .is_some_and(|byte| is_name_byte(*byte));
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            self.at += if byte == b'\\' && has_escapes { 2 } else { 1 };
            if byte == quote {
                break;
            }
        }
        true
    }

    fn skip_dollar_quoted(&mut self) -> bool {
        let follows_name = self.at > 0
            && self
                .bytes
                .get(self.at - 1)
                .is_some_and(|byte| is_name_byte(*byte));
        if self.peek(0) != Some(b'$') || follows_name {
            return false;
        }
        let mut length = 1;
        while self
            .peek(length)
            .is_some_and(|byte| is_name_byte(byte) && byte != b'$')
        {
            length += 1;
        }
        if self.peek(length) != Some(b'$') || self.peek(1).is_some_and(|byte| byte.is_ascii_digit()) {
            return false;
        }
        let Some(tag) = self.bytes.get(self.at..=self.at + length) else {
            return false;
        };
        self.at += length + 1;
        while let Some(rest) = self.bytes.get(self.at..) {
            if rest.is_empty() || rest.starts_with(tag) {
                self.at = (self.at + tag.len()).min(self.bytes.len());
                break;
            }
            self.at += 1;
        }
        true
    }

    fn take_word(&mut self) {
        let start = self.at;
        while self.peek(0).is_some_and(is_name_byte) {
            // `e'...'` is a string and not a name.
            if self.peek(1) == Some(b'\'') {
                self.at += 1;
                break;
            }
            self.at += 1;
        }
        let word = self
            .bytes
            .get(start..self.at)
            .unwrap_or_default()
            .to_ascii_lowercase();
        match word.as_slice() {
            b"begin" if self.atomic == 0 && self.next_word_is_atomic() => self.atomic = 1,
            b"case" if self.atomic > 0 => self.atomic += 1,
            b"end" if self.atomic > 0 => self.atomic -= 1,
            _ => {}
        }
    }

    fn next_word_is_atomic(&self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default().trim_ascii_start();
        rest.get(..6)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"atomic"))
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::statements;

    #[test]
    fn semicolons_inside_of_things_do_not_end_statements() {
        for whole in [
            "select ';'",
            "select 'it''s; so'",
            "select e'\\';'",
            "select \"a;b\" from \"c\"",
            "create function f() returns int language plpgsql as $$ begin return 1; end $$",
            "do $body$ begin perform '$$;$$'; end $body$",
            "select 1 -- a; b\n + 1",
            "select /* a; /* b; */ c; */ 1",
            "create rule r as on insert to t do also (insert into a values (1); insert into b values (2))",
            "create function f() returns int begin atomic select case when true then 1 end; select 2; end",
            "select $1, a$b$ from t",
        ] {
            assert_eq!(
                statements(&format!("{whole};\n select 2 ;")),
                [whole, "select 2"],
                "{whole}"
            );
        }
    }

    #[test]
    fn comments_alone_are_no_statement_and_stay_with_the_next() {
        assert_eq!(
            statements("-- only a comment\n/* and another */ ;;"),
            Vec::<&str>::new()
        );
        assert_eq!(statements("-- why\nselect 1;\n\n-- end\n"), ["-- why\nselect 1"]);
    }

    #[test]
    fn begin_of_a_block_in_dollar_quotes_or_a_column_called_begin_changes_nothing() {
        assert_eq!(
            statements("select begin from t; select 1"),
            ["select begin from t", "select 1"]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_split_without_losing_code(text in "[a-z '\"$();*/\\\\\n-]{0,60}") {
            let pieces = statements(&text);
            let mut rest = text.as_str();
            for piece in pieces {
                let at = rest.find(piece);
                prop_assert!(at.is_some());
                rest = &rest[at.unwrap() + piece.len()..];
            }
        }
    }
}

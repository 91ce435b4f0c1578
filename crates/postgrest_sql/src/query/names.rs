//! Names of columns and relations, and ways into JSON.

use super::cursor::Cursor;
use crate::error::Error;

/// A step into a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonStep {
    /// `->>` gives text, `->` gives JSON.
    pub(crate) is_text: bool,
    /// A key, or the index of an array's element.
    pub(crate) operand: JsonOperand,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JsonOperand {
    Key(String),
    Index(String),
}

/// A column, or what lies within its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) path: Vec<JsonStep>,
}

impl Field {
    /// What the value is called in the answer where nobody chose a name: the last key of the path.
    pub(crate) fn path_name(&self) -> Option<&str> {
        if self.path.is_empty() {
            return None;
        }
        let keys = self.path.iter().rev().find_map(|step| match &step.operand {
            JsonOperand::Key(key) => Some(key.as_str()),
            JsonOperand::Index(_) => None,
        });
        Some(keys.unwrap_or(&self.name))
    }
}

const NAME: &str = "field name (* or [a..z0..9_$])";

/// A name, between quotes where it has other characters than letters, digits, `_`, `$`, blanks and dashes.
pub(super) fn name(cursor: &mut Cursor<'_>) -> Result<String, Error> {
    if cursor.peek() == Some('"') {
        return quoted(cursor);
    }
    let found = dashed(cursor, is_name_character).trim().to_owned();
    if found.is_empty() {
        return Err(cursor.error(NAME));
    }
    Ok(found)
}

/// A text between quotes; a backslash takes the next character as it is.
pub(super) fn quoted(cursor: &mut Cursor<'_>) -> Result<String, Error> {
    cursor.expect("\"")?;
    let mut text = String::new();
    loop {
        match cursor.next() {
            Some('"') => return Ok(text),
            Some('\\') => match cursor.next() {
                Some(character) => text.push(character),
                None => return Err(cursor.error("any character")),
            },
            Some(character) => text.push(character),
            None => return Err(cursor.error("\"\\\"\"")),
        }
    }
}

pub(super) fn is_name_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$' | ' ')
}

/// Characters that fit, and dashes which do not begin an arrow.
fn dashed<'a>(cursor: &mut Cursor<'a>, fits: impl Fn(char) -> bool) -> &'a str {
    let text = cursor.rest();
    loop {
        cursor.take_while(&fits);
        let is_dash = cursor.looks_at("-") && !cursor.looks_at("->");
        let next = cursor.rest().chars().nth(1);
        if !is_dash || !next.is_some_and(&fits) {
            break;
        }
        cursor.take("-");
    }
    let taken = text.len().saturating_sub(cursor.rest().len());
    text.get(..taken).unwrap_or_default()
}

/// Zero or more arrows with their operands.
pub(super) fn json_path(cursor: &mut Cursor<'_>) -> Result<Vec<JsonStep>, Error> {
    let mut path = Vec::new();
    while cursor.looks_at("->") {
        let is_text = cursor.take("->>");
        if !is_text {
            cursor.take("->");
        }
        let operand = match index(cursor) {
            Some(index) => JsonOperand::Index(index),
            None => JsonOperand::Key(key(cursor)?),
        };
        path.push(JsonStep { is_text, operand });
    }
    Ok(path)
}

/// Digits, and nothing after them that would make them a key.
fn index(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut ahead = cursor.clone();
    let sign = if ahead.take("-") { "-" } else { "" };
    let digits = ahead.take_while(|character| character.is_ascii_digit());
    let ends = ["->", "::", ".", ",", ")"];
    let is_index = !digits.is_empty() && (ahead.is_at_end() || ends.iter().any(|end| ahead.looks_at(end)));
    if !is_index {
        return None;
    }
    let index = format!("{sign}{digits}");
    *cursor = ahead;
    Some(index)
}

fn key(cursor: &mut Cursor<'_>) -> Result<String, Error> {
    if cursor.peek() == Some('"') {
        return quoted(cursor);
    }
    let found = dashed(cursor, |character| !"(-:.,>)".contains(character))
        .trim()
        .to_owned();
    if found.is_empty() {
        return Err(cursor.error("any non reserved character different from: .,>()"));
    }
    Ok(found)
}

/// A name and its path.
pub(super) fn field(cursor: &mut Cursor<'_>) -> Result<Field, Error> {
    cursor.skip_blanks();
    let name = name(cursor)?;
    let path = json_path(cursor)?;
    cursor.skip_blanks();
    Ok(Field { name, path })
}

/// The key of a parameter: names with dots between, the last with a path.
pub(super) fn tree_path(key: &str) -> Result<(Vec<String>, Field), Error> {
    let mut cursor = Cursor::new("tree path", key);
    let mut names = vec![name(&mut cursor)?];
    while cursor.take(".") {
        names.push(name(&mut cursor)?);
    }
    let path = json_path(&mut cursor)?;
    let name = names.pop().unwrap_or_default();
    Ok((names, Field { name, path }))
}

/// A list of names.
pub(super) fn columns(what: &str, text: &str) -> Result<Vec<String>, Error> {
    let mut cursor = Cursor::new(what, text);
    let mut names = vec![name(&mut cursor)?];
    loop {
        cursor.skip_blanks();
        if !cursor.take(",") {
            break;
        }
        cursor.skip_blanks();
        names.push(name(&mut cursor)?);
    }
    cursor.expect_end()?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Field, Error> {
        field(&mut Cursor::new("field", text))
    }

    #[test]
    fn names_have_dashes_blanks_and_quotes() {
        assert_eq!(parse("with-dash").unwrap().name, "with-dash");
        assert_eq!(parse("with blank ").unwrap().name, "with blank");
        assert_eq!(parse(r#""a,\"b\".c""#).unwrap().name, r#"a,"b".c"#);
        assert!(parse(":x").is_err());
        assert!(parse("").is_err());
    }

    #[test]
    fn arrows_lead_to_keys_and_indices() {
        let field = parse("data->0->>a-b").unwrap();
        assert_eq!(field.path.len(), 2);
        assert_eq!(field.path[0].operand, JsonOperand::Index("0".into()));
        assert_eq!(field.path[1].operand, JsonOperand::Key("a-b".into()));
        assert!(field.path[1].is_text);
        assert_eq!(field.path_name(), Some("a-b"));
        assert_eq!(parse("data->-1").unwrap().path_name(), Some("data"));
        assert_eq!(
            parse("data->0x").unwrap().path[0].operand,
            JsonOperand::Key("0x".into())
        );
    }

    #[test]
    fn refusal_names_place_and_expectation() {
        let error = columns("columns parameter", "a,,b").unwrap_err();
        assert_eq!(
            error.message,
            "\"failed to parse columns parameter (a,,b)\" (line 1, column 3)"
        );
        assert_eq!(error.details, format!("unexpected \",\" expecting {NAME}"));
    }

    #[test]
    fn keys_name_the_way_to_an_embedded_column() {
        let (path, field) = tree_path("a.b.data->>x").unwrap();
        assert_eq!(path, ["a", "b"]);
        assert_eq!(field.name, "data");
        assert!(field.path[0].is_text);
    }
}

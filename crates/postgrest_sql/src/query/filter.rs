//! Conditions on rows: `eq.1`, `not.in.(a,b)`, `fts(english).word`.

use super::cursor::Cursor;
use super::names::{Field, is_name_character, quoted};
use crate::error::Error;

/// A condition on a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) field: Field,
    pub(crate) condition: Condition,
}

/// An operator with its value, maybe negated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) is_negated: bool,
    pub(crate) operation: Operation,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// An operator, its quantifier over an array, and the value.
    Compare(Comparison, Option<Quantifier>, String),
    In(Vec<String>),
    Is(Is),
    IsDistinct(String),
    Fts(Fts, Option<String>, String),
}

/// An operator between a column and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// As it is written in a URL.
    pub(crate) name: &'static str,
    /// As it is written in SQL.
    pub(crate) sql: &'static str,
}

impl Comparison {
    /// Whether `*` stands for any characters.
    pub(crate) fn is_pattern(self) -> bool {
        matches!(self.name, "like" | "ilike")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Any,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Is {
    Null,
    NotNull,
    True,
    False,
    Unknown,
}

/// The functions that make a text search query of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fts {
    Plain,
    Words,
    Phrase,
    Web,
}

/// Those that take `any` and `all`.
const QUANTIFIED: [(&str, &str); 9] = [
    ("eq", "="),
    ("gte", ">="),
    ("gt", ">"),
    ("lte", "<="),
    ("lt", "<"),
    ("like", "like"),
    ("ilike", "ilike"),
    ("match", "~"),
    ("imatch", "~*"),
];

const SIMPLE: [(&str, &str); 9] = [
    ("neq", "<>"),
    ("cs", "@>"),
    ("cd", "<@"),
    ("ov", "&&"),
    ("sl", "<<"),
    ("sr", ">>"),
    ("nxr", "&<"),
    ("nxl", "&>"),
    ("adj", "-|-"),
];

const OPERATOR: &str = "\"not\" or operator (eq, gt, ...)";

/// Parses the value of a parameter.
pub(crate) fn parse_condition(text: &str) -> Result<Condition, Error> {
    let mut cursor = Cursor::new("filter", text);
    condition(&mut cursor, |cursor| Ok(cursor.take_rest().to_owned()))
}

/// An operator and its value, which `value` reads.
pub(super) fn condition<'a>(
    cursor: &mut Cursor<'a>,
    value: impl Fn(&mut Cursor<'a>) -> Result<String, Error>,
) -> Result<Condition, Error> {
    let is_negated = cursor.take("not.");
    let operation = operation(cursor, value)?;
    Ok(Condition {
        is_negated,
        operation,
    })
}

fn operation<'a>(
    cursor: &mut Cursor<'a>,
    value: impl Fn(&mut Cursor<'a>) -> Result<String, Error>,
) -> Result<Operation, Error> {
    if cursor.take("in.") {
        return Ok(Operation::In(list(cursor)?));
    }
    if cursor.take("isdistinct.") {
        return Ok(Operation::IsDistinct(value(cursor)?));
    }
    if cursor.take("is.") {
        return Ok(Operation::Is(is(cursor)?));
    }
    let start = cursor.clone();
    let word = cursor.take_while(|character| character.is_ascii_lowercase());
    if let Some(kind) = fts(word) {
        let language = between_brackets(cursor);
        cursor.expect(".")?;
        return Ok(Operation::Fts(kind, language, value(cursor)?));
    }
    if let Some((name, sql)) = SIMPLE.into_iter().find(|(name, _)| *name == word) {
        cursor.expect(".")?;
        return Ok(Operation::Compare(Comparison { name, sql }, None, value(cursor)?));
    }
    let Some((name, sql)) = QUANTIFIED.into_iter().find(|(name, _)| *name == word) else {
        *cursor = start;
        return Err(cursor.error(OPERATOR));
    };
    let quantifier = if cursor.take("(any)") {
        Some(Quantifier::Any)
    } else if cursor.take("(all)") {
        Some(Quantifier::All)
    } else {
        None
    };
    cursor.expect(".")?;
    Ok(Operation::Compare(
        Comparison { name, sql },
        quantifier,
        value(cursor)?,
    ))
}

fn fts(word: &str) -> Option<Fts> {
    match word {
        "fts" => Some(Fts::Plain),
        "plfts" => Some(Fts::Words),
        "phfts" => Some(Fts::Phrase),
        "wfts" => Some(Fts::Web),
        _ => None,
    }
}

/// A text search configuration.
fn between_brackets(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut ahead = cursor.clone();
    if !ahead.take("(") {
        return None;
    }
    let language = ahead.take_while(is_name_character).trim().to_owned();
    if language.is_empty() || !ahead.take(")") {
        return None;
    }
    *cursor = ahead;
    Some(language)
}

fn is(cursor: &mut Cursor<'_>) -> Result<Is, Error> {
    let start = cursor.clone();
    let word = cursor.take_while(|character| character.is_ascii_alphabetic() || character == '_');
    match word.to_ascii_lowercase().as_str() {
        "null" => Ok(Is::Null),
        "not_null" => Ok(Is::NotNull),
        "true" => Ok(Is::True),
        "false" => Ok(Is::False),
        "unknown" => Ok(Is::Unknown),
        _ => Err(start.error("isVal: (null, not_null, true, false, unknown)")),
    }
}

/// `(a,"b,c")`
fn list(cursor: &mut Cursor<'_>) -> Result<Vec<String>, Error> {
    cursor.skip_blanks();
    cursor.expect("(")?;
    let mut items = vec![element(cursor)?];
    while cursor.take(",") {
        items.push(element(cursor)?);
    }
    cursor.expect(")")?;
    cursor.skip_blanks();
    Ok(items)
}

/// A value up to a comma or a bracket. Quotes count only around the whole of it.
pub(super) fn element(cursor: &mut Cursor<'_>) -> Result<String, Error> {
    let mut ahead = cursor.clone();
    if let Ok(text) = quoted(&mut ahead)
        && (ahead.is_at_end() || ahead.looks_at(",") || ahead.looks_at(")"))
    {
        *cursor = ahead;
        return Ok(text);
    }
    Ok(cursor
        .take_while(|character| character != ',' && character != ')')
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(text: &str) -> Operation {
        parse_condition(text).unwrap().operation
    }

    #[test]
    fn every_operator_is_read_by_its_name() {
        for (name, sql) in QUANTIFIED.into_iter().chain(SIMPLE) {
            let expected = Operation::Compare(Comparison { name, sql }, None, "a.b,c".into());
            assert_eq!(operation(&format!("{name}.a.b,c")), expected);
        }
        assert!(
            matches!(operation("eq(any).{1,2}"), Operation::Compare(_, Some(Quantifier::Any), value) if value == "{1,2}")
        );
        assert!(matches!(
            operation("like(all).{a*}"),
            Operation::Compare(_, Some(Quantifier::All), _)
        ));
        assert_eq!(operation("isdistinct.x"), Operation::IsDistinct("x".into()));
        assert_eq!(operation("is.NOT_NULL"), Operation::Is(Is::NotNull));
        assert!(parse_condition("not.eq.1").unwrap().is_negated);
    }

    #[test]
    fn lists_have_quotes_where_values_have_commas() {
        let list = |text: &str| match operation(text) {
            Operation::In(items) => items,
            other => panic!("{other:?}"),
        };
        assert_eq!(list(r#"in.(a,"b,c","d\"e",f"g)"#), ["a", "b,c", "d\"e", "f\"g"]);
        assert_eq!(list("in.()"), [""]);
    }

    #[test]
    fn text_search_has_a_configuration_where_one_is_named() {
        assert_eq!(
            operation("fts.word"),
            Operation::Fts(Fts::Plain, None, "word".into())
        );
        assert_eq!(
            operation("wfts(english).a or b"),
            Operation::Fts(Fts::Web, Some("english".into()), "a or b".into())
        );
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in [
            "",
            "1",
            "noop.1",
            "eq",
            "eq(some).1",
            "is.5",
            "in.a",
            "in.(a",
            "cs(any).{}",
        ] {
            let error = parse_condition(text).unwrap_err();
            assert_eq!((error.status, error.code.as_str()), (400, "PGRST100"), "{text}");
        }
        let error = parse_condition("noop.0").unwrap_err();
        assert_eq!(
            error.message,
            "\"failed to parse filter (noop.0)\" (line 1, column 1)"
        );
        assert_eq!(error.details, format!("unexpected \"n\" expecting {OPERATOR}"));
    }
}

//! The parameter `select`.

use super::cursor::Cursor;
use super::names::{Field, field, is_name_character, name};
use crate::error::Error;

/// What is selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Column(Column),
    Embed(Embed),
}

/// A column, maybe cast, maybe aggregated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// `*` means all columns.
    pub(crate) field: Field,
    pub(crate) alias: Option<String>,
    pub(crate) cast: Option<String>,
    pub(crate) aggregate: Option<Aggregate>,
    pub(crate) aggregate_cast: Option<String>,
}

/// The functions that may be applied to a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Sum,
    Avg,
    Count,
    Max,
    Min,
}

impl Aggregate {
    /// Its name in SQL, which is its name in an answer too.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Count => "count",
            Self::Max => "max",
            Self::Min => "min",
        }
    }
}

/// A related resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Embed {
    pub(crate) name: String,
    pub(crate) alias: Option<String>,
    /// Tells relationships apart.
    pub(crate) hint: Option<String>,
    /// Whether rows without it are left out.
    pub(crate) is_inner: bool,
    /// Whether its columns become columns of the parent.
    pub(crate) is_spread: bool,
    pub(crate) items: Vec<Item>,
}

/// How deep resources may be embedded in one another: more than anybody needs, and the stack holds.
const DEEPEST: usize = 32;

/// Parses the whole parameter.
pub(crate) fn parse_select(text: &str) -> Result<Vec<Item>, Error> {
    let mut cursor = Cursor::new("select parameter", text);
    let items = items(&mut cursor, 0)?;
    cursor.expect_end()?;
    Ok(items)
}

fn items(cursor: &mut Cursor<'_>, depth: usize) -> Result<Vec<Item>, Error> {
    cursor.skip_blanks();
    let mut found = Vec::new();
    if cursor.is_at_end() || cursor.looks_at(")") {
        return Ok(found);
    }
    if depth > DEEPEST {
        return Err(cursor.error("less nesting"));
    }
    loop {
        cursor.skip_blanks();
        found.push(item(cursor, depth)?);
        cursor.skip_blanks();
        if !cursor.take(",") {
            return Ok(found);
        }
    }
}

fn item(cursor: &mut Cursor<'_>, depth: usize) -> Result<Item, Error> {
    if cursor.take("...") {
        let name = name(cursor)?;
        return embed(cursor, name, None, true, depth);
    }
    if cursor.take("*") {
        let star = Field {
            name: "*".to_owned(),
            path: Vec::new(),
        };
        end_of_item(cursor)?;
        return Ok(column(star, None));
    }
    let alias = alias(cursor);
    if cursor.take("count()") {
        let aggregate_cast = cast(cursor)?;
        end_of_item(cursor)?;
        return Ok(Item::Column(Column {
            field: Field {
                name: "*".to_owned(),
                path: Vec::new(),
            },
            alias,
            cast: None,
            aggregate: Some(Aggregate::Count),
            aggregate_cast,
        }));
    }
    let mut ahead = cursor.clone();
    let name = name(&mut ahead)?;
    if ahead.looks_at("(") || ahead.looks_at("!") {
        *cursor = ahead;
        return embed(cursor, name, alias, false, depth);
    }
    let field = field(cursor)?;
    let cast_to = cast(cursor)?;
    let aggregate = aggregate(cursor)?;
    let aggregate_cast = if aggregate.is_some() { cast(cursor)? } else { None };
    end_of_item(cursor)?;
    Ok(Item::Column(Column {
        field,
        alias,
        cast: cast_to,
        aggregate,
        aggregate_cast,
    }))
}

fn column(field: Field, alias: Option<String>) -> Item {
    Item::Column(Column {
        field,
        alias,
        cast: None,
        aggregate: None,
        aggregate_cast: None,
    })
}

/// A name and a colon; two colons are a cast.
fn alias(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut ahead = cursor.clone();
    let alias = name(&mut ahead).ok()?;
    if ahead.looks_at("::") || !ahead.take(":") {
        return None;
    }
    *cursor = ahead;
    Some(alias)
}

fn cast(cursor: &mut Cursor<'_>) -> Result<Option<String>, Error> {
    if !cursor.take("::") {
        return Ok(None);
    }
    let target = cursor.take_while(is_name_character).trim().to_owned();
    if target.is_empty() {
        return Err(cursor.error("letter or digit"));
    }
    Ok(Some(target))
}

fn aggregate(cursor: &mut Cursor<'_>) -> Result<Option<Aggregate>, Error> {
    if !cursor.looks_at(".") {
        return Ok(None);
    }
    for function in [
        Aggregate::Sum,
        Aggregate::Avg,
        Aggregate::Count,
        Aggregate::Max,
        Aggregate::Min,
    ] {
        if cursor.take(&format!(".{}()", function.name())) {
            return Ok(Some(function));
        }
    }
    Err(cursor.error("\"::\", \",\" or end of input"))
}

fn end_of_item(cursor: &mut Cursor<'_>) -> Result<(), Error> {
    cursor.skip_blanks();
    if cursor.is_at_end() || cursor.looks_at(",") || cursor.looks_at(")") {
        return Ok(());
    }
    Err(cursor.error("letter, digit, \"-\", \"->>\", \"->\", \"::\", \".\", \")\", \",\" or end of input"))
}

fn embed(
    cursor: &mut Cursor<'_>,
    name: String,
    alias: Option<String>,
    is_spread: bool,
    depth: usize,
) -> Result<Item, Error> {
    let (mut hint, mut is_inner, mut joins) = (None, false, 0_u8);
    for _ in 0..2 {
        if !cursor.take("!") {
            break;
        }
        match self::name(cursor)?.as_str() {
            word @ ("inner" | "left") if joins == 0 => {
                is_inner = word == "inner";
                joins += 1;
            }
            word => {
                hint.get_or_insert_with(|| word.to_owned());
            }
        }
    }
    cursor.expect("(")?;
    let items = items(cursor, depth + 1)?;
    cursor.expect(")")?;
    Ok(Item::Embed(Embed {
        name,
        alias,
        hint,
        is_inner,
        is_spread,
        items,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &str) -> Vec<Column> {
        parse_select(text)
            .unwrap()
            .into_iter()
            .map(|item| match item {
                Item::Column(column) => column,
                Item::Embed(embed) => panic!("{embed:?}"),
            })
            .collect()
    }

    #[test]
    fn columns_are_renamed_cast_and_aggregated() {
        let found = columns("id, text:data->>a::int, price.sum()::text, count(), n:count(), *");
        assert_eq!(found[0].field.name, "id");
        assert_eq!(
            (found[1].alias.as_deref(), found[1].cast.as_deref()),
            (Some("text"), Some("int"))
        );
        assert_eq!(found[2].aggregate, Some(Aggregate::Sum));
        assert_eq!(found[2].aggregate_cast.as_deref(), Some("text"));
        assert_eq!(
            (found[3].field.name.as_str(), found[3].aggregate),
            ("*", Some(Aggregate::Count))
        );
        assert_eq!(found[4].alias.as_deref(), Some("n"));
        assert_eq!(found[5].field.name, "*");
        assert!(parse_select("").unwrap().is_empty());
    }

    #[test]
    fn embeds_have_hints_joins_and_embeds_of_their_own() {
        let items = parse_select("a:orders!fk!inner(id,...users(name)),films!left!x(),count").unwrap();
        let [Item::Embed(first), Item::Embed(second), Item::Column(third)] = items.as_slice() else {
            panic!("{items:?}");
        };
        assert_eq!(
            (first.alias.as_deref(), first.hint.as_deref(), first.is_inner),
            (Some("a"), Some("fk"), true)
        );
        assert!(matches!(&first.items[1], Item::Embed(spread) if spread.is_spread && spread.name == "users"));
        assert_eq!((second.hint.as_deref(), second.is_inner), (Some("x"), false));
        assert!(second.items.is_empty());
        assert_eq!(third.field.name, "count");
    }

    #[test]
    fn what_is_no_select_is_refused() {
        for text in [
            "a b:",
            "a(",
            "a(b",
            "(a)",
            "a,,b",
            "a.median()",
            "x::",
            "a->",
            "id)",
        ] {
            assert_eq!(parse_select(text).unwrap_err().code, "PGRST100", "{text}");
        }
        let deep = format!("{}{}", "a(".repeat(100), ")".repeat(100));
        assert!(parse_select(&deep).is_err());
    }
}

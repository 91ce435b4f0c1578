//! The parameter `order`.

use super::cursor::Cursor;
use super::names::{Field, field, name};
use crate::error::Error;

/// What rows are ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderTerm {
    /// An embedded resource whose column it is.
    pub(crate) relation: Option<String>,
    pub(crate) field: Field,
    pub(crate) direction: Option<Direction>,
    pub(crate) nulls: Option<Nulls>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nulls {
    First,
    Last,
}

/// Parses the value.
pub(super) fn parse(text: &str) -> Result<Vec<OrderTerm>, Error> {
    let mut cursor = Cursor::new("order", text);
    let mut terms = vec![term(&mut cursor)?];
    while cursor.take(",") {
        terms.push(term(&mut cursor)?);
    }
    cursor.expect_end()?;
    Ok(terms)
}

fn term(cursor: &mut Cursor<'_>) -> Result<OrderTerm, Error> {
    cursor.skip_blanks();
    let mut ahead = cursor.clone();
    let first = name(&mut ahead)?;
    let (relation, field) = if ahead.take("(") {
        *cursor = ahead;
        let inner = field(cursor)?;
        cursor.expect(")")?;
        (Some(first), inner)
    } else {
        (None, field(cursor)?)
    };
    let direction = if cursor.take(".asc") {
        Some(Direction::Ascending)
    } else if cursor.take(".desc") {
        Some(Direction::Descending)
    } else {
        None
    };
    let nulls = if cursor.take(".nullsfirst") {
        Some(Nulls::First)
    } else if cursor.take(".nullslast") {
        Some(Nulls::Last)
    } else {
        None
    };
    cursor.skip_blanks();
    if cursor.is_at_end() || cursor.looks_at(",") {
        return Ok(OrderTerm {
            relation,
            field,
            direction,
            nulls,
        });
    }
    let expected = match (direction, nulls) {
        (None, None) => "\"asc\", \"desc\", \"nullsfirst\" or \"nullslast\"",
        (Some(_), None) => "\"nullsfirst\" or \"nullslast\"",
        _ => "\",\" or end of input",
    };
    cursor.take(".");
    Err(cursor.error(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_have_directions_nulls_and_relations() {
        let terms = parse("a, b.desc, data->>c.asc.nullslast,d.nullsfirst,films(title).desc").unwrap();
        assert_eq!(terms.len(), 5);
        assert_eq!(terms[1].direction, Some(Direction::Descending));
        assert_eq!(
            (terms[2].direction, terms[2].nulls),
            (Some(Direction::Ascending), Some(Nulls::Last))
        );
        assert_eq!((terms[3].direction, terms[3].nulls), (None, Some(Nulls::First)));
        assert_eq!(terms[4].relation.as_deref(), Some("films"));
    }

    #[test]
    fn what_is_no_order_is_refused() {
        for text in ["", "a.up", "a.desc.first", "a,", "a.asc.nullslast.x", "a(b"] {
            assert_eq!(parse(text).unwrap_err().code, "PGRST100", "{text}");
        }
    }
}

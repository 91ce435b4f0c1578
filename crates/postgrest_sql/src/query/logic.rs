//! Trees of conditions: `or=(a.eq.1,and(b.gt.2,not.or(...)))`.

use super::EmbedPath;
use super::cursor::Cursor;
use super::filter::{Filter, condition, element};
use super::names::{field, name};
use crate::error::Error;

/// A condition, or several with `and` or `or` between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Logic {
    Filter(Filter),
    Group {
        is_negated: bool,
        connective: Connective,
        members: Vec<Logic>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connective {
    And,
    Or,
}

/// How deep groups may stand in one another.
const DEEPEST: usize = 64;

/// Parses a parameter whose key ends in `and` or `or`.
pub(super) fn parse(key: &str, value: &str) -> Result<(EmbedPath, Logic), Error> {
    let mut cursor = Cursor::new("logic path", key);
    let mut names = vec![name(&mut cursor)?];
    while cursor.take(".") {
        names.push(name(&mut cursor)?);
    }
    cursor.expect_end()?;
    let connective = match names.pop().as_deref() {
        Some("or") => Connective::Or,
        _ => Connective::And,
    };
    let is_negated = names.iter().any(|name| name == "not");
    names.retain(|name| name != "not");
    let mut cursor = Cursor::new("logic tree", value);
    let members = members(&mut cursor, 0)?;
    cursor.expect_end()?;
    Ok((
        names,
        Logic::Group {
            is_negated,
            connective,
            members,
        },
    ))
}

fn members(cursor: &mut Cursor<'_>, depth: usize) -> Result<Vec<Logic>, Error> {
    if depth > DEEPEST {
        return Err(cursor.error("less nesting"));
    }
    cursor.skip_blanks();
    cursor.expect("(")?;
    let mut found = Vec::new();
    loop {
        cursor.skip_blanks();
        found.push(member(cursor, depth)?);
        cursor.skip_blanks();
        if !cursor.take(",") {
            break;
        }
    }
    cursor.expect(")")?;
    cursor.skip_blanks();
    Ok(found)
}

fn member(cursor: &mut Cursor<'_>, depth: usize) -> Result<Logic, Error> {
    let mut ahead = cursor.clone();
    let is_negated = ahead.take("not.");
    let connective = if ahead.take("and") {
        Some(Connective::And)
    } else if ahead.take("or") {
        Some(Connective::Or)
    } else {
        None
    };
    ahead.skip_blanks();
    if let Some(connective) = connective.filter(|_| ahead.looks_at("(")) {
        *cursor = ahead;
        return Ok(Logic::Group {
            is_negated,
            connective,
            members: members(cursor, depth + 1)?,
        });
    }
    let field = field(cursor)?;
    cursor.expect(".")?;
    let condition = condition(cursor, value)?;
    Ok(Logic::Filter(Filter { field, condition }))
}

/// A value up to a comma or a bracket, between quotes, or an array.
fn value(cursor: &mut Cursor<'_>) -> Result<String, Error> {
    let mut ahead = cursor.clone();
    if ahead.take("{") {
        let inner = ahead.take_while(|character| character != '{' && character != '}');
        if ahead.take("}") {
            *cursor = ahead;
            return Ok(format!("{{{inner}}}"));
        }
    }
    element(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::filter::Operation;

    fn group(logic: &Logic) -> (bool, Connective, &[Logic]) {
        match logic {
            Logic::Group {
                is_negated,
                connective,
                members,
            } => (*is_negated, *connective, members),
            Logic::Filter(filter) => panic!("{filter:?}"),
        }
    }

    fn value_of(logic: &Logic) -> &str {
        match logic {
            Logic::Filter(Filter { condition, .. }) => match &condition.operation {
                Operation::Compare(_, _, value) => value,
                other => panic!("{other:?}"),
            },
            Logic::Group { .. } => panic!("{logic:?}"),
        }
    }

    #[test]
    fn groups_nest_and_are_negated() {
        let (path, logic) = parse("films.not.or", "(a.eq.1, and(b.gt.2,not.or(c.lt.3,d.is.null)) )").unwrap();
        assert_eq!(path, ["films"]);
        let (is_negated, connective, members) = group(&logic);
        assert!(is_negated && connective == Connective::Or);
        let (_, inner, inner_members) = group(&members[1]);
        assert_eq!(inner, Connective::And);
        assert!(group(&inner_members[1]).0);
    }

    #[test]
    fn values_end_where_the_list_does() {
        let (_, logic) = parse(
            "or",
            r#"(a.eq.x y,b.eq."p,q)",c.cs.{1,2},order.eq.5,a->>b.not.in.(1,2))"#,
        )
        .unwrap();
        let members = group(&logic).2;
        assert_eq!(
            members.iter().take(4).map(value_of).collect::<Vec<_>>(),
            ["x y", "p,q)", "{1,2}", "5"]
        );
        assert!(matches!(&members[4], Logic::Filter(filter) if filter.condition.is_negated));
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        let deep = format!("{}a.eq.1{}", "(and".repeat(200), ")".repeat(200));
        for text in [
            "",
            "a.eq.1",
            "()",
            "(a)",
            "(a.eq.1",
            "(a.eq.1))",
            "(xor(a.eq.1))",
            deep.as_str(),
        ] {
            assert_eq!(parse("or", text).unwrap_err().code, "PGRST100", "{text}");
        }
    }
}

//! Decides a condition without asking Postgres, where the outcome is certain.
//!
//! A room full of subscribers filters by `room_id=eq.…`; a round trip for each would make every change as slow as the room is
//! large. So equality of the usual types, and order of those whose order is plain, is decided here, and everything else is asked
//! of Postgres, once for all that ask the same.

use std::cmp::Ordering;

use uuid::Uuid;

use super::{Filter, Operator};
use crate::realtime::feed::changes::catalogue::Column;
use crate::realtime::feed::changes::change::Cell;

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::realtime::feed::changes) enum Verdict {
    Yes,
    No,
    /// Only Postgres knows.
    Ask,
}

impl From<bool> for Verdict {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// Judges one condition. A value that is not in the stream fails it, as on the server.
pub(in crate::realtime::feed::changes) fn judge(filter: &Filter, column: &Column, cell: &Cell) -> Verdict {
    let text = match cell {
        Cell::Absent => return Verdict::No,
        Cell::Null => return judge_null(filter),
        Cell::Text(text) => text,
    };
    if filter.operator == Operator::Is && filter.value == "null" {
        return filter.is_negated.into();
    }
    let Some(kind) = Plain::of(column) else {
        return Verdict::Ask;
    };
    let Some(holds) = kind.read(text).and_then(|value| holds(kind, filter, &value)) else {
        return Verdict::Ask;
    };
    (holds != filter.is_negated).into()
}

/// Null compares with nothing, so that the comparison fails, negated or not.
fn judge_null(filter: &Filter) -> Verdict {
    match filter.operator {
        Operator::IsDistinct => (!filter.is_negated).into(),
        Operator::Is => (matches!(filter.value.as_str(), "null" | "unknown") != filter.is_negated).into(),
        _ => Verdict::No,
    }
}

/// Types whose comparison needs no Postgres.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    Boolean,
    Small,
    Integer,
    Big,
    Uuid,
    /// Equality alone: order depends on the collation of the database. A filter compares values of the type, not of the column, so
    /// a collation of the column, which may find different texts equal, has no part in it; nor has it on the server.
    Text,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Boolean(bool),
    Integer(i64),
    Uuid(Uuid),
    Text(String),
}

impl Plain {
    fn of(column: &Column) -> Option<Self> {
        Some(match column.type_oid {
            16 => Self::Boolean,
            20 => Self::Big,
            21 => Self::Small,
            23 => Self::Integer,
            2950 => Self::Uuid,
            25 | 1043 => Self::Text,
            _ => return None,
        })
    }

    /// `None` for every form that Postgres may read in a way of its own, or refuse.
    fn read(self, text: &str) -> Option<Value> {
        Some(match self {
            Self::Boolean => Value::Boolean(match text {
                "t" | "true" => true,
                "f" | "false" => false,
                _ => return None,
            }),
            Self::Small => Value::Integer(text.parse::<i16>().ok()?.into()),
            Self::Integer => Value::Integer(text.parse::<i32>().ok()?.into()),
            Self::Big => Value::Integer(text.parse().ok()?),
            Self::Uuid if matches!(text.len(), 32 | 36) => Value::Uuid(Uuid::try_parse(text).ok()?),
            Self::Uuid => return None,
            Self::Text => Value::Text(text.to_owned()),
        })
    }
}

fn holds(kind: Plain, filter: &Filter, value: &Value) -> Option<bool> {
    let operand = || kind.read(&filter.value);
    let order = || (kind != Plain::Text).then(|| operand().map(|operand| value.cmp(&operand)))?;
    match filter.operator {
        Operator::Eq => Some(*value == operand()?),
        Operator::Neq | Operator::IsDistinct => Some(*value != operand()?),
        Operator::Lt => order().map(Ordering::is_lt),
        Operator::Lte => order().map(Ordering::is_le),
        Operator::Gt => order().map(Ordering::is_gt),
        Operator::Gte => order().map(Ordering::is_ge),
        Operator::In => items(&filter.value)?
            .map(|item| kind.read(item).map(|item| item == *value))
            .try_fold(false, |found, is_equal| Some(found | is_equal?)),
        Operator::Is if kind == Plain::Boolean => match filter.value.as_str() {
            "true" => Some(*value == Value::Boolean(true)),
            "false" => Some(*value == Value::Boolean(false)),
            "unknown" => Some(false),
            _ => None,
        },
        Operator::Is | Operator::Like | Operator::Ilike | Operator::Match | Operator::Imatch => None,
    }
}

/// The items of an array that is written without anything special.
fn items(array: &str) -> Option<impl Iterator<Item = &str>> {
    let inner = array.strip_prefix('{')?.strip_suffix('}')?;
    let is_special = |character: char| {
        matches!(character, '"' | '\\' | '{' | '}') || character.is_whitespace() || character.is_control()
    };
    let is_plain = !inner.contains(is_special)
        && inner
            .split(',')
            .all(|item| !item.is_empty() && !item.eq_ignore_ascii_case("null"));
    is_plain.then(|| inner.split(','))
}

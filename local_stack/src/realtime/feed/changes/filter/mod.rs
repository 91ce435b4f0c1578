//! `column=operator.value`: which rows a subscriber wants.

mod evaluate;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

pub(super) use evaluate::{Verdict, judge};
pub(super) use parse::parse;

/// What a filter does with the value of the row and its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operator {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
    In,
    Like,
    Ilike,
    Is,
    Match,
    Imatch,
    IsDistinct,
}

impl Operator {
    pub(super) const ALL: [(&'static str, Self); 13] = [
        ("eq", Self::Eq),
        ("neq", Self::Neq),
        ("lt", Self::Lt),
        ("lte", Self::Lte),
        ("gt", Self::Gt),
        ("gte", Self::Gte),
        ("in", Self::In),
        ("like", Self::Like),
        ("ilike", Self::Ilike),
        ("is", Self::Is),
        ("match", Self::Match),
        ("imatch", Self::Imatch),
        ("isdistinct", Self::IsDistinct),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find_map(|(name, operator)| (*operator == self).then_some(*name))
            .unwrap_or_default()
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find_map(|(known, operator)| (*known == name).then_some(*operator))
    }
}

/// One condition. All conditions of a request must hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Filter {
    pub(super) column: String,
    pub(super) operator: Operator,
    /// As Postgres reads it: the value, or for `in` an array.
    pub(super) value: String,
    pub(super) is_negated: bool,
}

impl Filter {
    /// The condition in SQL, over `$1`, the text of the row's value, and the expression `operand`, a text too. What comes out
    /// null does not hold.
    pub(super) fn condition(&self, sql_type: &str, operand: &str) -> String {
        let left = format!("$1::text::{sql_type}");
        let right = format!("{operand}::text::{sql_type}");
        let symbol = match self.operator {
            Operator::IsDistinct => {
                let negation = if self.is_negated { "not " } else { "" };
                return format!("{left} is {negation}distinct from {right}");
            }
            Operator::Is => {
                let negation = if self.is_negated { "not " } else { "" };
                // One of four words: nothing else passes the check of a subscription.
                return format!("{left} is {negation}{}", Self::word(&self.value));
            }
            Operator::In => return self.negated(&format!("{left} = any ({right}[])")),
            Operator::Eq => "=",
            Operator::Neq => "<>",
            Operator::Lt => "<",
            Operator::Lte => "<=",
            Operator::Gt => ">",
            Operator::Gte => ">=",
            Operator::Like => "like",
            Operator::Ilike => "ilike",
            Operator::Match => "~",
            Operator::Imatch => "~*",
        };
        self.negated(&format!("{left} {symbol} {right}"))
    }

    fn negated(&self, condition: &str) -> String {
        if self.is_negated {
            format!("not ({condition})")
        } else {
            condition.to_owned()
        }
    }

    fn word(value: &str) -> &'static str {
        match value {
            "true" => "true",
            "false" => "false",
            "unknown" => "unknown",
            _ => "null",
        }
    }
}

/// As the server shows it in its messages.
impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{{{:?}, {:?}, {:?}, {}}}",
            self.column,
            self.operator.name(),
            self.value,
            self.is_negated
        )
    }
}

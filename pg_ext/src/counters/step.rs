//! What one changed row asks for.

use super::aggregate::Kind;

/// What is known of the value in the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Null, or a count, which has no value.
    Nothing,
    /// An integer.
    Integer(i64),
    /// A `numeric` that is not zero.
    Decimal,
    /// A `numeric` zero.
    Zero,
    /// Not to be told without asking Postgres.
    Unknown,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing counted has changed.
    Rest,
    /// Add this integer to the parent of the row's key.
    Add(i64),
    /// Add the row's value.
    AddValue,
    /// Take the row's value away.
    SubtractValue,
    /// Raise the latest value to the row's.
    Raise,
    /// The row's value went: find the latest one of those that are left, if it was that.
    Recount,
    /// Let Postgres group the transition tables.
    Group,
}

/// A row that came (or went), with a key that is not null.
pub fn one_row(kind: Kind, amount: Amount, has_come: bool) -> Step {
    match (kind, amount) {
        (Kind::Count, _) => Step::Add(if has_come { 1 } else { -1 }),
        (_, Amount::Nothing) | (Kind::Sum, Amount::Integer(0) | Amount::Zero) => Step::Rest,
        (Kind::Sum, Amount::Integer(value)) if has_come => Step::Add(value),
        (Kind::Sum, Amount::Integer(value)) => value.checked_neg().map_or(Step::Group, Step::Add),
        (Kind::Sum, Amount::Decimal) => {
            if has_come {
                Step::AddValue
            } else {
                Step::SubtractValue
            }
        }
        (Kind::Sum, Amount::Unknown) => Step::Group,
        (Kind::Max, _) => {
            if has_come {
                Step::Raise
            } else {
                Step::Recount
            }
        }
    }
}

/// A row that kept its key, which is not null, and got another value.
pub fn changed_value(kind: Kind, old: Amount, new: Amount) -> Step {
    let integer = |amount| match amount {
        Amount::Integer(value) => Some(value),
        Amount::Nothing => Some(0),
        _ => None,
    };
    if kind != Kind::Sum {
        return Step::Group;
    }
    let difference = integer(new)
        .zip(integer(old))
        .and_then(|(new, old)| new.checked_sub(old));
    match difference {
        Some(0) => Step::Rest,
        Some(difference) => Step::Add(difference),
        None => Step::Group,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_comes_and_goes_again_leaves_nothing() {
        for value in [1, -5, i64::MAX] {
            assert_eq!(one_row(Kind::Sum, Amount::Integer(value), true), Step::Add(value));
            assert_eq!(
                one_row(Kind::Sum, Amount::Integer(value), false),
                Step::Add(-value)
            );
        }
        assert_eq!(one_row(Kind::Count, Amount::Nothing, true), Step::Add(1));
        assert_eq!(one_row(Kind::Count, Amount::Nothing, false), Step::Add(-1));
    }

    #[test]
    fn what_adds_nothing_runs_nothing() {
        assert_eq!(one_row(Kind::Sum, Amount::Zero, true), Step::Rest);
        assert_eq!(one_row(Kind::Sum, Amount::Integer(0), false), Step::Rest);
        assert_eq!(one_row(Kind::Max, Amount::Nothing, true), Step::Rest);
        assert_eq!(
            changed_value(Kind::Sum, Amount::Nothing, Amount::Integer(0)),
            Step::Rest
        );
    }

    #[test]
    fn what_no_integer_holds_is_left_to_postgres() {
        assert_eq!(one_row(Kind::Sum, Amount::Integer(i64::MIN), false), Step::Group);
        assert_eq!(
            changed_value(Kind::Sum, Amount::Integer(i64::MIN), Amount::Integer(1)),
            Step::Group
        );
        assert_eq!(
            changed_value(Kind::Sum, Amount::Decimal, Amount::Integer(1)),
            Step::Group
        );
        assert_eq!(
            changed_value(Kind::Max, Amount::Integer(2), Amount::Integer(1)),
            Step::Group
        );
    }
}

//! What one trigger keeps, as its arguments say.

/// How many arguments a trigger has.
pub const ARGUMENT_COUNT: usize = 8;

/// What is kept of the child rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// How many there are.
    Count,
    /// The sum of a column.
    Sum,
    /// The greatest value of a column.
    Max,
}

/// One kept aggregate. Names are as the catalogue has them, `parent` and `only_when` are SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    /// What is kept.
    pub kind: Kind,
    /// The child's column that names its parent.
    pub child_key: String,
    /// The parent table, qualified and quoted.
    pub parent: String,
    /// The parent's key column.
    pub parent_key: String,
    /// The parent's column that holds the aggregate.
    pub target: String,
    /// The parent's column that bounds a count.
    pub capacity: Option<String>,
    /// The child's column that is summed, or whose greatest value is kept.
    pub value: Option<String>,
    /// Which child rows count: a condition over the child's columns.
    pub only_when: Option<String>,
}

/// What is wrong with a trigger's arguments.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Misuse {
    /// Another number of them.
    #[error("maintain_aggregate takes {ARGUMENT_COUNT} arguments.")]
    ArgumentCount,
    /// No such aggregate.
    #[error("maintain_aggregate keeps a count, a sum or a max.")]
    UnknownKind,
    /// A name that cannot be left out.
    #[error("maintain_aggregate needs the child's key, the parent, the parent's key and the target.")]
    MissingName,
    /// A count has no value column, and the others have one.
    #[error("maintain_aggregate needs a value column for a sum or a max, and takes none for a count.")]
    ValueColumn,
    /// Only counts are bounded.
    #[error("maintain_aggregate takes a capacity for a count only.")]
    Capacity,
}

impl Aggregate {
    /// Reads a trigger's arguments; an empty one means none.
    pub fn parse(arguments: &[String]) -> Result<Self, Misuse> {
        let [
            kind,
            child_key,
            parent,
            parent_key,
            target,
            capacity,
            value,
            only_when,
        ] = arguments
        else {
            return Err(Misuse::ArgumentCount);
        };
        let kind = match kind.as_str() {
            "count" => Kind::Count,
            "sum" => Kind::Sum,
            "max" => Kind::Max,
            _ => return Err(Misuse::UnknownKind),
        };
        let optional = |text: &String| (!text.is_empty()).then(|| text.clone());
        let required = |text: &String| optional(text).ok_or(Misuse::MissingName);
        let aggregate = Self {
            kind,
            child_key: required(child_key)?,
            parent: required(parent)?,
            parent_key: required(parent_key)?,
            target: required(target)?,
            capacity: optional(capacity),
            value: optional(value),
            only_when: optional(only_when),
        };
        if (kind == Kind::Count) == aggregate.value.is_some() {
            return Err(Misuse::ValueColumn);
        }
        if kind != Kind::Count && aggregate.capacity.is_some() {
            return Err(Misuse::Capacity);
        }
        Ok(aggregate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: [&str; 8]) -> Result<Aggregate, Misuse> {
        Aggregate::parse(&arguments.map(str::to_owned))
    }

    #[test]
    fn empty_arguments_mean_none() {
        let aggregate = parse(["count", "room", "s.rooms", "id", "n", "", "", ""]).unwrap();
        assert_eq!(
            (aggregate.capacity, aggregate.value, aggregate.only_when),
            (None, None, None)
        );
    }

    #[test]
    fn arguments_that_do_not_fit_are_refused() {
        assert_eq!(
            Aggregate::parse(&["count".to_owned()]),
            Err(Misuse::ArgumentCount)
        );
        assert_eq!(
            parse(["avg", "k", "p", "k", "t", "", "v", ""]),
            Err(Misuse::UnknownKind)
        );
        assert_eq!(
            parse(["count", "k", "", "k", "t", "", "", ""]),
            Err(Misuse::MissingName)
        );
        assert_eq!(
            parse(["count", "k", "p", "k", "t", "", "v", ""]),
            Err(Misuse::ValueColumn)
        );
        assert_eq!(
            parse(["sum", "k", "p", "k", "t", "", "", ""]),
            Err(Misuse::ValueColumn)
        );
        assert_eq!(
            parse(["max", "k", "p", "k", "t", "c", "v", ""]),
            Err(Misuse::Capacity)
        );
    }
}

//! The SQL that keeps an aggregate.
//!
//! Operators and functions are qualified, so the statements mean the same under any search path; only `only_when` is somebody else's
//! SQL, and a trigger that has one runs under an empty search path.

use super::aggregate::{Aggregate, Kind};
use crate::pg::Event;

/// The statements of one trigger. `$1` is the parent's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statement {
    /// Groups the transition tables: key and amount; for a max key, gained, lost and whether a plain raise is enough.
    Group,
    /// Adds `$2`.
    Add,
    /// Adds `$2`, a `bigint`, as a `numeric`: what a sum of `bigint` is.
    AddBigint,
    /// Takes `$2` away.
    Subtract,
    /// Raises a latest value to `$2`.
    Raise,
    /// Locks the parent, and says whether `$2` may have been its latest value.
    LockParent,
    /// Sets a latest value to what the children say.
    Recount,
    /// Sets all parents to what no children means.
    Clear,
}

/// Writes one of the statements. `child` is the child table, qualified and quoted.
pub fn write(statement: Statement, aggregate: &Aggregate, child: &str, event: Event) -> String {
    let Aggregate { parent, .. } = aggregate;
    let target = quote(&aggregate.target);
    let here = format!(
        "parent.{} operator(pg_catalog.=) $1",
        quote(&aggregate.parent_key)
    );
    let add = |change: &str| {
        let returning = match &aggregate.capacity {
            Some(capacity) if event != Event::Delete => {
                let capacity = quote(capacity);
                format!(
                    " returning parent.{target} operator(pg_catalog.>) parent.{capacity}, parent.{capacity}"
                )
            }
            _ => String::new(),
        };
        format!(
            "update {parent} as parent set {target} = coalesce(parent.{target}, 0) {change} where {here}{returning}"
        )
    };
    match statement {
        Statement::Group if aggregate.kind == Kind::Max => group_max(aggregate, event),
        Statement::Group => group_delta(aggregate, event),
        Statement::Add => add("operator(pg_catalog.+) $2"),
        Statement::AddBigint => add("operator(pg_catalog.+) $2::pg_catalog.numeric"),
        Statement::Subtract => add("operator(pg_catalog.-) $2"),
        Statement::Raise => {
            format!("update {parent} as parent set {target} = greatest(parent.{target}, $2) where {here}")
        }
        Statement::LockParent => format!(
            "select coalesce(parent.{target} operator(pg_catalog.<=) $2, true) from {parent} as parent \
             where {here} for no key update"
        ),
        Statement::Recount => format!(
            "update {parent} as parent set {target} = (select pg_catalog.max(child.{value}) from {child} as child \
             where child.{key} operator(pg_catalog.=) $1{only_when}) where {here}",
            value = value(aggregate),
            key = quote(&aggregate.child_key),
            only_when = only_when(aggregate),
        ),
        Statement::Clear => {
            let nothing = if aggregate.kind == Kind::Max { "null" } else { "0" };
            format!(
                "update {parent} as parent set {target} = {nothing} where parent.{target} is distinct from {nothing}"
            )
        }
    }
}

/// The amount that each key gains or loses; keys whose amount is zero are left out.
fn group_delta(aggregate: &Aggregate, event: Event) -> String {
    let amount = match aggregate.kind {
        Kind::Count => "1".to_owned(),
        // A row that changes is added and taken away in one sum. As a numeric, because minus the least integer is no integer.
        _ if event == Event::Update => format!("coalesce(child.{}, 0)::pg_catalog.numeric", value(aggregate)),
        _ => format!("coalesce(child.{}, 0)", value(aggregate)),
    };
    let (rows, total) = match event {
        Event::Insert => (
            rows(aggregate, "parley_new", &format!("{amount} as amount")),
            "pg_catalog.sum(changed.amount)",
        ),
        Event::Delete => (
            rows(aggregate, "parley_old", &format!("{amount} as amount")),
            "operator(pg_catalog.-) pg_catalog.sum(changed.amount)",
        ),
        _ => {
            let came = rows(aggregate, "parley_new", &format!("{amount} as amount"));
            let went = rows(
                aggregate,
                "parley_old",
                &format!("operator(pg_catalog.-) {amount} as amount"),
            );
            (
                format!("{came} union all {went}"),
                "pg_catalog.sum(changed.amount)",
            )
        }
    };
    format!(
        "select changed.key, {total} as amount from ({rows}) as changed group by changed.key \
         having pg_catalog.sum(changed.amount) operator(pg_catalog.<>) 0 order by changed.key"
    )
}

/// What each key's rows gained and lost at most.
fn group_max(aggregate: &Aggregate, event: Event) -> String {
    let amount = value(aggregate);
    let came = rows(
        aggregate,
        "parley_new",
        &format!("child.{amount} as amount, true as has_come"),
    );
    let went = rows(
        aggregate,
        "parley_old",
        &format!("child.{amount} as amount, false as has_come"),
    );
    let rows = match event {
        Event::Insert => came,
        Event::Delete => went,
        _ => format!("{came} union all {went}"),
    };
    format!(
        "select delta.key, delta.gained, delta.lost, \
         coalesce(delta.lost is null or delta.gained operator(pg_catalog.>) delta.lost, false) as is_raise \
         from (select changed.key, pg_catalog.max(changed.amount) filter (where changed.has_come) as gained, \
         pg_catalog.max(changed.amount) filter (where not changed.has_come) as lost \
         from ({rows}) as changed group by changed.key) as delta \
         where delta.gained is distinct from delta.lost order by delta.key"
    )
}

/// The rows of a transition table that count.
fn rows(aggregate: &Aggregate, table: &str, columns: &str) -> String {
    let key = quote(&aggregate.child_key);
    let only_when = only_when(aggregate);
    format!(
        "select child.{key} as key, {columns} from {table} as child where child.{key} is not null{only_when}"
    )
}

fn value(aggregate: &Aggregate) -> String {
    quote(aggregate.value.as_deref().unwrap_or_default())
}

fn only_when(aggregate: &Aggregate) -> String {
    aggregate
        .only_when
        .as_ref()
        .map(|condition| format!(" and ({condition})"))
        .unwrap_or_default()
}

/// A name as SQL.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aggregate(kind: &str, capacity: &str, value: &str, only_when: &str) -> Aggregate {
        let arguments = [kind, "room", "s.rooms", "id", "n\"n", capacity, value, only_when];
        Aggregate::parse(&arguments.map(str::to_owned)).unwrap()
    }

    #[test]
    fn names_are_quoted() {
        let text = write(
            Statement::Add,
            &aggregate("count", "", "", ""),
            "s.seats",
            Event::Insert,
        );
        assert_eq!(
            text,
            "update s.rooms as parent set \"n\"\"n\" = coalesce(parent.\"n\"\"n\", 0) operator(pg_catalog.+) $2 \
             where parent.\"id\" operator(pg_catalog.=) $1"
        );
    }

    #[test]
    fn a_capacity_is_asked_for_unless_rows_only_go() {
        let bounded = aggregate("count", "seats", "", "");
        assert!(write(Statement::Add, &bounded, "s.seats", Event::Update).contains("returning"));
        assert!(!write(Statement::Add, &bounded, "s.seats", Event::Delete).contains("returning"));
    }

    #[test]
    fn a_condition_is_kept_apart_from_ours() {
        let conditional = aggregate("max", "", "at", "a or b");
        for statement in [Statement::Group, Statement::Recount] {
            assert!(write(statement, &conditional, "s.seats", Event::Delete).contains(" and (a or b)"));
        }
    }
}

//! Runs what a statement on the child asks for.

use pgrx::pg_sys;

use super::aggregate::Kind;
use super::plans::Kept;
use super::statement::Statement;
use super::step::{Amount, Step, changed_value, one_row};
use crate::digest::is_zero;
use crate::error::{Failure, sqlstate};
use crate::pg::{Event, Rows, Session, Trigger, Value};

/// Brings the parents in line with what the statement did.
pub fn maintain(trigger: &Trigger<'_>, kept: &Kept) -> Result<(), Failure> {
    let event = trigger.event();
    let is_plain = kept.aggregate.only_when.is_none();
    match (event, trigger.transition_counts()) {
        (Event::Truncate, _) => {
            Session::run(|session| execute(session, kept, Statement::Clear, []).map(Rows::release))
        }
        (Event::Insert, (_, 1)) if is_plain => single(trigger, kept, true),
        (Event::Delete, (1, _)) if is_plain => single(trigger, kept, false),
        (Event::Update, (1, 1)) if is_plain => updated(trigger, kept),
        _ => grouped(trigger, kept),
    }
}

/// One row came or went.
fn single(trigger: &Trigger<'_>, kept: &Kept, has_come: bool) -> Result<(), Failure> {
    // A count has no value; its key stands in.
    trigger.with_first_row(
        has_come,
        [kept.key, kept.value.unwrap_or(kept.key)],
        |[key, value]| {
            if key.is_null() {
                return Ok(());
            }
            run(
                one_row(kept.aggregate.kind, amount(kept, &value), has_come),
                trigger,
                kept,
                key,
                value,
            )
        },
    )
}

/// One row changed.
fn updated(trigger: &Trigger<'_>, kept: &Kept) -> Result<(), Failure> {
    let columns = [kept.key, kept.value.unwrap_or(kept.key)];
    trigger.with_first_row(false, columns, |[old_key, old]| {
        trigger.with_first_row(true, columns, |[key, new]| {
            if !old_key.is_identical(&key) {
                return grouped(trigger, kept);
            }
            if key.is_null() || old.is_identical(&new) {
                return Ok(());
            }
            run(
                changed_value(kept.aggregate.kind, amount(kept, &old), amount(kept, &new)),
                trigger,
                kept,
                key,
                new,
            )
        })
    })
}

fn run(
    step: Step,
    trigger: &Trigger<'_>,
    kept: &Kept,
    key: Value<'_>,
    value: Value<'_>,
) -> Result<(), Failure> {
    match step {
        Step::Rest => Ok(()),
        Step::Group => grouped(trigger, kept),
        Step::Add(number) => {
            let is_numeric = kept
                .value
                .is_some_and(|column| column.type_oid == pg_sys::INT8OID);
            let statement = if is_numeric {
                Statement::AddBigint
            } else {
                Statement::Add
            };
            Session::run(|session| add(session, kept, statement, key, Value::bigint(number), number > 0))
        }
        Step::AddValue => Session::run(|session| add(session, kept, Statement::Add, key, value, true)),
        Step::SubtractValue => {
            Session::run(|session| add(session, kept, Statement::Subtract, key, value, false))
        }
        Step::Raise => {
            Session::run(|session| execute(session, kept, Statement::Raise, [key, value]).map(Rows::release))
        }
        Step::Recount => Session::run(|session| recount(session, kept, key, value)),
    }
}

/// Any number of rows: one query groups them, then one parent after the other in the order of the key.
fn grouped(trigger: &Trigger<'_>, kept: &Kept) -> Result<(), Failure> {
    Session::run(|session| {
        session.register_transition_tables(trigger)?;
        let groups = execute(session, kept, Statement::Group, [])?;
        for row in 0..groups.len() {
            let (key, amount) = (groups.value(row, 0)?, groups.value(row, 1)?);
            if kept.aggregate.kind != Kind::Max {
                let is_gain =
                    kept.aggregate.capacity.is_some() && amount.as_integer().is_some_and(|amount| amount > 0);
                add(session, kept, Statement::Add, key, amount, is_gain)?;
            } else if groups.value(row, 3)?.as_bool() == Some(true) {
                execute(session, kept, Statement::Raise, [key, amount])?.release();
            } else {
                recount(session, kept, key, groups.value(row, 2)?)?;
            }
        }
        groups.release();
        Ok(())
    })
}

/// Adds to a parent, and refuses what exceeds its capacity. What only takes away is never refused.
fn add(
    session: &Session,
    kept: &Kept,
    statement: Statement,
    key: Value<'_>,
    amount: Value<'_>,
    is_gain: bool,
) -> Result<(), Failure> {
    let parents = execute(session, kept, statement, [key, amount])?;
    if is_gain {
        for row in 0..parents.len() {
            if parents.value(row, 0)?.as_bool() == Some(true) {
                let capacity = parents.text(row, 1)?;
                return Err(Failure::explained(
                    sqlstate::CONFLICT,
                    format!("There is no free place: the capacity is {capacity}."),
                    "capacity_exceeded",
                    "Wait until a place is free, or choose another one.",
                ));
            }
        }
    }
    parents.release();
    Ok(())
}

/// The lock comes first, also where a later value makes the recount needless: whoever takes that one away must wait for us and see what
/// we took. The recount is a command of its own, so that it sees every child whose writer held the lock before.
fn recount(session: &Session, kept: &Kept, key: Value<'_>, lost: Value<'_>) -> Result<(), Failure> {
    let parents = execute(session, kept, Statement::LockParent, [key, lost])?;
    let may_have_held = parents.len() > 0 && parents.value(0, 0)?.as_bool() == Some(true);
    parents.release();
    if may_have_held {
        execute(session, kept, Statement::Recount, [key])?.release();
    }
    Ok(())
}

fn execute<'s, const N: usize>(
    session: &'s Session,
    kept: &Kept,
    statement: Statement,
    values: [Value<'_>; N],
) -> Result<Rows<'s>, Failure> {
    let plan = kept.plan(session, statement, &values.map(|value| value.type_oid()))?;
    session.execute(&plan, &values)
}

fn amount(kept: &Kept, value: &Value<'_>) -> Amount {
    if kept.value.is_none() || value.is_null() {
        return Amount::Nothing;
    }
    if let Some(integer) = value.as_integer() {
        return Amount::Integer(integer);
    }
    match value
        .as_plain_bytes()
        .filter(|_| value.type_oid() == pg_sys::NUMERICOID)
    {
        Some(stored) if is_zero(stored) => Amount::Zero,
        Some(_) => Amount::Decimal,
        None => Amount::Unknown,
    }
}

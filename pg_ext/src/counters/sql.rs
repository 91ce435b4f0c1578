//! The SQL surface of `maintain_aggregate`: whether it is used as it must be, and whose rights it has.

use pgrx::pg_sys::{self, Datum, Oid};

use super::aggregate::Misuse;
use super::maintain::maintain;
use super::plans::{Kept, has_all_arguments, kept};
use crate::error::{Failure, sqlstate};
use crate::pg::{
    Call, Event, Session, Setting, Timing, Trigger, as_role, may_act_as, sql_function, with_settings,
};

sql_function!(
    parley_maintain_aggregate,
    pg_finfo_parley_maintain_aggregate,
    maintain_aggregate
);

pgrx::extension_sql_file!("../../sql/counters.sql", name = "counters");

const SETTINGS: [Setting; 1] = [(c"search_path", c"")];

const INSTALLER: &str =
    "select e.extowner from pg_catalog.pg_extension as e where e.extname operator(pg_catalog.=) 'parley'";

fn maintain_aggregate(call: &Call) -> Result<Datum, Failure> {
    let trigger = call
        .trigger()
        .filter(|trigger| trigger.timing() == Timing::AfterStatement && has_transition_tables(trigger))
        .ok_or_else(|| {
            Failure::new(
                sqlstate::TRIGGER_PROTOCOL,
                "maintain_aggregate must be fired after a statement, with the transition tables parley_old and parley_new.",
            )
        })?;
    if !has_all_arguments(&trigger) {
        return Err(Misuse::ArgumentCount.into());
    }
    if trigger.event() != Event::Truncate && trigger.transition_counts() == (0, 0) {
        return Ok(Datum::null());
    }
    call.require_utf8()?;
    let kept = kept(&trigger)?;
    let owner = trigger.relation_owner();
    require_authority(&kept, owner)?;
    as_role(owner, || with_settings(&SETTINGS, || maintain(&trigger, &kept)))?;
    Ok(Datum::null())
}

fn has_transition_tables(trigger: &Trigger<'_>) -> bool {
    let names = (Some(c"parley_old"), Some(c"parley_new"));
    trigger.transition_names()
        == match trigger.event() {
            Event::Insert => (None, names.1),
            Event::Delete => (names.0, None),
            Event::Update => names,
            Event::Truncate => (None, None),
        }
}

/// The trigger runs SQL from its arguments with the rights of the table's owner. Somebody who may attach triggers to a table, but does
/// not own it, must not get those rights that way: the owner must be a role whose rights the extension's own owner has anyway.
fn require_authority(kept: &Kept, owner: Oid) -> Result<(), Failure> {
    let installer = match kept.installer.get() {
        Some(installer) => installer,
        None => {
            let installer = find_installer()?;
            kept.installer.set(Some(installer));
            installer
        }
    };
    if may_act_as(installer, owner) {
        return Ok(());
    }
    Err(Failure::new(
        sqlstate::INSUFFICIENT_PRIVILEGE,
        "The owner of the extension parley must be a member of the role that owns the table.",
    ))
}

fn find_installer() -> Result<Oid, Failure> {
    Session::run(|session| {
        let plan = session.prepare(INSTALLER, &[])?;
        let rows = session.execute(&plan, &[])?;
        let installer = if rows.len() == 1 {
            rows.value(0, 0)?.as_oid()
        } else {
            None
        };
        rows.release();
        Ok(installer.unwrap_or(pg_sys::Oid::INVALID))
    })
}

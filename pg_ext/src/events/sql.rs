//! The SQL surface of the events, and the three statements of a claim.

use std::cell::OnceCell;
use std::rc::Rc;

use pgrx::pg_sys::{self, Datum};

use super::claim::{BadClaim, Outcome, check};
use super::tavus::{BadEvent, Event};
use crate::error::{Failure, sqlstate};
use crate::pg::{Call, Plan, Session, Setting, Value, sql_function, text_datum, with_settings};

sql_function!(parley_claim_event, pg_finfo_parley_claim_event, claim_event);
sql_function!(
    parley_tavus_event_key,
    pg_finfo_parley_tavus_event_key,
    tavus_event_key
);
sql_function!(
    parley_tavus_event_digest,
    pg_finfo_parley_tavus_event_digest,
    tavus_event_digest
);

pgrx::extension_sql_file!("../../sql/events.sql", name = "events");

/// How often the row may vanish between the two statements: each time somebody prunes exactly then.
const MAX_ATTEMPTS: usize = 10;

/// First, because an insert that finds the key taken costs as much as one that does not. Operators are qualified, so the caller's search
/// path changes nothing.
const COMPARE: &str = "select kept.digest operator(pg_catalog.=) $3 from parley.processed_events as kept \
    where kept.source operator(pg_catalog.=) $1 and kept.event_key operator(pg_catalog.=) $2";

/// The primary key decides. It waits for whoever is claiming the same key; what is there already it leaves untouched.
const CLAIM: &str = "insert into parley.processed_events (source, event_key, digest) values ($1, $2, $3) \
    on conflict on constraint processed_events_pkey do nothing";

/// Each other digest once, and no more than the ledger's check allows.
const RECORD: &str = "update parley.processed_events as kept \
    set conflicting_digests = kept.conflicting_digests operator(pg_catalog.||) $3, last_conflict_at = pg_catalog.now() \
    where kept.source operator(pg_catalog.=) $1 and kept.event_key operator(pg_catalog.=) $2 \
        and coalesce(pg_catalog.cardinality(kept.conflicting_digests), 0) operator(pg_catalog.<) 8 \
        and ($3 operator(pg_catalog.=) any (kept.conflicting_digests)) is not true";

/// A plan made while the ledger was small would read all of it for as long as the backend keeps the plan.
const BY_INDEX: [Setting; 1] = [(c"enable_seqscan", c"off")];

thread_local! {
    static PLANS: OnceCell<Rc<Plans>> = const { OnceCell::new() };
}

struct Plans {
    compare: Plan,
    claim: Plan,
    record: Plan,
}

fn claim_event(call: &Call) -> Result<Datum, Failure> {
    check(call.text(0)?, call.text(1)?, call.text(2)?)?;
    let values = [0, 1, 2].map(|index| call.value(index, pg_sys::TEXTOID));
    let outcome = Session::run(|session| claim(session, &values))?;
    text_datum(outcome.word().as_bytes())
}

fn claim(session: &Session, values: &[Value<'_>]) -> Result<Outcome, Failure> {
    let plans = plans(session)?;
    for _ in 0..MAX_ATTEMPTS {
        let outcome = with_settings(&BY_INDEX, || compare(session, &plans, values))?;
        if let Some(outcome) = outcome {
            return Ok(outcome);
        }
        session.execute(&plans.claim, values)?.release();
        if session.touched() > 0 {
            return Ok(Outcome::New);
        }
        // Somebody else claimed it meanwhile, and the insert has waited for him: look again, with a new snapshot.
    }
    Err(Failure::new(
        sqlstate::SERIALIZATION_FAILURE,
        "The event was claimed and forgotten at the same time: try again.",
    ))
}

/// How the claim stands to the one in the ledger; nothing where there is none.
fn compare(session: &Session, plans: &Plans, values: &[Value<'_>]) -> Result<Option<Outcome>, Failure> {
    let rows = session.execute(&plans.compare, values)?;
    if rows.len() == 0 {
        return Ok(None);
    }
    let is_same = rows.value(0, 0)?.as_bool();
    rows.release();
    if is_same == Some(true) {
        return Ok(Some(Outcome::Duplicate));
    }
    session.execute(&plans.record, values)?.release();
    Ok(Some(Outcome::Conflicting))
}

/// Prepared once a backend. Postgres follows the table when it is dropped and made again.
fn plans(session: &Session) -> Result<Rc<Plans>, Failure> {
    const TYPES: [pg_sys::Oid; 3] = [pg_sys::TEXTOID; 3];
    if let Some(plans) = PLANS.with(|plans| plans.get().cloned()) {
        return Ok(plans);
    }
    let made = Rc::new(Plans {
        compare: session.prepare(COMPARE, &TYPES)?,
        claim: session.prepare(CLAIM, &TYPES)?,
        record: session.prepare(RECORD, &TYPES)?,
    });
    Ok(PLANS.with(|plans| Rc::clone(plans.get_or_init(|| made))))
}

fn tavus_event_key(call: &Call) -> Result<Datum, Failure> {
    call.require_utf8()?;
    let key = Event::parse(call.bytes(0)?)?.key(call.text(1)?)?;
    text_datum(key.as_bytes())
}

fn tavus_event_digest(call: &Call) -> Result<Datum, Failure> {
    call.require_utf8()?;
    let digest = Event::parse(call.bytes(0)?)?.digest()?;
    text_datum(digest.as_bytes())
}

impl From<BadEvent> for Failure {
    fn from(error: BadEvent) -> Self {
        match error {
            BadEvent::Digest(error) => error.into(),
            error => Failure::new(sqlstate::INVALID_PARAMETER, error.to_string()),
        }
    }
}

impl From<BadClaim> for Failure {
    fn from(error: BadClaim) -> Self {
        Failure::new(sqlstate::INVALID_PARAMETER, error.to_string())
    }
}

//! The SQL surface of `nearest`, and its statements.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use pgrx::pg_sys::{self, Datum, Oid};

use super::candidates::{Id, best, within_reach};
use super::query::{BadQuery, Query};
use super::simd::{dot, hamming};
use crate::error::{Failure, sqlstate};
use crate::pg::{Call, Plan, Row, Session, Setting, Value, sql_function, text_datum, with_settings};

sql_function!(parley_nearest, pg_finfo_parley_nearest, nearest);

pgrx::extension_sql_file!("../../sql/nearest.sql", name = "nearest");

/// What is kept for a table, and the numbers that both kernels share.
const SET: &str = "select p.id, p.dimensions, p.ranking, parley.nearest_crossover(), parley.nearest_codes_taken($2), parley.nearest_error() \
    from parley.nearest_plans as p where p.source operator(pg_catalog.=) $1";

/// Whether a tenant has more rows than so many: a look at the index.
const IS_LARGE: &str = "select from parley.nearest_codes as c \
    where c.set_id operator(pg_catalog.=) $1 and c.tenant operator(pg_catalog.=) $2 offset $3 limit 1";

/// The narrow copies of a tenant, or of some of its rows. Operators are qualified, so the caller's search path changes nothing.
const CODES: &str = "select c.id, c.code from parley.nearest_codes as c \
    where c.set_id operator(pg_catalog.=) $1 and c.tenant operator(pg_catalog.=) $2";
const HALVES: &str = "select h.id, h.half from parley.nearest_halves as h \
    where h.set_id operator(pg_catalog.=) $1 and h.tenant operator(pg_catalog.=) $2";
const AMONG_CODES: &str = " and c.id operator(pg_catalog.=) any ($3)";
const AMONG_HALVES: &str = " and h.id operator(pg_catalog.=) any ($3)";

/// A plan made while the copies were few would read all of them for as long as the backend keeps the plan. And in the order of their pages,
/// not of their ids: that takes half the time.
const BY_INDEX: [Setting; 2] = [(c"enable_seqscan", c"off"), (c"enable_indexscan", c"off")];

/// A half begins with its dimensions, a code with the number of its bits: four bytes each.
const LEAD: usize = 4;

const RANKING_TYPES: [Oid; 5] = [
    pg_sys::UUIDARRAYOID,
    pg_sys::FLOAT4ARRAYOID,
    pg_sys::INT4OID,
    pg_sys::FLOAT8OID,
    pg_sys::BOOLOID,
];

thread_local! {
    static PLANS: OnceCell<Rc<Plans>> = const { OnceCell::new() };
    /// The last comparison, a statement for each table; its text changes with the names in it.
    static RANKINGS: RefCell<HashMap<String, Rc<Plan>>> = RefCell::new(HashMap::new());
}

struct Plans {
    set: Plan,
    is_large: Plan,
    codes: Plan,
    codes_among: Plan,
    halves: Plan,
    halves_among: Plan,
}

/// What is kept for a table.
struct Set {
    id: i32,
    dimensions: usize,
    ranking: String,
    crossover: i32,
    taken: usize,
    error: f64,
}

/// One search.
struct Search<'a> {
    session: &'a Session,
    plans: &'a Plans,
    set: &'a Set,
    query: &'a Query,
    tenant: Value<'a>,
}

fn nearest(call: &Call) -> Result<Datum, Failure> {
    let k = call.integer(3);
    let found = Session::run(|session| {
        let plans = plans(session)?;
        let set = find(session, &plans, call, k.unwrap_or(1))?;
        let k = k
            .filter(|k| (1..=1000).contains(k))
            .ok_or_else(|| Failure::new(sqlstate::INVALID_PARAMETER, "k must be 1 to 1000."))?;
        let query = Query::parse(call.bytes(2)?, set.dimensions)?;
        let search = Search {
            session,
            plans: &plans,
            set: &set,
            query: &query,
            tenant: call.value(1, pg_sys::UUIDOID),
        };
        let only = call.value(5, pg_sys::UUIDARRAYOID);
        let (ids, is_exact) = with_settings(&BY_INDEX, || {
            search.candidates(call, usize::try_from(k).unwrap_or(1), only)
        })?;
        let ranking = ranking(session, &set.ranking)?;
        let values = [
            Value::uuids(&ids)?,
            call.value(2, pg_sys::FLOAT4ARRAYOID),
            Value::integer(k),
            call.value(4, pg_sys::FLOAT8OID),
            Value::boolean(is_exact),
        ];
        let rows = session.read(&ranking, &values)?;
        let found = rows.value(0, 0)?.as_plain_bytes().map(<[u8]>::to_vec);
        found.ok_or_else(|| Failure::internal("an answer that is not there"))
    })?;
    // A jsonb and a text are both bytes behind a length word.
    text_datum(&found)
}

impl Search<'_> {
    /// The rows that can be among the best, and whether none that can is left out.
    fn candidates(&self, call: &Call, k: usize, only: Value<'_>) -> Result<(Vec<Id>, bool), Failure> {
        let is_exact = self.is_exact(call)?;
        let only = (!only.is_null()).then_some(only);
        let among = if is_exact {
            only
        } else {
            Some(Value::uuids(&self.best_by_codes(only)?)?)
        };
        let mut rows = Vec::new();
        let each = |row: &Row<'_>| {
            if let (Some(id), Some(half)) = (row.uuid(0), row.plain(1)) {
                rows.push((-dot(&self.query.unit, half.get(LEAD..).unwrap_or_default()), id));
            }
        };
        self.scan(&self.plans.halves, &self.plans.halves_among, among, each)?;
        Ok((within_reach(rows, k, narrow(2.0 * self.set.error)), is_exact))
    }

    fn is_exact(&self, call: &Call) -> Result<bool, Failure> {
        let crossover = self.set.crossover;
        if call.value(6, pg_sys::BOOLOID).as_bool() == Some(true)
            || call.array_length(5)?.is_some_and(|count| count <= crossover)
        {
            return Ok(true);
        }
        let values = [
            Value::integer(self.set.id),
            self.tenant,
            Value::bigint(i64::from(crossover)),
        ];
        let rows = self.session.read(&self.plans.is_large, &values)?;
        let is_small = rows.len() == 0;
        rows.release();
        Ok(is_small)
    }

    fn best_by_codes(&self, only: Option<Value<'_>>) -> Result<Vec<Id>, Failure> {
        let mut rows = Vec::new();
        let each = |row: &Row<'_>| {
            if let (Some(id), Some(code)) = (row.uuid(0), row.plain(1)) {
                rows.push((
                    hamming(&self.query.code, code.get(LEAD..).unwrap_or_default()),
                    id,
                ));
            }
        };
        self.scan(&self.plans.codes, &self.plans.codes_among, only, each)?;
        Ok(best(rows, self.set.taken))
    }

    fn scan(
        &self,
        all: &Plan,
        some: &Plan,
        among: Option<Value<'_>>,
        each: impl FnMut(&Row<'_>),
    ) -> Result<(), Failure> {
        let set = Value::integer(self.set.id);
        match among {
            None => self.session.scan(all, &[set, self.tenant], each),
            Some(among) => self.session.scan(some, &[set, self.tenant, among], each),
        }
    }
}

fn find(session: &Session, plans: &Plans, call: &Call, k: i32) -> Result<Set, Failure> {
    let values = [
        call.value(0, pg_sys::REGCLASSOID),
        Value::integer(k.clamp(1, 1000)),
    ];
    let rows = session.read(&plans.set, &values)?;
    if rows.len() == 0 {
        return Err(crate::error::Report {
            state: sqlstate::INVALID_PARAMETER,
            message: "No vectors are kept for this table.".into(),
            detail: None,
            hint: Some("Call parley.maintain_nearest first.".into()),
        }
        .into());
    }
    let number = |column| -> Result<i32, Failure> {
        let number = rows.value(0, column)?.as_integer();
        number
            .and_then(|number| i32::try_from(number).ok())
            .ok_or_else(|| Failure::internal("a set without its numbers"))
    };
    let set = Set {
        id: number(0)?,
        dimensions: usize::try_from(number(1)?).unwrap_or(0),
        ranking: rows.text(0, 2)?,
        crossover: number(3)?,
        taken: usize::try_from(number(4)?).unwrap_or(0),
        error: rows.value(0, 5)?.as_double().unwrap_or(1.0),
    };
    rows.release();
    Ok(set)
}

/// Prepared once a backend.
fn plans(session: &Session) -> Result<Rc<Plans>, Failure> {
    if let Some(plans) = PLANS.with(|plans| plans.get().cloned()) {
        return Ok(plans);
    }
    let tenant = [pg_sys::INT4OID, pg_sys::UUIDOID];
    let among = [pg_sys::INT4OID, pg_sys::UUIDOID, pg_sys::UUIDARRAYOID];
    let made = Rc::new(Plans {
        set: session.prepare(SET, &[pg_sys::REGCLASSOID, pg_sys::INT4OID])?,
        is_large: session.prepare(IS_LARGE, &[pg_sys::INT4OID, pg_sys::UUIDOID, pg_sys::INT8OID])?,
        codes: session.prepare(CODES, &tenant)?,
        codes_among: session.prepare(&format!("{CODES}{AMONG_CODES}"), &among)?,
        halves: session.prepare(HALVES, &tenant)?,
        halves_among: session.prepare(&format!("{HALVES}{AMONG_HALVES}"), &among)?,
    });
    Ok(PLANS.with(|plans| Rc::clone(plans.get_or_init(|| made))))
}

fn ranking(session: &Session, text: &str) -> Result<Rc<Plan>, Failure> {
    if let Some(plan) = RANKINGS.with(|kept| kept.borrow().get(text).cloned()) {
        return Ok(plan);
    }
    let made = Rc::new(session.prepare(text, &RANKING_TYPES)?);
    RANKINGS.with(|kept| kept.borrow_mut().insert(text.to_owned(), Rc::clone(&made)));
    Ok(made)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a bound that is a tenth above what it has to be"
)]
fn narrow(number: f64) -> f32 {
    number as f32
}

impl From<BadQuery> for Failure {
    fn from(error: BadQuery) -> Self {
        let state = match error {
            BadQuery::Nulls => sqlstate::NULL_NOT_ALLOWED,
            _ => sqlstate::DATA_EXCEPTION,
        };
        Failure::new(state, error.to_string())
    }
}

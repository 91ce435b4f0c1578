//! The SQL surface of `nearest`, and its statements.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use pgrx::pg_sys::{self, Datum, Oid};

use super::candidates::{Id, kth, reach, split_best, within_reach};
use super::query::{BadQuery, Query};
use super::simd::{dot, hamming};
use crate::error::{Failure, sqlstate};
use crate::pg::{Call, Plan, Row, Session, Setting, Value, sql_function, text_datum, with_settings};

sql_function!(parley_nearest, pg_finfo_parley_nearest, nearest);

pgrx::extension_sql_file!("../../sql/nearest.sql", name = "nearest");

/// What is kept for a table, and the numbers that both kernels share.
const SET: &str = "select s.id, s.dimensions, s.ranking, parley.nearest_probes(), parley.nearest_error(), \
    parley.nearest_doubt() from parley.nearest_sets as s where s.source operator(pg_catalog.=) $1";

/// The shelves of a tenant, and the narrow copies of its rows. Operators are qualified, so the caller's search path changes nothing.
const SHELVES: &str = "select s.shelf, s.center from parley.nearest_shelves as s \
    where s.set_id operator(pg_catalog.=) $1 and s.tenant operator(pg_catalog.=) $2";
const CODES: &str = "select c.id, c.code from parley.nearest_codes as c \
    where c.set_id operator(pg_catalog.=) $1 and c.tenant operator(pg_catalog.=) $2";
const ON_SHELVES: &str = " and c.shelf operator(pg_catalog.=) any ($3)";
const HALVES: &str = "select h.id, h.half from parley.nearest_halves as h \
    where h.set_id operator(pg_catalog.=) $1 and h.tenant operator(pg_catalog.=) $2";
const AMONG: &str = " and h.id operator(pg_catalog.=) any ($3)";

/// A plan made while the copies were few would read all of them for as long as the backend keeps the plan. And in the order of their pages,
/// not of their ids: that takes half the time.
const BY_INDEX: [Setting; 4] = [
    (c"enable_seqscan", c"off"),
    (c"enable_indexscan", c"off"),
    // The pages lie side by side: reading ahead is the operating system's.
    (c"effective_io_concurrency", c"0"),
    (c"plan_cache_mode", c"force_generic_plan"),
];

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
    shelves: Plan,
    codes: Plan,
    codes_on_shelves: Plan,
    halves: Plan,
    halves_among: Plan,
}

/// What is kept for a table.
struct Set {
    id: i32,
    dimensions: usize,
    ranking: String,
    probes: usize,
    error: f64,
    doubt: f64,
}

/// One search.
struct Search<'a> {
    session: &'a Session,
    plans: &'a Plans,
    set: &'a Set,
    query: &'a Query,
    tenant: Value<'a>,
    k: usize,
}

fn nearest(call: &Call) -> Result<Datum, Failure> {
    let k = call.integer(3);
    let found = Session::run(|session| {
        let plans = plans(session)?;
        let set = find(session, &plans, call)?;
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
            k: usize::try_from(k).unwrap_or(1),
        };
        with_settings(&BY_INDEX, || {
            let (ids, is_exact) = search.candidates(call)?;
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
        })
    })?;
    // A jsonb and a text are both bytes behind a length word.
    text_datum(&found)
}

impl Search<'_> {
    /// The rows that can be among the best, and whether none that can is left out.
    fn candidates(&self, call: &Call) -> Result<(Vec<Id>, bool), Failure> {
        let only = call.value(5, pg_sys::UUIDARRAYOID);
        let is_always_exact = call.value(6, pg_sys::BOOLOID).as_bool() == Some(true);
        let (distances, is_exact) = match &self.query.code {
            _ if !only.is_null() => (self.distances(Some(only))?, true),
            Some(code) if !is_always_exact => {
                self.by_codes(code, call.value(4, pg_sys::FLOAT8OID).as_double())?
            }
            _ => (self.distances(None)?, true),
        };
        let slack = narrow(2.0 * self.set.error);
        Ok((within_reach(distances, self.k, slack), is_exact))
    }

    /// The rows whose codes are near enough, and whether those of the whole tenant were looked at.
    fn by_codes(&self, code: &[u8], above: Option<f64>) -> Result<(Vec<(f32, Id)>, bool), Failure> {
        let shelves = self.shelves()?;
        let is_exact = shelves.is_empty();
        let mut codes = self.codes(code, &shelves)?;
        // Most often the first few hold all that are within reach.
        let count = codes.len();
        let others = split_best(&mut codes, (4 * self.k).max(32));
        let mut rows = self.distances_of(&codes)?;
        let away = kth(&rows, self.k).map_or(f64::INFINITY, |similarity| {
            let similarity = (similarity - self.set.error).max(above.unwrap_or(-1.0));
            reach(similarity, self.set.dimensions, self.set.doubt)
        });
        let is_within = |(distance, _): &(u32, Id)| f64::from(*distance) <= away;
        let others: Vec<_> = others.into_iter().filter(is_within).collect();
        let within = others.len() + codes.iter().filter(|code| is_within(code)).count();
        if !is_exact && self.k <= 20 && 3 * within >= count {
            // What is within reach may be on any shelf.
            return Ok((self.distances(None)?, true));
        }
        if !others.is_empty() {
            rows.extend(self.distances_of(&others)?);
        }
        Ok((rows, is_exact))
    }

    /// In how many signs each row on these shelves differs, or each of the tenant; zero for a row without a code.
    fn codes(&self, code: &[u8], shelves: &[i32]) -> Result<Vec<(u32, Id)>, Failure> {
        let mut rows = Vec::new();
        let each = |row: &Row<'_>| {
            if let Some(id) = row.uuid(0) {
                let stored = row.plain(1).and_then(|stored| stored.get(LEAD..));
                rows.push((stored.map_or(0, |stored| hamming(code, stored)), id));
            }
        };
        let (set, tenant) = (Value::integer(self.set.id), self.tenant);
        if shelves.is_empty() {
            self.session.scan(&self.plans.codes, &[set, tenant], each)?;
        } else {
            let values = [set, tenant, Value::integers(shelves)?];
            self.session.scan(&self.plans.codes_on_shelves, &values, each)?;
        }
        Ok(rows)
    }

    /// The nearest shelves and what is on none yet; nothing for a tenant that has no shelves.
    fn shelves(&self) -> Result<Vec<i32>, Failure> {
        let mut centers = Vec::new();
        let each = |row: &Row<'_>| {
            if let (Some(shelf), Some(center)) = (row.integer(0), row.plain(1)) {
                let center = center.get(LEAD..).unwrap_or_default();
                centers.push((-dot(&self.query.unit, center), shelf));
            }
        };
        self.session.scan(
            &self.plans.shelves,
            &[Value::integer(self.set.id), self.tenant],
            each,
        )?;
        if centers.is_empty() {
            return Ok(Vec::new());
        }
        centers.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let nearest = centers.into_iter().take(self.set.probes).map(|(_, shelf)| shelf);
        Ok(std::iter::once(0).chain(nearest).collect())
    }

    fn distances_of(&self, rows: &[(u32, Id)]) -> Result<Vec<(f32, Id)>, Failure> {
        let ids: Vec<Id> = rows.iter().map(|(_, id)| *id).collect();
        self.distances(Some(Value::uuids(&ids)?))
    }

    /// The distances of a tenant's rows, or of some of them, by their halves.
    fn distances(&self, among: Option<Value<'_>>) -> Result<Vec<(f32, Id)>, Failure> {
        let mut rows = Vec::new();
        let each = |row: &Row<'_>| {
            if let (Some(id), Some(half)) = (row.uuid(0), row.plain(1)) {
                rows.push((-dot(&self.query.unit, half.get(LEAD..).unwrap_or_default()), id));
            }
        };
        let (set, tenant) = (Value::integer(self.set.id), self.tenant);
        match among {
            None => self.session.scan(&self.plans.halves, &[set, tenant], each)?,
            Some(among) => self
                .session
                .scan(&self.plans.halves_among, &[set, tenant, among], each)?,
        }
        Ok(rows)
    }
}

fn find(session: &Session, plans: &Plans, call: &Call) -> Result<Set, Failure> {
    let rows = session.read(&plans.set, &[call.value(0, pg_sys::REGCLASSOID)])?;
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
        probes: usize::try_from(number(3)?).unwrap_or(0),
        error: rows.value(0, 4)?.as_double().unwrap_or(1.0),
        doubt: rows.value(0, 5)?.as_double().unwrap_or(f64::INFINITY),
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
    let shelves = [pg_sys::INT4OID, pg_sys::UUIDOID, pg_sys::INT4ARRAYOID];
    let among = [pg_sys::INT4OID, pg_sys::UUIDOID, pg_sys::UUIDARRAYOID];
    let made = Rc::new(Plans {
        set: session.prepare(SET, &[pg_sys::REGCLASSOID])?,
        shelves: session.prepare(SHELVES, &tenant)?,
        codes: session.prepare(CODES, &tenant)?,
        codes_on_shelves: session.prepare(&format!("{CODES}{ON_SHELVES}"), &shelves)?,
        halves: session.prepare(HALVES, &tenant)?,
        halves_among: session.prepare(&format!("{HALVES}{AMONG}"), &among)?,
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

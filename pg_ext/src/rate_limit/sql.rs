//! The SQL surface of `rate_limit`, and its two statements.

use std::cell::OnceCell;
use std::rc::Rc;

use pgrx::pg_sys::{self, Datum};

use super::pace::{MAX_WINDOW, Pace, interval_microseconds};
use crate::error::{Failure, sqlstate};
use crate::pg::{Call, Plan, Session, Value, clock_microseconds, sql_function};

sql_function!(parley_rate_limit, pg_finfo_parley_rate_limit, rate_limit);

pgrx::extension_sql_file!("../../sql/rate_limit.sql", name = "rate_limit");

/// The bound that the table's own check has.
const MAX_BUCKET_LENGTH: usize = 400;

/// One upsert decides and counts under the row's lock. Operators are qualified, so the caller's search path changes nothing.
const TAKE: &str = "insert into parley.rate_limits as kept (bucket, tat) values ($1, $2) \
    on conflict on constraint rate_limits_pkey do update \
    set tat = greatest(kept.tat, $3) operator(pg_catalog.+) $4 \
    where kept.tat operator(pg_catalog.<=) $5";

const READ: &str =
    "select kept.tat from parley.rate_limits as kept where kept.bucket operator(pg_catalog.=) $1";

thread_local! {
    static PLANS: OnceCell<Rc<(Plan, Plan)>> = const { OnceCell::new() };
}

fn rate_limit(call: &Call) -> Result<Datum, Failure> {
    let invalid = |message: &'static str| Failure::new(sqlstate::INVALID_PARAMETER, message);
    call.text(0)?
        .filter(|bucket| (1..=MAX_BUCKET_LENGTH).contains(&bucket.chars().count()))
        .ok_or_else(|| invalid("The bucket must have 1 to 400 characters."))?;
    let max_events = call
        .integer(1)
        .filter(|count| *count >= 1)
        .ok_or_else(|| invalid("max_events must be at least 1."))?;
    let window = call
        .interval(2)
        .map(|(months, days, microseconds)| interval_microseconds(months, days, microseconds))
        .filter(|window| (1..=MAX_WINDOW).contains(window))
        .ok_or_else(|| invalid("The window must be longer than nothing and at most 366 days."))?;

    let pace = Pace::new(max_events, window);
    let left = Session::run(|session| take(session, call.value(0, pg_sys::TEXTOID), pace))?;
    match left {
        None => Ok(Datum::null()),
        Some(seconds) => Err(Failure::explained(
            sqlstate::TOO_MANY_REQUESTS,
            format!("Too many requests: try again in {seconds} s."),
            "rate_limited",
            format!("Wait {seconds} s before the next try."),
        )),
    }
}

/// Counts the event, or returns the seconds to wait.
fn take(session: &Session, bucket: Value<'_>, pace: Pace) -> Result<Option<i64>, Failure> {
    let plans = plans(session)?;
    let now = clock_microseconds();
    let spacing = pg_sys::Interval {
        time: pace.spacing,
        day: 0,
        month: 0,
    };
    let values = [
        bucket,
        Value::timestamptz(now.saturating_add(pace.spacing)),
        Value::timestamptz(now),
        Value::interval(&spacing),
        Value::timestamptz(now.saturating_add(pace.tolerance)),
    ];
    session.execute(&plans.0, &values)?.release();
    if session.touched() > 0 {
        return Ok(None);
    }
    let rows = session.execute(&plans.1, &[bucket])?;
    let arrival = if rows.len() == 0 {
        None
    } else {
        rows.value(0, 0)?.as_timestamptz()
    };
    rows.release();
    Ok(Some(arrival.map_or(1, |arrival| pace.seconds_left(arrival, now))))
}

/// Prepared once a backend. Postgres follows the table when it is dropped and made again.
fn plans(session: &Session) -> Result<Rc<(Plan, Plan)>, Failure> {
    use pg_sys::{INTERVALOID, TEXTOID, TIMESTAMPTZOID};
    if let Some(plans) = PLANS.with(|plans| plans.get().cloned()) {
        return Ok(plans);
    }
    let take = session.prepare(
        TAKE,
        &[
            TEXTOID,
            TIMESTAMPTZOID,
            TIMESTAMPTZOID,
            INTERVALOID,
            TIMESTAMPTZOID,
        ],
    )?;
    let read = session.prepare(READ, &[TEXTOID])?;
    Ok(PLANS.with(|plans| Rc::clone(plans.get_or_init(|| Rc::new((take, read))))))
}

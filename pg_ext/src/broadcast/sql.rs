//! The SQL surface of `broadcast`.

use std::cell::OnceCell;
use std::rc::Rc;

use pgrx::pg_sys::{self, Datum};

use crate::digest::is_object;
use crate::error::{Failure, sqlstate};
use crate::pg::{Call, Plan, Session, Setting, function_exists, sql_function, with_settings};

sql_function!(parley_broadcast, pg_finfo_parley_broadcast, broadcast);

pgrx::extension_sql_file!("../../sql/broadcast.sql", name = "broadcast");

/// `realtime.send` files messages by the session's time zone, which a PostgREST client may set.
const SETTINGS: [Setting; 2] = [(c"search_path", c""), (c"TimeZone", c"UTC")];

const SEND: &str = "select realtime.send($1, $2, $3, true)";

const SEND_TYPES: [pg_sys::Oid; 4] = [
    pg_sys::JSONBOID,
    pg_sys::TEXTOID,
    pg_sys::TEXTOID,
    pg_sys::BOOLOID,
];

thread_local! {
    static PLAN: OnceCell<Rc<Plan>> = const { OnceCell::new() };
}

fn broadcast(call: &Call) -> Result<Datum, Failure> {
    let invalid = |message: &'static str| Failure::new(sqlstate::INVALID_PARAMETER, message);
    let is_empty = |index| call.bytes(index).map(|bytes| bytes.is_none_or(<[u8]>::is_empty));
    if is_empty(0)? {
        return Err(invalid("The topic must not be empty."));
    }
    if is_empty(1)? {
        return Err(invalid("The event must not be empty."));
    }
    if !call.bytes(2)?.is_some_and(is_object) {
        return Err(invalid("The payload must be a JSON object."));
    }
    with_settings(&SETTINGS, || {
        if function_exists(c"realtime", c"send", &SEND_TYPES)? {
            Session::run(|session| send(session, call))?;
        }
        Ok(Datum::null())
    })
}

fn send(session: &Session, call: &Call) -> Result<(), Failure> {
    let plan = match PLAN.with(|plan| plan.get().cloned()) {
        Some(plan) => plan,
        None => {
            let [payload, event, topic, _] = SEND_TYPES;
            let plan = Rc::new(session.prepare(SEND, &[payload, event, topic])?);
            PLAN.with(|kept| Rc::clone(kept.get_or_init(|| plan)))
        }
    };
    let values = [
        call.value(2, pg_sys::JSONBOID),
        call.value(1, pg_sys::TEXTOID),
        call.value(0, pg_sys::TEXTOID),
    ];
    session.execute(&plan, &values)?.release();
    Ok(())
}

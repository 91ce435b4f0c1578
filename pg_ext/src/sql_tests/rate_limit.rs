use std::sync::Barrier;

use super::harness::{Database, Session};

const TABLE: &str = "create schema if not exists parley;
    create table parley.rate_limits (bucket text not null, tat timestamptz not null, constraint rate_limits_pkey primary key (bucket))";

fn database() -> (Database, Session) {
    let database = Database::new();
    let mut session = database.session();
    session.run(TABLE);
    (database, session)
}

const TAKE: &str = "select parley_native.rate_limit('b', 3, '1 hour')";

#[test]
fn a_burst_passes_and_the_next_one_is_told_how_long_to_wait() {
    let (_database, mut session) = database();
    for _ in 0..3 {
        session.run(TAKE);
    }
    let refusal = session.refusal(TAKE);
    assert_eq!(refusal.state, "PT429");
    assert_eq!(refusal.message, "Too many requests: try again in 1200 s.");
    assert_eq!(refusal.detail, "rate_limited");
    assert_eq!(refusal.hint, "Wait 1200 s before the next try.");
    session.run("select parley_native.rate_limit('another', 3, '1 hour')");
}

#[test]
fn time_gives_back_what_was_used() {
    let (_database, mut session) = database();
    for _ in 0..3 {
        session.run(TAKE);
    }
    session.run("update parley.rate_limits set tat = tat - interval '20 minutes'");
    session.run(TAKE);
    assert_eq!(session.state(TAKE), "PT429");
    session.run("update parley.rate_limits set tat = tat - interval '10 years'");
    for _ in 0..3 {
        session.run(TAKE);
    }
    assert_eq!(session.state(TAKE), "PT429");
}

#[test]
fn what_was_rolled_back_is_given_back() {
    let (_database, mut session) = database();
    session.run(&format!("begin; {TAKE}; {TAKE}; {TAKE}; rollback"));
    session.run(TAKE);
}

#[test]
fn arguments_out_of_range_are_refused() {
    let (_database, mut session) = database();
    let too_long = format!("'{}'", "é".repeat(401));
    for (arguments, message) in [
        ("null, 1, '1 s'", "The bucket must have 1 to 400 characters."),
        ("'', 1, '1 s'", "The bucket must have 1 to 400 characters."),
        (
            &format!("{too_long}, 1, '1 s'"),
            "The bucket must have 1 to 400 characters.",
        ),
        ("'b', null, '1 s'", "max_events must be at least 1."),
        ("'b', 0, '1 s'", "max_events must be at least 1."),
        (
            "'b', 1, null",
            "The window must be longer than nothing and at most 366 days.",
        ),
        (
            "'b', 1, '0 s'",
            "The window must be longer than nothing and at most 366 days.",
        ),
        (
            "'b', 1, '367 days'",
            "The window must be longer than nothing and at most 366 days.",
        ),
        (
            "'b', 1, '-1 month'",
            "The window must be longer than nothing and at most 366 days.",
        ),
    ] {
        let refusal = session.refusal(&format!("select parley_native.rate_limit({arguments})"));
        assert_eq!(
            (refusal.state.as_str(), refusal.message.as_str()),
            ("22023", message),
            "{arguments}"
        );
    }
    session.run(&format!(
        "select parley_native.rate_limit('{}', 1, '11 months 3 days')",
        "é".repeat(400)
    ));
    assert_eq!(
        session.state("select parley_native.rate_limit('b', 1, '170000000 years')"),
        "22023"
    );
}

#[test]
fn the_table_may_be_dropped_and_made_again_in_one_session() {
    let (_database, mut session) = database();
    session.run(TAKE);
    session.run("drop table parley.rate_limits");
    assert_eq!(session.state(TAKE), "42P01");
    session.run(TABLE);
    session.run(TAKE);
    assert_eq!(session.one::<i64>("select count(*) from parley.rate_limits"), 1);
}

#[test]
fn it_has_the_callers_rights() {
    let (database, mut session) = database();
    let caller = database.role("caller");
    session.run(&format!("grant usage on schema parley_native to {caller}; grant execute on all functions in schema parley_native to {caller}"));
    assert_eq!(database.session_as(&caller).state(TAKE), "42501");
}

#[test]
fn callers_at_once_do_not_slip_past_the_limit() {
    let (database, mut session) = database();
    let barrier = Barrier::new(16);
    let passed: usize = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let mut session = database.session();
                    barrier.wait();
                    usize::from(session.0.batch_execute(TAKE).is_ok())
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    assert_eq!(passed, 3);
    assert_eq!(session.state(TAKE), "PT429");
}

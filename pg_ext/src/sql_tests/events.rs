use std::sync::Barrier;

use super::harness::{Database, Session};

const TABLE: &str = r#"create schema if not exists parley;
    create table parley.processed_events (
        first_seen_at timestamptz not null default now(), last_conflict_at timestamptz,
        source text collate "C" not null, event_key text collate "C" not null, digest text collate "C" not null,
        conflicting_digests text[] collate "C" check (cardinality(conflicting_digests) <= 8),
        constraint processed_events_pkey primary key (source, event_key))"#;

fn database() -> (Database, Session) {
    let database = Database::new();
    let mut session = database.session();
    session.run(TABLE);
    (database, session)
}

/// Claims a key with a digest of one digit repeated.
fn claim(key: &str, digit: char) -> String {
    let digest = digit.to_string().repeat(64);
    format!("select parley_native.claim_event('s', '{key}', '{digest}')")
}

#[test]
fn an_event_is_new_once() {
    let (_database, mut session) = database();
    assert_eq!(session.one::<String>(&claim("k", 'a')), "new");
    assert_eq!(session.one::<String>(&claim("k", 'a')), "duplicate");
    assert_eq!(session.one::<String>(&claim("l", 'a')), "new");
    let other_source = claim("k", 'a').replace("'s'", "'t'");
    assert_eq!(session.one::<String>(&other_source), "new");
    assert_eq!(
        session.one::<i64>("select count(*) from parley.processed_events"),
        3
    );
}

#[test]
fn another_digest_is_conflicting_and_the_first_is_kept() {
    let (_database, mut session) = database();
    session.run(&claim("k", 'a'));
    for digit in ['b', 'c', 'b', 'c'] {
        assert_eq!(session.one::<String>(&claim("k", digit)), "conflicting");
    }
    assert_eq!(session.one::<String>(&claim("k", 'a')), "duplicate");
    assert_eq!(
        session.rows(
            "select left(digest, 1) as first, conflicting_digests = array[repeat('b', 64), repeat('c', 64)] as others,
                last_conflict_at > first_seen_at as is_later from parley.processed_events"
        ),
        [r#"{"first":"a","others":true,"is_later":true}"#]
    );
}

#[test]
fn conflicts_are_recorded_until_there_are_eight() {
    let (_database, mut session) = database();
    for digit in "0123456789".chars() {
        session.run(&claim("k", digit));
    }
    let version = "select xmin::text || array_to_string(array(select left(d, 1) from unnest(conflicting_digests) as d), '')
        from parley.processed_events";
    let before = session.one::<String>(version);
    assert!(before.ends_with("12345678"), "{before}");
    for digit in "123456789abcdef".chars() {
        assert_eq!(session.one::<String>(&claim("k", digit)), "conflicting");
    }
    assert_eq!(session.one::<String>(version), before);
}

#[test]
fn a_duplicate_writes_nothing() {
    let (_database, mut session) = database();
    session.run(&claim("k", 'a'));
    session.run("begin");
    assert_eq!(session.one::<String>(&claim("k", 'a')), "duplicate");
    assert!(session.one::<bool>("select pg_current_xact_id_if_assigned() is null"));
    session.run("commit");
    assert_eq!(
        session.one::<String>("select xmax::text from parley.processed_events"),
        "0"
    );
}

#[test]
fn what_is_rolled_back_was_not_claimed() {
    let (_database, mut session) = database();
    session.run(&format!("begin; {}; rollback", claim("k", 'a')));
    session.run(&format!(
        "begin; savepoint s; {}; rollback to s; commit",
        claim("k", 'b')
    ));
    assert_eq!(session.one::<String>(&claim("k", 'c')), "new");
    session.run(&format!("begin; {}", claim("k", 'd')));
    session.run("rollback");
    assert!(session.one::<bool>("select conflicting_digests is null from parley.processed_events"));
}

#[test]
fn arguments_out_of_range_are_refused() {
    let (_database, mut session) = database();
    let (source, key) = (
        "The source must have 1 to 64 characters.",
        "The event key must have 1 to 400 characters.",
    );
    let digest = "The digest must have 64 lower-case hex digits.";
    for (arguments, message) in [
        ("null, 'k', repeat('0', 64)", source),
        ("'', 'k', repeat('0', 64)", source),
        ("repeat('é', 65), 'k', repeat('0', 64)", source),
        ("'s', null, repeat('0', 64)", key),
        ("'s', '', repeat('0', 64)", key),
        ("'s', repeat('é', 401), repeat('0', 64)", key),
        ("'s', 'k', null", digest),
        ("'s', 'k', ''", digest),
        ("'s', 'k', repeat('0', 63)", digest),
        ("'s', 'k', repeat('0', 65)", digest),
        ("'s', 'k', repeat('A', 64)", digest),
        ("'s', 'k', repeat('é', 32)", digest),
        ("'s', 'k', repeat('0', 64) || chr(10)", digest),
        ("null, null, null", source),
    ] {
        let refusal = session.refusal(&format!("select parley_native.claim_event({arguments})"));
        assert_eq!(
            (refusal.state.as_str(), refusal.message.as_str()),
            ("22023", message),
            "{arguments}"
        );
    }
    session.run(
        "select parley_native.claim_event(repeat('é', 64), repeat('é', 400), repeat('0123456789abcdef', 4))",
    );
}

#[test]
fn an_event_that_vanishes_again_and_again_is_a_serialization_failure() {
    let (_database, mut session) = database();
    session.run(
        "create function vanish() returns trigger language plpgsql as 'begin return null; end';
        create trigger vanish before insert on parley.processed_events for each row execute function vanish()",
    );
    let refusal = session.refusal(&claim("k", 'a'));
    assert_eq!(refusal.state, "40001");
    assert_eq!(
        refusal.message,
        "The event was claimed and forgotten at the same time: try again."
    );
    assert_eq!(session.one::<String>("show enable_seqscan"), "on");
}

#[test]
fn the_callers_settings_stay_and_change_nothing() {
    let (_database, mut session) = database();
    session.run(
        "create schema other;
        create function other.same(text, text) returns boolean language sql as 'select false';
        create operator other.= (leftarg = text, rightarg = text, function = other.same);
        set search_path = other, pg_catalog",
    );
    assert_eq!(session.one::<String>(&claim("k", 'a')), "new");
    assert_eq!(session.one::<String>(&claim("k", 'a')), "duplicate");
    assert_eq!(session.one::<String>(&claim("k", 'b')), "conflicting");
    assert_eq!(session.one::<String>("show search_path"), "other, pg_catalog");
}

#[test]
fn the_table_may_be_dropped_and_made_again_in_one_session() {
    let (_database, mut session) = database();
    session.run(&claim("k", 'a'));
    session.run("drop table parley.processed_events");
    assert_eq!(session.state(&claim("k", 'a')), "42P01");
    session.run(TABLE);
    assert_eq!(session.one::<String>(&claim("k", 'a')), "new");
}

#[test]
fn it_has_the_callers_rights() {
    let (database, mut session) = database();
    let caller = database.role("caller");
    session.run(&format!(
        "grant usage on schema parley, parley_native to {caller};
        grant execute on all functions in schema parley_native to {caller}"
    ));
    assert_eq!(database.session_as(&caller).state(&claim("k", 'a')), "42501");
}

#[test]
fn of_many_sessions_one_gets_each_event() {
    const SESSIONS: usize = 12;
    const EVENTS: usize = 60;
    let (database, mut session) = database();
    let barrier = Barrier::new(SESSIONS);
    let won: Vec<usize> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..SESSIONS)
            .map(|_| {
                scope.spawn(|| {
                    let mut session = database.session();
                    (0..EVENTS)
                        .map(|event| {
                            barrier.wait();
                            session.one::<String>(&claim(&event.to_string(), 'a')) == "new"
                        })
                        .filter(|is_new| *is_new)
                        .count()
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(won.iter().sum::<usize>(), EVENTS, "{won:?}");
    assert_eq!(
        session.one::<i64>("select count(*) from parley.processed_events"),
        60
    );
}

#[test]
fn an_old_snapshot_cannot_tell_and_says_so() {
    let (database, mut session) = database();
    let mut old = database.session();
    for level in ["repeatable read", "serializable"] {
        session.run("truncate parley.processed_events");
        session.run(&claim("before", 'a'));
        old.run(&format!(
            "begin isolation level {level}; select count(*) from pg_class"
        ));
        session.run(&claim("after", 'a'));
        assert_eq!(old.one::<String>(&claim("before", 'a')), "duplicate");
        assert_eq!(old.one::<String>(&claim("own", 'a')), "new");
        assert_eq!(old.one::<String>(&claim("own", 'a')), "duplicate");
        assert_eq!(old.state(&claim("after", 'a')), "40001");
        old.run("rollback");
    }
}

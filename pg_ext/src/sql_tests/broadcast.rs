use super::harness::{Database, Session};

/// A stand-in for Realtime's function that writes down what it was given.
fn with_realtime(session: &mut Session) {
    session.run(
        "create schema realtime;
        create table realtime.sent (payload jsonb, event text, topic text, private boolean, zone text, path text);
        create function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
            language sql as $$
            insert into realtime.sent
            values (payload, event, topic, private, current_setting('TimeZone'), current_setting('search_path')) $$;",
    );
}

#[test]
fn without_realtime_nothing_happens() {
    let mut session = Database::new().session();
    session.run("select parley_native.broadcast('t', 'e', '{}')");
    session.run("create schema realtime");
    session.run("select parley_native.broadcast('t', 'e', '{}')");
}

#[test]
fn a_message_is_private_and_filed_in_utc() {
    let mut session = Database::new().session();
    with_realtime(&mut session);
    session
        .run("set timezone = 'Asia/Tokyo'; select parley_native.broadcast('room:1', 'joined', '{\"n\": 1}')");
    assert_eq!(
        session.rows("select * from realtime.sent"),
        [r#"{"payload":{"n": 1},"event":"joined","topic":"room:1","private":true,"zone":"UTC","path":""}"#]
    );
    assert_eq!(session.one::<String>("show timezone"), "Asia/Tokyo");
    assert_eq!(session.one::<String>("show search_path"), "\"$user\", public");
}

#[test]
fn what_realtime_would_lose_is_refused() {
    let mut session = Database::new().session();
    with_realtime(&mut session);
    for (arguments, message) in [
        ("null, 'e', '{}'", "The topic must not be empty."),
        ("'', 'e', '{}'", "The topic must not be empty."),
        ("'t', null, '{}'", "The event must not be empty."),
        ("'t', '', '{}'", "The event must not be empty."),
        ("'t', 'e', null", "The payload must be a JSON object."),
        ("'t', 'e', '[]'", "The payload must be a JSON object."),
        ("'t', 'e', '1'", "The payload must be a JSON object."),
    ] {
        let refusal = session.refusal(&format!("select parley_native.broadcast({arguments})"));
        assert_eq!(
            (refusal.state.as_str(), refusal.message.as_str()),
            ("22023", message),
            "{arguments}"
        );
    }
    assert_eq!(session.one::<i64>("select count(*) from realtime.sent"), 0);
}

#[test]
fn an_error_of_realtime_comes_through_whole_and_the_zone_is_put_back() {
    let mut session = Database::new().session();
    session.run(
        "create schema realtime;
        create function realtime.send(jsonb, text, text, boolean) returns void language plpgsql as $$
        begin
            raise exception using errcode = 'PT418', message = 'no', detail = 'teapot', hint = 'tea', constraint = 'pot';
        end $$;",
    );
    session.run("set timezone = 'Asia/Tokyo'; begin; savepoint s");
    let error = session.fails("select parley_native.broadcast('t', 'e', '{}')");
    assert_eq!(error.code().code(), "PT418");
    assert_eq!(
        (error.message(), error.detail(), error.hint()),
        ("no", Some("teapot"), Some("tea"))
    );
    assert_eq!(error.constraint(), Some("pot"));
    assert!(error.where_().unwrap().contains("realtime.send"));
    session.run("rollback to s");
    assert_eq!(session.one::<String>("show timezone"), "Asia/Tokyo");
}

#[test]
fn realtime_may_go_and_come_back_in_one_session() {
    let mut session = Database::new().session();
    with_realtime(&mut session);
    session.run("select parley_native.broadcast('t', 'e', '{}')");
    session.run("drop schema realtime cascade");
    session.run("select parley_native.broadcast('t', 'e', '{}')");
    with_realtime(&mut session);
    session.run("select parley_native.broadcast('t', 'e', '{}')");
    assert_eq!(session.one::<i64>("select count(*) from realtime.sent"), 1);
}

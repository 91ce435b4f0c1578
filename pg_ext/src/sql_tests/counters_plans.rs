//! Plans are kept for the life of a session, whatever happens to the tables.

use super::counters::{COUNT, MAX, SUM, attach, kept, with_tables};
use super::harness::{Database, Session};

/// A session that has run each kind of statement, so that it holds their plans.
fn warm() -> Session {
    let mut session = Database::new().session();
    with_tables(&mut session);
    attach(&mut session, "a", "s.seats", COUNT);
    run_all(&mut session);
    session
}

fn run_all(session: &mut Session) {
    session.run("insert into s.seats (room, points) values (1, 1)");
    session.run("insert into s.seats (room, points) values (1, 2), (2, 3)");
    session.run("update s.seats set room = 2 where points = 1");
    session.run("update s.seats set points = points + 1");
    session.run("delete from s.seats where points = 2");
    session.run("delete from s.seats where true");
    session.run("insert into s.seats (room, points) values (1, 4)");
}

#[test]
fn other_arguments_are_followed() {
    let mut session = warm();
    session.run("truncate s.seats");
    session.run("alter table s.rooms add column m int not null default 0");
    attach(
        &mut session,
        "a",
        "s.seats",
        "'count', 'room', 's.rooms', 'id', 'm', '', '', ''",
    );
    run_all(&mut session);
    assert!(kept(&mut session, "n").is_empty());
    assert_eq!(kept(&mut session, "m"), [r#"{"id":1,"v":1}"#]);
    attach(&mut session, "a", "s.seats", MAX);
    session.run("insert into s.seats (room, points) values (1, 9)");
    assert_eq!(kept(&mut session, "latest"), [r#"{"id":1,"v":9}"#]);
}

#[test]
fn other_column_types_are_followed() {
    let mut session = warm();
    attach(&mut session, "b", "s.seats", SUM);
    session.run("truncate s.seats");
    run_all(&mut session);
    session.run("alter table s.seats alter room type text; alter table s.rooms alter id type text, alter total type numeric");
    session.run("alter table s.seats alter points type numeric");
    session.run("truncate s.seats");
    run_all(&mut session);
    session.run("insert into s.seats (room, points) values ('2', 1.25)");
    assert_eq!(
        kept(&mut session, "total"),
        [r#"{"id":"1","v":4}"#, r#"{"id":"2","v":1.25}"#]
    );
    assert_eq!(
        kept(&mut session, "n"),
        [r#"{"id":"1","v":1}"#, r#"{"id":"2","v":1}"#]
    );
}

#[test]
fn columns_that_go_before_the_key_are_followed() {
    let mut session = Database::new().session();
    session.run(
        "create schema s; create table s.rooms (x int, id int primary key, n int not null default 0);
        create table s.seats (y text, room int, points int); insert into s.rooms (id) values (1), (2)",
    );
    attach(&mut session, "a", "s.seats", COUNT);
    run_all(&mut session);
    session.run("alter table s.seats drop column y; alter table s.rooms drop column x; alter table s.seats add column z text default 'z'");
    session.run("truncate s.seats");
    run_all(&mut session);
    assert_eq!(kept(&mut session, "n"), [r#"{"id":1,"v":1}"#]);
}

#[test]
fn tables_dropped_and_made_again_are_followed() {
    let mut session = warm();
    session.run("drop schema s cascade");
    with_tables(&mut session);
    attach(&mut session, "a", "s.seats", COUNT);
    run_all(&mut session);
    assert_eq!(kept(&mut session, "n"), [r#"{"id":1,"v":1}"#]);
    session.run("alter table s.rooms rename to halls; create table s.rooms (like s.halls including all); insert into s.rooms (id) values (1)");
    session.run("insert into s.seats (room) values (1)");
    assert_eq!(kept(&mut session, "n"), [r#"{"id":1,"v":1}"#]);
    session.run("drop table s.rooms");
    assert_eq!(session.state("insert into s.seats (room) values (1)"), "42P01");
}

#[test]
fn a_renamed_child_is_followed() {
    let mut session = Database::new().session();
    with_tables(&mut session);
    attach(&mut session, "a", "s.seats", MAX);
    session.run("insert into s.seats (room, points) values (1, 1), (1, 2), (1, 3); delete from s.seats where points = 3");
    session.run("alter table s.seats rename to places; create schema r; alter table s.places set schema r");
    session.run("delete from r.places where points = 2");
    assert_eq!(kept(&mut session, "latest"), [r#"{"id":1,"v":1}"#]);
}

#[test]
fn a_partitioned_child_is_followed() {
    let mut session = Database::new().session();
    with_tables(&mut session);
    session.run(
        "create table s.parts (room int, points int, extra text) partition by range (points);
        create table s.low partition of s.parts for values from (0) to (10);
        create table s.high (extra text, points int, room int);
        alter table s.parts attach partition s.high for values from (10) to (100);",
    );
    attach(&mut session, "a", "s.parts", COUNT);
    attach(&mut session, "b", "s.parts", MAX);
    session.run("insert into s.parts values (1, 5, 'x')");
    session.run("insert into s.parts values (1, 50, 'x')");
    session.run("insert into s.parts values (2, 5, 'x'), (2, 50, 'x')");
    session.run("update s.parts set points = 60 where room = 1 and points = 5");
    session.run("delete from s.parts where points = 60");
    assert_eq!(
        kept(&mut session, "n"),
        [r#"{"id":1,"v":1}"#, r#"{"id":2,"v":2}"#]
    );
    assert_eq!(
        kept(&mut session, "latest"),
        [r#"{"id":1,"v":50}"#, r#"{"id":2,"v":50}"#]
    );
}

#[test]
fn a_session_that_sees_a_thousand_triggers_forgets_and_goes_on() {
    let mut session = Database::new().session();
    with_tables(&mut session);
    for round in 0..1100 {
        session.run(&format!(
            "create or replace trigger a after insert on s.seats referencing new table as parley_new for each statement
            execute function parley_native.maintain_aggregate({COUNT});
            insert into s.seats (room) values ({}); drop trigger a on s.seats",
            1 + round % 2
        ));
    }
    assert_eq!(
        kept(&mut session, "n"),
        [r#"{"id":1,"v":550}"#, r#"{"id":2,"v":550}"#]
    );
}

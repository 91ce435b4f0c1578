//! Sessions at once.

use std::sync::Barrier;

use super::counters::{BOUNDED, COUNT, MAX, attach, kept, with_tables};
use super::harness::Database;

/// Runs the statements of one session each, all at once, and returns the SQLSTATEs of those that failed.
fn at_once(database: &Database, sessions: Vec<Vec<String>>) -> Vec<String> {
    let barrier = Barrier::new(sessions.len());
    std::thread::scope(|scope| {
        let running: Vec<_> = sessions
            .into_iter()
            .map(|statements| {
                scope.spawn(|| {
                    let mut session = database.session();
                    barrier.wait();
                    let run = |sql: String| {
                        session
                            .0
                            .batch_execute(&sql)
                            .err()
                            .map(|e| e.code().unwrap().code().to_owned())
                    };
                    statements.into_iter().filter_map(run).collect::<Vec<_>>()
                })
            })
            .collect();
        running
            .into_iter()
            .flat_map(|session| session.join().unwrap())
            .collect()
    })
}

#[test]
fn the_last_seat_is_given_once() {
    let database = Database::new();
    let mut session = database.session();
    with_tables(&mut session);
    attach(&mut session, "a", "s.seats", BOUNDED);
    session.run("update s.rooms set seats = 6 where id = 1");
    let one_each = vec![vec!["insert into s.seats (room) values (1)".to_owned()]; 24];
    let refused = at_once(&database, one_each);
    assert_eq!(refused, vec!["PT409"; 18]);
    assert_eq!(
        session.one::<i64>("select count(*) from s.seats where room = 1"),
        6
    );
    assert_eq!(kept(&mut session, "n"), [r#"{"id":1,"v":6}"#]);
}

#[test]
fn parents_in_opposite_orders_do_not_deadlock() {
    let database = Database::new();
    let mut session = database.session();
    with_tables(&mut session);
    attach(&mut session, "a", "s.seats", COUNT);
    let statements = |rooms: [i32; 3]| -> Vec<String> {
        let [a, b, c] = rooms;
        (0..100)
            .map(|_| format!("insert into s.seats (room) values ({a}), ({b}), ({c})"))
            .collect()
    };
    let failed = at_once(
        &database,
        vec![
            statements([1, 2, 3]),
            statements([3, 2, 1]),
            statements([2, 1, 3]),
            statements([3, 1, 2]),
        ],
    );
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(
        kept(&mut session, "n"),
        [
            r#"{"id":1,"v":400}"#,
            r#"{"id":2,"v":400}"#,
            r#"{"id":3,"v":400}"#
        ]
    );
}

#[test]
fn parents_are_written_in_the_order_of_their_keys() {
    let database = Database::new();
    let mut session = database.session();
    with_tables(&mut session);
    session.run(
        "insert into s.rooms (id) select n from generate_series(10, 600) as n;
        create table s.written (turn bigint generated always as identity, room int);
        create function s.note() returns trigger language plpgsql as $$
        begin insert into s.written (room) values (new.id); return new; end $$;
        create trigger note before update on s.rooms for each row execute function s.note();",
    );
    for arguments in [COUNT, MAX] {
        attach(&mut session, "a", "s.seats", arguments);
        for statement in [
            "insert into s.seats (room, points) select n, n from generate_series(1, 600) as n order by md5(n::text)",
            "update s.seats set room = 1 + room % 300, points = points + 1",
            "delete from s.seats where room % 7 > 0",
            "delete from s.seats",
        ] {
            session.run(&format!("truncate s.written; {statement}"));
            let disorder: i64 = session.one(
                "select count(*) filter (where room < before) + 1000000 * (count(*) < 40)::int
                from (select room, lag(room) over (order by turn) as before from s.written) as w",
            );
            assert_eq!(disorder, 0, "{arguments}: {statement}");
        }
    }
}

#[test]
fn a_recount_sees_what_was_committed_while_it_waited() {
    let database = Database::new();
    let mut session = database.session();
    with_tables(&mut session);
    attach(&mut session, "a", "s.seats", MAX);
    session.run("insert into s.seats (room, points) values (1, 10), (1, 3)");
    let mut writer = database.session();
    writer.run("begin; insert into s.seats (room, points) values (1, 7)");
    let waiting = std::thread::scope(|scope| {
        let deleter = scope.spawn(|| database.session().run("delete from s.seats where points = 10"));
        let is_waiting = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        let waited = (0..100_000).any(|_| session.one::<bool>(is_waiting));
        writer.run("commit");
        deleter.join().unwrap();
        waited
    });
    assert!(waiting, "the deleter never waited for the writer");
    assert_eq!(kept(&mut session, "latest"), [r#"{"id":1,"v":7}"#]);
}

#[test]
fn latest_values_are_exact_after_a_storm() {
    let database = Database::new();
    let mut session = database.session();
    with_tables(&mut session);
    attach(&mut session, "a", "s.seats", MAX);
    let statements = |seed: i32| -> Vec<String> {
        (0..150)
            .map(|n| match (n + seed) % 3 {
                0 => format!("insert into s.seats (room, points) values (1, {}), (2, {n})", (n * 37 + seed) % 100),
                1 => format!("delete from s.seats where id in (select id from s.seats order by points desc, id limit {} for update skip locked)", n % 3),
                _ => format!("insert into s.seats (room, points) values (2, {})", (n * 53 + seed) % 100),
            })
            .collect()
    };
    let failed = at_once(&database, (0..4).map(statements).collect());
    assert!(failed.is_empty(), "{failed:?}");
    let drift = "select id from s.rooms as r where latest is distinct from (select max(points) from s.seats where room = r.id)";
    assert!(session.rows(drift).is_empty());
}

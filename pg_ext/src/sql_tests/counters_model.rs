//! Any sequence of statements leaves every aggregate equal to a recount.

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::counters::attach;
use super::harness::{Database, Session};

const TABLES: &str = "create schema s;
    create table s.p (id uuid primary key, n int not null default 0, live bigint not null default 0, i bigint not null default 0,
        b numeric not null default 0, d numeric not null default 0, top int, top_live timestamptz);
    create table s.c (id int generated always as identity primary key, p uuid, i int, b bigint, d numeric(20, 3), at timestamptz,
        live boolean);
    insert into s.p (id) select md5(n::text)::uuid from generate_series(1, 4) as n;
    create function s.key(n int) returns uuid language sql immutable as $$ select case when n > 0 then md5(n::text)::uuid end $$;";

const AGGREGATES: [&str; 7] = [
    "'count', 'p', 's.p', 'id', 'n', '', '', ''",
    "'count', 'p', 's.p', 'id', 'live', '', '', 'live'",
    "'sum', 'p', 's.p', 'id', 'i', '', 'i', ''",
    "'sum', 'p', 's.p', 'id', 'b', '', 'b', 'i > 0'",
    "'sum', 'p', 's.p', 'id', 'd', '', 'd', ''",
    "'max', 'p', 's.p', 'id', 'top', '', 'i', ''",
    "'max', 'p', 's.p', 'id', 'top_live', '', 'at', 'live and i < 5'",
];

const DRIFT: &str = "select kept.*
    from s.p as kept, lateral (
        select count(*) as n, count(*) filter (where c.live) as live, coalesce(sum(c.i), 0) as i,
            coalesce(sum(c.b) filter (where c.i > 0), 0) as b, coalesce(sum(c.d), 0) as d,
            max(c.i) as top, max(c.at) filter (where c.live and c.i < 5) as top_live
        from s.c where c.p = kept.id) as actual
    where (kept.n, kept.live, kept.i, kept.b, kept.d, kept.top, kept.top_live) is distinct from
        (actual.n, actual.live, actual.i, actual.b, actual.d, actual.top, actual.top_live)";

/// Some of the rows: mostly one, sometimes many, sometimes none.
fn some_rows() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0..8usize).prop_map(|n| format!("id = (select id from s.c order by id offset {n} limit 1)")),
        2 => (0..4).prop_map(|n| format!("id % 4 = {n}")),
        1 => Just("true".to_owned()),
    ]
}

/// One row's values. Key 0 is null, key 5 is no parent's.
fn row() -> impl Strategy<Value = String> {
    let maybe = |text: &'static str| prop_oneof![8 => text.prop_map(|t| t), 1 => Just("null".to_owned())];
    (
        0..=5,
        maybe("-?[0-9]"),
        maybe("-?[0-9]{1,15}"),
        maybe("-?[0-9]{1,6}\\.[0-9]{3}"),
        0..30,
        maybe("true|false"),
    )
        .prop_map(|(key, i, b, d, day, live)| {
            format!(
                "(s.key({key}), {i}, {b}, {d}, '2020-01-01'::timestamptz + {day} * interval '1 day', {live})"
            )
        })
}

fn statement() -> impl Strategy<Value = String> {
    const INSERT: &str = "insert into s.c (p, i, b, d, at, live) values ";
    prop_oneof![
        4 => row().prop_map(|row| format!("{INSERT}{row}")),
        3 => prop::collection::vec(row(), 2..6).prop_map(|rows| format!("{INSERT}{}", rows.join(", "))),
        2 => (0..=5, some_rows()).prop_map(|(key, rows)| format!("update s.c set p = s.key({key}) where {rows}")),
        2 => ("-?[0-9]", some_rows()).prop_map(|(i, rows)| format!("update s.c set i = {i} where {rows}")),
        1 => ("-?[0-9]{1,12}", some_rows()).prop_map(|(b, rows)| format!("update s.c set b = {b}, d = {b} / 8.0 where {rows}")),
        1 => some_rows().prop_map(|rows| format!("update s.c set live = not live, at = at - interval '1 day' where {rows}")),
        1 => some_rows().prop_map(|rows| format!("update s.c set i = i, b = b, d = null where {rows}")),
        2 => some_rows().prop_map(|rows| format!("delete from s.c where {rows}")),
        1 => Just("truncate s.c".to_owned()),
        1 => (row(), some_rows()).prop_map(|(row, rows)|
            format!("savepoint x; {INSERT}{row}; delete from s.c where {rows}; rollback to x")),
        1 => (row(), some_rows()).prop_map(|(row, rows)|
            format!("with gone as (delete from s.c where {rows} returning 1) {INSERT}{row}")),
    ]
}

#[test]
fn any_statements_leave_every_aggregate_equal_to_a_recount() {
    let database = Database::new();
    let mut session = database.session();
    session.run(TABLES);
    for (index, arguments) in AGGREGATES.iter().enumerate() {
        attach(&mut session, &format!("a{index}"), "s.c", arguments);
    }
    let session = RefCell::new(session);
    let mut runner = TestRunner::new(Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&prop::collection::vec(statement(), 1..14), |statements| {
            let session: &mut Session = &mut session.borrow_mut();
            session.run("rollback; begin");
            for statement in &statements {
                session.run(statement);
                let drift = session.rows(DRIFT);
                if !drift.is_empty() {
                    session.run("rollback");
                    return Err(TestCaseError::fail(format!("{statement}: {drift:?}")));
                }
            }
            session.run("rollback");
            Ok(())
        })
        .unwrap();
}

//! What `maintain_aggregate` keeps, refuses and leaves alone.

use super::harness::{Database, Session};

/// Tables, and triggers as the kernel's migrations write them.
pub fn with_tables(session: &mut Session) {
    session.run(
        "create schema s;
        create table s.rooms (id int primary key, n int not null default 0, seats int, total bigint not null default 0, latest int);
        create table s.seats (id int generated always as identity primary key, room int, points int, live boolean not null default true);
        insert into s.rooms (id, seats) select n, null from generate_series(1, 9) as n;",
    );
}

/// Attaches one aggregate; `arguments` are those of the trigger function.
pub fn attach(session: &mut Session, name: &str, child: &str, arguments: &str) {
    for (operation, tables) in [
        ("insert", "referencing new table as parley_new"),
        (
            "update",
            "referencing old table as parley_old new table as parley_new",
        ),
        ("delete", "referencing old table as parley_old"),
        ("truncate", ""),
    ] {
        session.run(&format!(
            "create or replace trigger {name}_{operation} after {operation} on {child} {tables}
            for each statement execute function parley_native.maintain_aggregate({arguments})"
        ));
    }
}

pub const COUNT: &str = "'count', 'room', 's.rooms', 'id', 'n', '', '', ''";
pub const BOUNDED: &str = "'count', 'room', 's.rooms', 'id', 'n', 'seats', '', ''";
pub const SUM: &str = "'sum', 'room', 's.rooms', 'id', 'total', '', 'points', ''";
pub const MAX: &str = "'max', 'room', 's.rooms', 'id', 'latest', '', 'points', ''";

pub fn kept(session: &mut Session, column: &str) -> Vec<String> {
    session.rows(&format!(
        "select id, {column} as v from s.rooms where coalesce({column}, 0) <> 0 order by id"
    ))
}

fn with_all(session: &mut Session) {
    with_tables(session);
    attach(session, "count", "s.seats", COUNT);
    attach(session, "sum", "s.seats", SUM);
    attach(session, "max", "s.seats", MAX);
}

#[test]
fn rows_that_come_move_and_go_are_followed() {
    let mut session = Database::new().session();
    with_all(&mut session);
    session.run("insert into s.seats (room, points) values (1, 5)");
    session.run("insert into s.seats (room, points) values (1, 7), (2, 3), (null, 9), (77, 9)");
    assert_eq!(
        kept(&mut session, "n"),
        [r#"{"id":1,"v":2}"#, r#"{"id":2,"v":1}"#]
    );
    assert_eq!(
        kept(&mut session, "total"),
        [r#"{"id":1,"v":12}"#, r#"{"id":2,"v":3}"#]
    );
    assert_eq!(
        kept(&mut session, "latest"),
        [r#"{"id":1,"v":7}"#, r#"{"id":2,"v":3}"#]
    );
    session.run("update s.seats set room = 2 where points = 7");
    assert_eq!(
        kept(&mut session, "total"),
        [r#"{"id":1,"v":5}"#, r#"{"id":2,"v":10}"#]
    );
    assert_eq!(
        kept(&mut session, "latest"),
        [r#"{"id":1,"v":5}"#, r#"{"id":2,"v":7}"#]
    );
    session.run("delete from s.seats where points = 7");
    assert_eq!(
        kept(&mut session, "latest"),
        [r#"{"id":1,"v":5}"#, r#"{"id":2,"v":3}"#]
    );
    session.run("update s.seats set points = points - 4 where room = 1");
    assert_eq!(
        kept(&mut session, "latest"),
        [r#"{"id":1,"v":1}"#, r#"{"id":2,"v":3}"#]
    );
    session.run("truncate s.seats");
    assert!(session.one::<bool>("select bool_and(n = 0 and total = 0 and latest is null) from s.rooms"));
}

#[test]
fn copy_and_upsert_are_followed() {
    let mut session = Database::new().session();
    with_all(&mut session);
    let mut copy = session
        .0
        .copy_in("copy s.seats (room, points) from stdin")
        .unwrap();
    std::io::Write::write_all(&mut copy, b"1\t4\n1\t6\n2\t1\n").unwrap();
    copy.finish().unwrap();
    session.run(
        "insert into s.seats (id, room, points) overriding system value values (1, 3, 1), (100, 3, 1)
        on conflict (id) do update set room = excluded.room",
    );
    assert_eq!(
        kept(&mut session, "n"),
        [r#"{"id":1,"v":1}"#, r#"{"id":2,"v":1}"#, r#"{"id":3,"v":2}"#]
    );
    assert_eq!(
        kept(&mut session, "total"),
        [r#"{"id":1,"v":6}"#, r#"{"id":2,"v":1}"#, r#"{"id":3,"v":5}"#]
    );
}

#[test]
fn rows_of_a_parent_that_goes_are_let_go() {
    let mut session = Database::new().session();
    with_all(&mut session);
    session.run("alter table s.seats add foreign key (room) references s.rooms on delete cascade");
    session.run("insert into s.seats (room, points) values (1, 1), (1, 2), (2, 3)");
    session.run("delete from s.rooms where id = 1");
    assert_eq!(kept(&mut session, "n"), [r#"{"id":2,"v":1}"#]);
}

#[test]
fn what_is_rolled_back_is_not_counted() {
    let mut session = Database::new().session();
    with_all(&mut session);
    session.run("begin; insert into s.seats (room, points) values (1, 1); savepoint a; insert into s.seats (room, points) values (1, 9)");
    session.run("delete from s.seats where points = 1; rollback to a; commit");
    assert_eq!(kept(&mut session, "n"), [r#"{"id":1,"v":1}"#]);
    assert_eq!(kept(&mut session, "latest"), [r#"{"id":1,"v":1}"#]);
}

#[test]
fn a_full_parent_refuses_one_row_and_many() {
    let mut session = Database::new().session();
    with_tables(&mut session);
    attach(&mut session, "count", "s.seats", BOUNDED);
    session.run("update s.rooms set seats = 2 where id = 1; insert into s.seats (room) values (1)");
    for statement in [
        "insert into s.seats (room) values (1), (2), (1)",
        "insert into s.seats (room) values (2); update s.seats set room = 1 where room = 2; insert into s.seats (room) values (1)",
        "insert into s.seats (room) values (3), (3); update s.seats set room = 1 where room = 3",
    ] {
        let refusal = session.refusal(statement);
        assert_eq!(refusal.state, "PT409", "{statement}");
        assert_eq!(refusal.message, "There is no free place: the capacity is 2.");
        assert_eq!(refusal.detail, "capacity_exceeded");
        assert_eq!(refusal.hint, "Wait until a place is free, or choose another one.");
        assert_eq!(kept(&mut session, "n"), [r#"{"id":1,"v":1}"#], "{statement}");
    }
    session.run("insert into s.seats (room) values (1); update s.rooms set seats = 1 where id = 1");
    // Over its capacity already: whoever leaves may leave, and a row that stays does not count again.
    session
        .run("update s.seats set points = 1; delete from s.seats where id = (select max(id) from s.seats)");
    assert_eq!(kept(&mut session, "n"), [r#"{"id":1,"v":1}"#]);
}

#[test]
fn a_refusal_may_be_rolled_back_to_a_savepoint() {
    let database = Database::new();
    let mut session = database.session();
    with_tables(&mut session);
    attach(&mut session, "count", "s.seats", BOUNDED);
    session.run("update s.rooms set seats = 1 where id = 1");
    session.run("set search_path = public; begin; insert into s.seats (room) values (1); savepoint a");
    assert_eq!(session.state("insert into s.seats (room) values (1)"), "PT409");
    session.run("rollback to a");
    assert_eq!(session.one::<String>("show search_path"), "public");
    assert!(session.one::<bool>("select current_user = session_user"));
    session.run("insert into s.seats (room) values (2); commit");
    assert_eq!(
        kept(&mut session, "n"),
        [r#"{"id":1,"v":1}"#, r#"{"id":2,"v":1}"#]
    );
}

#[test]
fn only_rows_that_match_the_condition_count() {
    let mut session = Database::new().session();
    with_tables(&mut session);
    attach(
        &mut session,
        "count",
        "s.seats",
        "'count', 'room', 's.rooms', 'id', 'n', '', '', 'live and child.points is distinct from 0'",
    );
    session.run("insert into s.seats (room, points) values (1, 0)");
    session.run("insert into s.seats (room, points) values (1, 1), (1, 2), (2, 3)");
    assert_eq!(
        kept(&mut session, "n"),
        [r#"{"id":1,"v":2}"#, r#"{"id":2,"v":1}"#]
    );
    session.run("update s.seats set live = false where points = 1");
    session.run("update s.seats set points = 4 where points = 0");
    session.run("update s.seats set live = false where points = 3");
    assert_eq!(kept(&mut session, "n"), [r#"{"id":1,"v":2}"#]);
    session.run("delete from s.seats where points = 4");
    assert_eq!(kept(&mut session, "n"), [r#"{"id":1,"v":1}"#]);
}

#[test]
fn a_statement_that_changes_nothing_counted_leaves_the_parent_alone() {
    let mut session = Database::new().session();
    with_all(&mut session);
    session.run("insert into s.seats (room, points) values (1, 5), (1, 6)");
    let before = session.one::<String>("select (ctid, xmin)::text from s.rooms where id = 1");
    session.run("update s.seats set live = false where points = 5");
    session.run("update s.seats set live = not live, room = room, points = points");
    session.run("update s.seats set points = 9 where false; delete from s.seats where false");
    session.run("insert into s.seats (room, points) select 1, 1 where false");
    assert_eq!(
        session.one::<String>("select (ctid, xmin)::text from s.rooms where id = 1"),
        before
    );
    session.run(
        "update s.seats set points = 0 where points = 5; update s.seats set points = null where points = 0",
    );
    assert_eq!(kept(&mut session, "total"), [r#"{"id":1,"v":6}"#]);
}

#[test]
fn sums_of_every_whole_type_are_exact() {
    let mut session = Database::new().session();
    for (index, (value, target)) in [
        ("smallint", "smallint"),
        ("integer", "bigint"),
        ("bigint", "bigint"),
        ("bigint", "numeric"),
        ("numeric", "numeric"),
        ("numeric(12,3)", "bigint"),
    ]
    .into_iter()
    .enumerate()
    {
        session.run(&format!(
            "create schema s{index};
            create table s{index}.rooms (id text primary key, total {target} not null default 0);
            create table s{index}.seats (room text, points {value});
            insert into s{index}.rooms values ('a'), ('b')"
        ));
        attach(
            &mut session,
            "sum",
            &format!("s{index}.seats"),
            &format!("'sum', 'room', 's{index}.rooms', 'id', 'total', '', 'points', ''"),
        );
        for statement in [
            "insert into s.seats values ('a', 300)",
            "insert into s.seats values ('a', 0)",
            "insert into s.seats values ('a', 20), ('b', -7), ('b', null)",
            "update s.seats set points = 21 where points = 20",
            "update s.seats set points = points + 1 where room = 'b'",
            "update s.seats set room = 'b' where points = 21",
            "delete from s.seats where points = -6",
            "delete from s.seats where points is null or points = 0",
        ] {
            session.run(&statement.replace("s.", &format!("s{index}.")));
            let drift = format!(
                "select r.id from s{index}.rooms as r where r.total <> (select coalesce(sum(points), 0) from s{index}.seats where room = r.id)"
            );
            assert!(session.rows(&drift).is_empty(), "{value} {target}: {statement}");
        }
        let total: String = session.one(&format!(
            "select string_agg(trim_scale(total::numeric)::text, ' ' order by id) from s{index}.rooms"
        ));
        assert_eq!(total, "300 21", "{value} {target}");
    }
}

#[test]
fn the_least_integers_can_go_again() {
    let mut session = Database::new().session();
    session.run(
        "create schema s; create table s.rooms (id int primary key, total numeric not null default 0);
        create table s.seats (room int, points bigint); insert into s.rooms values (1)",
    );
    attach(&mut session, "sum", "s.seats", SUM);
    session.run("insert into s.seats values (1, -9223372036854775808), (1, -9223372036854775808)");
    assert_eq!(
        session.one::<String>("select total::text from s.rooms"),
        "-18446744073709551616"
    );
    session.run("update s.seats set points = 1 where ctid = (select min(ctid) from s.seats)");
    session.run("delete from s.seats where points < 0");
    assert_eq!(session.one::<String>("select total::text from s.rooms"), "1");
}

#[test]
fn an_overflow_is_the_overflow_of_the_parents_column() {
    let mut session = Database::new().session();
    session.run(
        "create schema s; create table s.rooms (id int primary key, total smallint not null default 0);
        create table s.seats (room int, points int); insert into s.rooms values (1)",
    );
    attach(&mut session, "sum", "s.seats", SUM);
    for points in [40_000, i32::MAX] {
        let refusal = session.refusal(&format!("insert into s.seats values (1, {points})"));
        assert_eq!(
            (refusal.state.as_str(), refusal.message.as_str()),
            ("22003", "smallint out of range")
        );
    }
}

#[test]
fn errors_of_the_parents_table_come_through_whole() {
    let mut session = Database::new().session();
    with_tables(&mut session);
    attach(&mut session, "count", "s.seats", COUNT);
    session.run("alter table s.rooms add constraint rooms_n_check check (n < 2)");
    for statement in [
        "insert into s.seats (room) values (1), (1)",
        "insert into s.seats (room) values (2); insert into s.seats (room) values (2)",
    ] {
        let error = session.fails(statement);
        assert_eq!(error.code().code(), "23514");
        assert_eq!(
            (error.schema(), error.table(), error.constraint()),
            (Some("s"), Some("rooms"), Some("rooms_n_check"))
        );
        assert!(error.where_().unwrap().contains("update s.rooms"));
    }
    session.run(
        "create function s.no() returns trigger language plpgsql as $$
        begin raise exception using errcode = 'PT499', message = 'no', detail = 'd', hint = 'h', column = 'c'; end $$;
        create trigger no before update on s.rooms for each row execute function s.no()",
    );
    let error = session.fails("insert into s.seats (room) values (3)");
    assert_eq!(
        (
            error.code().code(),
            error.message(),
            error.detail(),
            error.hint(),
            error.column()
        ),
        ("PT499", "no", Some("d"), Some("h"), Some("c"))
    );
}

#[test]
fn aggregates_may_feed_aggregates() {
    let mut session = Database::new().session();
    with_tables(&mut session);
    session.run("create table s.houses (id int primary key, n int not null default 0); insert into s.houses values (1)");
    session.run("alter table s.rooms add column house int default 1; update s.rooms set house = 1");
    attach(&mut session, "count", "s.seats", COUNT);
    attach(
        &mut session,
        "sum",
        "s.rooms",
        "'sum', 'house', 's.houses', 'id', 'n', '', 'n', ''",
    );
    session.run("insert into s.seats (room) values (1)");
    session.run("insert into s.seats (room) values (1), (2), (3)");
    session.run("delete from s.seats where room = 1");
    assert_eq!(session.one::<i32>("select n from s.houses"), 2);
}

#[test]
fn wrong_use_is_refused_as_postgres_refuses_it() {
    let mut session = Database::new().session();
    with_tables(&mut session);
    assert_eq!(
        session.state("select parley_native.maintain_aggregate()"),
        "39P01"
    );
    let call = |arguments: &str| format!("execute function parley_native.maintain_aggregate({arguments})");
    for (definition, message) in [
        (
            format!("after insert on s.seats for each row {}", call(COUNT)),
            "must be fired after a statement",
        ),
        (
            format!("before insert on s.seats for each statement {}", call(COUNT)),
            "must be fired after a statement",
        ),
        (
            format!("after insert on s.seats for each statement {}", call(COUNT)),
            "must be fired after a statement",
        ),
        (
            format!(
                "after insert on s.seats referencing new table as n for each statement {}",
                call(COUNT)
            ),
            "must be fired after a statement",
        ),
        (insert_trigger("'count'"), "takes 8 arguments"),
        (insert_trigger(&format!("{COUNT}, ''")), "takes 8 arguments"),
        (
            insert_trigger("'avg', 'room', 's.rooms', 'id', 'n', '', 'points', ''"),
            "keeps a count, a sum or a max",
        ),
        (
            insert_trigger("'sum', 'room', 's.rooms', 'id', 'n', '', '', ''"),
            "needs a value column",
        ),
    ] {
        session.run(&format!("create trigger wrong {definition}"));
        let refusal = session.refusal("insert into s.seats (room) values (1)");
        assert_eq!(refusal.state, "39P01", "{definition}");
        assert!(
            refusal.message.contains(message),
            "{definition}: {}",
            refusal.message
        );
        session.run("drop trigger wrong on s.seats");
    }
    session.run(&format!(
        "create trigger wrong {}",
        insert_trigger("'count', 'nowhere', 's.rooms', 'id', 'n', '', '', ''")
    ));
    assert_eq!(session.state("insert into s.seats (room) values (1)"), "42703");
}

fn insert_trigger(arguments: &str) -> String {
    format!(
        "after insert on s.seats referencing new table as parley_new for each statement
        execute function parley_native.maintain_aggregate({arguments})"
    )
}

//! The triggers: twin tables, one pair kept by each kernel, the same history through both.

use parley_tests::{Error, Plan, Refusal, Row, Session, statement, with_both_kernels};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

const TWINS: [&str; 2] = ["portable", "native"];
const STATEMENTS: usize = 220;

/// Points the triggers of each twin at its kernel, and makes their clocks stand still.
async fn attach(session: &mut Session) -> Result<(), Error> {
    for twin in TWINS {
        session
            .run(&format!(
                "select parley.attach_triggers(kept, '{twin}' = 'native') from parley.aggregates as kept
                 join pg_class as c on c.oid = kept.parent where c.relnamespace = '{twin}'::regnamespace"
            ))
            .await?;
        let kernels = session
            .rows(&format!(
                "select distinct p.pronamespace::regnamespace from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid
                 join pg_class as c on c.oid = t.tgrelid
                 where c.relnamespace = '{twin}'::regnamespace and c.relname = 'members' and t.tgname ~ '^parley_[1-9]'"
            ))
            .await?;
        assert_eq!(kernels, [[Some(format!("parley_{twin}"))]]);
    }
    Ok(())
}

/// The schemas and the tables of a plan in each.
async fn build(session: &mut Session, plan: Plan) -> Result<(), Error> {
    for twin in TWINS {
        session
            .run(&format!("create schema {twin}; set search_path = {twin}"))
            .await?;
        plan.build_with_rooms(session).await?;
        session
            .run("alter table members alter at set default '2026-01-05'")
            .await?;
    }
    attach(session).await
}

/// What a statement answers in one twin, without the twin's name.
async fn answer(session: &mut Session, twin: &str, sql: &str) -> Result<Result<Vec<Row>, Refusal>, Error> {
    session.run(&format!("set search_path = {twin}")).await?;
    let outcome = session.outcome(sql).await?;
    if outcome.is_err() {
        session.run("rollback").await?;
    }
    let unnamed = |text: String| text.replace(&format!("{twin}."), "");
    Ok(outcome.map_err(|refusal| Refusal {
        message: unnamed(refusal.message),
        detail: refusal.detail.map(unnamed),
        hint: refusal.hint.map(unnamed),
        code: refusal.code,
    }))
}

/// Asserts that a statement does the same in both, and that both tables hold the same afterwards. Whether it was refused.
async fn assert_twins(session: &mut Session, sql: &str, context: &str) -> Result<bool, Error> {
    let portable = answer(session, TWINS[0], sql).await?;
    let native = answer(session, TWINS[1], sql).await?;
    assert_eq!(portable, native, "{context}: {sql}");
    let differing = session
        .rows("(table portable.rooms except table native.rooms) union all (table native.rooms except table portable.rooms)")
        .await?;
    assert!(differing.is_empty(), "{context}: {sql}\n{differing:#?}");
    Ok(portable.is_err())
}

fn same_history(plan: Plan, seeds: std::ops::Range<u64>) -> Result<(), Error> {
    for seed in seeds {
        with_both_kernels(async |session| {
            build(session, plan).await?;
            let mut random = StdRng::seed_from_u64(seed);
            for step in 0..STATEMENTS {
                let sql = statement(&mut random, plan);
                assert_twins(session, &sql, &format!("{plan:?}, seed {seed}, step {step}")).await?;
            }
            let drift = session.rows("select * from parley.counter_drift()").await?;
            assert!(drift.is_empty(), "{drift:?}");
            Ok::<_, Error>(())
        })?;
    }
    Ok(())
}

#[test]
fn histories_with_foreign_keys_are_the_same() -> Result<(), Error> {
    same_history(Plan::PLAIN, 1000..1004)
}

#[test]
fn histories_without_foreign_keys_are_the_same() -> Result<(), Error> {
    same_history(
        Plan {
            key: "text",
            has_foreign_key: false,
            ..Plan::PLAIN
        },
        1100..1103,
    )
}

#[test]
fn histories_of_partitioned_tables_are_the_same() -> Result<(), Error> {
    same_history(
        Plan {
            key: "uuid",
            is_partitioned: true,
            ..Plan::PLAIN
        },
        1200..1203,
    )
}

/// Values at the edges of their types, where sums overflow.
#[test]
fn sums_and_latest_values_of_every_type_are_the_same() -> Result<(), Error> {
    let types = ["smallint", "integer", "bigint", "numeric"];
    with_both_kernels(async |session| {
        let mut random = StdRng::seed_from_u64(22003);
        let mut overflows = 0;
        for value in types {
            for total in types {
                for twin in TWINS {
                    session
                        .run(&format!(
                            "create schema {twin}; set search_path = {twin};
                             create table rooms (id int primary key, total {total}, n smallint, latest {value});
                             create table members (id int, room int, amount {value});
                             select parley.maintain_sum('members', 'room', 'amount', 'rooms', 'id', 'total');
                             select parley.maintain_count('members', 'room', 'rooms', 'id', 'n');
                             select parley.maintain_max('members', 'room', 'amount', 'rooms', 'id', 'latest');
                             insert into rooms (id) values (1), (2)"
                        ))
                        .await?;
                }
                attach(session).await?;
                for step in 0..60 {
                    let sql = sum_statement(&mut random, value, step);
                    overflows += usize::from(
                        assert_twins(session, &sql, &format!("{value} into {total}, step {step}")).await?,
                    );
                }
                session.run("drop schema portable, native cascade").await?;
            }
        }
        assert_ne!(overflows, 0, "no sum overflowed");
        Ok(())
    })
}

fn sum_statement(random: &mut StdRng, value: &str, step: i32) -> String {
    let edges: &[&str] = match value {
        "smallint" => &["32767", "-32768", "0", "1", "-1", "null"],
        "integer" => &["2147483647", "-2147483648", "0", "40000", "-1", "null"],
        "bigint" => &[
            "9223372036854775807",
            "-9223372036854775808",
            "0",
            "3000000000",
            "-1",
            "null",
        ],
        _ => &[
            "1e40",
            "-1e40",
            "0",
            "0.5",
            "1.00",
            "null",
            "'NaN'",
            "'Infinity'",
            "'-Infinity'",
            "0.00",
        ],
    };
    let mut edge = || edges.choose(random).copied().unwrap_or("0");
    let (a, b) = (edge(), edge());
    let (room, other, id) = (
        random.random_range(1..3),
        random.random_range(1..3),
        random.random_range(0..step.max(1)),
    );
    match random.random_range(0..8) {
        0 | 1 => format!("insert into members values ({step}, {room}, {a})"),
        2 => format!(
            "insert into members values ({step}, {room}, {a}), ({step}, {other}, {b}), ({step}, null, {b})"
        ),
        3 => format!("update members set amount = {a} where id = {id}"),
        4 => format!("update members set room = {room}, amount = {a} where id % 3 = {id} % 3"),
        5 => format!("update members set amount = -amount where id = {id}"),
        6 => format!("delete from members where id = {id}"),
        _ => format!("delete from members where id in ({id}, {id} + 1, {id} + 2)"),
    }
}

#[test]
fn latest_values_of_other_types_are_the_same() -> Result<(), Error> {
    let kinds = [
        ("text collate \"C\"", ["'a'", "'B'", "'é'", "''", "null"]),
        ("text", ["'a'", "'B'", "'é'", "''", "null"]),
        (
            "date",
            [
                "'2026-01-01'",
                "'infinity'",
                "'-infinity'",
                "'0001-01-01 BC'",
                "null",
            ],
        ),
        ("double precision", ["1.5", "'NaN'", "'Infinity'", "-0.0", "null"]),
        (
            "inet",
            ["'10.0.0.1'", "'::1'", "'10.0.0.0/8'", "'10.0.0.2'", "null"],
        ),
        (
            "interval",
            ["'1 day'", "'24 hours'", "'-1 month'", "'30 days'", "null"],
        ),
        ("int[]", ["'{1,2}'", "'{}'", "'{3}'", "'{1,null}'", "null"]),
    ];
    with_both_kernels(async |session| {
        let mut random = StdRng::seed_from_u64(1);
        for (kind, samples) in kinds {
            for twin in TWINS {
                session
                    .run(&format!(
                        "create schema {twin}; set search_path = {twin}; create table rooms (id int primary key, latest {kind});
                         create table members (id int, room int, value {kind}); insert into rooms values (1), (2);
                         select parley.maintain_max('members', 'room', 'value', 'rooms', 'id', 'latest')"
                    ))
                    .await?;
            }
            attach(session).await?;
            for step in 0..40 {
                let sample = samples.choose(&mut random).copied().unwrap_or("null");
                let (room, id) = (random.random_range(1..3), random.random_range(0..step.max(1)));
                let sql = match random.random_range(0..5) {
                    0 | 1 => format!("insert into members values ({step}, {room}, {sample})"),
                    2 => format!("update members set value = {sample} where id = {id}"),
                    3 => format!("update members set room = {room} where id = {id}"),
                    _ => format!("delete from members where id = {id}"),
                };
                assert_twins(session, &sql, &format!("{kind}, step {step}")).await?;
            }
            session.run("drop schema portable, native cascade").await?;
        }
        Ok(())
    })
}

#[test]
fn predicates_of_every_kind_are_the_same() -> Result<(), Error> {
    let predicates = [
        "is_on",
        "not is_on",
        "note is null",
        "note ~ '^a.*z$'",
        "note = any (array['a', 'b''c'])",
        "amount between 2 and 5 or is_on",
        "coalesce(note, '') <> 'x' and (amount > 3)",
        "amount / 2 > 1",
        "child.amount > 2",
        "note like '%\"%'",
        "false",
        "null",
    ];
    with_both_kernels(async |session| {
        for predicate in predicates {
            for twin in TWINS {
                session
                    .run(&format!(
                        "create schema {twin}; set search_path = {twin};
                         create table rooms (id int primary key, n int, places int, total bigint, latest int);
                         create table members (room int, is_on boolean, note text, amount int);
                         insert into rooms (id, places) values (1, 5), (2, null), (3, 0);
                         select parley.maintain_count('members', 'room', 'rooms', 'id', 'n', 'places', $p${predicate}$p$);
                         select parley.maintain_sum('members', 'room', 'amount', 'rooms', 'id', 'total', $p${predicate}$p$);
                         select parley.maintain_max('members', 'room', 'amount', 'rooms', 'id', 'latest', $p${predicate}$p$)"
                    ))
                    .await?;
            }
            attach(session).await?;
            for sql in [
                "insert into members values (1, true, 'abz', 3)",
                "insert into members values (1, false, null, 1), (2, null, 'a\"', 4), (3, true, 'x', 6)",
                "insert into members select 2, n % 2 = 0, chr(96 + n), n from generate_series(1, 8) as n",
                "update members set is_on = not is_on",
                "update members set note = 'b''c', amount = amount + 1 where room = 1",
                "update members set room = 1 where room = 2",
                "update members set amount = 4 where amount = 5",
                "delete from members where amount > 4",
                "delete from members where room = 1 and amount = (select max(amount) from members where room = 1)",
                "truncate members",
            ] {
                assert_twins(session, sql, predicate).await?;
            }
            session.run("drop schema portable, native cascade").await?;
        }
        Ok(())
    })
}

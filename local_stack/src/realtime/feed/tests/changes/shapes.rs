//! What a change looks like.

use serde_json::{Value, json};

use crate::realtime::feed::tests::support::{Bench, Watcher, key, parse};

#[tokio::test(flavor = "multi_thread")]
async fn insert_update_and_delete_have_the_documented_shape() {
    let bench = Bench::start(
        "create table public.\"my \"\"odd\"\" things\" (id bigint primary key, \"a Name\" text not null, n numeric(10, 2));
        grant select on all tables in schema public to service_role;
        alter publication supabase_realtime add table public.\"my \"\"odd\"\" things\";",
    )
    .await;
    let table = "my \"odd\" things";
    let request = json!([{"event": "*", "schema": "public", "table": table}]);
    let mut watcher = Watcher::new(&bench, &key("service_role"), request).await;
    let before = chrono::Utc::now();
    bench
        .run(
            "postgres",
            "insert into public.\"my \"\"odd\"\" things\" values (9007199254740993, 'x', 1.50);
            update public.\"my \"\"odd\"\" things\" set n = null;
            update public.\"my \"\"odd\"\" things\" set id = 2;
            delete from public.\"my \"\"odd\"\" things\";",
        )
        .await;
    let (ids, mut data) = watcher.next().await;
    assert_eq!(ids, watcher.subscription.ids);
    let moment = data["commit_timestamp"].take();
    let moment = moment.as_str().unwrap();
    assert!(
        moment.ends_with('Z') && moment.len() == "2026-01-01T00:00:00.000Z".len(),
        "{moment}"
    );
    let moment: chrono::DateTime<chrono::Utc> = moment.parse().unwrap();
    assert!((moment - before).num_seconds().abs() < 600);
    assert_eq!(
        data,
        json!({
            "schema": "public", "table": table, "type": "INSERT", "commit_timestamp": null, "errors": null,
            "columns": [
                {"name": "id", "type": "int8"}, {"name": "a Name", "type": "text"}, {"name": "n", "type": "numeric"}
            ],
            "record": {"id": 9_007_199_254_740_993_i64, "a Name": "x", "n": parse("1.50")}
        })
    );
    let data = watcher.data().await;
    assert_eq!(
        data["record"],
        json!({"id": 9_007_199_254_740_993_i64, "a Name": "x", "n": null})
    );
    assert_eq!(data["old_record"], json!({"id": 9_007_199_254_740_993_i64}));
    let data = watcher.data().await;
    assert_eq!(data["record"]["id"], 2);
    assert_eq!(data["old_record"], json!({"id": 9_007_199_254_740_993_i64}));
    let data = watcher.data().await;
    assert_eq!(data["old_record"], json!({"id": 2}));
    assert!(data.get("record").is_none());
    bench.stop().await;
}

/// Literals of many types, as one row.
const VALUES: [(&str, &str); 46] = [
    ("int2", "'-5'"),
    ("int4", "'5'"),
    ("int8", "'9007199254740993'"),
    ("oid", "'4000000000'"),
    ("float4", "'1.1'"),
    ("float8", "'1e-07'"),
    ("float8", "'1e+300'"),
    ("numeric", "'123456789012345678901234567890.50'"),
    ("bool", "true"),
    ("bool", "false"),
    ("text", "e'tab\\t quote\" back\\\\ ü \\u0001'"),
    ("varchar(5)", "'abc'"),
    ("char(5)", "'abc'"),
    ("name", "'abc'"),
    ("\"char\"", "'x'"),
    ("uuid", "'00000000-0000-4000-8000-00000000000A'"),
    ("json", "'{\"b\": [1, 2.50, null], \"a\": \"x\"}'"),
    ("jsonb", "'{\"b\": [1, 2.50, null], \"a\": \"x\"}'"),
    ("jsonb", "'null'"),
    ("jsonb", "'\"text\"'"),
    ("date", "'2026-02-03'"),
    ("date", "'infinity'"),
    ("date", "'0044-03-15 BC'"),
    ("time", "'12:34:56.789'"),
    ("timetz", "'12:34:56+02'"),
    ("timestamp", "'2026-02-03 04:05:06'"),
    ("timestamp", "'2026-02-03 04:05:06.123456'"),
    ("timestamp", "'-infinity'"),
    ("timestamp", "'0044-03-15 01:02:03 BC'"),
    ("timestamptz", "'2026-02-03 04:05:06+02'"),
    ("timestamptz", "'2026-02-03 04:05:06.5+02'"),
    ("timestamptz", "'infinity'"),
    ("timestamptz", "'0044-03-15 01:02:03+00 BC'"),
    ("interval", "'1 year 2 days 03:04:05'"),
    ("inet", "'10.0.0.1/8'"),
    ("macaddr", "'08:00:2b:01:02:03'"),
    ("bit(3)", "b'101'"),
    ("varbit", "b'1011'"),
    ("int4[]", "'{1,null,3}'"),
    ("text[]", "'{a,\"b,c\",null}'"),
    ("timestamptz[]", "'{2026-02-03 04:05:06+02}'"),
    ("int4range", "'[1,5)'"),
    ("point", "'(1,2)'"),
    ("public.mood", "'calm'"),
    ("public.positive", "7"),
    ("public.pair", "row(1, 'x')"),
];

/// Equal, however a number is spelled.
fn is_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left.to_string().parse::<f64>().unwrap() == right.to_string().parse::<f64>().unwrap()
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left, right))
        }
        _ => left == right,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_written_as_postgres_writes_them_in_json() {
    let columns: Vec<String> = VALUES
        .iter()
        .enumerate()
        .map(|(n, (name, _))| format!("c{n} {name}"))
        .collect();
    let literals: Vec<&str> = VALUES.iter().map(|(_, literal)| *literal).collect();
    let bench = Bench::start(&format!(
        "create type public.mood as enum ('calm', 'wild');
        create domain public.positive as integer check (value > 0);
        create type public.pair as (a integer, b text);
        create table public.samples (id integer primary key, {});
        alter table public.samples replica identity full;
        create table public.special (id integer primary key, a float8, b numeric, c bytea, d float4);
        grant select on all tables in schema public to service_role;
        alter publication supabase_realtime add table public.samples, public.special;",
        columns.join(", ")
    ))
    .await;
    let mut watcher = Watcher::new(&bench, &key("service_role"), json!([{"schema": "public"}])).await;
    // The session's own settings do not reach the stream.
    bench
        .run(
            "postgres",
            &format!(
                "set timezone to 'Asia/Tokyo'; set datestyle to 'sql, dmy'; insert into public.samples values (1, {});",
                literals.join(", ")
            ),
        )
        .await;
    let mut connection = bench.connect("supabase_admin").await;
    let expected: Value = sqlx::query_scalar("select to_jsonb(s) from public.samples s")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let record = watcher.data().await["record"].take();
    for (n, (name, literal)) in VALUES.iter().enumerate() {
        let column = format!("c{n}");
        assert!(
            is_same(&record[&column], &expected[&column]),
            "{name} {literal}: {} is not {}",
            record[&column],
            expected[&column]
        );
    }
    bench.run("postgres", "delete from public.samples").await;
    let old_record = watcher.data().await["old_record"].take();
    assert_eq!(
        old_record, record,
        "with the full identity all of it is told of a deleted row"
    );

    // What JSON has no number for is null, and bytes have no prefix: so says the decoder of the server.
    bench
        .run(
            "postgres",
            "insert into public.special values (1, 'NaN', '-Infinity', '\\xdeadbeef', '1.5')",
        )
        .await;
    assert_eq!(
        watcher.data().await["record"],
        json!({"id": 1, "a": null, "b": null, "c": "deadbeef", "d": 1.5})
    );
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_value_that_an_update_left_alone_is_left_out_or_taken_from_the_old_row() {
    let bench = Bench::start(
        "create table public.texts (id integer primary key, n integer, long text);
        alter table public.texts alter column long set storage external;
        grant select on all tables in schema public to service_role;
        alter publication supabase_realtime add table public.texts;
        insert into public.texts values (1, 1, repeat('x', 10000));",
    )
    .await;
    let request = json!([{"event": "UPDATE", "schema": "public", "table": "texts"}]);
    let mut watcher = Watcher::new(&bench, &key("service_role"), request).await;
    bench.run("postgres", "update public.texts set n = 2").await;
    let data = watcher.data().await;
    assert_eq!(data["record"], json!({"id": 1, "n": 2}));
    assert_eq!(data["columns"].as_array().unwrap().len(), 3);
    bench
        .run(
            "postgres",
            "alter table public.texts replica identity full; update public.texts set n = 3",
        )
        .await;
    let data = watcher.data().await;
    assert_eq!(data["record"]["long"].as_str().unwrap().len(), 10_000);
    assert_eq!(
        (&data["record"]["n"], &data["old_record"]["n"]),
        (&json!(3), &json!(2))
    );
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_that_is_too_long_keeps_its_short_values_and_says_so() {
    let bench = Bench::start(
        "create table public.texts (id integer primary key, long text, short text, exact text, over text, nothing text);
        grant select on all tables in schema public to service_role;
        alter publication supabase_realtime add table public.texts;",
    )
    .await;
    let mut watcher = Watcher::new(&bench, &key("service_role"), json!([{"schema": "public"}])).await;
    for (bytes, is_whole) in [(1_047_000, true), (1_048_576, false)] {
        bench
            .run(
                "postgres",
                &format!(
                    "insert into public.texts
                    values ({bytes}, repeat('x', {bytes}), 's', repeat('e', 62), repeat('o', 63), null)"
                ),
            )
            .await;
        let data = watcher.data().await;
        assert_eq!(data["errors"].is_null(), is_whole);
        if !is_whole {
            assert_eq!(data["errors"], json!(["Error 413: Payload Too Large"]));
            assert_eq!(
                data["record"],
                json!({"id": bytes, "short": "s", "exact": "e".repeat(62)})
            );
        }
    }
    bench.stop().await;
}

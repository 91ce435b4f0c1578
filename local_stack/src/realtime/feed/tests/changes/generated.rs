//! Stored generated columns, which the stream of pgoutput leaves out.

use serde_json::{Value, json};

use crate::realtime::feed::tests::support::{Bench, Watcher, key, parse};

const TABLE: &str =
    "create function public.written_by() returns text language sql immutable as 'select current_user::text';
    create table public.things (
        id bigint primary key,
        \"the \"\"title\"\"\" text generated always as (upper(\"a name\")) stored,
        \"a name\" text,
        n integer,
        is_large boolean generated always as (n > 3) stored,
        half integer generated always as (n / 2.0) stored,
        price numeric(10, 2) generated always as (n * 1.5) stored,
        words text[] generated always as (string_to_array(\"a name\", ' ')) stored,
        search tsvector generated always as (to_tsvector('english', coalesce(\"a name\", ''))) stored,
        home text generated always as (tableoid::regclass::oid::int8::text) stored,
        long text,
        long_start text generated always as (left(long, 3)) stored,
        owner text generated always as (public.written_by()) stored
    );
    alter table public.things alter column long set storage external;
    grant all on public.things to service_role;
    alter publication supabase_realtime add table public.things;";

/// The row as Postgres has it.
async fn stored(bench: &Bench) -> Value {
    let mut connection = bench.connect("postgres").await;
    let row: String = sqlx::query_scalar("select to_jsonb(t)::text from public.things t")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    parse(&row)
}

fn everything() -> Value {
    json!([{"event": "*", "schema": "public", "table": "things"}])
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_columns_are_as_the_table_has_them() {
    let bench = Bench::start(TABLE).await;
    let mut watcher = Watcher::new(&bench, &key("service_role"), everything()).await;
    for statement in [
        "insert into public.things (id, \"a name\", n, long) values (1, 'two words', 4, 'abcd')",
        "update public.things set n = 3",
        "update public.things set \"a name\" = null, n = null",
    ] {
        bench.run("postgres", statement).await;
        let data = watcher.data().await;
        let row = stored(&bench).await;
        // Whoever owns the table wrote the row, and with their rights it is computed.
        assert_eq!(row["owner"], "postgres");
        assert_eq!(data["record"], row, "{statement}");
        let names = data["record"].as_object().unwrap().len();
        assert_eq!(data["columns"].as_array().unwrap().len(), names);
        if data["type"] == "UPDATE" {
            assert_eq!(data["old_record"], json!({"id": 1}));
        }
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_old_row_has_them_too_and_a_filter_sees_them() {
    let bench = Bench::start(TABLE).await;
    bench
        .run("postgres", "alter table public.things replica identity full")
        .await;
    let request =
        json!([{"event": "*", "schema": "public", "table": "things", "filter": "is_large=eq.true"}]);
    let mut watcher = Watcher::new(&bench, &key("service_role"), request).await;
    bench
        .run(
            "postgres",
            "insert into public.things (id, \"a name\", n) values (1, 'small', 1);
            insert into public.things (id, \"a name\", n) values (2, 'large', 7);
            update public.things set n = 2 where id = 2;
            update public.things set n = 8 where id = 2;
            delete from public.things;",
        )
        .await;
    let data = watcher.data().await;
    assert_eq!(
        (&data["type"], &data["record"]["price"]),
        (&json!("INSERT"), &parse("10.50"))
    );
    let data = watcher.data().await;
    assert_eq!(
        (&data["type"], &data["record"]["n"]),
        (&json!("UPDATE"), &json!(8))
    );
    assert_eq!(
        (&data["old_record"]["is_large"], &data["old_record"]["price"]),
        (&json!(false), &parse("3.00"))
    );
    let data = watcher.data().await;
    assert_eq!(
        (&data["type"], &data["old_record"]["words"]),
        (&json!("DELETE"), &json!(["large"]))
    );
    bench.stop().await;
}

/// What an update leaves alone and keeps elsewhere is not in the stream, nor is what follows from it.
#[tokio::test(flavor = "multi_thread")]
async fn column_that_follows_from_a_missing_value_is_missing() {
    let bench = Bench::start(TABLE).await;
    let mut watcher = Watcher::new(&bench, &key("service_role"), everything()).await;
    bench
        .run(
            "postgres",
            "insert into public.things (id, \"a name\", n, long) values (1, 'x', 1, 'abc' || repeat('x', 100000));
            update public.things set n = 5;",
        )
        .await;
    assert_eq!(watcher.data().await["record"]["long_start"], "abc");
    let record = watcher.data().await["record"].take();
    assert_eq!((record.get("long"), record.get("long_start")), (None, None));
    assert_eq!(
        (&record["is_large"], &record["price"]),
        (&json!(true), &parse("7.50"))
    );
    bench
        .run(
            "postgres",
            "alter table public.things replica identity full; update public.things set n = 6;",
        )
        .await;
    let record = watcher.data().await["record"].take();
    assert_eq!(record["long_start"], "abc");
    assert_eq!(record["long"].as_str().map(str::len), Some(100_003));
    bench.stop().await;
}

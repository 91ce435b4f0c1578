//! The daily partitions of `realtime.messages`.

use super::support::Bench;

const NAMES: &str =
    "select array_agg(relname::text order by relname) from pg_inherits join pg_class on oid = inhrelid
    where inhparent = 'realtime.messages'::regclass";

#[tokio::test(flavor = "multi_thread")]
async fn days_begin_in_utc_and_stay_from_three_days_ago_to_three_days_ahead() {
    let mut bench = Bench::start("select 1;").await;
    let mut admin = bench.connect("supabase_admin").await;
    // Whatever the session says.
    sqlx::query("set timezone to 'Pacific/Auckland'")
        .execute(&mut admin)
        .await
        .unwrap();
    for (present, first, last) in [
        ("2030-05-10 23:59:59.999999+00", 9, 13),
        ("2030-05-11 00:00:00+00", 9, 14),
        ("2030-05-11 00:00:00+00", 9, 14),
        ("2030-05-12 23:59:59+00", 9, 15),
        ("2030-05-13 00:00:00+00", 10, 16),
        ("2030-05-13 00:30:00+02", 10, 16),
        ("2030-05-16 12:00:00+00", 13, 19),
    ] {
        sqlx::query("select _realtime.keep_partitions($1::text::timestamptz)")
            .bind(present)
            .execute(&mut admin)
            .await
            .unwrap();
        let names: Vec<String> = sqlx::query_scalar(NAMES).fetch_one(&mut admin).await.unwrap();
        let expected: Vec<String> = (first..=last)
            .map(|day| format!("messages_2030_05_{day:02}"))
            .collect();
        assert_eq!(names, expected, "{present}");
    }
    // The stream knows new partitions without being told.
    bench
        .run(
            "postgres",
            "insert into realtime.messages (topic, extension, payload, event, private, inserted_at)
            values ('room', 'broadcast', '{}', 'old', true, '2030-05-13'), ('room', 'broadcast', '{}', 'new', true, '2030-05-19')",
        )
        .await;
    assert_eq!(bench.events(2).await, ["old", "new"]);
    let owners: Vec<String> = sqlx::query_scalar(
        "select distinct relowner::regrole::text from pg_inherits join pg_class on oid = inhrelid
        where inhparent = 'realtime.messages'::regclass",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert_eq!(owners, ["supabase_realtime_admin"]);
    bench.stop().await;
}

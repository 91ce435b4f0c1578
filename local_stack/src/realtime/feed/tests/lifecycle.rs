//! The feed comes back, and leaves nothing behind.

use super::support::{Bench, until};

const NO_SLOT: &str = "select count(*) = 0 from pg_replication_slots";
const SEND: &str = "select realtime.send('{}', 'said', 'room', true)";

#[tokio::test(flavor = "multi_thread")]
async fn lost_connection_comes_back_and_a_stopped_feed_leaves_no_slot() {
    let mut bench = Bench::start("select 1;").await;
    let mut admin = bench.connect("supabase_admin").await;
    for _ in 0..3 {
        let slots: Vec<(String, bool)> =
            sqlx::query_as("select slot_name::text, temporary from pg_replication_slots where active")
                .fetch_all(&mut admin)
                .await
                .unwrap();
        assert_eq!(slots.len(), 1);
        assert!(slots[0].1, "the slot is temporary");
        let mut live = bench.feed.live();
        live.mark_unchanged();
        let killed: i64 = sqlx::query_scalar(
            "select count(*) from (select pg_terminate_backend(pid) from pg_stat_replication) as killed",
        )
        .fetch_one(&mut admin)
        .await
        .unwrap();
        assert_eq!(killed, 1);
        live.changed().await.unwrap();
        bench.live(true).await;
        bench.run("postgres", SEND).await;
        assert_eq!(bench.message().await.event, "said");
        let question = format!(
            "select count(*) = 0 from pg_replication_slots where slot_name = '{}'",
            slots[0].0
        );
        until(&mut admin, &question).await;
    }
    let Bench { feed, stack, .. } = bench;
    feed.stop().await;
    until(&mut admin, NO_SLOT).await;
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_feed_leaves_no_slot_either() {
    let bench = Bench::start("select 1;").await;
    let mut admin = bench.connect("supabase_admin").await;
    let Bench { feed, stack, .. } = bench;
    drop(feed);
    until(&mut admin, NO_SLOT).await;
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_stops_while_the_feed_still_reads() {
    let bench = Bench::start("select 1;").await;
    bench.run("postgres", SEND).await;
    let Bench { feed, stack, .. } = bench;
    stack.stop().await.unwrap();
    feed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_for_the_feed_is_acknowledged_too_so_that_no_wal_is_kept_for_it() {
    let bench = Bench::start("create table public.elsewhere (n integer);").await;
    let mut admin = bench.connect("supabase_admin").await;
    sqlx::raw_sql("insert into public.elsewhere select generate_series(1, 10000)")
        .execute(&mut admin)
        .await
        .unwrap();
    let written: String = sqlx::query_scalar("select pg_current_wal_flush_lsn()::text")
        .fetch_one(&mut admin)
        .await
        .unwrap();
    until(
        &mut admin,
        &format!("select bool_and(confirmed_flush_lsn >= '{written}') from pg_replication_slots"),
    )
    .await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_transaction_delays_the_start_and_not_the_stop() {
    let mut bench = Bench::start("select 1;").await;
    let mut writer = bench.connect("postgres").await;
    let mut admin = bench.connect("supabase_admin").await;
    sqlx::raw_sql("begin; select txid_current()")
        .execute(&mut writer)
        .await
        .unwrap();
    sqlx::raw_sql("select pg_terminate_backend(pid) from pg_stat_replication")
        .execute(&mut admin)
        .await
        .unwrap();
    // The new slot waits for the writer.
    let waiting = "select exists (select from pg_stat_activity where backend_type = 'walsender' and wait_event_type = 'Lock')";
    until(&mut admin, waiting).await;
    assert!(!*bench.feed.live().borrow());
    sqlx::raw_sql("commit").execute(&mut writer).await.unwrap();
    bench.live(true).await;
    bench.run("postgres", SEND).await;
    assert_eq!(bench.message().await.event, "said");

    sqlx::raw_sql("begin; select txid_current()")
        .execute(&mut writer)
        .await
        .unwrap();
    sqlx::raw_sql("select pg_terminate_backend(pid) from pg_stat_replication")
        .execute(&mut admin)
        .await
        .unwrap();
    until(&mut admin, waiting).await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_and_remade_publications_and_schemas_do_not_wedge_it() {
    let mut bench = Bench::start("select 1;").await;
    let mut admin = bench.connect("supabase_admin").await;
    for name in ["supabase_realtime", "supabase_realtime_messages_publication"] {
        let statement = format!("drop publication {name}; {SEND}");
        sqlx::raw_sql(&statement).execute(&mut admin).await.unwrap();
        // The server notices at the next row and ends the stream; the row is lost, as it is there.
        let back = "select count(*) = 1 from pg_replication_slots where active";
        until(&mut admin, back).await;
        bench.live(true).await;
    }
    while bench.inbox.try_recv().is_ok() {}
    let told = async {
        // The stream may be about to end at the moment when it is asked.
        loop {
            sqlx::raw_sql(SEND).execute(&mut admin).await.unwrap();
            let wait = std::time::Duration::from_millis(200);
            if tokio::time::timeout(wait, bench.inbox.recv()).await.is_ok() {
                break;
            }
        }
    };
    tokio::time::timeout(super::support::PATIENCE, told)
        .await
        .unwrap();
    let remade: i64 = sqlx::query_scalar(
        "select count(*) from pg_publication where pubname = 'supabase_realtime_messages_publication'",
    )
    .fetch_one(&mut admin)
    .await
    .unwrap();
    assert_eq!(remade, 1, "the feed makes the publication of its own table");
    bench.stop().await;
}

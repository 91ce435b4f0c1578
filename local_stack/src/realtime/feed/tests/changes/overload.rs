//! A slow policy holds up its own table, and nothing else.

use std::time::Duration;

use serde_json::json;

use crate::realtime::feed::tests::support::{Bench, Told, Watcher, key, person};

const ANN: &str = "00000000-0000-4000-8000-00000000000a";

const MIGRATION: &str = "
create function public.slow() returns boolean language plpgsql stable as $$
begin
    perform pg_advisory_xact_lock_shared(4711);
    return true;
end
$$;
create table public.slow (id integer primary key);
alter table public.slow enable row level security;
create policy \"anyone, one day\" on public.slow for select to authenticated using (public.slow());
create table public.fast (id integer primary key);
grant select on all tables in schema public to authenticated;
alter publication supabase_realtime add table public.slow, public.fast;";

#[tokio::test(flavor = "multi_thread")]
async fn broadcasts_overtake_a_slow_policy_and_a_full_queue_ends_subscriptions_aloud() {
    let mut bench = Bench::start(MIGRATION).await;
    let table = |name: &str| json!([{"schema": "public", "table": name}]);
    let mut slow = Watcher::new(&bench, &person(ANN), table("slow")).await;
    let mut fast = Watcher::new(&bench, &person(ANN), table("fast")).await;
    // Whoever asks the policy waits for this transaction.
    let mut holder = bench.connect("postgres").await;
    sqlx::raw_sql("begin; select pg_advisory_xact_lock(4711)")
        .execute(&mut holder)
        .await
        .unwrap();
    bench.run("postgres", "insert into public.slow values (0)").await;
    let mut admin = bench.connect("supabase_admin").await;
    let waiting = "select exists (select from pg_stat_activity where wait_event = 'advisory')";
    super::super::support::until(&mut admin, waiting).await;
    bench
        .run(
            "postgres",
            "insert into public.fast values (1); select realtime.send('{}', 'said', 'room', true);",
        )
        .await;
    assert_eq!(
        bench.message().await.event,
        "said",
        "while the policy is being asked"
    );
    assert!(slow.inbox.try_recv().is_err());

    bench
        .run(
            "postgres",
            "insert into public.slow select n from generate_series(1, 2000) as n",
        )
        .await;
    let Told::Lost(reason) = slow.told().await else {
        panic!("the subscription should be lost")
    };
    assert!(reason.contains("Subscribe again"), "{reason}");
    sqlx::raw_sql("commit").execute(&mut holder).await.unwrap();
    assert_eq!(
        fast.data().await["record"],
        json!({"id": 1}),
        "others keep their place"
    );

    // Nothing is left of it, and a new one works.
    let mut again = Watcher::new(&bench, &person(ANN), table("slow")).await;
    bench.run("postgres", "insert into public.slow values (-1)").await;
    while again.data().await["record"]["id"] != -1 {}
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn feed_stops_while_a_policy_is_being_asked() {
    let bench = Bench::start(MIGRATION).await;
    let watcher = Watcher::new(&bench, &person(ANN), json!([{"schema": "public"}])).await;
    let mut holder = bench.connect("postgres").await;
    sqlx::raw_sql("begin; select pg_advisory_xact_lock(4711)")
        .execute(&mut holder)
        .await
        .unwrap();
    bench.run("postgres", "insert into public.slow values (0)").await;
    let mut admin = bench.connect("supabase_admin").await;
    let waiting = "select exists (select from pg_stat_activity where wait_event = 'advisory')";
    super::super::support::until(&mut admin, waiting).await;
    let Bench { feed, stack, .. } = bench;
    tokio::time::timeout(Duration::from_secs(10), feed.stop())
        .await
        .unwrap();
    stack.stop().await.unwrap();
    drop(watcher);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_watches_costs_the_stream_nothing() {
    let mut bench = Bench::start(MIGRATION).await;
    bench
        .run(
            "postgres",
            "insert into public.fast select n from generate_series(1, 20000) as n;
            select realtime.send('{}', 'said', 'room', true);",
        )
        .await;
    assert_eq!(bench.message().await.event, "said");
    let mut watcher = Watcher::new(
        &bench,
        &key("authenticated"),
        json!([{"schema": "public", "table": "fast"}]),
    )
    .await;
    bench.run("postgres", "insert into public.fast values (-1)").await;
    assert_eq!(watcher.data().await["record"], json!({"id": -1}));
    bench.stop().await;
}

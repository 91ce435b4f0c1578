//! Filters and selected columns, from the subscription to the message.

use serde_json::{Value, json};

use crate::realtime::feed::tests::support::{Bench, Watcher, key};

const MIGRATION: &str = "
create table public.things (id integer primary key, kind text, size numeric, is_new boolean, tags text[], made date);
grant select on all tables in schema public to service_role;
alter publication supabase_realtime add table public.things;";

const ROWS: &str = "insert into public.things values
    (1, 'apple', 1.5, true, '{red}', '2026-01-01'),
    (2, 'Apple pie', 10, false, '{}', '2026-02-01'),
    (3, 'bread', null, null, null, null),
    (4, 'a,b', 3, true, '{red,blue}', '2026-03-01'),
    (99, 'end', 0, true, '{}', '2026-01-01')";

async fn ids(bench: &Bench, request: Value) -> Vec<i64> {
    let mut watcher = Watcher::new(bench, &key("service_role"), json!([request])).await;
    let mut end = Watcher::new(bench, &key("service_role"), json!([{"schema": "public"}])).await;
    bench.run("postgres", ROWS).await;
    // All watchers of a change are told before the next change: when the last row is here, so is everything else.
    while end.data().await["record"]["id"] != 99 {}
    bench.run("postgres", "truncate public.things").await;
    let mut ids = Vec::new();
    while let Ok(told) = watcher.inbox.try_recv() {
        let super::super::support::Told::Change(_, data) = told else {
            panic!("{told:?}")
        };
        ids.push(data["record"]["id"].as_i64().unwrap());
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operator_lets_through_what_it_should() {
    let bench = Bench::start(MIGRATION).await;
    for (filter, expected) in [
        ("id=eq.2", vec![2]),
        ("id=neq.2", vec![1, 3, 4, 99]),
        ("id=not.eq.2", vec![1, 3, 4, 99]),
        ("id=lt.3,id=gte.2", vec![2]),
        ("id=lte.1", vec![1]),
        ("id=gt.3,id=in.(1,4)", vec![4]),
        ("size=gt.2.99", vec![2, 4]),
        ("size=eq.1.50", vec![1]),
        ("size=not.gt.2.99", vec![1, 99]),
        ("made=in.(2026-01-01,2026-02-01),id=lt.50", vec![1, 2]),
        ("kind=like.%pp%", vec![1, 2]),
        ("kind=like.a%", vec![1, 4]),
        ("kind=ilike.APPLE%", vec![1, 2]),
        ("kind=match.^b", vec![3]),
        ("kind=imatch.^A", vec![1, 2, 4]),
        ("kind=not.imatch.^A", vec![3, 99]),
        ("kind=eq.\"a,b\"", vec![4]),
        ("kind=in.(\"a,b\",bread)", vec![3, 4]),
        ("is_new=is.true,id=lt.99", vec![1, 4]),
        ("is_new=is.null", vec![3]),
        ("is_new=not.is.true", vec![2, 3]),
        ("is_new=is.unknown", vec![3]),
        ("made=not.is.null,made=lt.2026-02-01", vec![1, 99]),
        ("size=isdistinct.3", vec![1, 2, 3, 99]),
        ("size=not.isdistinct.3", vec![4]),
        ("tags=eq.{red}", vec![1]),
        ("", vec![1, 2, 3, 4, 99]),
    ] {
        let request = json!({"event": "INSERT", "schema": "public", "table": "things", "filter": filter});
        assert_eq!(ids(&bench, request).await, expected, "{filter}");
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_one_channel_share_a_message_unless_they_select_differently() {
    let bench = Bench::start(MIGRATION).await;
    let requests = json!([
        {"event": "*", "schema": "public", "table": "things"},
        {"event": "INSERT", "schema": "public", "table": "things", "filter": "id=eq.1"},
        {"event": "INSERT", "schema": "public", "table": "things", "filter": "id=eq.2"},
        {"event": "INSERT", "schema": "public", "table": "things", "filter": "kind=like.a%", "select": ["kind"]},
        {"event": "DELETE", "schema": "public", "table": "things"},
    ]);
    let mut watcher = Watcher::new(&bench, &key("service_role"), requests).await;
    let numbers = watcher.subscription.ids.clone();
    assert_eq!(numbers.len(), 5);
    bench
        .run(
            "postgres",
            "insert into public.things (id, kind, size) values (1, 'apple', 2)",
        )
        .await;
    let mut messages = [watcher.next().await, watcher.next().await];
    messages.sort_by_key(|(ids, _)| ids.len());
    assert_eq!(messages[0].0, [numbers[3]]);
    assert_eq!(
        messages[0].1["record"],
        json!({"id": 1, "kind": "apple"}),
        "the key comes with it"
    );
    assert_eq!(
        messages[0].1["columns"],
        json!([{"name": "id", "type": "int4"}, {"name": "kind", "type": "text"}])
    );
    assert_eq!(messages[1].0, [numbers[0], numbers[1]]);
    assert_eq!(messages[1].1["record"]["size"], 2);
    bench.run("postgres", "delete from public.things").await;
    assert_eq!(watcher.next().await.0, [numbers[0], numbers[4]]);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_are_filtered_by_what_the_identity_holds() {
    let bench = Bench::start(MIGRATION).await;
    let request =
        |filter: &str| json!([{"event": "DELETE", "schema": "public", "table": "things", "filter": filter}]);
    let mut by_key = Watcher::new(&bench, &key("service_role"), request("id=eq.1")).await;
    let mut by_kind = Watcher::new(&bench, &key("service_role"), request("kind=eq.apple")).await;
    bench.run("postgres", ROWS).await;
    bench.run("postgres", "delete from public.things").await;
    assert_eq!(by_key.data().await["old_record"], json!({"id": 1}));
    bench
        .run("postgres", "alter table public.things replica identity full")
        .await;
    bench.run("postgres", ROWS).await;
    bench.run("postgres", "delete from public.things").await;
    assert_eq!(by_key.data().await["old_record"]["kind"], "apple");
    // The first it is told is of the table with the full identity.
    assert_eq!(by_kind.data().await["old_record"]["size"], 1.5);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filter_whose_column_changed_its_type_fails_alone() {
    let bench = Bench::start(MIGRATION).await;
    let request =
        |filter: &str| json!([{"event": "INSERT", "schema": "public", "table": "things", "filter": filter}]);
    let mut bad = Watcher::new(&bench, &key("service_role"), request("kind=gt.apple")).await;
    let mut good = Watcher::new(&bench, &key("service_role"), request("kind=gt.5")).await;
    let mut other = Watcher::new(&bench, &key("service_role"), request("id=eq.1")).await;
    bench
        .run(
            "postgres",
            "alter table public.things alter column kind type numeric using 1; insert into public.things (id, kind) values (1, 7.5)",
        )
        .await;
    assert_eq!(good.data().await["record"]["kind"], 7.5);
    assert_eq!(other.data().await["record"]["id"], 1);
    assert!(bad.inbox.try_recv().is_err());
    bench.stop().await;
}

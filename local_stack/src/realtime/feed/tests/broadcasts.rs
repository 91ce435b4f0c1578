//! Rows of `realtime.messages` reach the receiver.

use sqlx::Connection as _;

use super::support::{Bench, parse};
use crate::realtime::feed::StoredPayload;

#[tokio::test(flavor = "multi_thread")]
async fn rows_arrive_as_they_were_sent_and_incomplete_ones_do_not() {
    let mut bench = Bench::start("select 1;").await;
    bench
        .run(
            "postgres",
            r#"select realtime.send('{"text": "grüß \" dich", "n": 1.50}', 'said', 'room:1', true);
            select realtime.send('{"id": "mine"}', 'open', 'room:1', false);
            select realtime.send_binary('\x00ff10', 'bytes', 'room:2', true);
            select realtime.send_binary('', 'empty', 'room:2', true);
            select realtime.send(null, 'nothing', 'room:1');
            insert into realtime.messages (topic, extension, payload) values ('room:1', 'broadcast', '{}');
            insert into realtime.messages (topic, extension, payload, event, private)
            values ('room:1', 'broadcast', '{}', 'undecided', null);
            insert into realtime.messages (topic, extension, payload, event)
            values ('room:1', 'broadcast', jsonb_build_object('long', repeat('x', 3000500)), 'long');
            select realtime.send('{}', 'last', 'room:3', true);"#,
        )
        .await;

    let said = bench.message().await;
    assert_eq!(
        (said.topic.as_str(), said.event.as_str(), said.is_private),
        ("room:1", "said", true)
    );
    let StoredPayload::Json(text) = &said.payload else {
        panic!("{said:?}")
    };
    let payload = parse(text);
    assert_eq!(payload["text"], "grüß \" dich");
    assert_eq!(payload["id"], said.id.to_string());
    assert!(text.contains("1.50"), "numbers keep their spelling: {text}");

    let open = bench.message().await;
    assert_eq!((open.event.as_str(), open.is_private), ("open", false));
    assert_eq!(open.payload, StoredPayload::Json(r#"{"id": "mine"}"#.into()));

    let bytes = bench.message().await;
    assert_eq!((bytes.topic.as_str(), bytes.event.as_str()), ("room:2", "bytes"));
    assert_eq!(bytes.payload, StoredPayload::Binary(vec![0, 255, 16].into()));
    let empty = bench.message().await;
    assert_eq!(empty.payload, StoredPayload::Binary(Vec::new().into()));

    assert_eq!(bench.message().await.event, "last");
    bench.stop().await;
}

async fn say(connection: &mut sqlx::PgConnection, event: &str) {
    sqlx::query("select realtime.send('{}', $1, 'room', true)")
        .bind(event)
        .execute(connection)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_that_of_the_commits_and_what_is_rolled_back_was_never_said() {
    let mut bench = Bench::start("select 1;").await;
    let mut first = bench.connect("postgres").await;
    let mut second = bench.connect("postgres").await;
    let mut third = bench.connect("postgres").await;
    let mut one = first.begin().await.unwrap();
    let mut two = second.begin().await.unwrap();
    let mut undone = third.begin().await.unwrap();
    say(&mut one, "one-a").await;
    say(&mut two, "two-a").await;
    say(&mut undone, "undone").await;
    say(&mut two, "two-b").await;
    say(&mut one, "one-b").await;
    undone.rollback().await.unwrap();
    two.commit().await.unwrap();
    one.commit().await.unwrap();
    // A savepoint that is undone takes its messages with it.
    bench
        .run(
            "postgres",
            "begin; select realtime.send('{}', 'kept', 'room'); savepoint s;
            select realtime.send('{}', 'lost', 'room'); rollback to s; commit;",
        )
        .await;
    assert_eq!(
        bench.events(5).await,
        ["two-a", "two-b", "one-a", "one-b", "kept"]
    );
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousand_messages_of_one_transaction_arrive_once_and_in_order() {
    let mut bench = Bench::start("select 1;").await;
    bench
        .run(
            "postgres",
            "select realtime.send('{}', n::text, 'room', true) from generate_series(1, 1000) as n",
        )
        .await;
    let expected: Vec<String> = (1..=1000).map(|n| n.to_string()).collect();
    assert_eq!(bench.events(1000).await, expected);
    assert!(bench.inbox.try_recv().is_err());
    bench.stop().await;
}

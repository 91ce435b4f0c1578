//! Whatever a client sends, it is served on, and nobody else notices.

use std::time::Duration;

use local_stack::Stack;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::socket::{Socket, broadcasts, user_push};
use crate::support::Project;

#[tokio::test(flavor = "multi_thread")]
async fn bad_frames_are_survived() {
    let project = Project::new("");
    let stack = project.start().await;
    malformed_frames_are_ignored(&stack).await;
    frame_that_is_too_large_ends_its_own_socket_only(&stack).await;
    stack.stop().await.unwrap();
}

async fn malformed_frames_are_ignored(stack: &Stack) {
    let (mut good, mut bad) = (Socket::open(stack).await, Socket::open(stack).await);
    let join = good
        .joined("realtime:r", json!({ "broadcast": { "self": true } }))
        .await;
    bad.joined("realtime:r", json!({})).await;

    for text in [
        "",
        "x",
        "null",
        "{}",
        "[]",
        "[1,2,3,4,5]",
        r#"["1","1","realtime:r","phx_join"]"#,
    ] {
        bad.send_raw(Message::text(text)).await;
    }
    bad.send_raw(Message::text("[".repeat(100_000))).await;
    for bytes in [
        vec![],
        vec![3],
        vec![9, 9],
        vec![3, 255, 255, 255, 255, 255, 1, 1],
    ] {
        bad.send_raw(Message::binary(bytes)).await;
    }
    let not_json = user_push("1", "9", "realtime:r", "e", true, b"{\"a\":");
    bad.send_raw(not_json).await;
    let mut runner = TestRunner::deterministic();
    let any = proptest::collection::vec(proptest::num::u8::ANY, 0..300);
    for _ in 0..500 {
        let bytes = any.new_tree(&mut runner).unwrap().current();
        bad.send_raw(Message::binary(bytes)).await;
    }
    // Known events with payloads that make no sense.
    for (event, payload) in [
        ("broadcast", json!([1])),
        ("broadcast", json!("x")),
        ("presence", json!(null)),
        ("presence", json!({ "event": 7 })),
        ("access_token", json!({ "access_token": 7 })),
        ("access_token", json!([])),
        ("unheard of", json!({})),
    ] {
        bad.send("1", "realtime:r", event, payload).await;
    }
    let answers = bad.so_far().await;
    assert!(
        answers.iter().all(|frame| frame.event == "phx_reply"),
        "{answers:?}"
    );

    good.send(
        &join,
        "realtime:r",
        "broadcast",
        json!({ "type": "broadcast", "event": "e", "payload": 1 }),
    )
    .await;
    assert_eq!(good.until("broadcast").await.payload["payload"], 1);
    assert_eq!(broadcasts(&bad.so_far().await), [&json!(1)]);
}

async fn frame_that_is_too_large_ends_its_own_socket_only(stack: &Stack) {
    let (mut good, mut bad) = (Socket::open(stack).await, Socket::open(stack).await);
    good.joined("realtime:r", json!({})).await;
    bad.joined("realtime:r", json!({})).await;
    // The server may have gone before all of it is sent.
    let _ = futures_util::SinkExt::send(&mut bad.stream, Message::text("x".repeat(5_000_001))).await;
    assert!(bad.next().await.is_none());
    assert!(good.so_far().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_socket_is_closed() {
    let project = Project::new("");
    let mut config = project.config();
    // Time enough to join, on a busy machine too.
    config.realtime.idle_timeout = Duration::from_secs(6);
    config.realtime.no_channel_timeout = Duration::from_secs(3);
    let stack = Stack::start(config).await.unwrap();
    let mut socket = Socket::open(&stack).await;
    assert!(socket.next().await.is_none());
    let mut socket = Socket::open(&stack).await;
    socket.joined("realtime:r", json!({})).await;
    assert!(socket.next().await.is_none());
    stack.stop().await.unwrap();
}

//! What clients say to each other.

use local_stack::Stack;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::socket::{Socket, broadcasts, user_push};
use crate::support::Project;

fn said(payload: serde_json::Value) -> serde_json::Value {
    json!({ "type": "broadcast", "event": "e", "payload": payload })
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_hear_each_other() {
    let project = Project::new("");
    let stack = project.start().await;
    self_and_ack_do_what_they_say(&stack).await;
    closed_socket_does_not_disturb_the_others(&stack).await;
    stack.stop().await.unwrap();
}

async fn self_and_ack_do_what_they_say(stack: &Stack) {
    let (mut one, mut two) = (Socket::open(stack).await, Socket::open(stack).await);
    let quiet = one.joined("realtime:r", json!({})).await;
    let loud = two
        .joined(
            "realtime:r",
            json!({ "broadcast": { "self": true, "ack": true } }),
        )
        .await;
    let answer = two.ask(&loud, "realtime:r", "broadcast", said(json!(1))).await;
    assert_eq!((answer.status(), answer.response()), ("ok", &json!({})));
    assert_eq!(broadcasts(&one.so_far().await), [&json!(1)]);

    let reference = one.send(&quiet, "realtime:r", "broadcast", said(json!(2))).await;
    let frames = one.so_far().await;
    assert!(broadcasts(&frames).is_empty());
    assert!(
        frames.iter().all(|frame| frame.reference != json!(reference)),
        "no ack was asked for"
    );
    // The first one came before the answer to it.
    assert_eq!(broadcasts(&two.so_far().await), [&json!(2)]);

    // Another topic hears nothing, and neither does a private channel of the same name.
    let mut stranger = Socket::open_with(stack, &stack.endpoints().secret_key).await;
    stranger.joined("realtime:other", json!({})).await;
    stranger.joined("realtime:r", json!({ "private": true })).await;
    two.ask(&loud, "realtime:r", "broadcast", said(json!(3))).await;
    assert!(stranger.so_far().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_and_too_large_broadcasts() {
    let project = Project::new("");
    let mut config = project.config();
    config.realtime.max_payload_bytes = 1_000;
    let stack = Stack::start(config).await.unwrap();
    let (mut one, mut two) = (Socket::open(&stack).await, Socket::open(&stack).await);
    let join = one
        .joined("realtime:r", json!({ "broadcast": { "ack": true } }))
        .await;
    two.joined("realtime:r", json!({})).await;
    for (json, payload) in [(true, b"{\"a\": [1]}".as_slice()), (false, &[0, 255])] {
        one.send_raw(user_push(&join, "b", "realtime:r", "e", json, payload))
            .await;
        assert_eq!(one.answer("b").await.status(), "ok");
    }
    let heard = two.so_far().await;
    assert_eq!(broadcasts(&heard), [&json!({ "a": [1] }), &json!([0, 255])]);

    let large = "x".repeat(1_000);
    one.send_raw(user_push(&join, "b", "realtime:r", "e", false, large.as_bytes()))
        .await;
    assert_eq!(one.answer("b").await.status(), "ok");
    let answer = one
        .ask(&join, "realtime:r", "broadcast", said(json!(large)))
        .await;
    assert_eq!(
        (answer.status(), answer.response()),
        ("error", &json!("payload_size_exceeded"))
    );
    assert_eq!(broadcasts(&two.so_far().await).len(), 1);
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_socket_is_closed_and_the_others_miss_nothing() {
    const COUNT: usize = 600;
    let project = Project::new("");
    let mut config = project.config();
    config.realtime.queue_bytes = 1024 * 1024;
    let stack = Stack::start(config).await.unwrap();
    let (mut speaker, mut listener) = (Socket::open(&stack).await, Socket::open(&stack).await);
    let mut slow = Socket::open(&stack).await;
    let join = speaker
        .joined("realtime:r", json!({ "broadcast": { "ack": true } }))
        .await;
    listener.joined("realtime:r", json!({})).await;
    slow.joined("realtime:r", json!({ "presence": { "key": "slow" } }))
        .await;
    let slow_join = "1";
    slow.ask(slow_join, "realtime:r", "presence", json!({ "event": "track" }))
        .await;

    // 60 MB, far beyond what the operating system buffers for the one that does not read.
    let filler = "x".repeat(100_000);
    let mut is_gone = false;
    for count in 0..COUNT {
        let payload = said(json!({ "count": count, "filler": filler }));
        let answer = speaker.ask(&join, "realtime:r", "broadcast", payload).await;
        assert_eq!(answer.status(), "ok");
        let heard = loop {
            let frame = listener.next().await.unwrap();
            is_gone |= frame.payload["leaves"]["slow"].is_object();
            if frame.event == "broadcast" {
                break frame;
            }
        };
        assert_eq!(heard.payload["payload"]["count"], count);
    }
    while !is_gone {
        is_gone = listener.until("presence_diff").await.payload["leaves"]["slow"].is_object();
    }
    let mut read = 0;
    while let Some(frame) = slow.next().await {
        read += usize::from(frame.event == "broadcast");
    }
    assert!(read < COUNT, "the slow one got all {read}");
    stack.stop().await.unwrap();
}

async fn closed_socket_does_not_disturb_the_others(stack: &Stack) {
    let mut speaker = Socket::open(stack).await;
    let join = speaker
        .joined(
            "realtime:r",
            json!({ "broadcast": { "self": true, "ack": true } }),
        )
        .await;
    for count in 0..20 {
        let mut other = Socket::open(stack).await;
        other.joined("realtime:r", json!({})).await;
        match count % 2 {
            0 => other.send_raw(Message::Close(None)).await,
            _ => drop(other),
        }
        let answer = speaker
            .ask(&join, "realtime:r", "broadcast", said(json!(count)))
            .await;
        assert_eq!(answer.status(), "ok");
    }
}

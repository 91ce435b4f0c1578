//! Who is there.

use local_stack::Stack;
use serde_json::{Value, json};

use crate::socket::{Frame, Socket};
use crate::support::Project;

const TOPIC: &str = "realtime:r";

async fn present(stack: &Stack, key: &str) -> (Socket, String) {
    let mut socket = Socket::open(stack).await;
    let config = json!({ "presence": { "enabled": true, "key": key } });
    let join = socket.joined(TOPIC, config).await;
    (socket, join)
}

async fn track(socket: &mut Socket, join: &str, payload: Value) -> Frame {
    let payload = json!({ "type": "presence", "event": "track", "payload": payload });
    socket.ask(join, TOPIC, "presence", payload).await
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_present() {
    let project = Project::new("");
    let stack = project.start().await;
    presences_are_told_changed_and_taken_back(&stack).await;
    leaving_and_joining_again_take_the_presence_along(&stack).await;
    sixth_call_closes_the_channel(&stack).await;
    stack.stop().await.unwrap();
}

async fn presences_are_told_changed_and_taken_back(stack: &Stack) {
    let (mut ada, ada_join) = present(stack, "ada").await;
    assert_eq!(ada.until("presence_state").await.payload, json!({}));
    assert_eq!(
        track(&mut ada, &ada_join, json!({ "at": "desk" })).await.status(),
        "ok"
    );

    // Whoever comes later gets the state, with the number of the join.
    let (mut bob, bob_join) = present(stack, "bob").await;
    let state = bob.until("presence_state").await;
    assert_eq!(state.join_ref, json!(bob_join));
    assert_eq!(state.payload["ada"]["metas"][0]["at"], "desk");
    let first = state.payload["ada"]["metas"][0]["phx_ref"].clone();

    // The same once more is no change; something else is one.
    assert_eq!(
        track(&mut ada, &ada_join, json!({ "at": "desk" })).await.status(),
        "ok"
    );
    assert!(bob.so_far().await.is_empty());
    track(&mut ada, &ada_join, json!({ "at": "phone" })).await;
    let diff = bob.until("presence_diff").await.payload;
    assert_eq!(diff["joins"]["ada"]["metas"][0]["phx_ref_prev"], first);
    assert_eq!(diff["leaves"]["ada"]["metas"][0]["phx_ref"], first);

    // Two sockets with one key are two metas of it.
    let (mut other, other_join) = present(stack, "ada").await;
    track(&mut other, &other_join, json!({ "at": "tablet" })).await;
    assert_eq!(
        bob.until("presence_diff").await.payload["joins"]["ada"]["metas"][0]["at"],
        "tablet"
    );
    drop(other);
    let diff = bob.until("presence_diff").await.payload;
    assert_eq!(
        (&diff["joins"], &diff["leaves"]["ada"]["metas"][0]["at"]),
        (&json!({}), &json!("tablet"))
    );

    ada.ask(&ada_join, TOPIC, "presence", json!({ "event": "untrack" }))
        .await;
    assert_eq!(
        bob.until("presence_diff").await.payload["leaves"]["ada"]["metas"][0]["at"],
        "phone"
    );
    let answer = track(&mut bob, &bob_join, json!(7)).await;
    assert_eq!(
        answer.response()["reason"],
        "Presence track payload must be a map"
    );
}

async fn leaving_and_joining_again_take_the_presence_along(stack: &Stack) {
    let (mut watcher, _) = present(stack, "watcher").await;
    let (mut ada, join) = present(stack, "ada").await;
    track(&mut ada, &join, json!({ "n": 1 })).await;
    assert!(watcher.until("presence_diff").await.payload["joins"]["ada"].is_object());
    let join = ada
        .joined(TOPIC, json!({ "presence": { "enabled": true, "key": "ada" } }))
        .await;
    assert!(watcher.until("presence_diff").await.payload["leaves"]["ada"].is_object());
    assert_eq!(ada.until("presence_state").await.payload, json!({}));
    track(&mut ada, &join, json!({ "n": 2 })).await;
    assert!(watcher.until("presence_diff").await.payload["joins"]["ada"].is_object());
    ada.ask(&join, TOPIC, "phx_leave", json!({})).await;
    assert!(watcher.until("presence_diff").await.payload["leaves"]["ada"].is_object());
}

async fn sixth_call_closes_the_channel(stack: &Stack) {
    let (mut ada, join) = present(stack, "ada").await;
    for count in 0..5 {
        assert_eq!(track(&mut ada, &join, json!({ "n": count })).await.status(), "ok");
    }
    ada.send(&join, TOPIC, "presence", json!({ "event": "untrack" }))
        .await;
    let system = ada.until("system").await.payload;
    assert_eq!(
        system,
        json!({ "extension": "system", "status": "error", "message": "Client presence rate limit exceeded", "channel": "r" })
    );
    assert_eq!(ada.until("phx_close").await.join_ref, json!(join));
}

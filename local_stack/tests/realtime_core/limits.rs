//! Who asks for too much is told so.

use local_stack::{RealtimeLimits, Stack};
use serde_json::json;

use crate::socket::{Socket, refusal};
use crate::support::Project;

async fn start(project: &Project, limit: impl FnOnce(&mut RealtimeLimits)) -> Stack {
    let mut config = project.config();
    limit(&mut config.realtime);
    Stack::start(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_channels_and_too_many_clients() {
    let project = Project::new("");
    let stack = start(&project, |limits| {
        limits.max_channels_per_socket = 2;
        limits.max_connections = 1;
    })
    .await;
    let (mut one, mut two) = (Socket::open(&stack).await, Socket::open(&stack).await);
    let join = one.joined("realtime:a", json!({})).await;
    one.joined("realtime:b", json!({})).await;
    assert_eq!(
        one.refused("realtime:c", json!({}), None).await,
        "ChannelRateLimitReached: Too many channels"
    );
    one.ask(&join, "realtime:a", "phx_leave", json!({})).await;
    one.until("phx_close").await;
    one.joined("realtime:c", json!({})).await;

    assert_eq!(
        two.refused("realtime:a", json!({}), None).await,
        "ConnectionRateLimitReached: Too many connected users"
    );
    let query = format!("apikey={}", &stack.endpoints().anon_key);
    let full = (429, json!({ "error": "Too many connected users" }));
    assert_eq!(refusal(&stack, &query).await, full);
    // When the first has gone there is room.
    drop(one);
    while two.join("realtime:a", json!({}), None).await.status() != "ok" {}
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn storm_of_joins_ends_the_socket() {
    let project = Project::new("");
    let stack = start(&project, |limits| limits.max_joins_per_second = 1).await;
    let mut socket = Socket::open(&stack).await;
    for _ in 0..60 {
        socket.joined("realtime:a", json!({})).await;
    }
    assert_eq!(
        socket.refused("realtime:a", json!({}), None).await,
        "ClientJoinRateLimitReached: Too many joins per second"
    );
    assert!(socket.next().await.is_none());
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn storm_of_messages_closes_the_channel() {
    let project = Project::new("");
    let stack = start(&project, |limits| limits.max_events_per_second = 1).await;
    let (mut good, mut bad) = (Socket::open(&stack).await, Socket::open(&stack).await);
    good.joined("realtime:a", json!({})).await;
    let join = bad.joined("realtime:a", json!({})).await;
    for _ in 0..61 {
        bad.send(&join, "realtime:a", "broadcast", json!({ "event": "e" }))
            .await;
    }
    assert_eq!(
        bad.until("system").await.payload["message"],
        "Too many messages per second"
    );
    assert_eq!(bad.until("phx_close").await.join_ref, json!(join));
    assert_eq!(good.so_far().await.len(), 60);
    let refused = reqwest::Client::new()
        .post(format!(
            "{}/realtime/v1/api/broadcast",
            &stack.endpoints().api_url
        ))
        .header("apikey", &stack.endpoints().publishable_key)
        .json(&json!({ "messages": [{ "topic": "a", "event": "e", "payload": {} }] }))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 429);
    stack.stop().await.unwrap();
}

//! A token that ends, and one that replaces another.

use local_stack::Stack;
use serde_json::{Value, json};

use crate::socket::{Socket, token};
use crate::support::Project;

/// One may read, and write where the topic ends in its name.
const POLICIES: &str = "
create policy \"members read\" on realtime.messages for select to authenticated
    using ((select auth.jwt() ->> 'sub') in ('ada', 'bob'));
create policy \"members write\" on realtime.messages for insert to authenticated
    with check ((select auth.jwt() ->> 'sub') = 'bob');
";

const TOPIC: &str = "realtime:room";

async fn member(stack: &Stack, name: &str, seconds: i64) -> Socket {
    let mut socket = Socket::open(stack).await;
    let config = json!({ "private": true, "broadcast": { "self": true } });
    let shown = token(stack, "authenticated", name, seconds);
    let answer = socket.join(TOPIC, config, Some(&shown)).await;
    assert_eq!(answer.status(), "ok", "{answer:?}");
    socket
}

/// The channel ends, and the message says why.
async fn ends(socket: &mut Socket) -> String {
    let system = socket.until("system").await.payload;
    assert_eq!(
        (&system["extension"], &system["status"]),
        (&json!("system"), &json!("error"))
    );
    let closed = socket.next().await.unwrap();
    assert_eq!(
        (closed.event.as_str(), closed.join_ref),
        ("phx_close", json!("1"))
    );
    system["message"].as_str().unwrap().to_owned()
}

async fn renew(socket: &mut Socket, shown: impl Into<Value>) {
    socket
        .send(
            "1",
            TOPIC,
            "access_token",
            json!({ "access_token": shown.into() }),
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_end_and_are_renewed() {
    let project = Project::new(POLICIES);
    let stack = project.start().await;
    new_token_changes_what_is_allowed(&stack).await;
    bad_token_ends_the_channel_and_not_the_socket(&stack).await;
    channel_ends_with_its_token(&stack).await;
    stack.stop().await.unwrap();
}

async fn new_token_changes_what_is_allowed(stack: &Stack) {
    let said = json!({ "type": "broadcast", "event": "e", "payload": 1 });
    let mut socket = member(stack, "ada", 60).await;
    socket.send("1", TOPIC, "broadcast", said.clone()).await;
    assert!(socket.so_far().await.is_empty());

    // Keys and nothing are ignored, as is the same token.
    renew(&mut socket, stack.endpoints().secret_key.as_str()).await;
    renew(&mut socket, Value::Null).await;
    renew(&mut socket, token(stack, "authenticated", "bob", 60)).await;
    socket.send("1", TOPIC, "broadcast", said).await;
    assert_eq!(socket.next().await.unwrap().event, "broadcast");

    renew(&mut socket, token(stack, "authenticated", "eve", 60)).await;
    assert_eq!(
        ends(&mut socket).await,
        "You no longer have permission to read from this Channel topic: room"
    );
}

async fn bad_token_ends_the_channel_and_not_the_socket(stack: &Stack) {
    let forged = format!("{}x", token(stack, "service_role", "ada", 60));
    for (shown, message) in [
        ("garbage".to_owned(), "The token provided is not a valid JWT"),
        (forged, "Failed to validate JWT signature"),
        (token(stack, "authenticated", "ada", -9), "Token has expired "),
    ] {
        let mut socket = member(stack, "ada", 60).await;
        renew(&mut socket, shown).await;
        let text = ends(&mut socket).await;
        assert!(text.starts_with(message), "{text}");
        socket.joined("realtime:public", json!({})).await;
    }
}

async fn channel_ends_with_its_token(stack: &Stack) {
    let (mut kept, mut lost) = (member(stack, "ada", 4).await, member(stack, "ada", 4).await);
    renew(&mut kept, token(stack, "authenticated", "ada", 60)).await;
    let text = ends(&mut lost).await;
    assert!(
        text.starts_with("Token has expired ") && text.ends_with(" seconds ago"),
        "{text}"
    );
    // The one with the new token outlives the old one.
    assert!(kept.so_far().await.is_empty());
    renew(&mut kept, token(stack, "authenticated", "bob", 60)).await;
    let said = json!({ "type": "broadcast", "event": "e", "payload": 1 });
    kept.send("1", TOPIC, "broadcast", said).await;
    assert_eq!(kept.next().await.unwrap().event, "broadcast");
}

//! From the handshake to a channel and out of it.

use local_stack::Stack;
use serde_json::{Value, json};

use crate::socket::{Socket, refusal, sign, token};
use crate::support::Project;

#[tokio::test(flavor = "multi_thread")]
async fn clients_join_and_leave() {
    let project = Project::new("");
    let stack = project.start().await;
    handshake_without_a_good_key_is_refused_in_json(&stack).await;
    channel_is_joined_left_and_joined_again(&stack).await;
    refused_join_says_why_and_leaves_the_socket_open(&stack).await;
    version_one_speaks_objects(&stack).await;
    // The stack says goodbye when it stops.
    let mut socket = Socket::open(&stack).await;
    stack.stop().await.unwrap();
    assert!(socket.next().await.is_none());
}

async fn handshake_without_a_good_key_is_refused_in_json(stack: &Stack) {
    let old = sign(stack, &json!({ "role": "anon", "exp": 5 }));
    let forged = format!("{}x", token(stack, "anon", "", 60));
    let anonymous = sign(stack, &json!({ "exp": 9_999_999_999_i64 }));
    for (query, message) in [
        ("vsn=1.0.0".to_owned(), "API key is missing"),
        (
            "apikey=nonsense".to_owned(),
            "The token provided is not a valid JWT",
        ),
        (format!("apikey={old}"), "Token has expired"),
        (format!("apikey={forged}"), "Failed to validate JWT signature"),
        (
            format!("apikey={anonymous}"),
            "Fields `role` and `exp` are required in JWT",
        ),
    ] {
        assert_eq!(refusal(stack, &query).await, (401, json!({ "error": message })));
    }
    let query = format!("vsn=3.0.0&apikey={}", &stack.endpoints().anon_key);
    assert_eq!(refusal(stack, &query).await.0, 403);
    for key in [&stack.endpoints().publishable_key, &token(stack, "anon", "", 60)] {
        let mut socket = Socket::open_with(stack, key).await;
        assert!(socket.so_far().await.is_empty());
    }
}

async fn channel_is_joined_left_and_joined_again(stack: &Stack) {
    let mut socket = Socket::open(stack).await;
    let first = socket.join("realtime:room", json!({}), None).await;
    assert_eq!(
        (first.status(), first.response()),
        ("ok", &json!({ "postgres_changes": [] }))
    );
    assert_eq!((&first.join_ref, &first.reference), (&json!("1"), &json!("1")));

    // A second join ends the first, whose number the end carries.
    let second = socket
        .send("2", "realtime:room", "phx_join", json!({ "config": {} }))
        .await;
    let closed = socket.next().await.unwrap();
    assert_eq!(
        (closed.event.as_str(), closed.topic.as_str()),
        ("phx_close", "realtime:room")
    );
    assert_eq!((&closed.join_ref, &closed.reference), (&json!("1"), &json!("1")));
    assert_eq!(socket.answer(&second).await.status(), "ok");

    // Whoever leaves the first is not taken out of the second.
    assert_eq!(
        socket
            .ask("1", "realtime:room", "phx_leave", json!({}))
            .await
            .status(),
        "ok"
    );
    assert!(socket.so_far().await.is_empty());
    assert_eq!(
        socket
            .ask("2", "realtime:room", "phx_leave", json!({}))
            .await
            .status(),
        "ok"
    );
    let closed = socket.next().await.unwrap();
    assert_eq!(
        (closed.event.as_str(), &closed.join_ref),
        ("phx_close", &json!("2"))
    );

    // Now there is nothing to leave, and nobody to speak to.
    assert_eq!(
        socket
            .ask("2", "realtime:room", "phx_leave", json!({}))
            .await
            .status(),
        "ok"
    );
    let lost = socket.ask("2", "realtime:room", "broadcast", json!({})).await;
    assert_eq!(
        (lost.status(), lost.response()),
        ("error", &json!({ "reason": "unmatched topic" }))
    );
    assert_eq!(socket.join("realtime:room", json!({}), None).await.status(), "ok");
}

async fn refused_join_says_why_and_leaves_the_socket_open(stack: &Stack) {
    let mut socket = Socket::open(stack).await;
    let expired = token(stack, "authenticated", "", -7);
    let forged = format!("{}x", token(stack, "authenticated", "", 60));
    let no_role = sign(stack, &json!({ "exp": 9_999_999_999_i64 }));
    for (shown, reason) in [
        ("a.b.c", "MalformedJWT: The token provided is not a valid JWT"),
        (&forged, "JwtSignatureError: Failed to validate JWT signature"),
        (
            &no_role,
            "InvalidJWTToken: Fields `role` and `exp` are required in JWT",
        ),
    ] {
        assert_eq!(socket.refused("realtime:a", json!({}), Some(shown)).await, reason);
    }
    let reason = socket.refused("realtime:a", json!({}), Some(&expired)).await;
    assert!(
        reason.starts_with("InvalidJWTToken: Token has expired "),
        "{reason}"
    );
    assert_eq!(
        socket.refused("realtime:", json!({}), None).await,
        "TopicNameRequired: You must provide a topic name"
    );
    assert_eq!(
        socket.refused("elsewhere", json!({}), None).await,
        "unmatched topic"
    );
    assert_eq!(
        socket
            .refused(
                "realtime:a",
                json!({ "broadcast": { "replay": { "since": 1 } } }),
                None
            )
            .await,
        "UnableToReplayMessages: Replay is not allowed for public channels"
    );
    // A key in the place of a token means the key's own token.
    let key = &stack.endpoints().publishable_key;
    assert_eq!(
        socket.join("realtime:a", json!({}), Some(key)).await.status(),
        "ok"
    );
}

async fn version_one_speaks_objects(stack: &Stack) {
    use futures_util::StreamExt as _;
    use tokio_tungstenite::tungstenite::Message;

    let query = format!("apikey={}", &stack.endpoints().anon_key);
    let (stream, _) = tokio_tungstenite::connect_async(crate::socket::address(stack, &query))
        .await
        .unwrap();
    let (mut sink, mut stream) = stream.split();
    let join = json!({ "topic": "realtime:r", "event": "phx_join", "ref": "1",
        "payload": { "config": { "broadcast": { "self": true } } } });
    let say = json!({ "topic": "realtime:r", "event": "broadcast", "ref": "2",
        "payload": { "type": "broadcast", "event": "e", "payload": { "a": 1 } } });
    for frame in [join, say] {
        futures_util::SinkExt::send(&mut sink, Message::text(frame.to_string()))
            .await
            .unwrap();
    }
    let mut read = async || -> Value {
        serde_json::from_str(stream.next().await.unwrap().unwrap().to_text().unwrap()).unwrap()
    };
    assert_eq!(
        read().await,
        json!({ "topic": "realtime:r", "event": "phx_reply", "ref": "1",
            "payload": { "status": "ok", "response": { "postgres_changes": [] } } })
    );
    assert_eq!(
        read().await,
        json!({ "topic": "realtime:r", "event": "broadcast", "ref": null,
            "payload": { "type": "broadcast", "event": "e", "payload": { "a": 1 } } })
    );
}

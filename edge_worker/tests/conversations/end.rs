//! Ending calls.

use edge_worker::conversations::{ConversationError, Ended, Started};
use edge_worker::providers::tavus::ConversationId;
use local_stack::simulators::tavus::{FaultKind, Script};
use serde_json::json;
use uuid::Uuid;

use crate::scene::{APP, Scene, status};

async fn started(scene: &Scene) -> (Uuid, ConversationId) {
    let id = scene.wanted().await;
    let Started::Now(row) = scene.conversations.start(APP, id).await.unwrap() else {
        panic!("not started");
    };
    (
        id,
        ConversationId::parse(row["conversation_id"].as_str().unwrap()).unwrap(),
    )
}

/// Tavus may tell of the end before its answer is noted.
async fn ends(scene: &Scene, id: Uuid, reason: &str) {
    let ended = scene.conversations.end(APP, id, reason).await.unwrap();
    assert!(matches!(ended, Ended::Now | Ended::Before), "{ended:?}");
    assert_eq!(scene.row(id).await["status"], "ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn end_ends_the_call_and_notes_it_once() {
    let scene = Scene::start().await;
    let (id, _) = started(&scene).await;
    ends(&scene, id, "room_empty").await;
    assert_eq!(scene.calls(), (1, 0));
    assert_eq!(
        scene.conversations.end(APP, id, "room_empty").await.unwrap(),
        Ended::Before
    );
    scene.tavus.simulator.settled().await;
    // What Tavus says of it counts more than what we noted.
    assert_eq!(
        scene.row(id).await["shutdown_reason"],
        "end_conversation_endpoint_hit"
    );
    let ended = scene
        .news(id)
        .await
        .into_iter()
        .filter(|(event, _)| event == "avatar-ended")
        .count();
    assert_eq!(ended, 1);
    assert_eq!(
        scene.conversations.end(APP, Uuid::new_v4(), "x").await.unwrap(),
        Ended::Gone
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_that_is_over_or_unknown_at_tavus_counts_as_ended() {
    let scene = Scene::start().await;
    scene.behave(Script::Lost);
    let (over, call) = started(&scene).await;
    assert!(
        scene
            .tavus
            .simulator
            .end(call.as_str(), "max_call_duration reached")
    );
    assert_eq!(
        scene.conversations.end(APP, over, "requested").await.unwrap(),
        Ended::Now
    );
    let (unknown, call) = started(&scene).await;
    assert!(scene.tavus.client.delete_conversation(&call, true).await.unwrap());
    assert_eq!(
        scene.conversations.end(APP, unknown, "requested").await.unwrap(),
        Ended::Now
    );
    for id in [over, unknown] {
        assert_eq!(scene.row(id).await["status"], "ended");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn end_that_tavus_does_not_take_is_tried_again_and_not_noted() {
    let scene = Scene::start().await;
    let (id, call) = started(&scene).await;
    let path = format!("conversations/{call}/end");
    for fault in [status(503, None), FaultKind::DropBefore] {
        // As often as the client itself tries.
        scene.fail("POST", &path, 3, fault);
        let error = scene.conversations.end(APP, id, "requested").await.unwrap_err();
        assert!(error.is_passing(), "{error:?}");
        assert_eq!(scene.row(id).await["status"], "active");
    }
    // Done, and the answer lost: the second try of the client finds it over.
    scene.fail("POST", &path, 1, FaultKind::DropAfter);
    ends(&scene, id, "requested").await;
    assert_eq!(scene.calls(), (1, 0));
    let off = scene.worker(&scene.base, None);
    let (other, _) = started(&scene).await;
    let error = off.end(APP, other, "requested").await.unwrap_err();
    assert!(matches!(error, ConversationError::Off), "{error:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conversation_that_has_no_call_yet_is_ended_without_one() {
    let scene = Scene::start().await;
    let id = scene.wanted().await;
    assert_eq!(
        scene.conversations.end(APP, id, "room_closed").await.unwrap(),
        Ended::Now
    );
    let row = scene.row(id).await;
    assert_eq!(
        (&row["status"], &row["shutdown_reason"]),
        (&json!("ended"), &json!("room_closed"))
    );
    let started = scene.conversations.start(APP, id).await.unwrap();
    assert!(matches!(started, Started::Already(_)), "{started:?}");
    assert_eq!(scene.tavus.creates(), 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_that_nobody_noted_is_found_and_ended() {
    let scene = Scene::start().await;
    scene.behave(Script::Reordered);
    let id = scene.wanted().await;
    scene.fail_create(FaultKind::DropAfter);
    scene.fail("GET", "conversations", 3, status(503, None));
    scene.conversations.start(APP, id).await.unwrap_err();
    assert_eq!(scene.calls(), (1, 1));
    // Without the list nobody knows whether there is a call to end.
    scene.fail("GET", "conversations", 3, status(503, None));
    let error = scene.conversations.end(APP, id, "requested").await.unwrap_err();
    assert!(error.is_passing(), "{error:?}");
    ends(&scene, id, "requested").await;
    assert_eq!(scene.calls(), (1, 0));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn end_waits_for_whoever_is_starting_the_call() {
    let scene = Scene::start().await;
    // No callback names the call meanwhile.
    scene.behave(Script::Reordered);
    let id = scene.wanted().await;
    scene.fail_create(FaultKind::Slow { delay_ms: 2000 });
    let (started, ()) = tokio::join!(scene.conversations.start(APP, id), async {
        scene.until_attempted(id).await;
        let error = scene.conversations.end(APP, id, "room_closed").await.unwrap_err();
        assert!(
            matches!(error, ConversationError::Busy) && error.is_passing(),
            "{error:?}"
        );
    });
    assert!(matches!(started.unwrap(), Started::Now(_)));
    ends(&scene, id, "room_closed").await;
    assert_eq!(scene.calls(), (1, 0));
    scene.stop().await;
}

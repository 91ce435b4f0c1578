//! Events that come before the answer to the create.

use edge_worker::conversations::Started;
use local_stack::simulators::tavus::{FaultKind, Script};
use serde_json::json;

use crate::scene::{APP, Scene, status};

#[tokio::test(flavor = "multi_thread")]
async fn event_that_overtakes_the_answer_is_taken_in_and_told_once_there_is_an_address() {
    let scene = Scene::start().await;
    let id = scene.wanted().await;
    scene.fail_create(FaultKind::Slow { delay_ms: 2000 });
    let (started, ()) = tokio::join!(scene.conversations.start(APP, id), async {
        while scene.kept(id).await.is_empty() {
            tokio::task::yield_now().await;
        }
        let row = scene.row(id).await;
        assert_eq!(
            (&row["status"], &row["conversation_url"]),
            (&json!("active"), &json!(null))
        );
        assert!(row["conversation_id"].is_string());
        assert_eq!(scene.news(id).await.len(), 1, "nobody could join yet");
    });
    assert!(matches!(started.unwrap(), Started::Now(_)));
    let news = scene.news(id).await;
    assert_eq!(news.len(), 2);
    assert_eq!(news[1].0, "avatar-started");
    assert!(news[1].1["conversation_url"].is_string());
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_that_is_known_by_its_events_alone_is_completed_by_the_next_attempt() {
    let scene = Scene::start().await;
    let id = scene.wanted().await;
    scene.fail_create(FaultKind::DropAfter);
    scene.fail("GET", "conversations", 3, status(503, None));
    scene.conversations.start(APP, id).await.unwrap_err();
    scene.tavus.simulator.settled().await;
    assert_eq!(scene.row(id).await["status"], "active");
    let Started::Now(row) = scene.conversations.start(APP, id).await.unwrap() else {
        panic!("not completed");
    };
    assert!(row["conversation_url"].is_string() && row["claimed_until"].is_null());
    assert_eq!(scene.calls(), (1, 1));
    assert_eq!(scene.news(id).await[1].0, "avatar-started");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_that_ended_before_its_answer_came_stays_ended() {
    let scene = Scene::start().await;
    scene.behave(Script::Normal);
    let id = scene.wanted().await;
    scene.fail_create(FaultKind::Slow { delay_ms: 2000 });
    let (started, ()) = tokio::join!(scene.conversations.start(APP, id), async {
        let call = loop {
            match scene.row(id).await["conversation_id"].as_str() {
                Some(call) => break call.to_owned(),
                None => tokio::task::yield_now().await,
            }
        };
        assert!(
            scene
                .tavus
                .simulator
                .end(&call, "participant_left_timeout reached")
        );
        while scene.row(id).await["status"] != "ended" {
            tokio::task::yield_now().await;
        }
    });
    let Started::Already(row) = started.unwrap() else {
        panic!("it runs");
    };
    assert_eq!(
        (&row["status"], &row["shutdown_reason"]),
        (&json!("ended"), &json!("participant_left_timeout reached"))
    );
    scene.stop().await;
}

//! Starts that Tavus refuses: what passes is waited for, what stays is told to people.

use std::time::Duration;

use edge_worker::conversations::{ConversationError, Started};
use edge_worker::providers::tavus::TavusError;
use local_stack::simulators::tavus::{Behaviour, FaultKind};
use serde_json::json;

use crate::scene::{APP, Scene, status};

#[tokio::test(flavor = "multi_thread")]
async fn full_plan_is_waited_for() {
    let scene = Scene::start().await;
    let full = Behaviour {
        concurrency_cap: Some(0),
        ..Behaviour::default()
    };
    scene.tavus.simulator.behave(full);
    let id = scene.wanted().await;
    for _ in 0..2 {
        let error = scene.conversations.start(APP, id).await.unwrap_err();
        assert!(
            matches!(error, ConversationError::Tavus(TavusError::AtCapacity)),
            "{error:?}"
        );
        assert!(error.is_passing());
        let row = scene.row(id).await;
        assert_eq!(
            (&row["status"], &row["claimed_until"]),
            (&json!("starting"), &json!(null))
        );
        assert_eq!(row["attempted_at"], json!(null), "it surely made nothing");
    }
    scene.tavus.simulator.behave(Behaviour::default());
    assert!(matches!(
        scene.conversations.start(APP, id).await.unwrap(),
        Started::Now(_)
    ));
    assert_eq!(
        scene.tavus.simulator.requests("GET", "/v2/conversations"),
        0,
        "nothing to look for"
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttled_start_says_how_long_tavus_asks_to_wait() {
    let scene = Scene::start().await;
    let id = scene.wanted().await;
    scene.fail_create(FaultKind::Status {
        status: 429,
        retry_after: Some("30".to_owned()),
        message: None,
    });
    let error = scene.conversations.start(APP, id).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    assert!(error.is_passing());
    assert!(matches!(
        scene.conversations.start(APP, id).await.unwrap(),
        Started::Now(_)
    ));
    assert_eq!(scene.tavus.creates(), 2);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tavus_that_is_away_is_waited_for() {
    let scene = Scene::start().await;
    let id = scene.wanted().await;
    let settings = crate::support::tavus::settings("http://127.0.0.1:9", crate::support::tavus::KEY);
    let client =
        crate::support::tavus::client(&settings, scene.tavus.metrics.clone(), scene.tavus.waits.clone());
    let error = scene
        .worker(&scene.base, Some(client))
        .start(APP, id)
        .await
        .unwrap_err();
    assert!(
        matches!(error, ConversationError::Tavus(TavusError::Unreachable(_))),
        "{error:?}"
    );
    assert!(error.is_passing());
    assert_eq!(scene.row(id).await["attempted_at"], json!(null));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_that_stay_are_told_to_the_room_in_plain_words() {
    let scene = Scene::start().await;
    let broke = Behaviour {
        credits: Some(0),
        ..Behaviour::default()
    };
    let wrong_key = scene.worker(&scene.base, Some(scene.client("sk-wrong")));
    let off = scene.worker(&scene.base, None);
    let mine = &scene.conversations;
    let refused = "The service for avatars refused to start this one.";
    for (worker, persona, fault, sentence) in [
        (
            mine,
            "default_calm_persona",
            None,
            "The account for avatars has no credits left.",
        ),
        (
            &wrong_key,
            "default_calm_persona",
            None,
            "The service for avatars does not accept our key.",
        ),
        (
            &off,
            "default_calm_persona",
            None,
            "Avatars are switched off here.",
        ),
        (
            mine,
            "no id of Tavus/..",
            None,
            "The persona of this avatar is not set up.",
        ),
        (mine, "p-unknown", None, refused),
        (
            mine,
            "default_calm_persona",
            Some(status(422, Some("no such language"))),
            refused,
        ),
        (
            mine,
            "default_calm_persona",
            Some(status(402, None)),
            "The account for avatars has no credits left.",
        ),
    ] {
        if sentence.contains("credits") && fault.is_none() {
            scene.tavus.simulator.behave(broke.clone());
        } else {
            scene.tavus.simulator.behave(Behaviour::default());
        }
        if let Some(fault) = fault {
            scene.fail_create(fault);
        }
        let id = scene.wanted_with(persona).await;
        let error = worker.start(APP, id).await.unwrap_err();
        assert!(!error.is_passing(), "{error:?}");
        let row = scene.row(id).await;
        assert_eq!(
            (&row["status"], &row["failure"]),
            (&json!("failed"), &json!(sentence)),
            "{error:?}"
        );
        let news = scene.news(id).await;
        assert_eq!(news[1].0, "avatar-ended");
        assert_eq!(
            (&news[1].1["failed"], &news[1].1["reason"]),
            (&json!(true), &json!(sentence))
        );
        let again = worker.start(APP, id).await.unwrap();
        assert!(matches!(again, Started::Already(row) if row["status"] == "failed"));
    }
    assert_eq!(scene.calls(), (0, 0));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_under_the_id_of_another_is_told_as_that_and_left_alone() {
    let scene = Scene::start().await;
    let first = scene.wanted().await;
    assert!(matches!(
        scene.conversations.start(APP, first).await.unwrap(),
        Started::Now(_)
    ));
    // A Tavus that has forgotten everything and gives its ids again.
    let again = crate::support::tavus::Simulated::with_seed(scene.seed).await;
    let worker = scene.worker(&scene.base, Some(again.client.clone()));
    let second = scene.wanted().await;
    let error = worker.start(APP, second).await.unwrap_err();
    assert!(matches!(error, ConversationError::IdTaken(_)), "{error:?}");
    assert!(!error.is_passing());
    let row = scene.row(second).await;
    assert_eq!(
        (&row["status"], &row["failure"], &row["conversation_id"]),
        (
            &json!("failed"),
            &json!("The service for avatars mistook this call for another one."),
            &json!(null)
        )
    );
    assert_eq!(scene.row(first).await["status"], "active");
    assert_eq!(
        again.simulator.conversations(),
        (1, 1),
        "it may be the other one's"
    );
    again.simulator.stop().await;
    scene.stop().await;
}

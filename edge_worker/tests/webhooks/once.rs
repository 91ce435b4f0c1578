//! Exactly one effect: under duplicates, at once, in any order, and with the same time stamp.

use std::collections::BTreeSet;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};

use crate::scene::Scene;

/// The events of a call; joining is told twice, under both of its names.
fn call(scene: &Scene, tavus_id: &str) -> Vec<Value> {
    let utterance = |seq: i64, speech: &str| {
        let mut event = scene.event(
            tavus_id,
            "conversation.utterance",
            json!({ "role": "user", "speech": speech }),
        );
        event["seq"] = json!(seq);
        event
    };
    let recording = |at: &str| {
        let mut event = scene.event(tavus_id, "application.recording_ready", json!({ "s3_key": at }));
        event["timestamp"] = json!(at);
        event
    };
    let transcript = json!([{ "role": "system", "content": "You" }, { "role": "user", "content": "Hi" }]);
    vec![
        scene.event(tavus_id, "system.replica_joined", json!({ "replica_id": "r1" })),
        scene.event(tavus_id, "system.pal_joined", json!({ "face_id": "r1" })),
        utterance(1, "Hi"),
        utterance(2, "Hi"),
        scene.event(
            tavus_id,
            "system.shutdown",
            json!({ "shutdown_reason": "participant_left_timeout reached" }),
        ),
        scene.event(
            tavus_id,
            "application.transcription_ready",
            json!({ "transcript": transcript }),
        ),
        scene.event(
            tavus_id,
            "application.perception_analysis",
            json!({ "analysis": "A person." }),
        ),
        recording("2026-11-21T10:07:00Z"),
        recording("2026-11-21T10:06:00Z"),
    ]
}

/// What is left of a call, without what differs between calls.
async fn state(scene: &Scene, id: uuid::Uuid) -> Value {
    let mut row = scene.row(id).await;
    let map = row.as_object_mut().unwrap();
    for name in [
        "id",
        "session_id",
        "conversation_id",
        "conversation_url",
        "created_at",
        "updated_at",
    ] {
        map.remove(name);
    }
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_come_often_at_once_and_in_any_order_are_applied_once() {
    let scene = Scene::start().await;
    let calm = scene.conversation("c-calm").await;
    for event in call(&scene, "c-calm") {
        scene.worker.tell(calm, &event).await;
    }
    let expected = state(&scene, calm).await;
    assert_eq!(
        expected["recording"]["s3_key"], "2026-11-21T10:07:00Z",
        "the latest"
    );
    assert_eq!(expected["recordings"].as_array().unwrap().len(), 2, "{expected}");
    let mut random = StdRng::seed_from_u64(7);
    for run in 0..12 {
        let tavus_id = format!("c-{run}");
        // The first half of the runs knows the call only by its events.
        let id = if run % 2 == 0 {
            scene.unstarted().await
        } else {
            scene.conversation(&tavus_id).await
        };
        let mut events = vec![call(&scene, &tavus_id); 4].concat();
        events.shuffle(&mut random);
        let tells = events.iter().map(|event| scene.worker.tell(id, event));
        let told = futures_util::future::join_all(tells).await;
        assert_eq!(
            told.iter().filter(|status| *status == "new").count(),
            8,
            "{told:?}"
        );
        assert_eq!(
            told.iter().filter(|status| *status == "duplicate").count(),
            28,
            "{told:?}"
        );
        scene.start_call(id, &tavus_id).await;
        assert_eq!(state(&scene, id).await, expected);
        assert_eq!(scene.kept(id).await.len(), 8);
        let news = scene.news(id).await;
        let distinct: BTreeSet<_> = news.iter().collect();
        assert_eq!(distinct.len(), news.len(), "told twice: {news:?}");
        assert!(
            news.contains(&"avatar-ended".to_owned()) && news.contains(&"avatar-transcript".to_owned()),
            "{news:?}"
        );
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_many_calls_at_once_do_not_get_in_each_others_way() {
    let scene = Scene::start().await;
    let mut sent = Vec::new();
    for number in 0..20 {
        let tavus_id = format!("c-{number}");
        let id = if number % 2 == 0 {
            scene.unstarted().await
        } else {
            scene.conversation(&tavus_id).await
        };
        sent.extend(call(&scene, &tavus_id).into_iter().map(|event| (id, event)));
    }
    // Two workers, which take them in opposite directions.
    let other = crate::scene::Worker::new(&crate::scene::as_worker(&scene.url), &[]);
    let forth = sent.iter().map(|(id, event)| scene.worker.tell(*id, event));
    let back = sent.iter().rev().map(|(id, event)| other.tell(*id, event));
    let (forth, back) = tokio::join!(
        futures_util::future::join_all(forth),
        futures_util::future::join_all(back)
    );
    let new = forth
        .iter()
        .chain(&back)
        .filter(|status| *status == "new")
        .count();
    assert_eq!(new, 20 * 7);
    for (id, _) in sent.iter().step_by(8) {
        assert_eq!(scene.kept(*id).await.len(), 7);
        assert_eq!(scene.row(*id).await["status"], "ended");
    }
    other.app.pool.close().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn different_events_of_one_type_and_one_moment_are_two() {
    let scene = Scene::start().await;
    let id = scene.conversation("c-1").await;
    let said = |speech: &str| {
        scene.event(
            "c-1",
            "conversation.utterance",
            json!({ "role": "user", "speech": speech }),
        )
    };
    assert_eq!(scene.worker.tell(id, &said("Hi")).await, "new");
    assert_eq!(scene.worker.tell(id, &said("Ho")).await, "new");
    assert_eq!(scene.worker.tell(id, &said("Hi")).await, "duplicate");
    let mut respelled = said("Ho");
    respelled["timestamp"] = json!("2026-11-21 10:00:00");
    respelled["message_type"] = json!("another word");
    assert_eq!(
        scene.worker.tell(id, &respelled).await,
        "duplicate",
        "the same moment and the same words"
    );
    assert_eq!(scene.kept(id).await.len(), 2);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contradiction_is_kept_beside_the_first_and_not_applied() {
    let scene = Scene::start().await;
    let id = scene.conversation("c-1").await;
    let ended = |reason: &str| scene.event("c-1", "system.shutdown", json!({ "shutdown_reason": reason }));
    assert_eq!(
        scene.worker.tell(id, &ended("max_call_duration reached")).await,
        "new"
    );
    assert_eq!(
        scene.worker.tell(id, &ended("max_call_duration")).await,
        "duplicate",
        "the same with and without the ending"
    );
    assert_eq!(
        scene.worker.tell(id, &ended("participant_left_timeout")).await,
        "conflicting"
    );
    assert_eq!(
        scene.row(id).await["shutdown_reason"],
        "max_call_duration reached"
    );
    let conflicting: Vec<_> = scene
        .kept(id)
        .await
        .into_iter()
        .map(|(_, is_conflicting, _)| is_conflicting)
        .collect();
    assert_eq!(conflicting, [false, true]);
    scene.stop().await;
}

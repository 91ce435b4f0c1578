//! Events that never arrived.

use edge_worker::conversations::{ConversationError, Started};
use edge_worker::providers::tavus::ConversationId;
use local_stack::simulators::tavus::{Behaviour, Naming, Script};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::scene::{APP, Scene, status};

/// A call from its creation to its end, with every callback delivered or given up.
async fn call(scene: &Scene, script: Script, naming: Naming) -> (Uuid, ConversationId) {
    scene.tavus.simulator.behave(Behaviour {
        script,
        naming,
        delay_ms: 1,
        ..Behaviour::default()
    });
    let id = scene.wanted().await;
    let Started::Now(row) = scene.conversations.start(APP, id).await.unwrap() else {
        panic!("not started");
    };
    let call = ConversationId::parse(row["conversation_id"].as_str().unwrap()).unwrap();
    assert!(
        scene
            .tavus
            .simulator
            .end(call.as_str(), "participant_left_timeout reached")
    );
    scene.tavus.simulator.settled().await;
    (id, call)
}

/// A row without what differs from call to call.
async fn state(scene: &Scene, id: Uuid) -> Value {
    let mut row = scene.row(id).await;
    let map = row.as_object_mut().unwrap();
    let own = [
        "id",
        "session_id",
        "conversation_id",
        "conversation_url",
        "created_at",
        "updated_at",
        "attempted_at",
        "replica_joined_at",
        "ended_at",
    ];
    for name in own {
        map.remove(name);
    }
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_is_healed_and_nothing_is_done_twice() {
    let scene = Scene::alone().await;
    for naming in [Naming::Old, Naming::New, Naming::Both] {
        let (whole, _) = call(&scene, Script::Normal, naming).await;
        let expected = state(&scene, whole).await;
        assert_eq!(expected["status"], "ended");
        let (id, _) = call(&scene, Script::Lost, naming).await;
        assert_ne!(state(&scene, id).await, expected, "the end at least is lost");
        let lost = 4 - scene.kept(id).await.len();
        let done = scene.conversations.reconcile(APP).await.unwrap();
        assert_eq!(usize::try_from(done.new_events).unwrap(), lost);
        assert_eq!((done.ended, done.failed), (0, 0));
        assert_eq!(state(&scene, id).await, expected);
        assert_eq!(scene.kept(id).await.len(), 4);
        let again = scene.conversations.reconcile(APP).await.unwrap();
        assert_eq!((again.new_events, again.ended, again.failed), (0, 0, 0));
        let mut news: Vec<_> = scene.news(id).await.into_iter().map(|(event, _)| event).collect();
        news.sort();
        // Where the joining came after the end, nobody was told that the avatar is there: it was not.
        news.retain(|event| event != "avatar-started");
        assert_eq!(news, ["avatar-ended", "avatar-starting", "avatar-transcript"]);
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_and_reconciliation_at_once_do_it_once() {
    let scene = Scene::alone().await;
    scene.behave(Script::Duplicated);
    let id = scene.wanted().await;
    let Started::Now(row) = scene.conversations.start(APP, id).await.unwrap() else {
        panic!("not started");
    };
    scene.tavus.simulator.end(
        row["conversation_id"].as_str().unwrap(),
        "max_call_duration reached",
    );
    let (done, ()) = tokio::join!(
        scene.conversations.reconcile(APP),
        scene.tavus.simulator.settled()
    );
    assert_eq!(done.unwrap().failed, 0);
    let mut kept = scene.kept(id).await;
    kept.sort();
    let expected = [
        "application.perception_analysis",
        "application.transcription_ready",
        "system.replica_joined",
        "system.shutdown",
    ];
    assert_eq!(kept, expected);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_that_tavus_forgot_or_ended_without_a_word_is_over() {
    let scene = Scene::alone().await;
    scene.behave(Script::Lost);
    let mut calls = Vec::new();
    for _ in 0..2 {
        let id = scene.wanted().await;
        let Started::Now(row) = scene.conversations.start(APP, id).await.unwrap() else {
            panic!("not started");
        };
        calls.push((
            id,
            ConversationId::parse(row["conversation_id"].as_str().unwrap()).unwrap(),
        ));
    }
    let [(forgotten, call), (running, _)] = &calls[..] else {
        panic!("{calls:?}");
    };
    assert!(scene.tavus.client.delete_conversation(call, true).await.unwrap());
    let done = scene.conversations.reconcile(APP).await.unwrap();
    assert_eq!((done.ended, done.failed), (1, 0));
    let row = scene.row(*forgotten).await;
    assert_eq!(
        (&row["status"], &row["shutdown_reason"]),
        (&json!("ended"), &json!("unknown_at_tavus"))
    );
    assert_eq!(scene.row(*running).await["status"], "active");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_that_cannot_be_looked_at_keeps_no_other_waiting() {
    let scene = Scene::alone().await;
    let (broken, call_of_broken) = call(&scene, Script::Lost, Naming::Old).await;
    let (fine, _) = call(&scene, Script::Lost, Naming::Old).await;
    let path = format!("conversations/{call_of_broken}");
    scene.fail("GET", &path, 1, status(422, Some("odd")));
    let done = scene.conversations.reconcile(APP).await.unwrap();
    assert_eq!(done.failed, 1);
    assert_eq!(scene.row(fine).await["status"], "ended");
    assert_eq!(scene.row(broken).await["status"], "active");
    // What concerns all of them ends the run.
    scene.fail("GET", &path, 3, status(503, None));
    let error = scene.conversations.reconcile(APP).await.unwrap_err();
    assert!(error.is_passing(), "{error:?}");
    let wrong_key = scene.worker(&scene.base, Some(scene.client("sk-wrong")));
    let error = wrong_key.reconcile(APP).await.unwrap_err();
    assert!(!error.is_passing(), "{error:?}");
    let off = scene.worker(&scene.base, None);
    assert!(matches!(off.reconcile(APP).await, Err(ConversationError::Off)));
    scene.conversations.reconcile(APP).await.unwrap();
    assert_eq!(scene.row(broken).await["status"], "ended");
    scene.stop().await;
}

//! Calls that nobody here knows of, or needs any more.

use edge_worker::conversations::Conversations;
use edge_worker::providers::tavus::PersonaId;
use edge_worker::providers::tavus::wire::NewConversation;
use local_stack::simulators::tavus::Script;
use serde_json::json;
use uuid::Uuid;

use crate::scene::{APP, Scene};

/// A call with the callback address of a conversation, that nobody noted.
async fn stray(scene: &Scene, worker: &Conversations, id: Uuid) -> String {
    let wanted = NewConversation {
        persona_id: PersonaId::parse("default_calm_persona"),
        callback_url: worker.callbacks().address(APP, id),
        ..NewConversation::default()
    };
    let made = scene.tavus.client.create_conversation(&wanted).await.unwrap();
    made.id.as_str().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn call_that_nobody_noted_is_noted() {
    let scene = Scene::alone().await;
    // Its callbacks come when it is over.
    scene.behave(Script::Reordered);
    let id = scene.wanted().await;
    let call = stray(&scene, &scene.conversations, id).await;
    let done = scene.conversations.reconcile(APP).await.unwrap();
    assert_eq!((done.ended, done.failed), (0, 0));
    let row = scene.row(id).await;
    assert_eq!(
        (&row["status"], &row["conversation_id"]),
        (&json!("active"), &json!(call))
    );
    assert!(row["conversation_url"].is_string());
    assert_eq!(scene.calls(), (1, 1));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_that_somebody_is_about_to_note_is_left_to_him() {
    let scene = Scene::alone().await;
    scene.behave(Script::Reordered);
    let id = scene.wanted().await;
    scene.run("select echoroom_private.tavus_claim($1)", id).await;
    stray(&scene, &scene.conversations, id).await;
    scene.conversations.reconcile(APP).await.unwrap();
    assert_eq!(scene.row(id).await["status"], "starting");
    assert_eq!(scene.calls(), (1, 1));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn second_call_and_call_of_what_is_over_are_ended() {
    let scene = Scene::alone().await;
    scene.behave(Script::Reordered);
    let two = scene.wanted().await;
    scene.conversations.start(APP, two).await.unwrap();
    stray(&scene, &scene.conversations, two).await;
    let failed = scene.wanted().await;
    scene
        .run(
            "select echoroom_private.tavus_failed($1, 'The service for avatars could not be reached.')",
            failed,
        )
        .await;
    stray(&scene, &scene.conversations, failed).await;
    assert_eq!(scene.calls(), (3, 3));
    let done = scene.conversations.reconcile(APP).await.unwrap();
    assert_eq!((done.ended, done.failed), (2, 0));
    assert_eq!(scene.calls(), (3, 1));
    assert_eq!(scene.row(two).await["status"], "active");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_of_a_conversation_that_is_gone_is_ended_where_it_is_surely_ours() {
    let scene = Scene::alone().await;
    scene.behave(Script::Reordered);
    let client = || Some(scene.tavus.client.clone());
    let public = scene.worker("https://worker.invalid/parley", client());
    let elsewhere = scene.worker("https://elsewhere.invalid", client());
    stray(&scene, &public, Uuid::new_v4()).await;
    // Every developer's worker has a name like this one, and the key of the account may be shared.
    let done = scene.conversations.reconcile(APP).await.unwrap();
    assert_eq!((done.ended, scene.calls()), (0, (1, 1)));
    let done = elsewhere.reconcile(APP).await.unwrap();
    assert_eq!((done.ended, scene.calls()), (0, (1, 1)));
    let done = public.reconcile(APP).await.unwrap();
    assert_eq!((done.ended, scene.calls()), (1, (1, 0)));
    scene.stop().await;
}

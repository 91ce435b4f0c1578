//! Answers that get lost: there is never a second call.

use edge_worker::conversations::{ConversationError, Started};
use edge_worker::providers::tavus::PersonaId;
use edge_worker::providers::tavus::wire::NewConversation;
use local_stack::simulators::tavus::{FaultKind, Script};
use serde_json::json;

use crate::scene::{APP, Scene, status};

/// All ways to make the call and not to say so.
fn lost_answers() -> [FaultKind; 4] {
    [
        FaultKind::DropAfter,
        FaultKind::Garbage,
        FaultKind::StatusAfter { status: 500 },
        // Longer than the client waits.
        FaultKind::Slow { delay_ms: 8000 },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn call_whose_answer_is_lost_is_found_at_once() {
    let scene = Scene::start().await;
    for (run, kind) in (1..).zip(lost_answers()) {
        let id = scene.wanted().await;
        scene.fail_create(kind.clone());
        let started = scene.conversations.start(APP, id).await.unwrap();
        let Started::Now(row) = started else {
            panic!("{kind:?}: {started:?}");
        };
        assert!(row["conversation_url"].is_string(), "{row}");
        assert_eq!(scene.calls(), (run, run), "{kind:?}");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_whose_answer_is_lost_with_the_list_is_found_by_the_next_attempt() {
    let scene = Scene::start().await;
    // No callback names the call meanwhile.
    scene.behave(Script::Reordered);
    for (run, kind) in (1..).zip(lost_answers()) {
        let id = scene.wanted().await;
        scene.fail_create(kind.clone());
        scene.fail("GET", "conversations", 3, status(503, None));
        let error = scene.conversations.start(APP, id).await.unwrap_err();
        assert!(
            matches!(error, ConversationError::Unclear(_)) && error.is_passing(),
            "{error:?}"
        );
        let row = scene.row(id).await;
        assert_eq!(
            (&row["status"], &row["claimed_until"]),
            (&json!("starting"), &json!(null))
        );
        assert!(row["attempted_at"].is_string());
        // Still no list: the next one does not make another either.
        scene.fail("GET", "conversations", 3, status(503, None));
        let error = scene.conversations.start(APP, id).await.unwrap_err();
        assert!(error.is_passing(), "{error:?}");
        scene.fail("GET", "conversations", 1, FaultKind::Garbage);
        let error = scene.conversations.start(APP, id).await.unwrap_err();
        assert!(
            error.is_passing(),
            "a list that makes no sense says nothing: {error:?}"
        );
        let started = scene.conversations.start(APP, id).await.unwrap();
        assert!(matches!(started, Started::Now(_)), "{started:?}");
        assert_eq!(scene.calls(), (run, run), "{kind:?}");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attempt_that_made_nothing_is_made_again_after_a_look() {
    let scene = Scene::start().await;
    for (run, kind) in (1..).zip([FaultKind::DropBefore, status(500, None)]) {
        let id = scene.wanted().await;
        scene.fail_create(kind);
        let error = scene.conversations.start(APP, id).await.unwrap_err();
        assert!(matches!(error, ConversationError::Unclear(_)), "{error:?}");
        let listed = scene.tavus.simulator.requests("GET", "/v2/conversations");
        let started = scene.conversations.start(APP, id).await.unwrap();
        assert!(matches!(started, Started::Now(_)), "{started:?}");
        assert!(scene.tavus.simulator.requests("GET", "/v2/conversations") > listed);
        assert_eq!(scene.calls(), (run, run));
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_of_a_worker_that_died_is_found_behind_hundreds_of_others() {
    let scene = Scene::start().await;
    let id = scene.wanted().await;
    // What a worker does that dies after the create: it has the claim, noted its attempt, and made the call.
    scene.run("select echoroom_private.tavus_attempt($1, (echoroom_private.tavus_claim($1) ->> 'claimed_until')::timestamptz)", id).await;
    let make = |callback_url| NewConversation {
        persona_id: PersonaId::parse("default_calm_persona"),
        callback_url,
        ..NewConversation::default()
    };
    let address = scene.conversations.callbacks().address(APP, id);
    // No callback of it has arrived.
    scene.behave(Script::Reordered);
    let made = scene
        .tavus
        .client
        .create_conversation(&make(address))
        .await
        .unwrap();
    // Newer ones come first in the list.
    for _ in 0..210 {
        scene.tavus.client.create_conversation(&make(None)).await.unwrap();
    }
    let creates = scene.tavus.creates();
    assert_eq!(
        scene.conversations.start(APP, id).await.unwrap(),
        Started::TakenByAnother
    );
    scene
        .run(
            "update echoroom.conversations set claimed_until = now() where id = $1",
            id,
        )
        .await;
    let Started::Now(row) = scene.conversations.start(APP, id).await.unwrap() else {
        panic!("not found");
    };
    assert_eq!(row["conversation_id"], made.id.as_str());
    assert_eq!(scene.tavus.creates(), creates);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_that_comes_back_too_late_ends_its_own_call() {
    let scene = Scene::start().await;
    scene.behave(Script::Reordered);
    let id = scene.wanted().await;
    scene.fail_create(FaultKind::Slow { delay_ms: 2000 });
    let (late, ()) = tokio::join!(scene.conversations.start(APP, id), async {
        scene.until_attempted(id).await;
        // Its claim ran out, and another one was quicker.
        scene
            .run(
                "select echoroom_private.tavus_started($1, 'c-another', 'https://tavus.daily.co/c-another')",
                id,
            )
            .await;
    });
    let Started::Already(row) = late.unwrap() else {
        panic!("two calls");
    };
    assert_eq!(row["conversation_id"], "c-another");
    assert_eq!(scene.calls(), (1, 0));
    scene.stop().await;
}

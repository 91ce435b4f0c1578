//! The client of Tavus against the simulator: every endpoint, every failure.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use edge_worker::providers::Advice;
use edge_worker::providers::tavus::events::{EventKind, ShutdownCause};
use edge_worker::providers::tavus::wire::{ConversationStatus, NewConversation, NewPersona, PageQuery};
use edge_worker::providers::tavus::{ConversationId, Ended, Patched, PersonaId, ReplicaId, TavusError};
use edge_worker::telemetry::Metrics;
use local_stack::simulators::tavus::{Behaviour, Fault, FaultKind, Naming};
use serde_json::json;
use support::tavus::{KEY, Simulated, client, settings};
use support::upstream::{Answer, Upstream};

const PAGE: PageQuery = PageQuery { number: 1, limit: 10 };

fn wanted() -> NewConversation {
    NewConversation {
        persona_id: PersonaId::parse("default_calm_persona"),
        conversation_name: Some("Calm".into()),
        ..NewConversation::default()
    }
}

fn fault(method: &str, path: &str, times: u32, kind: FaultKind) -> Fault {
    Fault {
        method: Some(method.into()),
        path: path.into(),
        times,
        kind,
    }
}

fn status(status: u16, retry_after: Option<&str>) -> FaultKind {
    FaultKind::Status {
        status,
        retry_after: retry_after.map(str::to_owned),
        message: None,
    }
}

fn with_naming(naming: Naming) -> Behaviour {
    Behaviour {
        naming,
        ..Behaviour::default()
    }
}

#[tokio::test]
async fn conversation_lives_from_its_creation_to_its_deletion_under_every_name() {
    for naming in [Naming::Old, Naming::New, Naming::Both] {
        let tavus = Simulated::start().await;
        tavus.simulator.behave(with_naming(naming));
        let made = tavus.client.create_conversation(&wanted()).await.unwrap();
        assert_eq!(made.status, ConversationStatus::Active);
        assert_eq!(made.name.as_deref(), Some("Calm"));
        assert!(made.url.unwrap().ends_with(made.id.as_str()));
        assert!(made.meeting_token.is_none() && made.events.is_none());

        let seen = tavus.client.conversation(&made.id).await.unwrap();
        assert_eq!(seen.persona_id, PersonaId::parse("default_calm_persona"));
        assert_eq!(seen.replica_id, ReplicaId::parse("r5f0577fc829"));
        let joined = EventKind::ReplicaJoined {
            replica_id: seen.replica_id,
        };
        assert!(seen.events.unwrap().iter().all(|event| event.kind() == joined));

        assert_eq!(tavus.client.end_conversation(&made.id).await.unwrap(), Ended::Now);
        assert_eq!(
            tavus.client.end_conversation(&made.id).await.unwrap(),
            Ended::Before
        );
        let ended = tavus.client.conversation(&made.id).await.unwrap();
        assert_eq!(ended.status, ConversationStatus::Ended);
        let has_reason = ended.events.unwrap().into_iter().any(|event| {
            assert_eq!(event.conversation_id.as_ref(), Some(&made.id));
            matches!(event.kind(), EventKind::Shutdown { reason, .. } if reason.cause == ShutdownCause::EndedByRequest)
        });
        assert!(has_reason);

        assert!(tavus.client.delete_conversation(&made.id, true).await.unwrap());
        assert!(!tavus.client.delete_conversation(&made.id, false).await.unwrap());
        tavus.simulator.stop().await;
    }
}

#[tokio::test]
async fn lists_are_read_page_by_page_under_every_name() {
    let tavus = Simulated::start().await;
    for _ in 0..3 {
        tavus.client.create_conversation(&wanted()).await.unwrap();
    }
    for naming in [Naming::Old, Naming::New, Naming::Both] {
        tavus.simulator.behave(with_naming(naming));
        let page = |number| PageQuery { number, limit: 2 };
        let active = ConversationStatus::Active;
        let first = tavus.client.conversations(page(1), Some(&active)).await.unwrap();
        let second = tavus.client.conversations(page(2), None).await.unwrap();
        assert_eq!((first.rows.len(), second.rows.len()), (2, 1));
        assert_eq!(first.total_count, Some(3));
        let ended = ConversationStatus::Ended;
        let none = tavus.client.conversations(PAGE, Some(&ended)).await.unwrap();
        assert_eq!((none.page_rows, none.total_count), (0, Some(0)));
        assert!(
            first
                .rows
                .iter()
                .all(|row| row.persona_id.is_some() && row.replica_id.is_some())
        );

        let personas = tavus.client.personas(PAGE).await.unwrap();
        assert_eq!(personas.rows.len(), 6);
        assert!(
            personas
                .rows
                .iter()
                .all(|row| row.name.is_some() && row.default_replica_id.is_some())
        );
        let replicas = tavus.client.replicas(PAGE).await.unwrap();
        assert_eq!(replicas.rows.len(), 3);
        assert_eq!(replicas.rows[2].kind.as_deref(), Some("user"));
        assert_eq!(replicas.rows[2].status.as_deref(), Some("started"));
    }
}

#[tokio::test]
async fn persona_lives_from_its_creation_to_its_deletion() {
    let tavus = Simulated::start().await;
    let wanted = NewPersona {
        persona_name: Some("Robin".into()),
        system_prompt: Some("Be kind.".into()),
        default_replica_id: ReplicaId::parse("r5f0577fc829"),
        ..NewPersona::default()
    };
    let made = tavus.client.create_persona(&wanted).await.unwrap();
    let seen = tavus.client.persona(&made.id).await.unwrap();
    assert_eq!(seen.document.0["system_prompt"], "Be kind.");

    let patch = serde_json::from_value(json!([
        { "op": "replace", "path": "/system_prompt", "value": "Be brief." },
        { "op": "add", "path": "/layers", "value": {} },
    ]))
    .unwrap();
    assert_eq!(
        tavus.client.patch_persona(&made.id, &patch).await.unwrap(),
        Patched::Changed
    );
    let seen = tavus.client.persona(&made.id).await.unwrap();
    assert_eq!(seen.document.0["system_prompt"], "Be brief.");

    let same =
        serde_json::from_value(json!([{ "op": "replace", "path": "/system_prompt", "value": "Be brief." }]));
    let same = tavus
        .client
        .patch_persona(&made.id, &same.unwrap())
        .await
        .unwrap();
    assert_eq!(same, Patched::Unchanged);
    let wrong = serde_json::from_value(json!([{ "op": "remove", "path": "/nowhere" }])).unwrap();
    let wrong = tavus.client.patch_persona(&made.id, &wrong).await;
    assert!(matches!(wrong, Err(TavusError::Rejected { status: 400, .. })));

    assert!(tavus.client.delete_persona(&made.id).await.unwrap());
    assert!(!tavus.client.delete_persona(&made.id).await.unwrap());
    assert!(matches!(
        tavus.client.persona(&made.id).await,
        Err(TavusError::NotFound)
    ));
    let gone = tavus.client.patch_persona(&made.id, &patch).await;
    assert!(matches!(gone, Err(TavusError::NotFound)));
}

#[tokio::test]
async fn keys_of_third_parties_in_a_persona_are_not_kept() {
    let tavus = Simulated::start().await;
    let id = PersonaId::parse("default_joyful_persona").unwrap();
    let persona = tavus.client.persona(&id).await.unwrap();
    assert_eq!(persona.document.0["layers"]["llm"]["model"], "tavus-gpt-oss");
    assert!(!persona.document.0.to_string().contains("sk-of-a-third-party"));
}

#[tokio::test]
async fn private_room_has_a_token_and_a_test_costs_nothing() {
    let tavus = Simulated::start().await;
    let private = NewConversation {
        require_auth: Some(true),
        ..wanted()
    };
    let made = tavus.client.create_conversation(&private).await.unwrap();
    assert!(made.meeting_token.is_some());
    let test = NewConversation {
        test_mode: Some(true),
        ..wanted()
    };
    let made = tavus.client.create_conversation(&test).await.unwrap();
    assert_eq!(made.status, ConversationStatus::Ended);
    assert_eq!(tavus.simulator.conversations(), (2, 1));
}

#[tokio::test]
async fn capacity_credits_and_the_key_are_told_apart() {
    let tavus = Simulated::start().await;
    tavus.simulator.behave(Behaviour {
        concurrency_cap: Some(1),
        credits: Some(1),
        ..Behaviour::default()
    });
    let made = tavus.client.create_conversation(&wanted()).await.unwrap();
    let full = tavus.client.create_conversation(&wanted()).await.unwrap_err();
    assert!(matches!(full, TavusError::AtCapacity));
    assert_eq!(full.advice(), Advice::RetryLater);
    tavus.client.end_conversation(&made.id).await.unwrap();
    let broke = tavus.client.create_conversation(&wanted()).await.unwrap_err();
    assert!(matches!(broke, TavusError::OutOfCredits));
    assert_eq!(broke.advice(), Advice::Misconfigured);

    let stranger = settings(tavus.simulator.base_url(), "wrong");
    let stranger = client(&stranger, Metrics::default(), tavus.waits.clone());
    let refused = stranger.create_conversation(&wanted()).await.unwrap_err();
    assert!(matches!(refused, TavusError::Unauthorized { status: 401 }));
    assert_eq!(refused.advice(), Advice::Misconfigured);
    assert!(tavus.waits().is_empty(), "none of this gets better in a moment");
}

#[tokio::test]
async fn unknown_id_of_the_path_is_not_found_and_of_the_body_is_a_refusal() {
    let tavus = Simulated::start().await;
    let id = ConversationId::parse("c0").unwrap();
    assert!(matches!(
        tavus.client.conversation(&id).await,
        Err(TavusError::NotFound)
    ));
    assert!(matches!(
        tavus.client.end_conversation(&id).await,
        Err(TavusError::NotFound)
    ));
    let wrong = NewConversation {
        persona_id: PersonaId::parse("nobody"),
        ..NewConversation::default()
    };
    let refused = tavus.client.create_conversation(&wrong).await.unwrap_err();
    assert!(matches!(&refused, TavusError::Rejected { status: 400, said } if said == "Invalid persona_id"));
    assert_eq!(refused.advice(), Advice::GiveUp);
}

#[tokio::test]
async fn throttled_create_is_sent_again_after_the_wait_that_was_asked_for() {
    let tavus = Simulated::start().await;
    let path = "/v2/conversations";
    tavus
        .simulator
        .fail(fault("POST", path, 2, status(429, Some("3"))));
    tavus.client.create_conversation(&wanted()).await.unwrap();
    assert_eq!(tavus.creates(), 3);
    assert_eq!(tavus.simulator.conversations(), (1, 1));
    let waits = tavus.waits();
    assert_eq!(waits.len(), 2);
    for wait in waits {
        assert!(
            wait > Duration::from_secs(3) && wait < Duration::from_secs(6),
            "{wait:?}"
        );
    }
}

#[tokio::test]
async fn attempts_are_bounded_and_a_wait_that_is_too_long_is_left_to_the_caller() {
    let tavus = Simulated::start().await;
    let path = "/v2/replicas";
    tavus.simulator.fail(fault("GET", path, 10, status(500, None)));
    let failed = tavus.client.replicas(PAGE).await.unwrap_err();
    assert!(matches!(failed, TavusError::Unavailable { status: 500, .. }));
    assert_eq!(tavus.simulator.requests("GET", path), 3);
    let waits = tavus.waits();
    assert_eq!(waits.len(), 2);
    assert!(
        waits[0] >= Duration::from_millis(500) && waits[1] > waits[0],
        "{waits:?}"
    );

    let path = "/v2/personas";
    tavus
        .simulator
        .fail(fault("GET", path, 1, status(429, Some("60"))));
    let throttled = tavus.client.personas(PAGE).await.unwrap_err();
    assert_eq!(throttled.advice(), Advice::RetryAfter(Duration::from_secs(60)));
    assert_eq!(tavus.simulator.requests("GET", path), 1);
    assert_eq!(tavus.waits().len(), 2);
}

#[tokio::test]
async fn create_whose_outcome_is_unknown_is_never_sent_again() {
    let kinds = [
        (FaultKind::DropBefore, 0),
        (FaultKind::DropAfter, 1),
        (FaultKind::Garbage, 1),
        (FaultKind::Slow { delay_ms: 8000 }, 1),
        (status(500, None), 0),
        (status(503, Some("1")), 0),
    ];
    for (kind, made) in kinds {
        let tavus = Simulated::start().await;
        let shown = format!("{kind:?}");
        tavus.simulator.fail(fault("POST", "/v2/conversations", 1, kind));
        let error = tavus.client.create_conversation(&wanted()).await.unwrap_err();
        assert!(error.may_have_happened(), "{shown}: {error:?}");
        assert_eq!(tavus.creates(), 1, "{shown}");
        assert_eq!(tavus.simulator.conversations(), (made, made), "{shown}");
        assert!(tavus.waits().is_empty(), "{shown}");
    }
}

#[tokio::test]
async fn harmless_requests_survive_dropped_connections_and_late_answers() {
    let tavus = Simulated::start().await;
    let made = tavus.client.create_conversation(&wanted()).await.unwrap();
    let path = format!("/v2/conversations/{}", made.id);
    tavus
        .simulator
        .fail(fault("GET", &path, 1, FaultKind::DropBefore));
    tavus
        .simulator
        .fail(fault("GET", &path, 1, FaultKind::Slow { delay_ms: 8000 }));
    assert_eq!(tavus.client.conversation(&made.id).await.unwrap().id, made.id);
    assert_eq!(tavus.simulator.requests("GET", &path), 3);

    // Done, and the answer lost: the second attempt finds it ended, the third finds nothing to delete.
    tavus
        .simulator
        .fail(fault("POST", &format!("{path}/end"), 1, FaultKind::DropAfter));
    assert_eq!(
        tavus.client.end_conversation(&made.id).await.unwrap(),
        Ended::Before
    );
    tavus
        .simulator
        .fail(fault("DELETE", &path, 1, FaultKind::DropAfter));
    assert!(!tavus.client.delete_conversation(&made.id, false).await.unwrap());
}

#[tokio::test]
async fn unreachable_service_is_tried_again_even_for_a_create_since_nothing_was_sent() {
    let tavus = Simulated::start().await;
    // A port that nobody listens on any more.
    let address = tavus.simulator.base_url().to_owned();
    tavus.simulator.stop().await;
    let client = client(&settings(&address, "k"), Metrics::default(), tavus.waits.clone());
    let error = client.create_conversation(&wanted()).await.unwrap_err();
    assert!(matches!(error, TavusError::Unreachable(_)), "{error:?}");
    assert!(!error.may_have_happened());
    assert_eq!(tavus.waits.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn every_attempt_is_counted_by_its_outcome() {
    let tavus = Simulated::start().await;
    tavus
        .simulator
        .fail(fault("GET", "/v2/replicas", 1, status(429, Some("0"))));
    tavus.client.replicas(PAGE).await.unwrap();
    let text = tavus.metrics.render().unwrap();
    for outcome in ["throttled", "ok"] {
        let line = format!(
            "parley_worker_provider_requests_total{{provider=\"tavus\",operation=\"list_replicas\",outcome=\"{outcome}\"}} 1"
        );
        assert!(text.contains(&line), "{line} not in {text}");
    }
}

/// What was lost of the callbacks comes this way.
#[tokio::test]
async fn half_a_character_in_the_verbose_answer_loses_no_transcript() {
    let tavus = Upstream::start().await;
    tavus.says(Answer::json(
        200,
        r#"{"conversation_id": "c1", "status": "ended", "events": [
            {"event_type": "application.transcription_ready", "properties": {"transcript": [{"role": "user", "content": "Hi \ud83d\u0000"}]}}
        ]}"#,
    ));
    let client = client(&settings(&tavus.url, KEY), Metrics::default(), Arc::default());
    let seen = client
        .conversation(&ConversationId::parse("c1").unwrap())
        .await
        .unwrap();
    let EventKind::TranscriptionReady { transcript, .. } = seen.events.unwrap()[0].kind() else {
        panic!("no transcript");
    };
    assert_eq!(transcript.entries[0].content, "Hi \u{fffd}\u{fffd}");
}

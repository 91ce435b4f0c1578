//! Every event of Tavus, in both generations of names, and whatever else may come.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

use edge_worker::providers::tavus::events::{
    EventKind, Interaction, MalformedBody, ObjectivePhase, ShutdownCause, Speaker, TavusEvent, TranscriptRole,
};
use edge_worker::providers::tavus::{ConversationId, ReplicaId};
use serde_json::{Value, json};

fn parse(body: &Value) -> TavusEvent {
    TavusEvent::parse(body.to_string().as_bytes()).unwrap()
}

fn callback(event_type: &str, properties: &Value) -> TavusEvent {
    parse(&json!({
        "properties": properties,
        "conversation_id": "c123",
        "webhook_url": "https://worker.example/webhooks/tavus/t0ken",
        "event_type": event_type,
        "message_type": event_type.split('.').next(),
        "timestamp": "2026-08-03T10:11:12.472000Z",
    }))
}

fn interaction(event_type: &str, properties: &Value) -> Interaction {
    let event = parse(&json!({
        "message_type": "conversation", "event_type": event_type, "conversation_id": "c123",
        "timestamp": 1_779_475_657.84, "seq": 7, "turn_idx": 2, "inference_id": "i-1", "properties": properties,
    }));
    assert_eq!((event.turn.seq, event.turn.index), (Some(7), Some(2)));
    assert_eq!(event.turn.inference_id.as_deref(), Some("i-1"));
    match event.kind() {
        EventKind::Interaction(interaction) => interaction,
        other => panic!("{event_type} became {other:?}"),
    }
}

#[test]
fn envelope_is_read_and_the_callback_address_is_not_kept() {
    let event = callback("system.shutdown", &json!({ "shutdown_reason": "x" }));
    assert_eq!(event.conversation_id, ConversationId::parse("c123"));
    assert_eq!(event.event_type, "system.shutdown");
    assert_eq!(
        event.occurred_at.unwrap().to_rfc3339(),
        "2026-08-03T10:11:12.472+00:00"
    );
    assert!(!event.raw.0.to_string().contains("t0ken"));
    assert_eq!(event.raw.0["properties"]["shutdown_reason"], "x");
}

#[test]
fn joining_means_the_same_in_both_generations() {
    let joined = EventKind::ReplicaJoined {
        replica_id: ReplicaId::parse("r9"),
    };
    for event_type in ["system.replica_joined", "system.pal_joined"] {
        for name in ["replica_id", "face_id"] {
            assert_eq!(callback(event_type, &json!({ name: "r9" })).kind(), joined);
        }
    }
    // A row in the middle of the renaming carries both.
    let both = json!({ "replica_id": "r9", "face_id": "r9" });
    assert_eq!(callback("system.pal_joined", &both).kind(), joined);
    assert_eq!(
        callback("system.replica_present", &json!({})).kind(),
        EventKind::ReplicaPresent
    );
}

#[test]
fn shutdown_reason_is_read_under_both_its_names() {
    for (name, text, cause) in [
        (
            "shutdown_reason",
            "participant_left_timeout",
            ShutdownCause::ParticipantsLeft,
        ),
        (
            "reason",
            "max_call_duration reached",
            ShutdownCause::MaxCallDuration,
        ),
    ] {
        let EventKind::Shutdown { reason, .. } = callback("system.shutdown", &json!({ name: text })).kind()
        else {
            panic!("no shutdown");
        };
        assert_eq!((reason.cause, reason.raw.as_str()), (cause, text));
    }
    let EventKind::Shutdown { reason, .. } = callback("system.shutdown", &json!([])).kind() else {
        panic!("no shutdown");
    };
    assert_eq!((reason.cause, reason.raw.as_str()), (ShutdownCause::Other, ""));
}

#[test]
fn transcript_is_read_with_every_spelling_of_time_and_without_the_prompt_for_people() {
    let event = callback(
        "application.transcription_ready",
        &json!({ "replica_id": "r9", "transcript": [
            { "role": "system", "content": "You are Mira, and your secret is 42." },
            { "role": "user", "content": "Hello", "timestamp": 1_779_475_657.84, "seconds_from_start": 1.5, "duration": 0.5 },
            { "role": "assistant", "content": "Hi!", "timestamp": "2026-05-22T18:47:37.840Z", "inference_id": "i-1" },
            { "role": "tool", "content": "{\"weather\": 1}", "tool_call_id": "x" },
            { "role": "assistant", "content": [{ "type": "text", "text": "In" }, { "type": "text", "text": "parts" }] },
            { "role": "narrator", "content": "?" },
            { "role": "System", "content": "You are Mira." },
            { "role": "USER", "content": { "type": "text", "text": "In one" } },
            { "role": "Assistant", "content": "Bye" },
            "not an entry", 7, {},
        ] }),
    );
    let EventKind::TranscriptionReady {
        transcript,
        replica_id,
    } = event.kind()
    else {
        panic!("no transcript");
    };
    assert_eq!(replica_id, ReplicaId::parse("r9"));
    assert_eq!(transcript.entries.len(), 9);
    assert_eq!(transcript.entries[0].role, TranscriptRole::System);
    assert_eq!(transcript.entries[1].at, transcript.entries[2].at);
    assert_eq!(transcript.entries[1].seconds_from_start, Some(1.5));
    assert_eq!(
        transcript.entries[5].role,
        TranscriptRole::Other("narrator".into())
    );
    let spoken: Vec<&str> = transcript.spoken().map(|entry| entry.content.as_str()).collect();
    assert_eq!(spoken, ["Hello", "Hi!", "In parts", "In one", "Bye"]);
}

#[test]
fn recordings_perception_and_actions_are_read() {
    let kind = |event_type, properties: Value| callback(event_type, &properties).kind();
    let EventKind::RecordingReady(recording) = kind(
        "application.recording_ready",
        json!({ "bucket_name": "b", "s3_key": "k", "duration": "61.5", "storage_provider": "gcs", "storage_uri": "gs://b/k" }),
    ) else {
        panic!("no recording");
    };
    assert_eq!(recording.duration_seconds, Some(61.5));
    assert_eq!(recording.storage_uri.as_deref(), Some("gs://b/k"));
    assert_eq!(
        kind(
            "application.recording_copy_failed",
            json!({ "error_message": "denied" })
        ),
        EventKind::RecordingCopyFailed {
            error_message: Some("denied".into())
        }
    );
    for event_type in [
        "application.perception_analysis",
        "conversation.perception_analysis",
    ] {
        assert_eq!(
            kind(event_type, json!({ "analysis": "A smile." })),
            EventKind::PerceptionAnalysis {
                analysis: "A smile.".into()
            }
        );
    }
    assert_eq!(
        kind(
            "application.perception_unavailable",
            json!({ "reason": "no_vision_history" })
        ),
        EventKind::PerceptionUnavailable {
            reason: Some("no_vision_history".into())
        }
    );
    let EventKind::PostCallActionExecuted(action) = kind(
        "application.post_call_action_executed",
        json!({ "tool_name": "mail", "status": "ok", "request": { "body": "{\"to\": \"a\"}" }, "response": [1] }),
    ) else {
        panic!("no action");
    };
    assert_eq!(action.request_body, Some(json!({ "to": "a" })));
    assert_eq!(action.response, Some(json!([1])));
    assert_eq!(
        kind("application.memory_consolidation", json!({})),
        EventKind::MemoryConsolidation
    );
    assert_eq!(
        kind("application.raven_memory_evidence", json!({})),
        EventKind::MemoryEvidence
    );
    assert_eq!(
        kind("canvas.interaction", json!({})),
        EventKind::CanvasInteraction
    );
}

#[test]
fn callbacks_without_an_envelope_are_known_by_their_id() {
    let EventKind::ReplicaTraining(training) =
        parse(&json!({ "face_id": "r1", "status": "error", "error_message": "too dark" })).kind()
    else {
        panic!("no training");
    };
    assert_eq!(
        (training.replica_id.as_str(), training.status.as_str()),
        ("r1", "error")
    );
    let EventKind::Video(video) =
        parse(&json!({ "video_id": "v1", "replica_id": "r1", "status": "ready", "hosted_url": "https://x" }))
            .kind()
    else {
        panic!("no video");
    };
    assert_eq!(
        (video.video_id.as_str(), video.status.as_deref()),
        ("v1", Some("ready"))
    );
    for body in [
        json!({ "document_id": "d8-1", "status": "ready" }),
        json!({ "properties": { "document_id": "d8-1", "status": "ready" } }),
        json!({ "event_type": "document.ready", "properties": { "document_id": "d8-1", "status": "ready" } }),
    ] {
        let EventKind::Document(document) = parse(&body).kind() else {
            panic!("no document in {body}");
        };
        assert_eq!(
            (document.document_id.as_str(), document.status.as_deref()),
            ("d8-1", Some("ready"))
        );
    }
}

#[test]
fn events_of_the_room_are_read_in_their_old_and_new_forms() {
    let said = interaction(
        "conversation.utterance",
        &json!({ "role": "pal", "speech": "Hi", "interrupted": true }),
    );
    let expected = Interaction::Utterance {
        speaker: Speaker::Replica,
        speech: "Hi".into(),
        is_interrupted: true,
    };
    assert_eq!(said, expected);
    let streaming = json!({ "role": "user", "speech": "He", "final": false });
    assert!(matches!(
        interaction("conversation.utterance.streaming", &streaming),
        Interaction::UtteranceSoFar {
            speaker: Speaker::User,
            is_final: false,
            ..
        }
    ));
    let call = json!({ "name": "light", "arguments": "{\"on\": true}", "tool_call_id": "t" });
    assert!(matches!(
        interaction("conversation.tool_call", &call),
        Interaction::ToolCall { arguments, .. } if arguments == json!({ "on": true })
    ));
    let seen = json!({ "modality": "vision", "name": "wave", "arguments": { "hand": "left" } });
    assert!(matches!(
        interaction("conversation.perception_tool_call", &seen),
        Interaction::PerceptionToolCall { arguments, .. } if arguments == json!({ "hand": "left" })
    ));
    for (event_type, properties) in [
        (
            "conversation.stopped_speaking",
            json!({ "role": "user", "duration": 1.5 }),
        ),
        ("conversation.user.stopped_speaking", json!({ "duration": 1.5 })),
    ] {
        let expected = Interaction::StoppedSpeaking {
            speaker: Speaker::User,
            duration_seconds: Some(1.5),
            is_interrupted: false,
        };
        assert_eq!(interaction(event_type, &properties), expected);
    }
    for (event_type, properties) in [
        ("conversation.started_speaking", json!({ "role": "replica" })),
        ("conversation.replica.started_speaking", json!(null)),
    ] {
        let expected = Interaction::StartedSpeaking {
            speaker: Speaker::Replica,
        };
        assert_eq!(interaction(event_type, &properties), expected);
    }
    let reached = json!({ "objective_name": "mail", "output_variables": { "mail": "a@b" } });
    assert!(matches!(
        interaction("conversation.objective.completed", &reached),
        Interaction::Objective { phase: ObjectivePhase::Completed, output_variables, .. }
            if output_variables["mail"] == "a@b"
    ));
    assert_eq!(
        interaction("conversation.joined", &json!({})),
        Interaction::Joined
    );
    assert_eq!(interaction("conversation.left", &json!({})), Interaction::Left);
}

#[test]
fn unknown_and_half_known_events_are_kept_raw() {
    for (event_type, properties) in [
        ("application.mind_reading", json!({ "a": 1 })),
        ("solar.flare", json!({})),
        ("no dots", json!({})),
        // Known types without what makes them one must not pass for the real thing.
        ("application.transcription_ready", json!({ "transcript": "soon" })),
        ("application.perception_analysis", json!({})),
        ("conversation.utterance", json!({ "speech": 7 })),
    ] {
        let event = callback(event_type, &properties);
        assert_eq!(event.kind(), EventKind::Unknown, "{event_type}");
        assert_eq!(event.event_type, event_type);
        assert_eq!(event.raw.0["properties"], properties);
    }
}

#[test]
fn odd_ids_and_times_cost_only_themselves() {
    for id in [
        json!("../../admin"),
        json!(7),
        json!("x".repeat(129)),
        json!(null),
        json!(""),
    ] {
        let event =
            parse(&json!({ "event_type": "system.shutdown", "conversation_id": id, "timestamp": [] }));
        assert_eq!(event.conversation_id, None);
        assert_eq!(event.occurred_at, None);
        assert!(matches!(event.kind(), EventKind::Shutdown { .. }));
    }
}

#[test]
fn what_postgres_cannot_hold_is_replaced_everywhere() {
    let event = parse(
        &json!({ "event_type": "x\0", "properties": { "a\0b": ["c\0", { "arguments": "{\"d\":\"\\u0000\"}" }] } }),
    );
    assert!(!event.raw.0.to_string().contains("\\u0000\""));
    assert_eq!(event.event_type, "x\u{fffd}");
    assert_eq!(event.raw.0["properties"]["a\u{fffd}b"][0], "c\u{fffd}");
    let call = interaction(
        "conversation.tool_call",
        &json!({ "name": "n", "arguments": "{\"d\":\"\\u0000\"}" }),
    );
    assert!(matches!(call, Interaction::ToolCall { arguments, .. } if arguments["d"] == "\u{fffd}"));
}

#[test]
fn half_a_character_is_replaced_and_the_event_is_read() {
    // As Python prints a text that was cut in the middle of an emoji: once in the event, once in the JSON inside of a text.
    let body = br#"{
        "event_type": "conversation.tool_call", "conversation_id": "c123", "\ude00": "whole \ud83d\ude00",
        "properties": { "name": "half \ud83d", "arguments": "{\"query\": \"\\ud83d and \\u0000\"}" }
    }"#;
    let event = TavusEvent::parse(body).unwrap();
    assert_eq!(event.raw.0["\u{fffd}"], "whole \u{1f600}");
    let EventKind::Interaction(Interaction::ToolCall { name, arguments, .. }) = event.kind() else {
        panic!("no call of a tool");
    };
    assert_eq!(name, "half \u{fffd}");
    assert_eq!(arguments["query"], "\u{fffd} and \u{fffd}");
}

#[test]
fn rows_of_the_verbose_answer_take_their_conversation_from_the_request() {
    let id = ConversationId::parse("c123").unwrap();
    let row = json!({ "event_type": "system.shutdown", "timestamp": "2026-08-03T10:11:12Z", "properties": { "reason": "x" } });
    let event = TavusEvent::from_row(row, &id).unwrap();
    assert_eq!(event.conversation_id, Some(id.clone()));
    assert_eq!(TavusEvent::from_row(json!("row"), &id), None);
}

#[test]
fn bodies_that_are_no_object_are_refused() {
    for body in [&b""[..], b"{", b"nonsense", b"\xff\xfe"] {
        assert!(matches!(TavusEvent::parse(body), Err(MalformedBody::NotJson(_))));
    }
    for body in ["[]", "null", "7", "\"text\""] {
        assert!(matches!(
            TavusEvent::parse(body.as_bytes()),
            Err(MalformedBody::NotAnObject)
        ));
    }
    let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(TavusEvent::parse(deep(100).as_bytes()).is_ok());
    assert!(matches!(
        TavusEvent::parse(deep(100_000).as_bytes()),
        Err(MalformedBody::NotJson(_))
    ));
}

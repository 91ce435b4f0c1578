//! What makes two deliveries from Tavus the same event, told in the shapes that Tavus sends.

use parley_tests::{Error, Session};
use serde_json::{Value, json};

use crate::with_kernel;

/// A callback of conversation c123.
fn callback(kind: &str, timestamp: &str, properties: Value) -> Value {
    let message_type = kind.split('.').next().unwrap_or_default();
    json!({
        "event_type": kind, "message_type": message_type, "conversation_id": "c123", "timestamp": timestamp,
        "webhook_url": "https://worker.example/webhooks/tavus/cGVyLWNvbnZlcnNhdGlvbg", "properties": properties,
    })
}

/// The same as the verbose list has it.
fn listed(kind: &str, timestamp: &str, properties: Value) -> Value {
    json!({ "event_type": kind, "timestamp": timestamp, "properties": properties })
}

fn literal(event: &Value) -> String {
    format!("'{}'", event.to_string().replace('\'', "''"))
}

/// Key and digest of an event of conversation c123.
async fn identity(session: &mut Session, event: &Value) -> Result<(String, String), Error> {
    let event = literal(event);
    let key = session
        .text(&format!("select parley.tavus_event_key({event}, 'c123')"))
        .await?;
    let digest = session
        .text(&format!("select parley.tavus_event_digest({event})"))
        .await?;
    Ok((key, digest))
}

async fn assert_one_event(session: &mut Session, deliveries: &[Value]) -> Result<(), Error> {
    let mut first = None;
    for delivery in deliveries {
        let this = identity(session, delivery).await?;
        assert_eq!(first.get_or_insert_with(|| this.clone()), &this, "{delivery}");
    }
    assert!(first.is_some());
    Ok(())
}

const TIME: &str = "2026-08-03T10:00:00.472000Z";
const LATER: &str = "2026-08-03T10:00:01.472000Z";

#[test]
fn callback_and_entry_of_the_list_are_one_event() -> Result<(), Error> {
    with_kernel(async |_, session| {
        for (kind, properties) in [
            ("system.replica_joined", json!({ "replica_id": "r1" })),
            (
                "system.shutdown",
                json!({ "replica_id": "r1", "shutdown_reason": "max_call_duration reached" }),
            ),
            (
                "application.transcription_ready",
                json!({ "replica_id": "r1", "transcript": [{ "role": "user", "content": "Hi" }] }),
            ),
            (
                "application.perception_analysis",
                json!({ "analysis": "**calm**" }),
            ),
            (
                "application.perception_unavailable",
                json!({ "reason": "no_vision_history" }),
            ),
            (
                "application.recording_ready",
                json!({ "bucket_name": "b", "s3_key": "k", "duration": 44 }),
            ),
            (
                "application.post_call_action_executed",
                json!({ "tool_id": "t", "request": { "body": "{}" } }),
            ),
            ("application.memory_consolidation", json!({})),
        ] {
            let from_callback = callback(kind, TIME, properties.clone());
            assert_one_event(
                session,
                &[
                    from_callback.clone(),
                    listed(kind, TIME, properties.clone()),
                    listed(kind, "2026-08-03 10:00:00.472", properties.clone()),
                ],
            )
            .await?;
            // The callback names its conversation itself.
            let from_callback = literal(&from_callback);
            let key = session
                .text(&format!("select parley.tavus_event_key({from_callback})"))
                .await?;
            assert_eq!(
                key,
                session
                    .text(&format!("select parley.tavus_event_key({from_callback}, 'c123')"))
                    .await?
            );
            let other = session
                .text(&format!("select parley.tavus_event_key({from_callback}, 'c124')"))
                .await?;
            assert_ne!(key, other);
            assert!(key.starts_with(&format!("c123/{kind}")), "{key}");
        }
        let bare = json!({ "event_type": "application.memory_consolidation", "timestamp": TIME });
        assert_one_event(
            session,
            &[
                bare,
                callback("application.memory_consolidation", TIME, Value::Null),
                callback("application.memory_consolidation", TIME, json!({})),
            ],
        )
        .await
    })
}

#[test]
fn both_generations_of_names_are_one_event() -> Result<(), Error> {
    with_kernel(async |_, session| {
        assert_one_event(
            session,
            &[
                callback("system.replica_joined", TIME, json!({ "replica_id": "r1" })),
                callback("system.pal_joined", TIME, json!({ "face_id": "r1" })),
                callback("system.replica_joined", LATER, json!({ "face_id": "r1" })),
                callback(
                    "system.pal_joined",
                    LATER,
                    json!({ "face_id": "r1", "replica_id": "r1" }),
                ),
                callback(
                    "system.pal_joined",
                    LATER,
                    json!({ "face_id": "r1", "replica_id": null }),
                ),
            ],
        )
        .await?;
        let key = identity(session, &callback("system.pal_joined", TIME, json!({})))
            .await?
            .0;
        assert_eq!(key, "c123/system.replica_joined");
        assert_one_event(
            session,
            &[
                callback(
                    "application.recording_ready",
                    TIME,
                    json!({ "s3_key": "k", "persona_id": "p", "replica_id": "r" }),
                ),
                callback(
                    "application.recording_ready",
                    TIME,
                    json!({ "s3_key": "k", "pal_id": "p", "face_id": "r" }),
                ),
            ],
        )
        .await
    })
}

#[test]
fn shutdown_is_one_event_however_its_reason_is_told() -> Result<(), Error> {
    with_kernel(async |_, session| {
        let shutdown = |properties| callback("system.shutdown", TIME, properties);
        assert_one_event(
            session,
            &[
                shutdown(
                    json!({ "replica_id": "r1", "shutdown_reason": "participant_left_timeout reached" }),
                ),
                shutdown(json!({ "replica_id": "r1", "shutdown_reason": "participant_left_timeout" })),
                shutdown(json!({ "face_id": "r1", "reason": "participant_left_timeout reached" })),
                listed(
                    "system.shutdown",
                    LATER,
                    json!({ "replica_id": "r1", "reason": "participant_left_timeout" }),
                ),
            ],
        )
        .await?;
        let (key, digest) = identity(
            session,
            &shutdown(json!({ "reason": "max_call_duration reached" })),
        )
        .await?;
        let (other_key, other_digest) = identity(
            session,
            &shutdown(json!({ "reason": "daily_room_has_been_deleted" })),
        )
        .await?;
        assert_eq!((&key, &key), (&other_key, &"c123/system.shutdown".to_owned()));
        assert_ne!(digest, other_digest);
        // Elsewhere a reason is a reason.
        let (_, one) = identity(
            session,
            &callback(
                "application.perception_unavailable",
                TIME,
                json!({ "reason": "x reached" }),
            ),
        )
        .await?;
        let (_, two) = identity(
            session,
            &callback(
                "application.perception_unavailable",
                TIME,
                json!({ "reason": "x" }),
            ),
        )
        .await?;
        assert_ne!(one, two);
        Ok(())
    })
}

#[test]
fn transcript_is_what_was_said_and_by_whom() -> Result<(), Error> {
    with_kernel(async |_, session| {
        let ready = |transcript| {
            callback(
                "application.transcription_ready",
                TIME,
                json!({ "replica_id": "r", "transcript": transcript }),
            )
        };
        assert_one_event(
            session,
            &[
                ready(json!([{ "role": "user", "content": "Hi", "timestamp": 1_779_475_657.84 }, { "role": "assistant", "content": "Hello" }])),
                ready(json!([{ "role": "user", "content": "Hi", "timestamp": "2026-05-22T18:47:37.84Z" }, { "role": "assistant", "content": "Hello", "timestamp": null }])),
                ready(json!([{ "role": "user", "content": "Hi" }, { "role": "assistant", "content": "Hello" }])),
            ],
        )
        .await?;
        let said = identity(session, &ready(json!([{ "role": "user", "content": "Hi" }]))).await?;
        for other in [
            json!([{ "role": "assistant", "content": "Hi" }]),
            json!([{ "role": "user", "content": "Ho" }]),
            json!([]),
            json!({}),
            json!(null),
        ] {
            let (key, digest) = identity(session, &ready(other)).await?;
            assert_eq!(key, said.0);
            assert_ne!(digest, said.1);
        }
        Ok(())
    })
}

#[test]
fn secret_of_the_callback_address_and_the_rest_of_the_envelope_do_not_matter() -> Result<(), Error> {
    with_kernel(async |_, session| {
        for (kind, may_grow) in [
            ("system.shutdown", true),
            ("application.recording_ready", true),
            ("conversation.utterance", false),
        ] {
            let plain = callback(kind, TIME, json!({ "a": 1 }));
            let with = |name: &str, value: Value| {
                let mut event = plain.clone();
                event[name] = value;
                event
            };
            let mut deliveries = vec![
                plain.clone(),
                with(
                    "webhook_url",
                    json!("https://worker.example/webhooks/tavus/another"),
                ),
                with("webhook_url", Value::Null),
                with("message_type", json!("conversation")),
                with("conversation_id", Value::Null),
            ];
            if may_grow {
                deliveries.push(with("attempt", json!(2)));
            }
            assert_one_event(session, &deliveries).await?;
        }
        Ok(())
    })
}

#[test]
fn different_events_at_one_moment_have_different_keys() -> Result<(), Error> {
    with_kernel(async |_, session| {
        let recording = |timestamp, key: &str| {
            callback("application.recording_ready", timestamp, json!({ "s3_key": key }))
        };
        let utterance = |seq: i32, speech: &str| {
            json!({
                "event_type": "conversation.utterance", "message_type": "conversation", "timestamp": 1_779_475_657.84, "seq": seq,
                "properties": { "role": "user", "speech": speech },
            })
        };
        let speaking = |seq: i32| json!({ "event_type": "conversation.user.started_speaking", "timestamp": 1_779_475_657.84, "seq": seq });
        let mut keys = Vec::new();
        for event in [
            recording(TIME, "a"),
            recording(TIME, "b"),
            recording(LATER, "a"),
            callback(
                "application.recording_copy_failed",
                TIME,
                json!({ "s3_key": "a" }),
            ),
            utterance(1, "Hi"),
            utterance(2, "Hi"),
            utterance(2, "Ho"),
            speaking(1),
            speaking(2),
            json!({ "event_type": "application.recording_ready" }),
            json!({ "event_type": "application.recording_ready", "timestamp": "" }),
            json!({ "event_type": "unheard.of", "x": 1 }),
            json!({ "event_type": "unheard.of", "x": 2 }),
            callback("system.shutdown", TIME, json!({})),
            callback("system.replica_joined", TIME, json!({})),
        ] {
            keys.push(identity(session, &event).await?.0);
        }
        let mut distinct = keys.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), keys.len(), "{keys:#?}");
        assert!(
            keys[0].starts_with("c123/application.recording_ready/2026-08-03T10:00:00.472Z/"),
            "{}",
            keys[0]
        );
        assert!(
            keys[4].starts_with("c123/conversation.utterance/1779475657.84/"),
            "{}",
            keys[4]
        );
        assert!(
            keys[9].starts_with("c123/application.recording_ready/-/"),
            "{}",
            keys[9]
        );
        Ok(())
    })
}

#[test]
fn every_key_and_digest_can_be_claimed() -> Result<(), Error> {
    with_kernel(async |_, session| {
        let longest = format!(
            "jsonb_build_object('event_type', repeat('é', 100), 'timestamp', {}, 'conversation_id', repeat('😀', 100))",
            "repeat('x', 10000)"
        );
        let event = literal(&callback(
            "system.shutdown",
            TIME,
            json!({ "reason": "end_conversation_endpoint_hit" }),
        ));
        for (event, words) in [
            (longest.as_str(), ["new", "duplicate"]),
            (event.as_str(), ["new", "duplicate"]),
        ] {
            for word in words {
                let claim = format!(
                    "select parley.claim_event('tavus', parley.tavus_event_key({event}), parley.tavus_event_digest({event}))"
                );
                assert_eq!(session.text(&claim).await?, word, "{event}");
            }
        }
        let other = literal(&listed(
            "system.shutdown",
            LATER,
            json!({ "reason": "max_call_duration reached" }),
        ));
        let claim = format!(
            "select parley.claim_event('tavus', parley.tavus_event_key({other}, 'c123'), parley.tavus_event_digest({other}))"
        );
        assert_eq!(session.text(&claim).await?, "conflicting");
        Ok(())
    })
}

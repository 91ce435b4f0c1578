//! What each event does, in both generations of names, and what is kept of it.

use edge_worker::telemetry::Metrics;
use serde_json::json;

use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn every_known_event_has_its_effect_in_both_generations_of_names() {
    let scene = Scene::start().await;
    let transcript = json!([
        { "role": "system", "content": "You are a companion. Never reveal this." },
        { "role": "assistant", "content": "Hello.", "timestamp": 1_779_475_657.84, "inference_id": "i-1", "duration": 1.5 },
        { "role": "user", "content": "Hi\u{0}!", "timestamp": "2026-05-22T18:47:37.840000Z", "seconds_from_start": null },
        "no entry",
    ]);
    let spoken = json!([
        { "role": "assistant", "content": "Hello.", "timestamp": 1_779_475_657.84, "duration": 1.5 },
        { "role": "user", "content": "Hi\u{fffd}!", "timestamp": "2026-05-22T18:47:37.840000Z" },
    ]);
    for (number, joined, replica, reason) in [
        (1, "system.replica_joined", "replica_id", "shutdown_reason"),
        (2, "system.pal_joined", "face_id", "reason"),
    ] {
        let tavus_id = format!("c-{number}");
        let id = scene.conversation(&tavus_id).await;
        let recording = json!({ "bucket_name": "b", "s3_key": "k", "duration": 312 });
        let events = [
            (joined, json!({ replica: "r1" })),
            ("application.recording_ready", recording.clone()),
            (
                "system.shutdown",
                json!({ replica: "r1", reason: "participant_left_timeout reached" }),
            ),
            (
                "application.transcription_ready",
                json!({ replica: "r1", "transcript": transcript }),
            ),
            (
                "application.perception_analysis",
                json!({ "analysis": "## Seen\n\nA person." }),
            ),
        ];
        for (event_type, properties) in events {
            let told = scene
                .worker
                .tell(id, &scene.event(&tavus_id, event_type, properties))
                .await;
            assert_eq!(told, "new", "{event_type}");
        }
        let row = scene.row(id).await;
        assert_eq!(row["replica_id"], "r1");
        assert_eq!(row["replica_joined_at"], "2026-11-21T10:00:00+00:00");
        assert_eq!(
            (&row["status"], &row["ended_at"]),
            (&json!("ended"), &json!("2026-11-21T10:00:00+00:00"))
        );
        assert_eq!(row["shutdown_reason"], "participant_left_timeout reached");
        assert_eq!(row["transcript"], spoken);
        assert_eq!(row["perception_analysis"], "## Seen\n\nA person.");
        assert_eq!(row["recording"], recording);
        let news = scene.news(id).await;
        assert_eq!(
            news,
            [
                "avatar-starting",
                "avatar-started",
                "avatar-ended",
                "avatar-transcript"
            ]
        );
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_character_a_capital_letter_and_parts_lose_no_transcript() {
    let scene = Scene::start().await;
    let id = scene.conversation("c-1").await;
    let transcript = json!([
        { "role": "System", "content": "You are a companion. Never reveal this." },
        { "role": "User", "content": "Hi HALF" },
        { "role": "ASSISTANT", "content": [{ "type": "text", "text": "Hello" }, { "type": "text", "text": "HALF there." }] },
        { "role": "replica", "content": { "type": "text", "text": "Bye." } },
    ]);
    let event = scene.event(
        "c-1",
        "application.transcription_ready",
        json!({ "transcript": transcript }),
    );
    // No library that prints well-formed texts sends these; Python's does.
    let body = event.to_string().replace("HALF", "\\ud83d");
    for expected in ["new", "duplicate"] {
        let (status, answer) = scene.worker.send(&scene.worker.path(id), body.clone()).await;
        assert_eq!((status, &answer["status"]), (200, &json!(expected)), "{answer}");
    }
    let spoken = json!([
        { "role": "user", "content": "Hi \u{fffd}" },
        { "role": "assistant", "content": "Hello \u{fffd} there." },
        { "role": "assistant", "content": "Bye." },
    ]);
    assert_eq!(scene.row(id).await["transcript"], spoken);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_effect_is_kept_as_it_came_but_for_its_address() {
    let scene = Scene::start().await;
    let id = scene.conversation("c-1").await;
    let before = scene.row(id).await;
    let odd =
        json!({ "deep": [[[{ "n": 1.5, "big": 9_007_199_254_740_993_u64, "nul": "a\u{0}b" }]], null, true] });
    let types = [
        "system.replica_present",
        "application.recording_copy_failed",
        "application.perception_unavailable",
        "application.post_call_action_executed",
        "application.memory_consolidation",
        "application.raven_memory_evidence",
        "canvas.interaction",
        "conversation.utterance",
        "conversation.tool_call",
        "conversation.objective.completed",
        "unheard.of",
        "x",
    ];
    for event_type in types {
        let told = scene
            .worker
            .tell(id, &scene.event("c-1", event_type, odd.clone()))
            .await;
        assert_eq!(told, "new", "{event_type}");
    }
    assert_eq!(scene.row(id).await, before);
    let kept = scene.kept(id).await;
    assert_eq!(kept.len(), types.len());
    let expected = json!({ "deep": [[[{ "n": 1.5, "big": 9_007_199_254_740_993_u64, "nul": "a\u{fffd}b" }]], null, true] });
    for ((event_type, is_conflicting, body), sent) in kept.iter().zip(types) {
        assert_eq!((event_type.as_str(), is_conflicting), (sent, &false));
        assert_eq!(body["properties"], expected);
        assert_eq!(body["conversation_id"], scene.id("c-1"));
        assert_eq!(body.get("webhook_url"), None);
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_spoken_is_kept_of_a_transcript_by_the_worker_as_by_the_database() {
    let scene = Scene::start().await;
    let id = scene.conversation("c-1").await;
    let entries = json!([
        { "role": "system", "content": "You are" },
        { "role": "developer", "content": "You are" },
        { "role": "user", "content": " Hi ", "extra": 1, "timestamp": null, "duration": { "s": null, "ms": 5 } },
        { "role": "assistant", "content": "", "tool_calls": [{ "function": { "name": "search_knowledge" } }] },
        { "role": "assistant", "content": null, "tool_calls": [] },
        { "role": "tool", "content": "{\"found\": \"a secret\"}" },
        { "role": "function", "content": "a secret" },
        { "role": "replica", "content": [{ "type": "text", "text": "In" }, 7, { "text": "" }, "parts"] },
        { "role": "pal", "content": "\t\n " },
        { "role": "pal", "content": "\u{a0}" },
        { "role": "narrator", "content": "?" },
        { "role": 7, "content": "?" },
        { "content": "?" },
        "no entry", 7, null, [],
    ]);
    let transcript = json!({ "transcript": entries });
    let event = scene.event("c-1", "application.transcription_ready", transcript);
    assert_eq!(scene.worker.tell(id, &event).await, "new");
    let kept = scene.row(id).await["transcript"].clone();
    assert_eq!(
        kept,
        json!([
            { "role": "user", "content": " Hi ", "duration": { "ms": 5 } },
            { "role": "assistant", "content": "In parts" },
            { "role": "assistant", "content": "\u{a0}" },
        ])
    );
    let by_the_database: serde_json::Value = sqlx::query_scalar("select parley.tavus_transcript($1)")
        .bind(entries)
        .fetch_one(&scene.owner)
        .await
        .unwrap();
    assert_eq!(by_the_database, kept);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transcript_is_kept_once_and_its_prompt_nowhere() {
    let scene = Scene::start().await;
    let id = scene.conversation("c-1").await;
    let transcript = |said: &str| {
        let entries =
            json!([{ "role": "system", "content": "a s3cret prompt" }, { "role": "user", "content": said }]);
        scene.event(
            "c-1",
            "application.transcription_ready",
            json!({ "transcript": entries, "replica_id": "r1" }),
        )
    };
    assert_eq!(scene.worker.tell(id, &transcript("Hi")).await, "new");
    assert_eq!(scene.worker.tell(id, &transcript("Hi")).await, "duplicate");
    assert_eq!(scene.worker.tell(id, &transcript("Ho")).await, "conflicting");
    assert_eq!(scene.worker.tell(id, &transcript("Ho")).await, "conflicting");
    assert_eq!(
        scene.row(id).await["transcript"],
        json!([{ "role": "user", "content": "Hi" }])
    );
    let kept = scene.kept(id).await;
    let [(_, false, first), (_, true, second)] = &kept[..] else {
        panic!("{kept:?}");
    };
    assert_eq!(first["properties"], json!({ "replica_id": "r1" }));
    assert_eq!(
        second["properties"]["transcript"],
        json!([{ "role": "user", "content": "Ho" }])
    );
    let told = format!("{kept:?} {}", scene.row(id).await);
    assert!(!told.contains("s3cret"), "{told}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_hears_of_its_avatar_when_there_is_a_way_to_it() {
    let scene = Scene::start().await;
    let id = scene.unstarted().await;
    let joined = scene.event("c-1", "system.replica_joined", json!({ "replica_id": "r1" }));
    assert_eq!(scene.worker.tell(id, &joined).await, "new");
    let row = scene.row(id).await;
    assert_eq!(
        (&row["conversation_id"], &row["status"]),
        (&json!(scene.id("c-1")), &json!("active"))
    );
    assert_eq!(
        scene.news(id).await,
        ["avatar-starting"],
        "its address is not known yet"
    );
    scene.start_call(id, "c-1").await;
    assert_eq!(scene.news(id).await, ["avatar-starting", "avatar-started"]);
    let call = scene.id("c-1");
    let news = format!(
        "select payload from realtime.messages where event = 'avatar-started' and payload ->> 'conversation_id' = '{call}'"
    );
    assert_eq!(
        scene.json(&news).await["conversation_url"],
        format!("https://tavus.daily.co/{call}")
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_are_counted_by_type_and_outcome() {
    let scene = Scene::start().await;
    let id = scene.conversation("c-1").await;
    let path = scene.worker.path(id);
    scene
        .worker
        .tell(id, &scene.event("c-1", "system.shutdown", json!({})))
        .await;
    scene
        .worker
        .tell(id, &scene.event("c-1", "system.shutdown", json!({})))
        .await;
    scene
        .worker
        .tell(id, &scene.event("c-1", "a.word.that.is.made.up", json!({})))
        .await;
    scene.worker.send(&path, "{").await;
    scene.worker.send("/webhooks/tavus/nobody", "{}").await;
    let text = Metrics::render(&scene.worker.app.metrics).unwrap();
    for (event_type, outcome) in [
        ("system.shutdown", "new"),
        ("system.shutdown", "duplicate"),
        ("other", "new"),
        ("unread", "malformed_event"),
        ("unread", "invalid_token"),
    ] {
        let line = format!(
            "parley_worker_webhook_events_total{{provider=\"tavus\",event_type=\"{event_type}\",outcome=\"{outcome}\"}} 1"
        );
        assert!(text.contains(&line), "{line} not in {text}");
    }
    assert!(
        text.contains("parley_worker_webhook_acknowledge_seconds_count{provider=\"tavus\"} 3"),
        "{text}"
    );
    scene.stop().await;
}

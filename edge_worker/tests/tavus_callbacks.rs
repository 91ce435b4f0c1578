//! The simulator's callbacks, read by the worker's parser: every script, every generation of names.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use edge_worker::providers::tavus::events::{EventKind, ShutdownCause, TavusEvent};
use edge_worker::providers::tavus::wire::NewConversation;
use edge_worker::providers::tavus::{ConversationId, PersonaId};
use local_stack::simulators::tavus::{Behaviour, Naming, Script};
use support::tavus::Simulated;

/// What came, and how often the receiver still fails before it takes a callback.
#[derive(Clone, Default)]
struct Receiver {
    bodies: Arc<Mutex<Vec<Bytes>>>,
    failures: Arc<Mutex<u32>>,
}

impl Receiver {
    /// Serves on a free port; the address.
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new()
            .route("/callback", post(receive))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        format!("http://{address}/callback")
    }

    fn events(&self) -> Vec<TavusEvent> {
        let bodies = self.bodies.lock().unwrap();
        bodies
            .iter()
            .filter_map(|body| TavusEvent::parse(body).ok())
            .collect()
    }
}

async fn receive(State(receiver): State<Receiver>, body: Bytes) -> StatusCode {
    let mut failures = receiver.failures.lock().unwrap();
    if *failures > 0 {
        *failures -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let answer = match TavusEvent::parse(&body) {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::BAD_REQUEST,
    };
    receiver.bodies.lock().unwrap().push(body);
    answer
}

/// A conversation from its creation to its end, with every callback delivered or given up.
async fn run(behaviour: Behaviour) -> (Receiver, Simulated, ConversationId) {
    let receiver = Receiver::default();
    let tavus = Simulated::start().await;
    tavus.simulator.behave(behaviour);
    let wanted = NewConversation {
        persona_id: PersonaId::parse("default_calm_persona"),
        callback_url: Some(receiver.start().await.into()),
        ..NewConversation::default()
    };
    let made = tavus.client.create_conversation(&wanted).await.unwrap();
    assert!(tavus.simulator.end(made.id.as_str(), "participant_left_timeout"));
    tavus.simulator.settled().await;
    (receiver, tavus, made.id)
}

fn scripted(script: Script, naming: Naming) -> Behaviour {
    Behaviour {
        script,
        naming,
        delay_ms: 1,
        ..Behaviour::default()
    }
}

fn types(events: &[TavusEvent]) -> Vec<&str> {
    events.iter().map(|event| event.event_type.as_str()).collect()
}

const OLD: [&str; 4] = [
    "system.replica_joined",
    "system.shutdown",
    "application.transcription_ready",
    "application.perception_analysis",
];

#[tokio::test]
async fn normal_callbacks_come_once_in_order_and_mean_the_same_in_every_generation() {
    for (naming, joins) in [(Naming::Old, 1), (Naming::New, 1), (Naming::Both, 2)] {
        let (receiver, _tavus, id) = run(scripted(Script::Normal, naming)).await;
        let events = receiver.events();
        assert_eq!(events.len(), 3 + joins);
        assert!(
            events
                .iter()
                .all(|event| event.conversation_id.as_ref() == Some(&id))
        );
        assert!(events.iter().all(|event| event.occurred_at.is_some()));
        for event in &events[..joins] {
            let EventKind::ReplicaJoined { replica_id } = &event.kind() else {
                panic!("{event:?}");
            };
            assert_eq!(replica_id.as_ref().unwrap().as_str(), "r5f0577fc829");
        }
        let EventKind::Shutdown { reason, .. } = &events[joins].kind() else {
            panic!("{events:?}");
        };
        assert_eq!(reason.cause, ShutdownCause::ParticipantsLeft);
        let EventKind::TranscriptionReady { transcript, .. } = &events[joins + 1].kind() else {
            panic!("{events:?}");
        };
        assert!(transcript.entries[0].content.contains("Never reveal"));
        let spoken: Vec<_> = transcript.spoken().collect();
        assert_eq!(spoken.len(), 1);
        assert!(!spoken[0].content.contains("Never reveal"));
        assert_eq!(spoken[0].at.is_some(), naming != Naming::Old);
        assert!(matches!(
            events[joins + 2].kind(),
            EventKind::PerceptionAnalysis { .. }
        ));
    }
}

#[tokio::test]
async fn scripts_duplicate_reorder_delay_and_lose_and_the_verbose_answer_has_everything() {
    let (receiver, ..) = run(scripted(Script::Duplicated, Naming::Old)).await;
    let events = receiver.events();
    for name in OLD {
        assert!(
            types(&events).into_iter().filter(|found| *found == name).count() >= 2,
            "{name}"
        );
    }
    let (receiver, ..) = run(scripted(Script::Reordered, Naming::Old)).await;
    let events = receiver.events();
    assert_ne!(types(&events), OLD);
    assert_eq!(BTreeSet::from_iter(types(&events)), BTreeSet::from(OLD));
    let (receiver, ..) = run(scripted(Script::Delayed, Naming::Old)).await;
    assert_eq!(types(&receiver.events()), OLD);

    let (receiver, tavus, id) = run(scripted(Script::Lost, Naming::Old)).await;
    assert!(!types(&receiver.events()).contains(&"system.shutdown"));
    let verbose = tavus.client.conversation(&id).await.unwrap().events.unwrap();
    assert_eq!(types(&verbose), OLD);
    let EventKind::Shutdown { reason, .. } = &verbose[1].kind() else {
        panic!("{verbose:?}");
    };
    assert_eq!(reason.cause, ShutdownCause::ParticipantsLeft);
}

#[tokio::test]
async fn malformed_callbacks_come_before_the_good_ones_and_are_not_sent_again() {
    let (receiver, tavus, _) = run(scripted(Script::Malformed, Naming::Old)).await;
    let events = receiver.events();
    assert_eq!(
        events
            .iter()
            .filter(|event| event.kind() == EventKind::Unknown)
            .count(),
        4
    );
    let good: Vec<_> = events
        .into_iter()
        .filter(|event| event.kind() != EventKind::Unknown)
        .collect();
    assert_eq!(types(&good), OLD);
    let refused = tavus
        .simulator
        .deliveries()
        .iter()
        .filter(|sent| sent.status == Some(400))
        .count();
    assert_eq!((refused, tavus.simulator.deliveries().len()), (20, 28));
}

#[tokio::test]
async fn callback_that_was_not_taken_is_sent_again() {
    let receiver = Receiver::default();
    *receiver.failures.lock().unwrap() = 2;
    let tavus = Simulated::start().await;
    tavus.simulator.behave(scripted(Script::Normal, Naming::Old));
    let wanted = NewConversation {
        persona_id: PersonaId::parse("default_calm_persona"),
        callback_url: Some(receiver.start().await.into()),
        ..NewConversation::default()
    };
    tavus.client.create_conversation(&wanted).await.unwrap();
    tavus.simulator.settled().await;
    let statuses: Vec<_> = tavus
        .simulator
        .deliveries()
        .into_iter()
        .map(|sent| sent.status)
        .collect();
    assert_eq!(statuses, [Some(503), Some(503), Some(200)]);
    assert_eq!(types(&receiver.events()), OLD[..1]);
}

#[tokio::test]
async fn same_seed_and_a_fixed_time_make_the_same_bytes() {
    let fixed = Behaviour {
        fixed_time: Some("2026-08-03T10:11:12Z".parse().unwrap()),
        ..scripted(Script::Duplicated, Naming::Both)
    };
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (receiver, ..) = run(fixed.clone()).await;
        let raw: Vec<_> = receiver
            .events()
            .into_iter()
            .map(|event| event.raw.0.to_string())
            .collect();
        runs.push(raw);
    }
    assert_eq!(runs[0], runs[1]);

    let (receiver, ..) = run(Behaviour {
        same_timestamp: true,
        ..fixed
    })
    .await;
    let times: BTreeSet<_> = receiver
        .events()
        .into_iter()
        .map(|event| event.occurred_at)
        .collect();
    assert_eq!(times.len(), 1);
}

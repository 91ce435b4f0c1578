//! What the client of Tavus says in logs and errors, at the finest level, when everything goes wrong. A binary of its own,
//! because the log is that of the whole process.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};

use edge_worker::providers::tavus::events::TavusEvent;
use edge_worker::providers::tavus::wire::NewConversation;
use edge_worker::providers::tavus::{ConversationId, PersonaId};
use edge_worker::telemetry;
use local_stack::simulators::tavus::{Fault, FaultKind};
use support::tavus::{KEY, Simulated};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

const TOKEN: &str = "t0ken-of-a-conversation";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn key_and_callback_token_are_in_no_log_line_and_no_error() {
    let log = Log::default();
    let writer = log.clone();
    telemetry::logs::subscriber(EnvFilter::new("trace"), move || writer.clone()).init();
    let tavus = Simulated::start().await;
    let wanted = NewConversation {
        persona_id: PersonaId::parse("default_calm_persona"),
        callback_url: Some(format!("http://127.0.0.1:9/webhooks/tavus/{TOKEN}").into()),
        ..NewConversation::default()
    };
    let parroting = FaultKind::Status {
        status: 422,
        retry_after: None,
        message: Some(format!(
            "key {KEY} may not use http://127.0.0.1:9/webhooks/tavus/{TOKEN}"
        )),
    };
    let status = |status| FaultKind::Status {
        status,
        retry_after: Some("0".into()),
        message: None,
    };
    let kinds = [
        parroting,
        status(429),
        status(500),
        FaultKind::DropBefore,
        FaultKind::DropAfter,
        FaultKind::Garbage,
    ];
    let mut told = String::new();
    for kind in kinds {
        tavus.simulator.fail(Fault {
            method: None,
            path: String::new(),
            times: 1,
            kind,
        });
        match tavus.client.create_conversation(&wanted).await {
            Ok(made) => told.push_str(&format!("{made:?}")),
            Err(error) => told.push_str(&format!("{error:?} {}", telemetry::chain(&error))),
        }
    }
    let id = ConversationId::parse("c0").unwrap();
    told.push_str(&format!("{:?}", tavus.client.conversation(&id).await));
    told.push_str(&format!("{:?} {wanted:?}", tavus.client));
    let body =
        format!("{{\"event_type\":\"x\",\"webhook_url\":\"http://127.0.0.1:9/webhooks/tavus/{TOKEN}\"}}");
    let event = TavusEvent::parse(body.as_bytes()).unwrap();
    told.push_str(&format!("{event:?} {}", event.raw.0));
    tracing::info!(told, "everything that was told");

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("Tavus, again") && log.contains("Tavus refused a request"),
        "{log}"
    );
    assert!(log.contains("hyper"), "the libraries log as well");
    for secret in [KEY, TOKEN] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{line:?}");
    }
}

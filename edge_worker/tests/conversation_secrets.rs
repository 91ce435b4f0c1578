//! What is told of calls and callbacks, in logs and answers, at the finest level, when everything goes wrong. A binary of its
//! own, because the log is that of the whole process.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};

use edge_worker::app::{self, App};
use edge_worker::conversations::{AppName, Conversations};
use edge_worker::telemetry;
use local_stack::simulators::tavus::{Fault, FaultKind};
use secrecy::ExposeSecret as _;
use serde_json::json;
use support::app::WORKER_SECRET;
use support::database::{Database, Line, Proxy};
use support::tavus::{KEY, Simulated};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;
use uuid::Uuid;

const APP: AppName = AppName::Echoroom;
const PASSWORD: &str = "pa55word-of-the-worker";
const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

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

async fn wanted(owner: &sqlx::PgPool) -> Uuid {
    let statement = "
        with room as (insert into echoroom.sessions (category) values ('Calm') returning id)
        insert into echoroom.conversations (session_id, persona_id, mood)
        select id, 'default_calm_persona', 'Calm' from room
        returning id";
    sqlx::query_scalar(statement).fetch_one(owner).await.unwrap()
}

/// Starts and ends calls while everything goes wrong, and gives all that was said of it.
async fn calls(
    conversations: &Conversations,
    tavus: &Simulated,
    owner: &sqlx::PgPool,
    address: &str,
) -> String {
    let status = |status, message: Option<String>| FaultKind::Status {
        status,
        retry_after: None,
        message,
    };
    let parroting = format!("key {KEY} may not use {address}");
    let mut told = String::new();
    for kind in [
        status(422, Some(parroting.clone())),
        status(402, Some(parroting.clone())),
        status(401, Some(parroting.clone())),
        status(503, None),
        status(429, Some(parroting)),
        FaultKind::DropBefore,
        FaultKind::DropAfter,
        FaultKind::StatusAfter { status: 500 },
        FaultKind::Garbage,
    ] {
        let id = wanted(owner).await;
        tavus.simulator.fail(Fault {
            method: Some("POST".to_owned()),
            path: "/v2/conversations".to_owned(),
            times: 1,
            kind,
        });
        match conversations.start(APP, id).await {
            Ok(started) => told.push_str(&format!("{started:?}")),
            Err(error) => told.push_str(&format!("{error:?} {}", telemetry::chain(&error))),
        }
        told.push_str(&format!("{:?}", conversations.end(APP, id, "requested").await));
    }
    told.push_str(&format!("{:?}", conversations.reconcile(APP).await));
    told
}

/// Sends callbacks of every kind, and gives all answers.
async fn callbacks(address: &str, proxy: &Proxy) -> String {
    let client = reqwest::Client::new();
    let said = json!({
        "event_type": "conversation.utterance", "conversation_id": "c-of-nobody", "webhook_url": address,
        "properties": { "speech": "the b0dy of a callback" },
    });
    let other = address.replace("echoroom.", "ech0room.");
    let mut told = String::new();
    for (address, kind, body) in [
        (address, "application/json", said.to_string()),
        (address, "application/json", "{\"the b0dy\":".to_owned()),
        (
            address,
            "application/json",
            json!({ "event_type": "the b0dy has no name " }).to_string(),
        ),
        (address, "text/plain", said.to_string()),
        (&other, "application/json", said.to_string()),
    ] {
        let answer = client
            .post(address)
            .header("content-type", kind)
            .body(body)
            .send()
            .await
            .unwrap();
        told.push_str(&format!(
            "{:?} {}",
            answer.headers().clone(),
            answer.text().await.unwrap()
        ));
    }
    let signed = client
        .post(address)
        .header("content-type", "application/json")
        .header("webhook-id", "b0dy-1");
    told.push_str(
        &signed
            .body(said.to_string())
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
    );
    proxy.line.send(Line::Cut).unwrap();
    let away = client
        .post(address)
        .header("content-type", "application/json")
        .body(said.to_string());
    let away = away.send().await.unwrap();
    assert_eq!(away.status(), 503);
    told.push_str(&away.text().await.unwrap());
    proxy.line.send(Line::Open).unwrap();
    told
}

/// Where the worker finds the database, with a password that is no common word.
async fn worker_with_password(database: &Database, owner: &sqlx::PgPool) -> url::Url {
    sqlx::query(&format!("alter role parley_worker login password '{PASSWORD}'"))
        .execute(owner)
        .await
        .unwrap();
    let mut url = url::Url::parse(database.url()).unwrap();
    url.set_username("parley_worker").unwrap();
    url.set_password(Some(PASSWORD)).unwrap();
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_token_secret_body_or_address_is_in_a_log_line_or_an_answer() {
    let database = Database::start().await;
    let owner = sqlx::PgPool::connect(database.url()).await.unwrap();
    let url = worker_with_password(&database, &owner).await;
    // Only now: what the test itself asks of the database tells the password.
    let log = Log::default();
    let writer = log.clone();
    telemetry::logs::subscriber(EnvFilter::new("trace"), move || writer.clone()).init();
    let proxy = Proxy::start(url.as_str()).await;
    let tavus = Simulated::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let settings = [
        ("TAVUS_API_KEY", KEY),
        ("TAVUS_BASE_URL", tavus.simulator.base_url()),
        ("TAVUS_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("WORKER_URL", &base),
    ];
    let mut app: App = support::app::app(&support::app::config(&proxy.url, &settings));
    // The client of the test waits in no real time.
    let callbacks_of = app.conversations.callbacks().clone();
    app.conversations = Conversations::new(app.pool.clone(), Some(tavus.client.clone()), callbacks_of);
    let router = app::router(app.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let id = wanted(&owner).await;
    let address = app.conversations.callbacks().address(APP, id).unwrap();
    let address = address.expose_secret();
    let mut told = callbacks(address, &proxy).await;
    told.push_str(&calls(&app.conversations, &tavus, &owner, address).await);
    told.push_str(&format!("{app:?}"));
    tavus.simulator.settled().await;
    let mut secrets = vec![
        KEY.to_owned(),
        WORKER_SECRET.to_owned(),
        WEBHOOK_SECRET.to_owned(),
        "b0dy".to_owned(),
        PASSWORD.to_owned(),
    ];
    let ids: Vec<Uuid> = sqlx::query_scalar("select id from echoroom.conversations")
        .fetch_all(&owner)
        .await
        .unwrap();
    for id in ids {
        let address = app.conversations.callbacks().address(APP, id).unwrap();
        // The end of a token is what nobody else can make.
        secrets.push(address.expose_secret().rsplit('.').next().unwrap().to_owned());
    }
    // Before anything else is stopped: the simulator and the stack log here as well.
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for expected in [
        "a callback of Tavus",
        "malformed_event",
        "invalid_token",
        "database_unavailable",
        "Tavus, again",
        "hyper",
        "sqlx",
    ] {
        assert!(log.contains(expected), "{expected} is not in the log");
    }
    for secret in &secrets {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret}: {line:?}");
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    tavus.simulator.stop().await;
    serving.abort();
    app.pool.close().await;
    owner.close().await;
    database.stack.stop().await.unwrap();
}

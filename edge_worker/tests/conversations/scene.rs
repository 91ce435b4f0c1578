//! A worker that serves, its database, and a Tavus of its own.

use std::sync::Arc;

use edge_worker::app::{self, App};
use edge_worker::config::Tavus;
use edge_worker::conversations::{AppName, Conversations};
use edge_worker::providers::tavus::TavusClient;
use edge_worker::webhooks::{CallbackKeys, Callbacks};
use local_stack::simulators::tavus::{Behaviour, Fault, FaultKind, Script};
use serde_json::Value;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support;
use crate::support::app::WORKER_SECRET;
use crate::support::database::{Database, Shared};
use crate::support::tavus::Simulated;

/// The app of all tests.
pub const APP: AppName = AppName::Echoroom;

pub struct Scene {
    pub owner: PgPool,
    /// Of the ids of its Tavus.
    pub seed: u64,
    pub tavus: Simulated,
    pub app: App,
    pub conversations: Conversations,
    /// Where callbacks come in.
    pub base: String,
    serving: JoinHandle<()>,
    shared: Option<Arc<Shared>>,
    own: Option<Database>,
}

impl Scene {
    pub async fn start() -> Self {
        let shared = Shared::get();
        Self::on(shared.url.clone(), Some(shared), None).await
    }

    /// With a database that no other test is in: reconciliation looks at all conversations that there are.
    pub async fn alone() -> Self {
        let own = Database::start().await;
        Self::on(own.url().to_owned(), None, Some(own)).await
    }

    async fn on(url: String, shared: Option<Arc<Shared>>, own: Option<Database>) -> Self {
        let owner = PgPool::connect(&url).await.unwrap();
        // Other tests have calls in the same database.
        let seed = rand::random();
        let tavus = Simulated::with_seed(seed).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let url = format!("{url}?options=-c%20role%3Dparley_worker");
        let mut app = support::app::app(&support::app::config(&url, &[]));
        app.conversations = conversations(&app, &base, Some(tavus.client.clone()));
        let router = app::router(app.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            owner,
            seed,
            tavus,
            conversations: app.conversations.clone(),
            app,
            base,
            serving,
            shared,
            own,
        }
    }

    pub async fn stop(self) {
        self.tavus.simulator.stop().await;
        self.serving.abort();
        self.app.pool.close().await;
        self.owner.close().await;
        if let Some(own) = self.own {
            own.stack.stop().await.unwrap();
        }
        if let Some(shared) = self.shared {
            // The last one waits for the stack to stop.
            tokio::task::spawn_blocking(move || drop(shared)).await.unwrap();
        }
    }

    /// Another worker, which is reached at `base` and has `tavus` for a client.
    pub fn worker(&self, base: &str, tavus: Option<TavusClient>) -> Conversations {
        conversations(&self.app, base, tavus)
    }

    /// A client with another key.
    pub fn client(&self, key: &str) -> TavusClient {
        let settings: Tavus = support::tavus::settings(self.tavus.simulator.base_url(), key);
        support::tavus::client(&settings, self.tavus.metrics.clone(), self.tavus.waits.clone())
    }

    /// A conversation that waits to be started, in a room of its own.
    pub async fn wanted(&self) -> Uuid {
        self.wanted_with("default_calm_persona").await
    }

    pub async fn wanted_with(&self, persona: &str) -> Uuid {
        let statement = "
            with room as (insert into echoroom.sessions (category) values ('Calm') returning id)
            insert into echoroom.conversations (session_id, persona_id, mood)
            select id, $1, 'Calm' from room
            returning id";
        sqlx::query_scalar(statement)
            .bind(persona)
            .fetch_one(&self.owner)
            .await
            .unwrap()
    }

    pub async fn run(&self, statement: &str, id: Uuid) {
        sqlx::query(statement)
            .bind(id)
            .execute(&self.owner)
            .await
            .unwrap();
    }

    pub async fn row(&self, id: Uuid) -> Value {
        let query =
            "select coalesce((select to_jsonb(c) from echoroom.conversations c where c.id = $1), 'null')";
        sqlx::query_scalar(query)
            .bind(id)
            .fetch_one(&self.owner)
            .await
            .unwrap()
    }

    /// The types of the events that are kept, in their order.
    pub async fn kept(&self, id: Uuid) -> Vec<String> {
        let query =
            "select event_type from echoroom_private.conversation_events where conversation = $1 order by id";
        sqlx::query_scalar(query)
            .bind(id)
            .fetch_all(&self.owner)
            .await
            .unwrap()
    }

    /// The news of the room, with their payloads.
    pub async fn news(&self, id: Uuid) -> Vec<(String, Value)> {
        let query = "
            select m.event, m.payload
            from realtime.messages m
            join echoroom.conversations c on m.topic like 'echoroom:' || c.session_id || ':%'
            where c.id = $1 and m.event like 'avatar-%'
            order by m.inserted_at, m.id";
        sqlx::query_as(query)
            .bind(id)
            .fetch_all(&self.owner)
            .await
            .unwrap()
    }

    /// Until a worker has set out to make the call.
    pub async fn until_attempted(&self, id: Uuid) {
        while self.row(id).await["attempted_at"].is_null() {
            tokio::task::yield_now().await;
        }
    }

    /// Lets the next requests go wrong.
    pub fn fail(&self, method: &str, path: &str, times: u32, kind: FaultKind) {
        self.tavus.simulator.fail(Fault {
            method: Some(method.to_owned()),
            path: format!("/v2/{path}"),
            times,
            kind,
        });
    }

    pub fn fail_create(&self, kind: FaultKind) {
        self.fail("POST", "conversations", 1, kind);
    }

    pub fn behave(&self, script: Script) {
        self.tavus.simulator.behave(Behaviour {
            script,
            delay_ms: 1,
            ..Behaviour::default()
        });
    }

    /// How many calls were made, and how many of them run.
    pub fn calls(&self) -> (usize, usize) {
        self.tavus.simulator.conversations()
    }
}

fn conversations(app: &App, base: &str, tavus: Option<TavusClient>) -> Conversations {
    let keys = CallbackKeys::parse(WORKER_SECRET).unwrap();
    let callbacks = Callbacks::new(base.parse().unwrap(), keys);
    Conversations::new(app.pool.clone(), tavus, callbacks)
}

/// A status, and nothing is done.
pub fn status(status: u16, message: Option<&str>) -> FaultKind {
    FaultKind::Status {
        status,
        retry_after: None,
        message: message.map(str::to_owned),
    }
}

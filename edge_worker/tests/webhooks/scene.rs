//! A worker on a database, and callbacks for it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use axum::response::Response;
use edge_worker::app::{self, App};
use edge_worker::conversations::{AppName, Conversations};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::support;
use crate::support::database::{Database, Shared};

/// A worker, with its routes and without a socket.
#[derive(Clone)]
pub struct Worker {
    pub app: App,
    pub router: Router,
}

impl Worker {
    /// One that waits for a slow machine: what gives up in time is the matter of a few tests, which say so.
    pub fn new(database_url: &str, changes: &[(&str, &str)]) -> Self {
        let app = support::app::app(&support::app::config(database_url, changes));
        Self::of(app).with_patience(Duration::from_secs(300))
    }

    pub fn with_patience(self, patience: Duration) -> Self {
        let mut app = self.app;
        let callbacks = app.conversations.callbacks().clone();
        app.conversations = Conversations::with_patience(app.pool.clone(), None, callbacks, patience);
        Self::of(app)
    }

    pub fn of(app: App) -> Self {
        let router = app::router(app.clone());
        Self { app, router }
    }

    /// The path of the callbacks of a conversation.
    pub fn path(&self, id: Uuid) -> String {
        let callbacks = self.app.conversations.callbacks();
        let address = callbacks.address(AppName::Echoroom, id).unwrap();
        let address: url::Url = address.expose_secret().parse().unwrap();
        address.path().to_owned()
    }

    /// Sends any request.
    pub async fn ask(&self, request: Builder, body: impl Into<Body>) -> (u16, Value) {
        let request = request.body(body.into()).unwrap();
        answer(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// Sends a callback as Tavus does.
    pub async fn send(&self, path: &str, body: impl Into<Body>) -> (u16, Value) {
        let request = Request::post(path).header("content-type", "application/json");
        self.ask(request, body).await
    }

    /// Sends an event of a conversation, and gives the status that was answered.
    pub async fn tell(&self, id: Uuid, event: &Value) -> String {
        let (status, body) = self.send(&self.path(id), event.to_string()).await;
        assert_eq!(status, 200, "{body}");
        body["status"].as_str().unwrap().to_owned()
    }

    /// Sends what is refused, and gives status and word.
    pub async fn refused(&self, path: &str, body: impl Into<Body>) -> (u16, String) {
        word(self.send(path, body).await)
    }
}

pub fn word((status, body): (u16, Value)) -> (u16, String) {
    assert_eq!(body["code"], format!("PT{status}"), "{body}");
    (status, body["details"].as_str().unwrap().to_owned())
}

async fn answer(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    if status == 503 {
        assert_eq!(response.headers()["retry-after"], "1");
    }
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

/// A database with a worker, and a look behind it. Other tests are in it as well: whatever a test counts is of conversations
/// of its own.
pub struct Scene {
    pub url: String,
    pub owner: PgPool,
    pub worker: Worker,
    /// At the end of all ids of Tavus in this scene.
    suffix: String,
    shared: Option<Arc<Shared>>,
    own: Option<Database>,
}

impl Scene {
    pub async fn start() -> Self {
        let shared = Shared::get();
        Self::on(shared.url.clone(), Some(shared), None).await
    }

    /// With a database that no other test is in.
    pub async fn alone() -> Self {
        let own = Database::start().await;
        Self::on(own.url().to_owned(), None, Some(own)).await
    }

    async fn on(url: String, shared: Option<Arc<Shared>>, own: Option<Database>) -> Self {
        Self {
            owner: PgPool::connect(&url).await.unwrap(),
            worker: Worker::new(&as_worker(&url), &[]),
            suffix: Uuid::new_v4().simple().to_string(),
            url,
            shared,
            own,
        }
    }

    pub async fn stop(self) {
        self.worker.app.pool.close().await;
        self.owner.close().await;
        if let Some(own) = self.own {
            own.stack.stop().await.unwrap();
        }
        if let Some(shared) = self.shared {
            // The last one waits for the stack to stop.
            tokio::task::spawn_blocking(move || drop(shared)).await.unwrap();
        }
    }

    /// The id of a call that no other test has.
    pub fn id(&self, name: &str) -> String {
        format!("{name}-{}", self.suffix)
    }

    /// An event as Tavus sends it.
    pub fn event(&self, name: &str, event_type: &str, properties: Value) -> Value {
        json!({
            "event_type": event_type,
            "message_type": event_type.split('.').next().unwrap(),
            "conversation_id": self.id(name),
            "timestamp": "2026-11-21T10:00:00.000000Z",
            "webhook_url": "https://w.example/webhooks/tavus/the-t0ken",
            "properties": properties,
        })
    }

    /// A conversation in a room of its own, whose call runs.
    pub async fn conversation(&self, name: &str) -> Uuid {
        let id = self.unstarted().await;
        self.start_call(id, name).await;
        id
    }

    /// Notes the call of a conversation.
    pub async fn start_call(&self, id: Uuid, name: &str) {
        let call = self.id(name);
        self.run(&format!(
            "select echoroom_private.tavus_started('{id}', '{call}', 'https://tavus.daily.co/{call}')"
        ))
        .await;
    }

    /// One whose call is not known yet.
    pub async fn unstarted(&self) -> Uuid {
        let statement = "
            with room as (insert into echoroom.sessions (category) values ('Calm') returning id)
            insert into echoroom.conversations (session_id, persona_id, mood)
            select id, 'default_calm_persona', 'Calm' from room
            returning id";
        sqlx::query_scalar(statement)
            .fetch_one(&self.owner)
            .await
            .unwrap()
    }

    pub async fn run(&self, statement: &str) {
        sqlx::raw_sql(statement).execute(&self.owner).await.unwrap();
    }

    /// What one statement gives, as JSON.
    pub async fn json(&self, query: &str) -> Value {
        let query = format!("select coalesce(to_jsonb(({query})), 'null')");
        sqlx::query_scalar(&query).fetch_one(&self.owner).await.unwrap()
    }

    /// Columns of a conversation.
    pub async fn row(&self, id: Uuid) -> Value {
        self.json(&format!(
            "select c from echoroom.conversations c where id = '{id}'"
        ))
        .await
    }

    /// What is kept of the events of a conversation: type, whether it conflicts, body.
    pub async fn kept(&self, id: Uuid) -> Vec<(String, bool, Value)> {
        let query = "select event_type, is_conflicting, body from echoroom_private.conversation_events where conversation = $1 order by id";
        sqlx::query_as(query)
            .bind(id)
            .fetch_all(&self.owner)
            .await
            .unwrap()
    }

    /// The news of the room of a conversation, in their order.
    pub async fn news(&self, id: Uuid) -> Vec<String> {
        let query = "
            select m.event
            from realtime.messages m
            join echoroom.conversations c on m.topic like 'echoroom:' || c.session_id || ':%'
            where c.id = $1 and m.event like 'avatar-%'
            order by m.inserted_at, m.id";
        sqlx::query_scalar(query)
            .bind(id)
            .fetch_all(&self.owner)
            .await
            .unwrap()
    }
}

/// The address of a database with the rights of the worker.
pub fn as_worker(database_url: &str) -> String {
    format!("{database_url}?options=-c%20role%3Dparley_worker")
}

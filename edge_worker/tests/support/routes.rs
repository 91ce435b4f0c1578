//! The REST routes on a PostgREST that says what it is told.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::api::{Reply, WORKER_SECRET, Worker};
use super::upstream::Upstream;

pub const PUBLISHABLE: &str = "sb_publishable_0123456789";
pub const SECRET: &str = "sb_secret_0123456789";
pub const TOKEN: &str = "a.b.c";

pub fn settings(url: &str) -> Vec<(String, String)> {
    [
        ("SUPABASE_URL", url),
        ("SUPABASE_PUBLISHABLE_KEY", PUBLISHABLE),
        ("SUPABASE_SECRET_KEY", SECRET),
        ("SUPABASE_DB_URL", "postgresql://nobody@127.0.0.1:9/none"),
        ("TAVUS_API_KEY", "off"),
        ("WORKER_SECRET", WORKER_SECRET),
        ("WORKER_LISTEN", "127.0.0.1:0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

pub async fn start() -> (Upstream, Worker) {
    let upstream = Upstream::start().await;
    let worker = Worker::start(&settings(&upstream.url), &[]).await;
    (upstream, worker)
}

/// A request of a route: its method, path and body.
pub type Route = (Method, String, Option<Value>);

/// One good request of each route.
pub fn routes() -> Vec<Route> {
    let (room, user) = (Uuid::from_u128(7), Uuid::from_u128(8));
    let seat = json!({ "session_id": room });
    let persona = json!({ "persona_id": "p1" });
    let conversation = json!({ "conversation_id": "c1" });
    vec![
        (Method::GET, "/api/sessions".into(), None),
        (
            Method::POST,
            "/api/sessions".into(),
            Some(json!({ "category": "Calm" })),
        ),
        (Method::GET, format!("/api/sessions/{room}/messages"), None),
        (Method::POST, "/api/participants".into(), Some(seat.clone())),
        (Method::GET, format!("/api/participants/{room}"), None),
        (
            Method::PUT,
            format!("/api/participants/{user}/{room}"),
            Some(seat),
        ),
        (Method::GET, "/api/personas".into(), None),
        (Method::GET, "/api/personas/7".into(), None),
        (Method::GET, "/api/personas/by-mood/Calm".into(), None),
        (Method::POST, "/api/personas".into(), Some(persona.clone())),
        (Method::PUT, "/api/personas/7".into(), Some(persona)),
        (Method::DELETE, "/api/personas/7".into(), None),
        (Method::GET, "/api/tavus/personas".into(), None),
        (Method::GET, "/api/tavus/personas/Calm".into(), None),
        (
            Method::POST,
            "/api/tavus/get-daily-room".into(),
            Some(conversation.clone()),
        ),
        (
            Method::POST,
            "/api/tavus/end-conversation".into(),
            Some(conversation),
        ),
    ]
}

pub async fn ask(worker: &Worker, token: &str, (method, path, body): Route) -> Reply {
    let request = worker.request(method, &path, token);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    worker.send(request).await
}

//! `POST /webhooks/tavus/{token}` on a real database.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use axum::body::Body;
use axum::http::Request;
use edge_worker::app;
use edge_worker::conversations::AppName;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use support::database::Database;
use tower::ServiceExt as _;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn event_is_taken_in_once() {
    let database = Database::start().await;
    let app = support::app::app(&support::app::config(database.url(), &[]));
    let id: Uuid = sqlx::query_scalar(
        "insert into echoroom.conversations (persona_id, mood) values ('default_calm_persona', 'Calm') returning id",
    )
    .fetch_one(&app.pool)
    .await
    .unwrap();
    let address = app
        .conversations
        .callbacks()
        .address(AppName::Echoroom, id)
        .unwrap();
    let address: url::Url = address.expose_secret().parse().unwrap();
    let router = app::router(app.clone());
    let body = json!({
        "event_type": "system.replica_joined", "conversation_id": "c1", "timestamp": "2026-11-21T10:00:00.000000Z",
        "properties": { "replica_id": "r1" }, "webhook_url": address.as_str(),
    });
    for expected in ["new", "duplicate"] {
        let request = Request::post(address.path())
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX)
            .await
            .unwrap();
        let said: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(said, json!({ "status": expected }));
    }
    app.pool.close().await;
    database.stack.stop().await.unwrap();
}

//! The way to a worker that is a few routes in this process.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::routing::{get, post};
use bytes::Bytes;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use crate::gateway::listener::Listener;

async fn serve(router: Router) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, task)
}

/// The gateway's routes for a worker at that address; says where they are.
async fn gateway(worker: Option<SocketAddr>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router(worker).into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move { axum::serve(Listener(listener), service).await });
    format!("http://{address}")
}

/// Tells what arrived.
async fn tell(request: Request) -> Json<Value> {
    let (parts, body) = request.into_parts();
    let headers: serde_json::Map<String, Value> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())))
        .collect();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Json(json!({
        "method": parts.method.as_str(),
        "target": parts.uri.to_string(),
        "headers": headers,
        "length": body.len(),
    }))
}

#[tokio::test]
async fn request_arrives_as_it_was_with_word_of_whom_it_is_from() {
    let (worker, _task) = serve(Router::new().fallback(tell)).await;
    let gateway = gateway(Some(worker)).await;
    let http = reqwest::Client::new();
    let told: Value = http
        .put(format!("{gateway}/api/sessions/a%2Fb?x=%20&y=1"))
        .header("authorization", "Bearer t")
        .header("apikey", "k")
        .header("x-request-id", "seen-1")
        .header("x-forwarded-for", "203.0.113.9")
        .header("connection", "keep-alive, x-only-here")
        .header("x-only-here", "1")
        .header("expect", "100-continue")
        .body(vec![7; 3_000_000])
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(told["method"], "PUT");
    assert_eq!(told["target"], "/api/sessions/a%2Fb?x=%20&y=1");
    assert_eq!(told["length"], 3_000_000);
    let headers = &told["headers"];
    assert_eq!(headers["authorization"], "Bearer t");
    assert_eq!(headers["apikey"], "k");
    assert_eq!(headers["x-request-id"], "seen-1");
    assert_eq!(headers["content-length"], "3000000");
    assert_eq!(headers["x-forwarded-for"], "203.0.113.9, 127.0.0.1");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(
        format!("http://{}", headers["x-forwarded-host"].as_str().unwrap()),
        gateway
    );
    assert_eq!(headers["host"], worker.to_string());
    assert_eq!(headers.get("x-only-here"), None);
    assert_eq!(headers.get("expect"), None);

    for (asked, arrives) in [
        ("/webhooks/tavus/t", "/webhooks/tavus/t"),
        ("/functions/v1/api/sessions?a=1", "/api/sessions?a=1"),
        ("/functions/v1/webhooks/tavus/t", "/webhooks/tavus/t"),
        ("/functions/v1/api", "/api"),
        ("/api", "/api"),
    ] {
        let told: Value = reqwest::get(format!("{gateway}{asked}"))
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(told["target"], arrives, "{asked}");
    }
}

#[tokio::test]
async fn answer_comes_back_as_it_is_and_piece_by_piece() {
    let (pieces, received) = mpsc::unbounded_channel::<Result<Bytes, Infallible>>();
    let received = Arc::new(Mutex::new(Some(received)));
    let stream = move || {
        let mut received = received.lock().unwrap().take().unwrap();
        let pieces = futures_util::stream::poll_fn(move |context| received.poll_recv(context));
        std::future::ready(([("x-request-id", "made-1")], Body::from_stream(pieces)))
    };
    let echo = |request: Request| async { (StatusCode::IM_A_TEAPOT, request.into_body()) };
    let routes = Router::new()
        .route("/api/echo", post(echo))
        .route("/api/stream", get(stream));
    let (worker, _task) = serve(routes).await;
    let gateway = gateway(Some(worker)).await;

    let mut answer = reqwest::get(format!("{gateway}/api/stream")).await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], "made-1");
    for piece in ["one", "two"] {
        // The next is sent only when this one is here.
        pieces.send(Ok(Bytes::from(piece))).unwrap();
        assert_eq!(answer.chunk().await.unwrap().unwrap(), piece);
    }
    drop(pieces);
    assert_eq!(answer.chunk().await.unwrap(), None);

    let http = reqwest::Client::new();
    let answer = http
        .post(format!("{gateway}/api/echo"))
        .body("said")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(answer.text().await.unwrap(), "said");
}

#[tokio::test]
async fn worker_alone_says_which_pages_may_call_it() {
    let allowing = ([("access-control-allow-origin", "https://only.example")], "said");
    let routes = Router::new()
        .route("/api/x", get(move || async move { allowing }))
        .route("/api/y", get(|| async { "said" }));
    let (worker, _task) = serve(routes).await;
    let gateway = gateway(Some(worker)).await;
    let http = reqwest::Client::new();
    for (path, expected) in [
        ("/api/x", Some("https://only.example")),
        ("/functions/v1/api/x", Some("https://only.example")),
        ("/api/y", None),
        ("/functions/v1/api/y", None),
    ] {
        let request = http
            .get(format!("{gateway}{path}"))
            .header("origin", "https://page.example");
        let answer = request.send().await.unwrap();
        let allowed: Vec<_> = answer
            .headers()
            .get_all("access-control-allow-origin")
            .iter()
            .collect();
        assert_eq!(allowed, Vec::from_iter(expected), "{path}");
    }
    let preflight = http
        .request(reqwest::Method::OPTIONS, format!("{gateway}/api/y"))
        .header("origin", "https://page.example")
        .header("access-control-request-method", "PUT")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(!preflight.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn what_is_for_operators_is_no_function() {
    let (worker, _task) = serve(Router::new().fallback(tell)).await;
    let gateway = gateway(Some(worker)).await;
    for path in ["", "/", "/metrics", "/metrics/", "/%6Detrics", "/readyz", "/apis"] {
        let answer = reqwest::get(format!("{gateway}/functions/v1{path}"))
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn without_a_worker_the_answer_says_so_and_when_to_come_back() {
    let (gone, task) = serve(Router::new()).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    for (worker, word) in [(None, "no_worker"), (Some(gone), "worker_unavailable")] {
        let gateway = gateway(worker).await;
        for path in ["/api/sessions", "/webhooks/tavus/t", "/functions/v1/api/x"] {
            let answer = reqwest::get(format!("{gateway}{path}")).await.unwrap();
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.headers()[RETRY_AFTER], "1");
            let body: Value = answer.json().await.unwrap();
            assert_eq!((&body["code"], &body["details"]), (&json!("PT503"), &json!(word)));
        }
    }
}

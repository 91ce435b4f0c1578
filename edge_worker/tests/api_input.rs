//! What the REST routes make of a request before they ask PostgREST, and what they ask it for.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use axum::http::Method;
use serde_json::{Value, json};
use support::routes::{PUBLISHABLE, SECRET, TOKEN, ask, routes, start};
use support::upstream::Answer;
use uuid::Uuid;

#[tokio::test]
async fn caller_without_a_token_is_told_so_by_every_route_and_nobody_else_is_asked() {
    let (upstream, worker) = start().await;
    for route in routes() {
        let answer = ask(&worker, "", route.clone()).await;
        assert_eq!(answer.refusal(), (401, "missing_token"), "{route:?}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    for value in ["Basic YTpi", "Bearer", "Bearer  ", "a.b.c"] {
        let request = worker
            .request(Method::GET, "/api/sessions", "")
            .header("authorization", value);
        assert_eq!(
            worker.send(request).await.refusal(),
            (401, "missing_token"),
            "{value}"
        );
    }
    assert_eq!(upstream.asked().len(), 0);
}

#[tokio::test]
async fn requests_carry_the_caller_s_token_the_publishable_key_the_schema_and_the_id_and_no_more() {
    let (upstream, worker) = start().await;
    for (method, path, body) in routes() {
        let request = worker
            .request(method, &path, TOKEN)
            .header("x-request-id", "req-1")
            .header("cookie", "c00kie=1")
            .header("apikey", "the-callers-own")
            .header("prefer", "tx=rollback")
            .header("range", "0-0");
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        worker.send(request).await;
        let asked = upstream.asked();
        assert!(!asked.is_empty(), "{path}");
        for asked in asked {
            assert_eq!(asked.headers["authorization"], format!("Bearer {TOKEN}"));
            assert_eq!(asked.headers["apikey"], PUBLISHABLE);
            assert_eq!(asked.headers["x-request-id"], "req-1");
            let profile = match asked.method {
                Method::GET => "accept-profile",
                _ => "content-profile",
            };
            assert_eq!(asked.headers[profile], "echoroom");
            for name in ["cookie", "range"] {
                assert!(!asked.headers.contains_key(name), "{name} to {}", asked.target);
            }
            assert!(
                asked
                    .headers
                    .get("prefer")
                    .is_none_or(|value| value == "return=representation")
            );
            assert!(asked.target.starts_with("/rest/v1/"), "{}", asked.target);
        }
    }
}

#[tokio::test]
async fn key_that_is_no_token_is_the_key_of_the_request_as_well() {
    let (upstream, worker) = start().await;
    worker.get(SECRET, "/api/personas").await;
    let asked = upstream.asked().remove(0);
    assert_eq!(asked.headers["apikey"], SECRET);
    assert_eq!(asked.headers["authorization"], format!("Bearer {SECRET}"));
    // The gateway knows no such key, and does not speak as PostgREST does.
    upstream.says(Answer::json(401, r#"{"message":"Invalid API key","hint":"x"}"#));
    let wrong = worker.get("sb_secret_of_another_project", "/api/personas").await;
    assert_eq!(wrong.refusal(), (401, "invalid_key"));
    // The same for a token means that the worker's own key is wrong.
    let ours = worker.get(TOKEN, "/api/personas").await;
    assert_eq!(ours.refusal(), (503, "data_api_unavailable"));
}

#[tokio::test]
async fn nothing_that_is_sent_changes_what_is_asked_for() {
    let (upstream, worker) = start().await;
    let moods = [
        "Calm&select=*",
        "Calm?select=*",
        "../sessions",
        "../../auth/v1/admin/users",
        "a/b",
        "a%2fb",
        "a,b",
        "(a)",
        "\"a\"",
        "a.b",
        "eq.a",
        "*",
        "'; drop table x; --",
        "%00",
        "é😀",
        "a\\b",
        "{}",
        "or=(id.gt.0)",
        "#a",
        ":a",
        "\u{202e}a",
    ];
    for mood in moods {
        // With every character escaped, and with as few as a URL can do with.
        let escaped: String = mood.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let answer = worker
            .get(TOKEN, &format!("/api/personas/by-mood/{escaped}"))
            .await;
        assert_eq!(answer.status, 200, "{mood}");
        let asked = upstream.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].target, "/rest/v1/rpc/persona_by_mood");
        let body: Value = serde_json::from_str(&asked[0].body).unwrap();
        assert_eq!(body, json!({ "mood": mood }));
    }
    // A query of the caller stays here, and names of fields that a route does not know go nowhere.
    worker
        .get(TOKEN, "/api/personas?select=secret&id=gt.0&apikey=x")
        .await;
    assert_eq!(
        upstream.asked()[0].target,
        "/rest/v1/persona?select=*&order=id.asc"
    );
    worker.get(TOKEN, "/api/sessions?select=secret&limit=1").await;
    assert_eq!(upstream.asked()[0].target, "/rest/v1/rpc/list_sessions");
    let body = json!({ "category": "Calm", "created_by": Uuid::nil(), "is_active": false, "": 1 });
    worker.post(TOKEN, "/api/sessions", body).await;
    assert_eq!(upstream.asked()[0].body, r#"{"category":"Calm"}"#);
    let persona = json!({ "persona_id": "p", "id": 3, "created_at": "2020-01-01" });
    worker.put(TOKEN, "/api/personas/7", persona).await;
    let asked = upstream.asked().remove(0);
    assert_eq!(
        (asked.target.as_str(), asked.body.as_str()),
        ("/rest/v1/persona?id=eq.7", r#"{"persona_id":"p"}"#)
    );
    worker.delete(TOKEN, "/api/personas/7?id=gt.0").await;
    assert_eq!(upstream.asked()[0].target, "/rest/v1/persona?id=eq.7");
}

#[tokio::test]
async fn ids_and_queries_that_are_none_are_refused_before_anybody_is_asked() {
    let (upstream, worker) = start().await;
    let room = Uuid::from_u128(7);
    for (method, path) in [
        (Method::GET, "/api/sessions/1/messages".to_owned()),
        (Method::GET, "/api/sessions/..%2f..%2fpersona/messages".to_owned()),
        (Method::GET, format!("/api/sessions/{room}%00/messages")),
        (Method::GET, "/api/participants/null".to_owned()),
        (Method::GET, format!("/api/participants/{room}%26select=*")),
        (Method::PUT, format!("/api/participants/me/{room}")),
        (Method::PUT, format!("/api/participants/{room}/eq.{room}")),
        (Method::GET, "/api/personas/abc".to_owned()),
        (Method::GET, "/api/personas/1;2".to_owned()),
        (Method::GET, "/api/personas/99999999999999999999".to_owned()),
        (Method::PUT, "/api/personas/1.5".to_owned()),
        (Method::DELETE, "/api/personas/gt.0".to_owned()),
        (Method::GET, "/api/personas/by-mood/%ff".to_owned()),
    ] {
        let request = worker.request(method, &path, TOKEN).json(&json!({}));
        assert_eq!(
            worker.send(request).await.refusal(),
            (400, "invalid_path"),
            "{path}"
        );
    }
    for query in [
        "limit=ten",
        "limit=",
        "limit=1&limit=2",
        "limit=99999999999",
        "offset=1.5",
        "before_timestamp=yesterday",
        "before_timestamp=2026-13-01T00:00:00Z",
        "before_timestamp=",
        "before_timestamp=2026-01-01",
        "limit=%ff",
    ] {
        let path = format!("/api/sessions/{room}/messages?{query}");
        assert_eq!(
            worker.get(TOKEN, &path).await.refusal(),
            (400, "invalid_query"),
            "{query}"
        );
    }
    assert_eq!(upstream.asked().len(), 0);
}

#[tokio::test]
async fn bodies_that_are_none_are_refused_before_anybody_is_asked() {
    let (upstream, worker) = start().await;
    let send = async |kind: Option<&str>, body: String| {
        let mut request = worker.request(Method::POST, "/api/sessions", TOKEN).body(body);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let reply = worker.send(request).await;
        let (status, word) = reply.refusal();
        (status, word.to_owned())
    };
    let good = r#"{"category":"Calm"}"#.to_owned();
    let kinds = [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("text/json"),
        Some(""),
    ];
    for kind in kinds {
        assert_eq!(
            send(kind, good.clone()).await,
            (415, "unsupported_media_type".into()),
            "{kind:?}"
        );
    }
    let json = Some("application/json; charset=utf-8");
    let deep = format!("{{\"category\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    for body in [
        "",
        "{",
        "category=Calm",
        "{\"category\":\"a\"} x",
        "\u{feff}{}",
        &deep,
    ] {
        let got = send(json, body.to_owned()).await;
        assert!(
            matches!(got.1.as_str(), "invalid_json" | "invalid_body"),
            "{body}: {got:?}"
        );
        assert_eq!(got.0, 400);
    }
    for body in [
        "{}",
        "[]",
        "null",
        "7",
        r#"{"category":7}"#,
        r#"{"category":null}"#,
        r#"{"category":"a","max_participants":1.5}"#,
        r#"{"category":"a","category":"b"}"#,
    ] {
        assert_eq!(
            send(json, body.to_owned()).await,
            (400, "invalid_body".into()),
            "{body}"
        );
    }
    let large = format!("{{\"category\":\"{}\"}}", "x".repeat(1024 * 1024));
    assert_eq!(send(json, large).await, (413, "body_too_large".into()));
    for (path, body) in [
        ("/api/participants", json!({ "session_id": "1" })),
        (
            "/api/participants",
            json!({ "session_id": Uuid::nil(), "user_id": "me" }),
        ),
        (
            "/api/participants",
            json!({ "session_id": Uuid::nil(), "is_muted": "yes" }),
        ),
        ("/api/participants", json!({ "user_name": "Ada" })),
        ("/api/personas", json!({ "mood": "Calm" })),
    ] {
        assert_eq!(
            worker.post(TOKEN, path, body.clone()).await.refusal(),
            (400, "invalid_body"),
            "{body}"
        );
    }
    assert_eq!(upstream.asked().len(), 0);
}

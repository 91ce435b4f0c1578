//! What the REST routes ask PostgREST for, and what they make of its answers: on a PostgREST that says what it is told.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use std::time::Duration;

use axum::http::Method;
use edge_worker::api::{DataApi, Timeouts};
use edge_worker::config::Config;
use serde_json::{Value, json};
use support::api::{Reply, WORKER_SECRET, Worker};
use support::upstream::{Answer, Upstream};
use uuid::Uuid;

const PUBLISHABLE: &str = "sb_publishable_0123456789";
const SECRET: &str = "sb_secret_0123456789";
const TOKEN: &str = "a.b.c";

fn settings(url: &str) -> Vec<(String, String)> {
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

async fn start() -> (Upstream, Worker) {
    let upstream = Upstream::start().await;
    let worker = Worker::start(&settings(&upstream.url), &[]).await;
    (upstream, worker)
}

/// A request of a route: its method, path and body.
type Route = (Method, String, Option<Value>);

/// One good request of each route.
fn routes() -> Vec<Route> {
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

async fn ask(worker: &Worker, token: &str, (method, path, body): Route) -> Reply {
    let request = worker.request(method, &path, token);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    worker.send(request).await
}

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

#[tokio::test]
async fn refusals_of_postgrest_pass_through_with_every_byte() {
    let (upstream, worker) = start().await;
    let body = r#"{"code":"PT429", "details":"rate_limited","hint":"Wait 7 s","message":"Slow — é","n":1.0}"#;
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("retry-after", "7".to_owned()),
        ("set-cookie", "s=1".to_owned()),
        ("x-inner", "1".to_owned()),
    ];
    for status in [400, 401, 403, 404, 406, 409, 410, 422, 429, 500, 503] {
        upstream.says(Answer::Says(status, headers.clone(), body.to_owned()));
        for (method, path, sent) in routes() {
            let request = worker.request(method, &path, TOKEN);
            let request = match &sent {
                Some(sent) => request.json(sent),
                None => request,
            };
            let response = request.send().await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{path}");
            assert_eq!(response.headers()["retry-after"], "7");
            assert!(!response.headers().contains_key("set-cookie"));
            assert!(!response.headers().contains_key("x-inner"));
            assert_eq!(response.text().await.unwrap(), body);
        }
    }
}

#[tokio::test]
async fn data_api_that_fails_is_a_503_that_says_when_to_come_back() {
    let (upstream, worker) = start().await;
    let unavailable = async |worker: &Worker, what: &str| {
        for route in routes() {
            let answer = ask(worker, TOKEN, route.clone()).await;
            assert_eq!(
                answer.refusal(),
                (503, "data_api_unavailable"),
                "{what}: {route:?}"
            );
            assert_eq!(answer.headers["retry-after"], "1");
        }
    };
    let html = |status| {
        Answer::Says(
            status,
            vec![("content-type", "text/html".into())],
            "<html>ups</html>".into(),
        )
    };
    for status in [302, 404, 429, 500, 502, 503] {
        upstream.says(html(status));
        unavailable(&worker, "a proxy").await;
    }
    upstream.says(Answer::BreaksOff);
    unavailable(&worker, "a break").await;
    // Redirects are not followed: the token is nobody else's business.
    let elsewhere = Upstream::start().await;
    upstream.says(Answer::Says(
        307,
        vec![("location", elsewhere.url.clone())],
        String::new(),
    ));
    unavailable(&worker, "a redirect").await;
    assert_eq!(elsewhere.asked().len(), 0);

    let nowhere = Worker::start(&settings("http://127.0.0.1:9"), &[]).await;
    unavailable(&nowhere, "nobody there").await;
    let metrics = nowhere
        .http
        .get(format!("{}/metrics", nowhere.url))
        .send()
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    let line = r#"provider="data_api",operation="list_sessions",outcome="unreachable"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn data_api_that_hangs_is_not_waited_for() {
    let upstream = Upstream::start().await;
    upstream.says(Answer::Hangs);
    let settings = settings(&upstream.url);
    let config = Config::from_env(|name| {
        let found = settings.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone())
    });
    let timeouts = Timeouts {
        request: Duration::from_millis(50),
        ..Timeouts::default()
    };
    let worker = Worker::start_with(&config.unwrap(), |app, config| {
        app.data = DataApi::new(&config.supabase, "echoroom", timeouts, app.metrics.clone()).unwrap();
    })
    .await;
    let answer = worker.get(TOKEN, "/api/sessions").await;
    assert_eq!(answer.refusal(), (503, "data_api_unavailable"));
}

#[tokio::test]
async fn connections_are_kept() {
    let (upstream, worker) = start().await;
    for _ in 0..20 {
        assert_eq!(worker.get(TOKEN, "/api/sessions").await.status, 200);
    }
    assert_eq!((upstream.asked().len(), upstream.connections()), (20, 1));
}

#[tokio::test]
async fn answer_of_a_success_that_makes_no_sense_is_a_bug_and_says_nothing_of_it() {
    let (upstream, worker) = start().await;
    upstream.says(Answer::json(200, r#"{"s3cret":"x"}"#));
    for (method, path) in [
        (Method::GET, format!("/api/participants/{}", Uuid::nil())),
        (Method::GET, "/api/personas/7".to_owned()),
    ] {
        let answer = worker.send(worker.request(method, &path, TOKEN)).await;
        assert_eq!(answer.refusal(), (500, "internal"));
    }
    assert!(!worker.told().contains("s3cret"));
}

#[tokio::test]
async fn web_pages_call_only_where_a_setting_allows_them() {
    let upstream = Upstream::start().await;
    let closed = Worker::start(&settings(&upstream.url), &[]).await;
    let origins = "https://app.example,http://localhost:3000";
    let open = Worker::start(&settings(&upstream.url), &[("WORKER_CORS_ORIGINS", origins)]).await;
    let preflight = async |worker: &Worker, path: &str, origin: &str| {
        let request = worker
            .request(Method::OPTIONS, path, "")
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header(
                "access-control-request-headers",
                "authorization,content-type,x-client-info",
            );
        worker.send(request).await
    };
    let path = "/api/tavus/create-conversation";
    let allowed = preflight(&open, path, "https://app.example").await;
    assert_eq!(allowed.status, 200);
    assert_eq!(
        allowed.headers["access-control-allow-origin"],
        "https://app.example"
    );
    let headers = allowed.headers["access-control-allow-headers"].to_str().unwrap();
    for name in [
        "authorization",
        "content-type",
        "x-client-info",
        "apikey",
        "x-request-id",
    ] {
        assert!(headers.contains(name), "{headers}");
    }
    let methods = allowed.headers["access-control-allow-methods"].to_str().unwrap();
    assert_eq!(methods, "GET,POST,PUT,DELETE");
    for (worker, path, origin) in [
        (&open, path, "https://evil.example"),
        (&open, path, "https://app.example.evil"),
        (&open, path, "null"),
        (&open, "/metrics", "https://app.example"),
        (&open, "/webhooks/tavus/x", "https://app.example"),
        (&closed, path, "https://app.example"),
    ] {
        let refused = preflight(worker, path, origin).await;
        assert!(
            !refused.headers.contains_key("access-control-allow-origin"),
            "{path} {origin}"
        );
    }
    // A page can read refusals, whoever made them, and when to come back.
    let ask = async |path: &str, token: &str, body: String| {
        let request = open
            .request(Method::POST, path, token)
            .header("origin", "http://localhost:3000")
            .header("content-type", "application/json")
            .body(body);
        let reply = open.send(request).await;
        assert_eq!(
            reply.headers["access-control-allow-origin"], "http://localhost:3000",
            "{reply:?}"
        );
        assert_eq!(
            reply.headers["access-control-expose-headers"],
            "x-request-id,retry-after"
        );
        assert!(reply.headers.contains_key("x-request-id"));
        reply.status
    };
    upstream.says(Answer::json(
        429,
        r#"{"code":"PT429","message":"x","details":"rate_limited","hint":""}"#,
    ));
    assert_eq!(ask("/api/sessions", "", "{}".into()).await, 401);
    assert_eq!(
        ask("/api/sessions", TOKEN, r#"{"category":"Calm"}"#.into()).await,
        429
    );
    assert_eq!(
        ask("/api/sessions", TOKEN, "x".repeat(1024 * 1024 + 1)).await,
        413
    );
    assert_eq!(ask("/api/nowhere", TOKEN, String::new()).await, 404);
}

#[tokio::test]
async fn description_has_every_route_with_its_answers_and_who_may_call_it() {
    let (_, worker) = start().await;
    let description = worker.get("", "/openapi.json").await.body;
    let mut described = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if !path.starts_with("/api/") {
                continue;
            }
            described.push(format!("{} {path}", method.to_uppercase()));
            assert_eq!(operation["security"], json!([{ "bearer": [] }]), "{path}");
            let answers = operation["responses"].as_object().unwrap();
            let error = &answers["default"]["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(error, "#/components/schemas/ErrorBody");
            assert!(
                answers.contains_key("200") || answers.contains_key("201"),
                "{path}"
            );
            assert_eq!(
                operation.get("requestBody").is_some(),
                matches!(method.as_str(), "post" | "put")
            );
            assert!(
                operation["description"].is_string() || operation["summary"].is_string(),
                "{path}"
            );
        }
    }
    described.sort();
    let expected = [
        "DELETE /api/personas/{id}",
        "GET /api/participants/{session_id}",
        "GET /api/personas",
        "GET /api/personas/by-mood/{mood}",
        "GET /api/personas/{id}",
        "GET /api/sessions",
        "GET /api/sessions/{session_id}/messages",
        "GET /api/tavus/personas",
        "GET /api/tavus/personas/{mood}",
        "POST /api/participants",
        "POST /api/personas",
        "POST /api/sessions",
        "POST /api/tavus/create-conversation",
        "POST /api/tavus/end-conversation",
        "POST /api/tavus/get-daily-room",
        "PUT /api/participants/{user_id}/{session_id}",
        "PUT /api/personas/{id}",
    ];
    assert_eq!(described, expected);
    assert_eq!(
        description["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
    let voice = &description["components"]["schemas"]["Voice"]["properties"];
    assert!(
        voice["is_speaking"].is_object() && voice["is_muted"].is_object(),
        "{voice}"
    );
}

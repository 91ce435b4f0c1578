//! What the REST routes make of PostgREST's answers, and of none; and what they promise.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use std::time::Duration;

use axum::http::Method;
use edge_worker::api::{DataApi, Timeouts};
use edge_worker::config::Config;
use serde_json::json;
use support::api::Worker;
use support::routes::{TOKEN, ask, routes, settings, start};
use support::upstream::{Answer, Upstream};
use uuid::Uuid;

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
            // Tavus signs what it sends, and has no token.
            let shown = match path.starts_with("/api/domo/tools/") {
                true => json!([{ "tavus": [] }]),
                false => json!([{ "bearer": [] }]),
            };
            assert_eq!(operation["security"], shown, "{path}");
            let answers = operation["responses"].as_object().unwrap();
            let error = &answers["default"]["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(error, "#/components/schemas/ErrorBody");
            assert!(
                answers.contains_key("200") || answers.contains_key("201"),
                "{path}"
            );
            assert_eq!(
                operation.get("requestBody").is_some(),
                matches!(method.as_str(), "post" | "put") && !path.ends_with("/end"),
                "{path}"
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
        "POST /api/domo/conversations",
        "POST /api/domo/conversations/{id}/end",
        "POST /api/domo/conversations/{id}/knowledge",
        "POST /api/domo/demos/{id}/knowledge",
        "POST /api/domo/tools/search_knowledge",
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

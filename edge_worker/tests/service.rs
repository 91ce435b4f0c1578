//! The service on a real database: its routes, its answers when something is wrong, and how it starts and stops.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use edge_worker::app::{self, App};
use edge_worker::db;
use edge_worker::http::body::{LIMIT_BYTES, RawBody};
use edge_worker::providers::project::{Freshness, Project};
use edge_worker::serve::serve_until;
use edge_worker::telemetry::Metrics;
use serde_json::Value;
use support::database::{Database, Line, Proxy};
use support::upstream::{Answer, Upstream};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

fn app(url: &str) -> App {
    app_of(url, "http://127.0.0.1:9")
}

/// Of a project.
fn app_of(url: &str, project_url: &str) -> App {
    let changes = [("WORKER_DB_CONNECTIONS", "2"), ("SUPABASE_URL", project_url)];
    support::app::app(&support::app::config(url, &changes))
}

async fn ask(router: &Router, request: Request<Body>) -> Response {
    router.clone().oneshot(request).await.unwrap()
}

async fn get_path(router: &Router, path: &str) -> Response {
    ask(router, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn refusal(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    let names: BTreeSet<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["code", "details", "hint", "message"]));
    assert_eq!(body["code"], format!("PT{status}"));
    (status, body["details"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn service_is_ready_as_long_as_its_database_answers() {
    let database = Database::start().await;
    let proxy = Proxy::start(database.url()).await;
    let project = Upstream::start().await;
    let app = app_of(&proxy.url, &project.url);
    db::check(&app.pool).await.unwrap();
    let router = app::router(app.clone());

    assert_eq!(get_path(&router, "/readyz").await.status(), StatusCode::OK);
    proxy.line.send(Line::Cut).unwrap();
    let answer = get_path(&router, "/readyz").await;
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_eq!(refusal(answer).await, (503, "database_unavailable".into()));
    assert_eq!(
        get_path(&router, "/healthz").await.status(),
        StatusCode::OK,
        "alive all the same"
    );
    proxy.line.send(Line::Open).unwrap();
    assert_eq!(get_path(&router, "/readyz").await.status(), StatusCode::OK);

    metrics_count_all_of_it(&router).await;
    app.stopping.cancel();
    assert_eq!(
        refusal(get_path(&router, "/readyz").await).await,
        (503, "stopping".into())
    );

    databases_that_will_not_do_are_refused(&database).await;
    app.pool.close().await;
    database.stack.stop().await.unwrap();
}

async fn metrics_count_all_of_it(router: &Router) {
    let answer = get_path(router, "/metrics").await;
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    let text = text(answer).await;
    for line in [
        "parley_worker_http_requests_total{method=\"GET\",route=\"/readyz\",status=\"200\"} 2",
        "parley_worker_http_requests_total{method=\"GET\",route=\"/readyz\",status=\"503\"} 1",
        "parley_worker_http_request_duration_seconds_count{method=\"GET\",route=\"/healthz\"} 1",
        "parley_worker_http_requests_in_flight 1",
        "parley_worker_build_info{version=\"",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} not in {text}");
    }
    // The one that the last answer used may be on its way back.
    let connections = ["idle", "busy"].map(|state| {
        let name = format!("parley_worker_database_connections{{state=\"{state}\"}} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&name));
        value.unwrap().parse::<u32>().unwrap()
    });
    assert_eq!(connections.iter().sum::<u32>(), 1);
}

/// Why a worker with this address does not start.
async fn refused(url: &str) -> String {
    let config = support::app::config(url, &[]);
    let error = edge_worker::start(&config, CancellationToken::new())
        .await
        .unwrap_err();
    let told = edge_worker::telemetry::chain(&error);
    assert!(!told.contains("wr0ngpassword"), "{told}");
    told
}

async fn databases_that_will_not_do_are_refused(database: &Database) {
    let owner = sqlx::PgPool::connect(database.url()).await.unwrap();
    sqlx::raw_sql("create role a_stranger login password 'wr0ngpassword'")
        .execute(&owner)
        .await
        .unwrap();
    owner.close().await;
    let with = |change: fn(&mut url::Url)| {
        let mut url: url::Url = database.url().parse().unwrap();
        change(&mut url);
        url.to_string()
    };
    let as_stranger = |url: &mut url::Url| {
        url.set_username("a_stranger").unwrap();
        url.set_password(Some("wr0ngpassword")).unwrap();
    };
    let as_nobody = |url: &mut url::Url| {
        url.set_username("nobody_at_all").unwrap();
        url.set_password(Some("wr0ngpassword")).unwrap();
    };
    for (url, reason) in [
        (
            with(|url| url.set_path("template1")),
            "the schema parley is not there; apply the migrations first",
        ),
        (
            with(|url| url.set_path("no_such_database")),
            "there is no such database",
        ),
        (
            with(as_stranger),
            "the role a_stranger may not use the schema parley; connect as parley_worker",
        ),
        (with(as_nobody), "the database refuses the role or its password"),
        (
            with(|url| url.set_password(Some("wr0ngpassword")).unwrap()),
            "the database refuses the role or its password",
        ),
        (
            with(|url| url.set_host(Some("db.invalid")).unwrap()),
            "the name of the database's host is not known",
        ),
        (
            with(|url| url.set_port(Some(9)).unwrap()),
            "nobody listens at the address of the database",
        ),
        (
            with(|url| url.set_query(Some("sslmode=require"))),
            "no TLS connection to the database comes about",
        ),
    ] {
        let told = refused(&url).await;
        assert!(
            told.starts_with(&format!("WORKER_DB_URL: {reason}")),
            "{reason}: {told}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn service_is_ready_when_the_project_has_taken_its_address_and_keys_and_stays_so() {
    let database = Database::start().await;
    let real = database.stack.endpoints();
    let keys = [
        ("SUPABASE_URL", real.api_url.as_str()),
        ("SUPABASE_PUBLISHABLE_KEY", real.publishable_key.as_str()),
        ("SUPABASE_SECRET_KEY", real.secret_key.as_str()),
    ];
    for (change, expected) in [
        (None, Ok(())),
        (Some(("SUPABASE_PUBLISHABLE_KEY", real.anon_key.as_str())), Ok(())),
        (
            Some(("SUPABASE_SECRET_KEY", "nonsense")),
            Err("secret_key_refused"),
        ),
        (
            Some(("SUPABASE_PUBLISHABLE_KEY", "nonsense")),
            Err("publishable_key_refused"),
        ),
        (
            Some(("SUPABASE_URL", "http://127.0.0.1:9")),
            Err("data_api_unreachable"),
        ),
    ] {
        let changes: Vec<_> = change.into_iter().chain(keys).collect();
        let app = support::app::app(&support::app::config(database.url(), &changes));
        let answer = get_path(&app::router(app.clone()), "/readyz").await;
        match expected {
            Ok(()) => assert_eq!(text(answer).await, r#"{"status":"ready","project":"ok"}"#),
            Err(word) => assert_eq!(refusal(answer).await, (503, word.into())),
        }
        app.pool.close().await;
    }

    // What goes away later takes no callbacks along. A probe is no load.
    let upstream = Upstream::start().await;
    let mut app = app_of(database.url(), &upstream.url);
    let router = app::router(app.clone());
    for _ in 0..20 {
        assert_eq!(get_path(&router, "/readyz").await.status(), StatusCode::OK);
    }
    assert_eq!(upstream.asked().len(), 2, "one a key");
    let impatient = Freshness {
        well: Duration::ZERO,
        ill: Duration::ZERO,
    };
    let config = support::app::config(database.url(), &[("SUPABASE_URL", &upstream.url)]);
    app.project = Project::new(&config.supabase, impatient, Metrics::default()).unwrap();
    let router = app::router(app.clone());
    for (says, expected) in [
        (Answer::json(502, "{}"), Err((503, "data_api_failing".to_owned()))),
        (Answer::json(404, "{}"), Err((503, "not_the_data_api".to_owned()))),
        (Answer::ok(), Ok(r#"{"status":"ready","project":"ok"}"#)),
        (
            Answer::BreaksOff,
            Ok(r#"{"status":"degraded","project":"data_api_unreachable"}"#),
        ),
        (
            Answer::json(401, r#"{"message":"Invalid API key"}"#),
            Ok(r#"{"status":"degraded","project":"publishable_key_refused"}"#),
        ),
        (Answer::ok(), Ok(r#"{"status":"ready","project":"ok"}"#)),
    ] {
        upstream.says(says);
        let answer = get_path(&router, "/readyz").await;
        match expected {
            Ok(body) => assert_eq!(text(answer).await, body),
            Err(told) => assert_eq!(refusal(answer).await, told),
        }
    }
    app.pool.close().await;
    database.stack.stop().await.unwrap();
}

/// Routes of the test, with what every request gets.
fn observed() -> Router {
    let routes = Router::new()
        .route("/echo/{token}", post(async |RawBody(body): RawBody| body))
        .route("/panic", get(async || -> () { panic!("a s3cret") }));
    app::observed(routes, Metrics::default())
}

#[tokio::test]
async fn every_refusal_has_the_same_body() {
    let router = app::router(app("postgresql://nobody@127.0.0.1:9/none"));
    assert_eq!(
        refusal(get_path(&router, "/nowhere").await).await,
        (404, "route_not_found".into())
    );
    let wrong = Request::delete("/healthz").body(Body::empty()).unwrap();
    assert_eq!(
        refusal(ask(&router, wrong).await).await,
        (405, "method_not_allowed".into())
    );
    let broken = get_path(&observed(), "/panic").await;
    assert!(broken.headers().contains_key("x-request-id"));
    assert_eq!(refusal(broken).await, (500, "internal".into()));
}

#[tokio::test]
async fn body_of_a_mebibyte_is_read_and_one_byte_more_is_refused_announced_or_not() {
    let router = observed();
    let send = |length: usize, is_announced: bool| {
        let bytes = vec![b'x'; length];
        let body = if is_announced {
            Body::from(bytes)
        } else {
            Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(bytes)]))
        };
        let mut request = Request::post("/echo/t0ken");
        if is_announced {
            request = request.header("content-length", length);
        }
        let request = request.body(body).unwrap();
        let router = router.clone();
        async move { ask(&router, request).await }
    };
    for is_announced in [true, false] {
        let whole = send(LIMIT_BYTES, is_announced).await;
        assert_eq!(whole.status(), StatusCode::OK);
        assert_eq!(text(whole).await.len(), LIMIT_BYTES);
        let refused = send(LIMIT_BYTES + 1, is_announced).await;
        assert_eq!(
            refusal(refused).await,
            (413, "body_too_large".into()),
            "{is_announced}"
        );
    }
}

#[tokio::test]
async fn answer_carries_the_id_of_its_request() {
    let router = observed();
    let request = Request::get("/nowhere")
        .header("x-request-id", "abc-1")
        .body(Body::empty())
        .unwrap();
    assert_eq!(ask(&router, request).await.headers()["x-request-id"], "abc-1");
    let made = get_path(&router, "/nowhere").await.headers()["x-request-id"].clone();
    assert_eq!(made.len(), 36);
}

#[tokio::test]
async fn description_lists_every_route_and_the_body_of_errors() {
    let router = app::router(app("postgresql://nobody@127.0.0.1:9/none"));
    let description: Value =
        serde_json::from_str(&text(get_path(&router, "/openapi.json").await).await).unwrap();
    let paths: BTreeSet<_> = description["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        // Those of the apps have tests of their own.
        .filter(|path| !path.starts_with("/api/"))
        .collect();
    assert_eq!(
        paths,
        BTreeSet::from(["/healthz", "/metrics", "/readyz", "/webhooks/tavus/{token}"])
    );
    let body = &description["components"]["schemas"]["ErrorBody"]["properties"];
    assert!(body["code"].is_object() && body["hint"].is_object(), "{body}");
}

/// A route that says when it has been entered, and answers when it is let.
fn held(entered: &std::sync::Arc<Notify>, release: &std::sync::Arc<Notify>) -> Router {
    let (entered, release) = (entered.clone(), release.clone());
    Router::new().route(
        "/held",
        get(async move || {
            entered.notify_one();
            release.notified().await;
            "answered"
        }),
    )
}

#[tokio::test]
async fn shutdown_takes_no_new_request_and_finishes_the_one_it_holds() {
    let (entered, release) = (
        std::sync::Arc::new(Notify::new()),
        std::sync::Arc::new(Notify::new()),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stopping = CancellationToken::new();
    let router = held(&entered, &release);
    let serving = tokio::spawn(serve_until(
        listener,
        router,
        stopping.clone(),
        Duration::from_secs(60),
    ));
    let request = tokio::spawn(reqwest::get(format!("http://{address}/held")));
    entered.notified().await;
    stopping.cancel();
    // The listener is gone as soon as the server has seen it; until then a connection may still come about.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!serving.is_finished());
    release.notify_one();
    assert_eq!(request.await.unwrap().unwrap().text().await.unwrap(), "answered");
    assert!(serving.await.unwrap(), "every request was answered");
}

#[tokio::test]
async fn shutdown_does_not_wait_for_ever() {
    let (entered, release) = (
        std::sync::Arc::new(Notify::new()),
        std::sync::Arc::new(Notify::new()),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stopping = CancellationToken::new();
    let router = held(&entered, &release);
    let serving = tokio::spawn(serve_until(
        listener,
        router,
        stopping.clone(),
        Duration::from_millis(1),
    ));
    let _request = tokio::spawn(reqwest::get(format!("http://{address}/held")));
    entered.notified().await;
    stopping.cancel();
    assert!(!serving.await.unwrap());
}

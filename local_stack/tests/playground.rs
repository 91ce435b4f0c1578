//! What the stack serves beside the APIs: the built playground, what it must know, and the list of routes.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use std::io::{Read as _, Write as _};

use local_stack::Stack;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use support::Project;

const DIST: &str = "local_stack/playground/dist";

/// A project whose playground is built: a page and one script.
fn built() -> Project {
    let project = Project::new("select 1;");
    build(&project);
    project
}

fn build(project: &Project) {
    let assets = project.path(DIST).join("assets");
    std::fs::create_dir_all(&assets).unwrap();
    std::fs::write(
        project.path(DIST).join("index.html"),
        "<!doctype html><title>Parley</title>",
    )
    .unwrap();
    std::fs::write(assets.join("index-3f2a.js"), "export {};").unwrap();
    std::fs::write(project.path("local_stack/secret.txt"), "outside").unwrap();
}

async fn get(stack: &Stack, path: &str) -> Response {
    let url = format!("{}{path}", stack.endpoints().api_url);
    reqwest::get(url).await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// Sends a request target as it is; clients tidy up paths before they send them.
fn raw_get(stack: &Stack, target: &str) -> String {
    let address = stack.endpoints().api_url.strip_prefix("http://").unwrap();
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    write!(
        socket,
        "GET {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn page_is_checked_for_news_and_its_hashed_files_are_kept() {
    let project = built();
    let stack = project.start().await;

    let page = get(&stack, "/").await;
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(header(&page, "content-type"), "text/html");
    assert_eq!(header(&page, "cache-control"), "no-cache");
    assert_eq!(header(&page, "x-content-type-options"), "nosniff");
    let policy = header(&page, "content-security-policy").to_owned();
    let socket = stack.endpoints().api_url.replace("http://", "ws://");
    assert!(
        policy.contains(&format!("connect-src 'self' {socket};")),
        "{policy}"
    );
    assert!(page.text().await.unwrap().contains("<title>Parley</title>"));

    let script = get(&stack, "/assets/index-3f2a.js").await;
    assert_eq!(script.status(), StatusCode::OK);
    assert_eq!(header(&script, "content-type"), "text/javascript");
    assert_eq!(
        header(&script, "cache-control"),
        "public, max-age=31536000, immutable"
    );

    // A name that is gone after the next build must not be remembered as missing, nor a missing one as there.
    let gone = get(&stack, "/assets/index-0000.js").await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    assert_eq!(header(&gone, "cache-control"), "");
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn page_is_told_the_address_it_came_from_and_only_the_publishable_key() {
    let project = built();
    let stack = project.start().await;
    let endpoints = stack.endpoints();

    let answer = get(&stack, "/playground.json").await;
    assert_eq!(header(&answer, "content-type"), "application/json");
    assert_eq!(header(&answer, "cache-control"), "no-store");
    let text = answer.text().await.unwrap();
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["url"], endpoints.api_url);
    assert_eq!(told["publishable_key"], endpoints.publishable_key);
    assert_eq!(told.as_object().unwrap().len(), 2);
    for secret in [
        &endpoints.secret_key,
        &endpoints.service_role_key,
        &endpoints.jwt_secret,
    ] {
        assert!(!text.contains(secret.as_str()));
    }

    let by_name = endpoints.api_url.replace("127.0.0.1", "localhost");
    let told: Value = reqwest::get(format!("{by_name}/playground.json"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(told["url"], by_name);
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_the_folder_is_served() {
    let project = built();
    let stack = project.start().await;
    for target in [
        "/../../secret.txt",
        "/assets/../../../secret.txt",
        "/%2e%2e/%2e%2e/secret.txt",
        "/..%2f..%2fsecret.txt",
        "/assets/..%5c..%5csecret.txt",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/index.html%00.js",
        "/assets",
        "/assets/",
    ] {
        let answer = raw_get(&stack, target);
        assert!(!answer.starts_with("HTTP/1.1 2"), "{target}: {answer}");
        assert!(
            !answer.contains("outside") && !answer.contains("root:"),
            "{target}: {answer}"
        );
    }
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_playground_is_named_with_its_command_and_served_once_it_is_there() {
    let project = Project::new("select 1;");
    let stack = project.start().await;

    let answer = get(&stack, "/").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(header(&answer, "content-type").starts_with("text/plain"));
    let text = answer.text().await.unwrap();
    assert!(text.contains("not built") && text.contains("bin/setup"), "{text}");

    build(&project);
    let page = get(&stack, "/").await;
    assert!(page.text().await.unwrap().contains("<title>Parley</title>"));
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn other_paths_keep_their_plain_answers() {
    let project = built();
    let stack = project.start().await;

    let routes = get(&stack, "/routes").await;
    assert!(header(&routes, "content-type").starts_with("text/plain"));
    let text = routes.text().await.unwrap();
    for route in ["/rest/v1", "/auth/v1", "/realtime/v1"] {
        assert!(text.contains(route), "{text}");
    }

    let unknown = get(&stack, "/nowhere").await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    let body: Value = unknown.json().await.unwrap();
    assert_eq!(body["message"], "no route for /nowhere");
    assert!(body["hint"].as_str().unwrap().contains("/routes"));

    let posted = reqwest::Client::new()
        .post(format!("{}/nowhere", stack.endpoints().api_url))
        .send()
        .await
        .unwrap();
    assert_eq!(posted.status(), StatusCode::NOT_FOUND);

    // The APIs are asked before the files are: a missing key stays the answer there.
    let unguarded = get(&stack, "/rest/v1/assets").await;
    assert_eq!(unguarded.status(), StatusCode::UNAUTHORIZED);
    stack.stop().await.unwrap();
}

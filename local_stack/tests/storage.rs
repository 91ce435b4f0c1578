//! Files and their rows: together or not at all, whatever happens in between.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use local_stack::Stack;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use support::Project;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const BUCKET: &str = "insert into storage.buckets (id, name) values ('b', 'b');";

fn ask(stack: &Stack, method: Method, path: &str) -> RequestBuilder {
    let endpoints = stack.endpoints();
    reqwest::Client::new()
        .request(method, format!("{}/storage/v1{path}", endpoints.api_url))
        .header("apikey", &endpoints.secret_key)
}

async fn put(stack: &Stack, name: &str, content: impl Into<reqwest::Body>) -> (StatusCode, Value) {
    let request = ask(stack, Method::PUT, &format!("/object/b/{name}"));
    let response = request.body(content).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn content(stack: &Stack, name: &str) -> Option<String> {
    let response = ask(stack, Method::GET, &format!("/object/b/{name}"))
        .send()
        .await
        .unwrap();
    let is_there = response.status().is_success();
    let text = response.text().await.unwrap();
    is_there.then_some(text)
}

async fn sql(stack: &Stack, statement: &str) {
    let mut connection = PgConnection::connect(&stack.endpoints().admin_db_url)
        .await
        .unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
}

/// All files of the service, drafts among them.
fn files(project: &Project) -> Vec<PathBuf> {
    fn below(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        entries
            .flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] })
            .collect()
    }
    below(&project.path("data/storage"))
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_private_and_survive_a_restart() {
    let project = Project::new(BUCKET);
    let stack = project.start().await;
    assert_eq!(put(&stack, "a.txt", "one").await.0, 200);
    assert_eq!(put(&stack, "a.txt", "two").await.0, 200);
    let found = files(&project);
    assert_eq!(found.len(), 1, "{found:?}");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&found[0]), 0o600);
    assert_eq!(mode(found[0].parent().unwrap()), 0o700);
    stack.stop().await.unwrap();
    let stack = project.start().await;
    assert_eq!(content(&stack, "a.txt").await.as_deref(), Some("two"));
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn row_that_is_refused_at_the_very_end_leaves_no_file() {
    let project = Project::new(BUCKET);
    let stack = project.start().await;
    assert_eq!(put(&stack, "kept.txt", "old").await.0, 200);
    let before = files(&project);
    sql(
        &stack,
        "create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
        create constraint trigger refuse after insert or update on storage.objects
        deferrable initially deferred for each row execute function public.refuse()",
    )
    .await;
    for name in ["new.txt", "kept.txt"] {
        let (status, body) = put(&stack, name, "new").await;
        assert_eq!(
            (status.as_u16(), &body["code"]),
            (500, &json!("DatabaseError")),
            "{body}"
        );
    }
    assert_eq!(files(&project), before);
    assert_eq!(content(&stack, "kept.txt").await.as_deref(), Some("old"));
    assert_eq!(content(&stack, "new.txt").await, None);
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_that_breaks_off_leaves_nothing() {
    let project = Project::new(BUCKET);
    let stack = project.start().await;
    let address = stack
        .endpoints()
        .api_url
        .strip_prefix("http://")
        .unwrap()
        .to_owned();
    let mut socket = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /storage/v1/object/b/half.txt HTTP/1.1\r\nhost: {address}\r\napikey: {}\r\ncontent-length: 100\r\n\r\nhalf",
        stack.endpoints().secret_key
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    until(|| files(&project).len() == 1).await;
    drop(socket);
    until(|| files(&project).is_empty()).await;
    assert_eq!(content(&stack, "half.txt").await, None);
    stack.stop().await.unwrap();
}

/// A client that sends all of its file before it listens would see nothing but a broken connection.
#[tokio::test(flavor = "multi_thread")]
async fn refused_upload_is_read_to_its_end_and_answered() {
    let project = Project::new(BUCKET);
    let stack = project.start().await;
    let address = stack
        .endpoints()
        .api_url
        .strip_prefix("http://")
        .unwrap()
        .to_owned();
    let mut socket = tokio::net::TcpStream::connect(&address).await.unwrap();
    let size = 32 * 1024 * 1024;
    let head = format!(
        "POST /storage/v1/object/b/a.txt HTTP/1.1\r\nhost: {address}\r\napikey: {}\r\nconnection: close\r\ncontent-length: {size}\r\n\r\n",
        stack.endpoints().publishable_key
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&vec![0; size]).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.contains("new row violates row-level security policy"),
        "{answer}"
    );
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn start_removes_what_no_row_names_and_keeps_the_rest() {
    let project = Project::new(BUCKET);
    let stack = project.start().await;
    assert_eq!(put(&stack, "a.txt", "kept").await.0, 200);
    stack.stop().await.unwrap();
    let folder = project.path("data/storage");
    let orphan = folder.join("0b0f4c0e-7a35-4c5e-9d3f-1d8ab2f6d001");
    let draft = folder.join("incoming/0b0f4c0e-7a35-4c5e-9d3f-1d8ab2f6d002");
    for path in [&orphan, &draft] {
        std::fs::write(path, "of a killed upload").unwrap();
    }
    let stack = project.start().await;
    assert!(!orphan.exists() && !draft.exists());
    assert_eq!(content(&stack, "a.txt").await.as_deref(), Some("kept"));
    stack.stop().await.unwrap();
    local_stack::reset(&project.path("data")).unwrap();
    assert!(!folder.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn row_written_by_hand_leads_to_no_file_of_the_machine() {
    let project = Project::new(BUCKET);
    let stack = project.start().await;
    for version in [
        "null",
        "'../stack.env'",
        "'/etc/passwd'",
        "'0b0f4c0e-7a35-4c5e-9d3f-1d8ab2f6d001'",
    ] {
        sql(
            &stack,
            &format!(
                "insert into storage.objects (bucket_id, name, version) values ('b', 'hand.txt', {version})
                on conflict (bucket_id, name) do update set version = excluded.version"
            ),
        )
        .await;
        let response = ask(&stack, Method::GET, "/object/b/hand.txt")
            .send()
            .await
            .unwrap();
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["statusCode"], "404", "{version}: {body}");
    }
    // An upload heals it.
    assert_eq!(put(&stack, "hand.txt", "whole").await.0, 200);
    assert_eq!(content(&stack, "hand.txt").await.as_deref(), Some("whole"));
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_of_the_project_counts_where_the_bucket_has_none() {
    let project = Project::new(BUCKET);
    let settings = project.path("supabase/config.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(
        &settings,
        format!("{text}[storage]\nfile_size_limit = \"1KiB\"\n"),
    )
    .unwrap();
    let stack = project.start().await;
    assert_eq!(put(&stack, "a.txt", "x".repeat(1024)).await.0, 200);
    let (status, body) = put(&stack, "b.txt", "x".repeat(1025)).await;
    assert_eq!((status.as_u16(), &body["statusCode"]), (400, &json!("413")));
    assert_eq!(body["error"], "Payload too large");
    assert_eq!(files(&project).len(), 1);
    stack.stop().await.unwrap();
}

/// Policies are told what is done, and run with the claims of who does it.
#[tokio::test(flavor = "multi_thread")]
async fn policy_knows_the_operation() {
    let project = Project::new(&format!(
        "{BUCKET}
        create policy \"upload only\" on storage.objects for insert to anon
        with check (storage.allow_only_operation('object.upload') and auth.role() = 'anon');"
    ));
    let stack = project.start().await;
    let endpoints = stack.endpoints();
    let send = |method, path: &str| {
        reqwest::Client::new()
            .request(method, format!("{}/storage/v1/object/{path}", endpoints.api_url))
            .header("apikey", &endpoints.publishable_key)
            .body("x")
            .send()
    };
    assert_eq!(send(Method::POST, "b/a.txt").await.unwrap().status(), 200);
    assert_eq!(send(Method::PUT, "b/c.txt").await.unwrap().status(), 400);
    assert_eq!(
        send(Method::POST, "upload/sign/b/d.txt").await.unwrap().status(),
        400
    );
    stack.stop().await.unwrap();
}

/// Waits for something that happens on its own.
async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), waiting)
        .await
        .unwrap();
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn post(stack: &Stack, path: &str, body: Value) -> (u16, Value) {
    answer(ask(stack, Method::POST, path).json(&body)).await
}

/// Some clients send numbers as text, and Supabase's validator takes them; what it refuses is refused in its words.
#[tokio::test(flavor = "multi_thread")]
async fn every_route_reads_values_of_other_types_as_supabase_does() {
    let project = Project::new(BUCKET);
    let stack = project.start().await;
    assert_eq!(put(&stack, "a.txt", "one").await.0, 200);
    for (path, body) in [
        ("/object/sign/b/a.txt", json!({ "expiresIn": "60" })),
        ("/object/sign/b", json!({ "expiresIn": "60", "paths": "a.txt" })),
        (
            "/object/list/b",
            json!({ "prefix": null, "limit": "1", "offset": "0", "sortBy": { "column": ["name"] } }),
        ),
        (
            "/object/list-v2/b",
            json!({ "limit": "1", "with_delimiter": "true", "prefix": null }),
        ),
        (
            "/object/copy",
            json!({ "bucketId": "b", "sourceKey": "a.txt", "destinationKey": 7, "copyMetadata": "false" }),
        ),
        (
            "/object/move",
            json!({ "bucketId": ["b"], "sourceKey": 7, "destinationKey": true }),
        ),
        (
            "/bucket",
            json!({ "name": "c", "public": "true", "file_size_limit": "20", "allowed_mime_types": "text/plain" }),
        ),
    ] {
        let (status, answer) = post(&stack, path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
    }
    let (_, bucket) = answer(ask(&stack, Method::GET, "/bucket/c")).await;
    assert_eq!(
        (
            &bucket["public"],
            &bucket["file_size_limit"],
            &bucket["allowed_mime_types"]
        ),
        (&json!(true), &json!(20), &json!(["text/plain"]))
    );
    let (_, buckets) = answer(ask(
        &stack,
        Method::GET,
        "/bucket?limit=1&offset=0&sortColumn=name&sortOrder=desc",
    ))
    .await;
    assert_eq!(buckets.as_array().map(Vec::len), Some(1), "{buckets}");
    assert_eq!(buckets[0]["id"], "c");
    let removal = ask(&stack, Method::DELETE, "/object/b").json(&json!({ "prefixes": "true" }));
    assert_eq!(answer(removal).await.1.as_array().map(Vec::len), Some(1));
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_body_or_query_is_refused_in_the_words_of_supabase() {
    let project = Project::new(BUCKET);
    let stack = project.start().await;
    for (path, body, message) in [
        (
            "/object/sign/b/a",
            json!({}),
            "body must have required property 'expiresIn'",
        ),
        (
            "/object/sign/b/a",
            json!({ "expiresIn": "soon" }),
            "body/expiresIn must be integer",
        ),
        (
            "/object/sign/b/a",
            json!({ "expiresIn": 0 }),
            "body/expiresIn must be >= 1",
        ),
        ("/object/sign/b/a", json!([]), "body must be object"),
        (
            "/object/list/b",
            json!({ "prefix": "", "sortBy": { "column": "size" } }),
            "body/sortBy/column must be equal to one of the allowed values",
        ),
        (
            "/object/list/b",
            json!({ "prefix": "", "sortBy": { "order": "asc" } }),
            "body/sortBy must have required property 'column'",
        ),
        (
            "/object/list-v2/b",
            json!({ "cursor": "x" }),
            "Invalid Parameter continuation token",
        ),
        (
            "/bucket",
            json!({ "name": "d", "public": "yes" }),
            "body/public must be boolean",
        ),
    ] {
        let (status, answer) = post(&stack, path, body).await;
        assert_eq!((status, &answer["message"]), (400, &json!(message)), "{answer}");
        assert_eq!(answer["statusCode"], "400", "{answer}");
    }
    let (status, refusal) = answer(ask(&stack, Method::GET, "/bucket?limit=0")).await;
    assert_eq!(
        (status, &refusal["message"]),
        (400, &json!("querystring/limit must be >= 1"))
    );
    let text = ask(&stack, Method::POST, "/object/list/b").body("prefix=");
    assert_eq!(answer(text).await.1["code"], "InvalidMimeType");
    let broken = ask(&stack, Method::POST, "/object/list/b")
        .header("content-type", "application/json")
        .body("{");
    assert_eq!(answer(broken).await.1["code"], "InvalidRequest");
    let long = json!({ "prefix": "x".repeat(2 * 1024 * 1024) });
    let (status, refusal) = post(&stack, "/object/list/b", long).await;
    assert_eq!(
        (status, &refusal["message"]),
        (413, &json!("Request body is too large"))
    );
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn listing_goes_on_where_its_page_ended() {
    let project = Project::new(BUCKET);
    let stack = project.start().await;
    for name in ["a-b", "a/1", "a/2/x", "b", "c%20d", "z/deep/er"] {
        assert_eq!(put(&stack, name, "x").await.0, 200);
    }
    let whole = ["a-b", "a/1", "a/2/x", "b", "c d", "z/deep/er"];
    // By time a folder stands where its oldest object does.
    let levels = [
        ("name", ["a-b", "a/", "b", "c d", "z/"]),
        ("created_at", ["a-b", "a/", "b", "c d", "z/"]),
    ];
    for (column, level) in levels {
        for (by_level, names) in [(false, whole.to_vec()), (true, level.to_vec())] {
            for (order, names) in [
                ("asc", names.clone()),
                ("desc", names.into_iter().rev().collect()),
            ] {
                let sort_by = json!({ "column": column, "order": order });
                assert_eq!(
                    pages(
                        &stack,
                        json!({ "limit": 2, "with_delimiter": by_level, "sortBy": sort_by })
                    )
                    .await,
                    names,
                    "{column} {order} {by_level}"
                );
            }
        }
    }
    assert_eq!(
        pages(&stack, json!({ "limit": 1, "prefix": "a/" })).await,
        ["a/1", "a/2/x"]
    );
    let (_, page) = post(
        &stack,
        "/object/list-v2/b",
        json!({ "prefix": "a/", "with_delimiter": true }),
    )
    .await;
    assert_eq!(
        (
            &page["folders"][0]["key"],
            &page["folders"][0]["name"],
            &page["objects"][0]["key"]
        ),
        (&json!("2"), &json!("a/2/"), &json!("1"))
    );
    stack.stop().await.unwrap();
}

/// The names of all pages.
async fn pages(stack: &Stack, mut request: Value) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let (status, page) = post(stack, "/object/list-v2/b", request.clone()).await;
        assert_eq!(status, 200, "{page}");
        let mut entries: Vec<&Value> = ["folders", "objects"]
            .iter()
            .flat_map(|kind| page[kind].as_array().unwrap())
            .collect();
        // A page has them apart; its end says which of them was the last.
        let last = page["nextCursorKey"].as_str();
        entries.sort_by_key(|entry| entry["name"].as_str() == last);
        names.extend(
            entries
                .iter()
                .map(|entry| entry["name"].as_str().unwrap().to_owned()),
        );
        match page["hasNext"].as_bool() {
            Some(true) => request["cursor"] = page["nextCursor"].clone(),
            _ => return names,
        }
    }
}

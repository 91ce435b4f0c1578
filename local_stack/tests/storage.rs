//! Files and their rows: together or not at all, whatever happens in between.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

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

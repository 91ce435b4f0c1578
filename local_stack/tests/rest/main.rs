//! `/rest/v1` answers as PostgREST does: values, relationships, functions, errors, rights.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod answers;
mod changes;
mod relationships;
#[path = "../support/mod.rs"]
mod support;
mod values;

use local_stack::Stack;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sqlx::Connection as _;
use support::Project;

const MIGRATION: &str = include_str!("schema.sql");

async fn send(
    stack: &Stack,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: Option<Value>,
) -> Response {
    let endpoints = stack.endpoints();
    let url = format!("{}/rest/v1/{path}", endpoints.api_url);
    let mut request = reqwest::Client::new()
        .request(method, url)
        .header("apikey", &endpoints.publishable_key)
        .header("accept-profile", "app")
        .header("content-profile", "app");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    request.send().await.unwrap()
}

async fn call(stack: &Stack, function: &str, arguments: Value) -> Value {
    let response = send(
        stack,
        Method::POST,
        &format!("rpc/{function}"),
        None,
        Some(arguments),
    )
    .await;
    assert_eq!(response.status(), 200, "{function}");
    response.json().await.unwrap()
}

async fn read(stack: &Stack, path: &str) -> Value {
    send(stack, Method::GET, path, None, None)
        .await
        .json()
        .await
        .unwrap()
}

async fn user_token(stack: &Stack) -> String {
    let endpoints = stack.endpoints();
    let request = reqwest::Client::new()
        .post(format!("{}/auth/v1/signup", endpoints.api_url))
        .header("apikey", &endpoints.publishable_key)
        .json(&json!({}));
    let session: Value = request.send().await.unwrap().json().await.unwrap();
    session["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn gateway_answers_as_postgrest_does() {
    let project = Project::new(MIGRATION);
    let stack = project.start().await;
    values::null_arguments_arrive_as_null(&stack).await;
    queries_mean_what_supabase_js_means(&stack).await;
    rows_of_a_function_are_filtered_like_those_of_a_table(&stack).await;
    answers::raised_errors_keep_their_status_and_fields(&stack).await;
    rights_are_refused_by_who_is_asking(&stack).await;
    requests_run_as_their_caller(&stack).await;
    values::values_are_those_that_postgres_writes(&stack).await;
    values::arguments_take_every_form(&stack).await;
    values::functions_of_values_are_cut_and_paged(&stack).await;
    relationships::relationships_are_embedded_and_counted(&stack).await;
    relationships::relationships_that_are_unclear_are_refused(&stack).await;
    answers::errors_have_the_codes_of_postgrest(&stack).await;
    answers::profiles_count_only_where_they_are_meant(&stack).await;
    changes::changes_are_counted_bounded_and_returned(&stack).await;
    answers::answers_have_the_form_that_was_asked_for(&stack).await;
    answers::functions_decide_status_and_headers(&stack).await;
    relationships::settings_in_the_database_are_followed(&stack).await;
    answers::address_is_taken_as_it_is_typed(&stack).await;
    schema_is_read_again_after_a_change(&stack).await;
    stack.stop().await.unwrap();
}

async fn queries_mean_what_supabase_js_means(stack: &Stack) {
    assert_eq!(
        read(stack, "notes?select=id&body=eq.two+words").await,
        json!([{ "id": 1 }])
    );
    assert_eq!(
        read(stack, "notes?select=id&body=eq.plus%2Bsign").await,
        json!([{ "id": 2 }])
    );
    let token = user_token(stack).await;
    let rows = json!([{ "id": 10, "body": "x" }, { "id": 11, "body": "y" }]);
    let path = "notes?columns=%22id%22%2C%22body%22";
    let inserted = send(stack, Method::POST, path, Some(&token), Some(rows)).await;
    assert_eq!(inserted.status(), 201);
    assert_eq!(
        read(stack, "notes?select=body&id=eq.11").await,
        json!([{ "body": "y" }])
    );
}

async fn rows_of_a_function_are_filtered_like_those_of_a_table(stack: &Stack) {
    assert_eq!(
        call(
            stack,
            "numbers?select=square&n=gt.1&order=n.desc",
            json!({ "up_to": 3 })
        )
        .await,
        json!([{ "square": 9 }, { "square": 4 }])
    );
    let capped = call(stack, "numbers", json!({ "up_to": 100 })).await;
    assert_eq!(capped.as_array().unwrap().len(), 10, "max_rows cuts the answer");
}

async fn rights_are_refused_by_who_is_asking(stack: &Stack) {
    let row = json!({ "id": 20, "owner": "11111111-1111-1111-1111-111111111111" });
    let anonymous = send(stack, Method::POST, "notes", None, Some(row.clone())).await;
    assert_eq!(anonymous.status(), 401);
    let token = user_token(stack).await;
    let known = send(stack, Method::POST, "notes", Some(&token), Some(row)).await;
    assert_eq!(known.status(), 403);
    assert_eq!(known.json::<Value>().await.unwrap()["code"], "42501");
    let hidden = send(stack, Method::GET, "hidden", Some(&token), None).await;
    assert_eq!(hidden.status(), 403);
    let secret = stack.endpoints().service_role_key.clone();
    assert_eq!(
        send(stack, Method::GET, "hidden", Some(&secret), None)
            .await
            .status(),
        200
    );
    let forged = send(stack, Method::GET, "notes", Some("a.b.c"), None).await;
    assert_eq!(forged.status(), 401);
    let url = format!("{}/rest/v1/notes", stack.endpoints().api_url);
    assert_eq!(reqwest::get(url).await.unwrap().status(), 401, "no key at all");
}

async fn requests_run_as_their_caller(stack: &Stack) {
    let anonymous = call(stack, "caller", json!({})).await;
    assert_eq!(anonymous, json!({ "uid": null, "role": "anon", "timeout": "3s" }));
    let token = user_token(stack).await;
    let response = send(stack, Method::POST, "rpc/caller", Some(&token), Some(json!({}))).await;
    let known: Value = response.json().await.unwrap();
    assert_eq!(
        (&known["role"], &known["timeout"]),
        (&json!("authenticated"), &json!("8s"))
    );
    assert!(known["uid"].is_string());
    assert_eq!(call(stack, "patient", json!({})).await, json!("20s"));
}

/// A request with headers of its own, as the service.
async fn ask(
    stack: &Stack,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> Response {
    let endpoints = stack.endpoints();
    let mut request = reqwest::Client::new()
        .request(method, format!("{}/rest/v1/{path}", endpoints.api_url))
        .header("apikey", &endpoints.service_role_key);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    request.send().await.unwrap()
}

/// Status and code of a refusal.
async fn refusal(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["code"].as_str().unwrap().to_owned())
}

async fn schema_is_read_again_after_a_change(stack: &Stack) {
    assert_eq!(send(stack, Method::GET, "late", None, None).await.status(), 404);
    let mut database = sqlx::PgConnection::connect(&stack.endpoints().db_url)
        .await
        .unwrap();
    sqlx::raw_sql("create table app.late (id integer primary key); grant select on app.late to anon")
        .execute(&mut database)
        .await
        .unwrap();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while send(stack, Method::GET, "late", None, None).await.status() != 200 {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the new table never appeared"
        );
        tokio::task::yield_now().await;
    }
}

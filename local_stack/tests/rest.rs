//! `/rest/v1`, above all where the gateway makes even what Postrust and PostgREST do differently.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod support;

use local_stack::Stack;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sqlx::Connection as _;
use support::Project;

const MIGRATION: &str = "
create schema app;
grant usage on schema app to anon, authenticated, service_role;
create table app.notes (id integer primary key, body text, owner uuid default auth.uid());
alter table app.notes enable row level security;
grant select, insert on app.notes to anon, authenticated;
create policy \"everyone reads notes\" on app.notes for select to anon, authenticated using (true);
create policy \"owners write notes\" on app.notes for insert to authenticated
    with check (owner = (select auth.uid()));
create table app.hidden (id integer primary key);
alter table app.hidden enable row level security;
grant select on app.hidden to service_role;
insert into app.notes (id, body, owner) values (1, 'two words', null), (2, 'plus+sign', null);
create function app.arguments(a text, b integer default 7, c jsonb default '{}', d text[] default '{}') returns jsonb
    language sql stable as $$ select jsonb_build_object('a', a, 'b', b, 'c', c, 'd', d) $$;
create function app.whole_body(jsonb) returns jsonb language sql stable as $$ select $1 $$;
create function app.fail(state text) returns void language plpgsql as $$
begin
    raise exception using errcode = state, message = 'The room is full.', detail = 'room_full', hint = 'Wait.';
end
$$;
create function app.numbers(up_to integer) returns table (n integer, square integer)
    language sql stable as $$ select i, i * i from generate_series(1, up_to) as i $$;
create function app.patient() returns text language sql set statement_timeout = '20s'
    as $$ select current_setting('statement_timeout') $$;
create function app.caller() returns jsonb language sql stable as $$
    select jsonb_build_object('uid', auth.uid(), 'role', current_user, 'timeout', current_setting('statement_timeout'))
$$;
";

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
    null_arguments_arrive_as_null(&stack).await;
    queries_mean_what_supabase_js_means(&stack).await;
    rows_of_a_function_are_filtered_like_those_of_a_table(&stack).await;
    raised_errors_keep_their_status_and_fields(&stack).await;
    rights_are_refused_by_who_is_asking(&stack).await;
    requests_run_as_their_caller(&stack).await;
    schema_is_read_again_after_a_change(&stack).await;
    stack.stop().await.unwrap();
}

async fn null_arguments_arrive_as_null(stack: &Stack) {
    assert_eq!(
        call(
            stack,
            "arguments",
            json!({ "a": null, "b": null, "c": null, "d": null })
        )
        .await,
        json!({ "a": null, "b": null, "c": null, "d": null })
    );
    assert_eq!(
        call(
            stack,
            "arguments",
            json!({ "a": "", "c": { "x": null }, "d": ["a,b", null] })
        )
        .await,
        json!({ "a": "", "b": 7, "c": { "x": null }, "d": ["a,b", null] })
    );
    assert_eq!(
        call(stack, "whole_body", json!({ "a": null })).await,
        json!({ "a": null })
    );
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

async fn raised_errors_keep_their_status_and_fields(stack: &Stack) {
    for (state, status) in [
        ("PT403", 403),
        ("PT404", 404),
        ("PT409", 409),
        ("PT410", 410),
        ("PT422", 422),
        ("PT429", 429),
    ] {
        let response = send(
            stack,
            Method::POST,
            "rpc/fail",
            None,
            Some(json!({ "state": state })),
        )
        .await;
        assert_eq!(response.status(), status);
        assert_eq!(
            response.json::<Value>().await.unwrap(),
            json!({ "code": state, "message": "The room is full.", "details": "room_full", "hint": "Wait." })
        );
    }
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

//! `/rest/v1` answers as PostgREST does: values, relationships, functions, errors, rights.

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
create type app.point as (x integer, tags text[], at timestamptz);
create function app.made() returns app.point language sql stable
    as $$ select (1, array['a', null, 'b c'], 'infinity')::app.point $$;
create function app.sum_of(p app.point) returns integer language sql stable as $$ select (p).x + array_length((p).tags, 1) $$;
create function app.evens(up_to integer) returns setof integer language sql stable
    as $$ select i * 2 from generate_series(1, up_to) as i $$;
create function app.variadic_sum(variadic numbers integer[]) returns bigint language sql stable
    as $$ select sum(n) from unnest(numbers) as n $$;
create function app.echo(text) returns text language sql stable as $$ select $1 $$;
create function app.twice(a text) returns text language sql stable as $$ select a $$;
create function app.twice(a integer) returns integer language sql stable as $$ select a $$;
create function app.answer() returns void language sql as $$
    select set_config('response.status', '418', true), set_config('response.headers', '[{\"X-Kind\": \"teapot\"}]', true)
$$;
create function app.refuse() returns void language plpgsql as $$
begin
    raise sqlstate 'PGRST' using
        message = '{\"code\": \"brew\", \"message\": \"No coffee.\"}',
        detail = '{\"status\": 402, \"headers\": {\"X-Kind\": \"teapot\"}}';
end
$$;
create function app.insert_note(id integer) returns void language sql as $$ insert into app.notes (id) values (insert_note.id) $$;
create table app.odd (id integer primary key, at timestamptz, amount numeric(10, 2), ratio double precision, tags text[], made app.point);
insert into app.odd values
    (1, 'infinity', 'NaN', 'NaN', '{a,null}', (7, '{x,y}', '-infinity')),
    (2, '2026-01-02 03:04:05.6+00', 1.5, 'Infinity', '{}', null);
create table app.films (id integer primary key, title text not null, price integer not null default 3);
create table app.roles (film_id integer references app.films, actor_id integer, name text, primary key (film_id, actor_id));
create table app.actors (id integer primary key, name text);
alter table app.roles add constraint roles_actor_id_fkey foreign key (actor_id) references app.actors;
create view app.cheap_films as select id as film, title from app.films where price < 5;
create function app.shout(app.films) returns text language sql stable as $$ select upper($1.title) $$;
create function app.sequels(app.films) returns setof app.films language sql stable
    as $$ select * from app.films where id = $1.id + 1 $$;
create table app.addresses (id integer primary key, street text);
create table app.orders (
    id integer primary key,
    bill_id integer constraint bill_fk references app.addresses,
    ship_id integer constraint ship_fk references app.addresses
);
insert into app.films (id, title) values (1, 'Alien'), (2, 'Brazil'), (3, 'Cube');
insert into app.actors values (1, 'Sig'), (2, 'Rob');
insert into app.roles values (1, 1, 'Ripley'), (2, 1, 'Other'), (2, 2, 'Tuttle');
insert into app.addresses values (1, 'One'), (2, 'Two');
insert into app.orders values (1, 1, 2);
create table app.private (id integer primary key);
grant select on app.odd, app.cheap_films, app.roles, app.actors, app.addresses, app.orders to anon, service_role;
grant select, insert, update, delete on app.films to anon, service_role;
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
    values_are_those_that_postgres_writes(&stack).await;
    arguments_take_every_form(&stack).await;
    functions_of_values_are_cut_and_paged(&stack).await;
    relationships_are_embedded_and_counted(&stack).await;
    relationships_that_are_unclear_are_refused(&stack).await;
    errors_have_the_codes_of_postgrest(&stack).await;
    profiles_count_only_where_they_are_meant(&stack).await;
    changes_are_counted_bounded_and_returned(&stack).await;
    answers_have_the_form_that_was_asked_for(&stack).await;
    functions_decide_status_and_headers(&stack).await;
    settings_in_the_database_are_followed(&stack).await;
    address_is_taken_as_it_is_typed(&stack).await;
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

async fn values_are_those_that_postgres_writes(stack: &Stack) {
    assert_eq!(
        call(stack, "made", json!({})).await,
        json!({ "x": 1, "tags": ["a", null, "b c"], "at": "infinity" })
    );
    assert_eq!(
        read(stack, "odd?order=id").await,
        json!([
            { "id": 1, "at": "infinity", "amount": "NaN", "ratio": "NaN", "tags": ["a", null],
              "made": { "x": 7, "tags": ["x", "y"], "at": "-infinity" } },
            { "id": 2, "at": "2026-01-02T03:04:05.6+00:00", "amount": 1.50, "ratio": "Infinity", "tags": [], "made": null },
        ])
    );
    let text = send(stack, Method::GET, "odd?select=amount,at&id=eq.2", None, None).await;
    assert_eq!(
        text.text().await.unwrap(),
        r#"[{"amount":1.50,"at":"2026-01-02T03:04:05.6+00:00"}]"#
    );
    assert_eq!(
        read(stack, "odd?select=id&made->>x=eq.7").await,
        json!([{ "id": 1 }])
    );
}

async fn arguments_take_every_form(stack: &Stack) {
    let point = json!({ "p": { "x": 1, "tags": ["a", "b"], "at": null } });
    assert_eq!(call(stack, "sum_of", point).await, json!(3));
    for body in [
        json!([1, [2], { "a": null }]),
        json!({ "a": 1 }),
        json!("text"),
        json!(5),
    ] {
        assert_eq!(call(stack, "whole_body", body.clone()).await, body);
    }
    assert_eq!(
        call(stack, "variadic_sum", json!({ "numbers": [1, 2, 3] })).await,
        json!(6)
    );
    assert_eq!(
        read(stack, "rpc/variadic_sum?numbers=1&numbers=2").await,
        json!(3)
    );
    assert_eq!(
        read(stack, "rpc/arguments?a=x&b=5").await,
        json!({ "a": "x", "b": 5, "c": {}, "d": [] })
    );
    let text = ask(
        stack,
        Method::POST,
        "rpc/echo",
        &[("content-profile", "app"), ("content-type", "text/plain")],
        None,
    );
    assert_eq!(text.await.json::<Value>().await.unwrap(), json!(""));
    let written = send(stack, Method::GET, "rpc/insert_note?id=50", None, None).await;
    assert_eq!(
        refusal(written).await,
        (405, "25006".to_owned()),
        "a GET cannot write"
    );
}

async fn functions_of_values_are_cut_and_paged(stack: &Stack) {
    let capped = call(stack, "evens", json!({ "up_to": 100 })).await;
    assert_eq!(
        capped.as_array().unwrap().len(),
        10,
        "max_rows cuts sets of values too"
    );
    assert_eq!(
        call(stack, "evens?limit=2&offset=1", json!({ "up_to": 100 })).await,
        json!([4, 6])
    );
}

async fn relationships_are_embedded_and_counted(stack: &Stack) {
    assert_eq!(
        read(stack, "films?select=id,roles(count)&order=id").await,
        json!([
            { "id": 1, "roles": [{ "count": 1 }] },
            { "id": 2, "roles": [{ "count": 2 }] },
            { "id": 3, "roles": [{ "count": 0 }] },
        ])
    );
    assert_eq!(
        read(
            stack,
            "films?select=shout,actors(name),roles(name,film:films(shout))&roles.order=name&id=eq.2"
        )
        .await,
        json!([{
            "shout": "BRAZIL",
            "actors": [{ "name": "Sig" }, { "name": "Rob" }],
            "roles": [{ "name": "Other", "film": { "shout": "BRAZIL" } }, { "name": "Tuttle", "film": { "shout": "BRAZIL" } }],
        }])
    );
    assert_eq!(
        read(stack, "films?select=title,sequels(title)&id=eq.1").await,
        json!([{ "title": "Alien", "sequels": [{ "title": "Brazil" }] }])
    );
    assert_eq!(
        read(
            stack,
            "cheap_films?select=film,roles!inner(name)&roles.name=eq.Ripley"
        )
        .await,
        json!([{ "film": 1, "roles": [{ "name": "Ripley" }] }])
    );
    assert_eq!(
        read(stack, "films?select=id,roles()&roles=is.null").await,
        json!([{ "id": 3 }])
    );
    assert_eq!(
        read(
            stack,
            "roles?select=name,...films(title)&order=films(title).desc,name&limit=1"
        )
        .await,
        json!([{ "name": "Other", "title": "Brazil" }])
    );
    assert_eq!(
        read(
            stack,
            "films?select=id,...roles(name)&id=eq.2&roles.order=name.desc"
        )
        .await,
        json!([{ "id": 2, "name": ["Tuttle", "Other"] }])
    );
    assert_eq!(
        read(
            stack,
            "orders?select=bill:addresses!bill_fk(street),ship:addresses!ship_id(street)"
        )
        .await,
        json!([{ "bill": { "street": "One" }, "ship": { "street": "Two" } }])
    );
}

async fn relationships_that_are_unclear_are_refused(stack: &Stack) {
    let ambiguous = send(
        stack,
        Method::GET,
        "orders?select=id,addresses(street)",
        None,
        None,
    )
    .await;
    assert_eq!(ambiguous.status(), 300);
    let body: Value = ambiguous.json().await.unwrap();
    assert_eq!(body["code"], "PGRST201");
    assert_eq!(
        body["details"],
        json!([
            { "cardinality": "many-to-one", "embedding": "orders with addresses", "relationship": "bill_fk using orders(bill_id) and addresses(id)" },
            { "cardinality": "many-to-one", "embedding": "orders with addresses", "relationship": "ship_fk using orders(ship_id) and addresses(id)" },
        ])
    );
    // Both would be called the same in the answer.
    let twice = "orders?select=id,addresses!bill_fk(street),addresses!ship_fk(street)";
    let twice = send(stack, Method::GET, twice, None, None).await;
    assert_eq!(refusal(twice).await, (400, "42712".to_owned()));
    let none = send(stack, Method::GET, "orders?select=film(*)", None, None).await;
    assert_eq!(refusal(none).await, (400, "PGRST200".to_owned()));
}

async fn errors_have_the_codes_of_postgrest(stack: &Stack) {
    let read = |path: &'static str| send(stack, Method::GET, path, None, None);
    for (path, status, code) in [
        ("film", 404, "PGRST205"),
        ("films?select=nothing", 400, "42703"),
        ("films?nothing=eq.1", 400, "42703"),
        ("films?id=eq.x", 400, "22P02"),
        ("films?id=5", 400, "PGRST100"),
        ("films?select=id&roles.name=eq.x", 400, "PGRST108"),
        ("films?select=id,roles(name)&order=roles(name)", 400, "PGRST118"),
        ("films?select=price.sum()", 400, "PGRST123"),
        ("films?limit=-1", 416, "PGRST103"),
        ("films/1", 404, "PGRST125"),
        ("rpc/nothing", 404, "PGRST202"),
        ("rpc/arguments", 404, "PGRST202"),
        ("rpc/twice?a=1", 300, "PGRST203"),
        ("private", 401, "42501"),
    ] {
        assert_eq!(
            refusal(read(path).await).await,
            (status, code.to_owned()),
            "{path}"
        );
    }
    let missing: Value = read("film").await.json().await.unwrap();
    assert_eq!(missing["hint"], "Perhaps you meant the table 'app.films'");
    let token = user_token(stack).await;
    let known = send(stack, Method::GET, "private", Some(&token), None).await;
    assert_eq!(refusal(known).await, (403, "42501".to_owned()));
    let unknown = send(
        stack,
        Method::POST,
        "films",
        None,
        Some(json!({ "id": 9, "nothing": 1 })),
    )
    .await;
    assert_eq!(refusal(unknown).await, (400, "PGRST204".to_owned()));
    let uneven = send(
        stack,
        Method::POST,
        "films",
        None,
        Some(json!([{ "id": 9 }, { "title": "x" }])),
    )
    .await;
    assert_eq!(refusal(uneven).await, (400, "PGRST102".to_owned()));
    let put = send(
        stack,
        Method::PUT,
        "films?title=eq.x",
        None,
        Some(json!({ "id": 9, "title": "x" })),
    )
    .await;
    assert_eq!(refusal(put).await, (405, "PGRST105".to_owned()));
    let patch = send(stack, Method::PATCH, "rpc/made", None, Some(json!({}))).await;
    assert_eq!(refusal(patch).await, (405, "PGRST101".to_owned()));
}

async fn profiles_count_only_where_they_are_meant(stack: &Stack) {
    let read = [("content-profile", "app")];
    assert_eq!(ask(stack, Method::GET, "films", &read, None).await.status(), 404);
    let write = [("accept-profile", "app")];
    let row = json!({ "id": 40, "title": "x" });
    assert_eq!(
        ask(stack, Method::POST, "films", &write, Some(row))
            .await
            .status(),
        404
    );
    assert_eq!(
        ask(stack, Method::POST, "rpc/made", &write, Some(json!({})))
            .await
            .status(),
        404
    );
    assert_eq!(
        ask(stack, Method::DELETE, "films?id=eq.40", &write, None)
            .await
            .status(),
        404
    );
    let named = ask(
        stack,
        Method::GET,
        "films?limit=1",
        &[("accept-profile", "app")],
        None,
    )
    .await;
    assert_eq!(named.headers()["content-profile"], "app");
    let unknown = ask(stack, Method::GET, "films", &[("accept-profile", "other")], None).await;
    assert_eq!(refusal(unknown).await, (406, "PGRST106".to_owned()));
}

async fn changes_are_counted_bounded_and_returned(stack: &Stack) {
    let app = ("content-profile", "app");
    let change = |method: Method, path: &'static str, prefer: &'static str, body: Value| async move {
        ask(stack, method, path, &[app, ("prefer", prefer)], Some(body)).await
    };
    let updated = change(
        Method::PATCH,
        "films?id=lte.2",
        "count=exact",
        json!({ "price": 4 }),
    )
    .await;
    assert_eq!(
        (updated.status().as_u16(), &updated.headers()["content-range"]),
        (204, &"0-1/2".parse().unwrap())
    );
    let strict = "handling=strict, max-affected=1";
    let bounded = change(Method::PATCH, "films?id=lte.2", strict, json!({ "price": 9 })).await;
    assert_eq!(refusal(bounded).await, (400, "PGRST124".to_owned()));
    assert_eq!(
        read(stack, "films?select=id&price=eq.9").await,
        json!([]),
        "what was refused is undone"
    );
    let new = json!({ "id": 20, "title": "new" });
    let inserted = change(Method::POST, "films", "return=headers-only", new.clone()).await;
    assert_eq!(
        (inserted.status().as_u16(), &inserted.headers()["location"]),
        (201, &"/films?id=eq.20".parse().unwrap())
    );
    let again = change(Method::POST, "films", "return=minimal", new.clone()).await;
    assert_eq!(refusal(again).await, (409, "23505".to_owned()));
    let merged = change(Method::POST, "films", "resolution=merge-duplicates", new).await;
    assert_eq!(merged.status(), 200, "nothing was new");
    let put = change(
        Method::PUT,
        "films?id=eq.21",
        "return=representation",
        json!({ "id": 21, "title": "put", "price": 1 }),
    )
    .await;
    assert_eq!(put.status(), 201);
    let other = change(
        Method::PUT,
        "films?id=eq.21",
        "return=minimal",
        json!({ "id": 22, "title": "put" }),
    )
    .await;
    assert_eq!(refusal(other).await, (400, "PGRST115".to_owned()));
    let defaults = "return=representation, missing=default";
    let rows = json!([{ "id": 23, "title": "with" }]);
    let path = "films?columns=id,title,price&select=price,shout";
    let with = change(Method::POST, path, defaults, rows).await;
    assert_eq!(
        with.json::<Value>().await.unwrap(),
        json!([{ "price": 3, "shout": "WITH" }])
    );
    let deleted = ask(
        stack,
        Method::DELETE,
        "films?id=gte.20&select=id,roles(name)&order=id",
        &[app, ("prefer", "return=representation, count=exact")],
        None,
    )
    .await;
    assert_eq!(deleted.headers()["content-range"], "*/3");
    assert_eq!(
        deleted.json::<Value>().await.unwrap()[0],
        json!({ "id": 20, "roles": [] })
    );
}

async fn answers_have_the_form_that_was_asked_for(stack: &Stack) {
    let get = |path: &'static str, headers: &'static [(&'static str, &'static str)]| async move {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .copied()
            .chain([("accept-profile", "app")])
            .collect();
        ask(stack, Method::GET, path, &headers, None).await
    };
    let csv = get(
        "films?select=id,title&id=lte.2&order=id",
        &[("accept", "text/csv")],
    )
    .await;
    assert_eq!(csv.text().await.unwrap(), "id,title\n1,Alien\n2,Brazil");
    let object = [("accept", "application/vnd.pgrst.object+json;nulls=stripped")];
    let one = get("films?select=id,nothing:roles(name)&id=eq.1", &object).await;
    assert_eq!(
        one.json::<Value>().await.unwrap(),
        json!({ "id": 1, "nothing": [{ "name": "Ripley" }] })
    );
    assert_eq!(
        refusal(get("films", &object).await).await,
        (406, "PGRST116".to_owned())
    );
    let page = get("films?order=id", &[("range", "1-1"), ("prefer", "count=exact")]).await;
    assert_eq!(
        (page.status().as_u16(), &page.headers()["content-range"]),
        (206, &"1-1/3".parse().unwrap())
    );
    let beyond = get("films?offset=99", &[("prefer", "count=exact")]).await;
    assert_eq!(refusal(beyond).await, (416, "PGRST103".to_owned()));
    let planned = get("films", &[("prefer", "count=planned")]).await;
    assert_ne!(planned.headers()["content-range"], "0-2/*");
    let unknown = get("films", &[("prefer", "handling=strict, anything=else")]).await;
    assert_eq!(refusal(unknown).await, (400, "PGRST122".to_owned()));
    let image = get("films", &[("accept", "image/png")]).await;
    assert_eq!(refusal(image).await, (406, "PGRST107".to_owned()));
    let described: Value = get("", &[]).await.json().await.unwrap();
    assert!(described["definitions"]["films"]["properties"]["title"].is_object());
    let head = send(stack, Method::HEAD, "films", None, None).await;
    assert_eq!(
        (head.status().as_u16(), &head.headers()["content-range"]),
        (200, &"0-2/*".parse().unwrap())
    );
}

async fn functions_decide_status_and_headers(stack: &Stack) {
    for (function, status) in [("answer", 418), ("refuse", 402)] {
        let response = send(
            stack,
            Method::POST,
            &format!("rpc/{function}"),
            None,
            Some(json!({})),
        )
        .await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["x-kind"]),
            (status, &"teapot".parse().unwrap())
        );
    }
}

async fn settings_in_the_database_are_followed(stack: &Stack) {
    let mut database = sqlx::PgConnection::connect(&stack.endpoints().admin_db_url)
        .await
        .unwrap();
    sqlx::raw_sql(
        "alter role authenticator set pgrst.db_aggregates_enabled = 'true'; notify pgrst, 'reload config'",
    )
    .execute(&mut database)
    .await
    .unwrap();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while send(stack, Method::GET, "films?select=price.sum()", None, None)
        .await
        .status()
        != 200
    {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the setting was never followed"
        );
        tokio::task::yield_now().await;
    }
    assert_eq!(
        read(
            stack,
            "films?select=id,...roles(actor_id.sum())"
        )
        .await["code"],
        "PGRST127"
    );
    assert_eq!(
        read(
            stack,
            "roles?select=name.count()::text,...films(title)&order=films(title)&actor_id=eq.1"
        )
        .await,
        json!([{ "count": "1", "title": "Alien" }, { "count": "1", "title": "Brazil" }])
    );
    assert_eq!(
        read(stack, "roles?select=actor_id,...films(id.sum())&order=actor_id").await,
        json!([{ "actor_id": 1, "sum": 3 }, { "actor_id": 2, "sum": 2 }])
    );
}

/// What `curl` sends without encoding it.
async fn address_is_taken_as_it_is_typed(stack: &Stack) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let endpoints = stack.endpoints();
    let address = endpoints.api_url.strip_prefix("http://").unwrap();
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /rest/v1/odd?select=made->>x&id=in.(\"1\") HTTP/1.1\r\nhost: x\r\napikey: {}\r\naccept-profile: app\r\nconnection: close\r\n\r\n",
        endpoints.publishable_key
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with(r#"[{"x":"7"}]"#), "{answer}");
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

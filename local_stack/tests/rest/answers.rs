//! Statuses, codes and the forms of answers.

use local_stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ask, refusal, send, user_token};

pub(super) async fn raised_errors_keep_their_status_and_fields(stack: &Stack) {
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

pub(super) async fn errors_have_the_codes_of_postgrest(stack: &Stack) {
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

pub(super) async fn profiles_count_only_where_they_are_meant(stack: &Stack) {
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

pub(super) async fn answers_have_the_form_that_was_asked_for(stack: &Stack) {
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
    const OBJECT: [(&str, &str); 1] = [("accept", "application/vnd.pgrst.object+json;nulls=stripped")];
    let one = get("films?select=id,nothing:roles(name)&id=eq.1", &OBJECT).await;
    assert_eq!(
        one.json::<Value>().await.unwrap(),
        json!({ "id": 1, "nothing": [{ "name": "Ripley" }] })
    );
    assert_eq!(
        refusal(get("films", &OBJECT).await).await,
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

pub(super) async fn functions_decide_status_and_headers(stack: &Stack) {
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

/// What `curl` sends without encoding it.
pub(super) async fn address_is_taken_as_it_is_typed(stack: &Stack) {
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

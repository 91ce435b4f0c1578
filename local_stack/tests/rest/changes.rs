//! Rows that are written.

use local_stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ask, read, refusal};

pub(super) async fn changes_are_counted_bounded_and_returned(stack: &Stack) {
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

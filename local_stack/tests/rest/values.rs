//! Values on their way in and out.

use local_stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ask, call, read, refusal, send};

pub(super) async fn null_arguments_arrive_as_null(stack: &Stack) {
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

pub(super) async fn values_are_those_that_postgres_writes(stack: &Stack) {
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

pub(super) async fn arguments_take_every_form(stack: &Stack) {
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

pub(super) async fn functions_of_values_are_cut_and_paged(stack: &Stack) {
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

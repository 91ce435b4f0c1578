//! What is embedded, and what is refused because it is unclear.

use local_stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Connection as _;

use super::{read, refusal, send};

pub(super) async fn relationships_are_embedded_and_counted(stack: &Stack) {
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

pub(super) async fn relationships_that_are_unclear_are_refused(stack: &Stack) {
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

pub(super) async fn settings_in_the_database_are_followed(stack: &Stack) {
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
        read(stack, "films?select=id,...roles(actor_id.sum())").await["code"],
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

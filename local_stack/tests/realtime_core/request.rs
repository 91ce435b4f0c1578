//! Broadcasts by plain requests.

use local_stack::Stack;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::socket::{Socket, broadcasts, token};
use crate::support::Project;

const POLICIES: &str = "
create policy \"all read\" on realtime.messages for select to authenticated using (true);
create policy \"ada writes\" on realtime.messages for insert to authenticated
    with check ((select auth.jwt() ->> 'sub') = 'ada');
";

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    (
        status,
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered() {
    let project = Project::new(POLICIES);
    let stack = project.start().await;
    batch_is_sent_where_it_is_allowed_and_dropped_where_not(&stack).await;
    single_message_says_when_it_is_not_allowed(&stack).await;
    stack.stop().await.unwrap();
}

async fn batch_is_sent_where_it_is_allowed_and_dropped_where_not(stack: &Stack) {
    let post = |shown: &str| {
        reqwest::Client::new()
            .post(format!(
                "{}/realtime/v1/api/broadcast",
                &stack.endpoints().api_url
            ))
            .header("apikey", &stack.endpoints().publishable_key)
            .bearer_auth(shown)
    };
    let [ada, bob] = ["ada", "bob"].map(|name| token(stack, "authenticated", name, 60));
    let (mut public, mut private) = (Socket::open(stack).await, Socket::open(stack).await);
    public.joined("realtime:r", json!({})).await;
    private
        .join("realtime:r", json!({ "private": true }), Some(&ada))
        .await;
    let both = |n: u32| {
        json!({ "messages": [
            { "topic": "r", "event": "e", "payload": { "n": n } },
            { "topic": "r", "event": "e", "payload": { "p": n }, "private": true }
        ] })
    };
    for (shown, n) in [(&bob, 1), (&ada, 2)] {
        assert_eq!(
            answer(post(shown).json(&both(n))).await,
            (StatusCode::ACCEPTED, Value::Null)
        );
    }
    assert_eq!(
        broadcasts(&public.so_far().await),
        [&json!({ "n": 1 }), &json!({ "n": 2 })]
    );
    assert_eq!(broadcasts(&private.so_far().await), [&json!({ "p": 2 })]);

    let expired = token(stack, "authenticated", "ada", -1);
    let unauthorized = (StatusCode::UNAUTHORIZED, json!({ "message": "Unauthorized" }));
    assert_eq!(answer(post(&expired).json(&both(3))).await, unauthorized);
    let (status, body) = answer(post(&ada).json(&json!({ "messages": [{ "topic": "r" }] }))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["errors"]["messages"][0]["event"], json!(["can't be blank"]));
    assert_eq!(answer(post(&ada).body("{")).await.0, StatusCode::BAD_REQUEST);
    assert!(public.so_far().await.is_empty());
}

async fn single_message_says_when_it_is_not_allowed(stack: &Stack) {
    let [ada, bob] = ["ada", "bob"].map(|name| token(stack, "authenticated", name, 60));
    let post = |shown: &str, query: &str| {
        let base = &stack.endpoints().api_url;
        reqwest::Client::new()
            .post(format!(
                "{base}/realtime/v1/api/broadcast/a%2Fb%3Ac/events/e%20e{query}"
            ))
            .header("apikey", &stack.endpoints().publishable_key)
            .bearer_auth(shown)
    };
    let (mut public, mut private) = (Socket::open(stack).await, Socket::open(stack).await);
    public.joined("realtime:a/b:c", json!({})).await;
    private
        .join("realtime:a/b:c", json!({ "private": true }), Some(&bob))
        .await;

    let json_body = json!({ "n": 1 });
    assert_eq!(
        answer(post(&bob, "").json(&json_body)).await.0,
        StatusCode::ACCEPTED
    );
    let forbidden = (StatusCode::FORBIDDEN, json!({ "message": "Unauthorized" }));
    assert_eq!(
        answer(post(&bob, "?private=true").json(&json_body)).await,
        forbidden
    );
    assert_eq!(
        answer(post(&ada, "?private=true").json(&json_body)).await.0,
        StatusCode::ACCEPTED
    );
    let bytes = post(&bob, "")
        .header("content-type", "application/octet-stream")
        .body(vec![0, 255]);
    assert_eq!(answer(bytes).await.0, StatusCode::ACCEPTED);
    let text = post(&bob, "").header("content-type", "text/plain").body("x");
    assert_eq!(answer(text).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let large = post(&bob, "").json(&json!({ "x": "y".repeat(3_000_500) }));
    assert_eq!(answer(large).await.0, StatusCode::UNPROCESSABLE_ENTITY);

    let heard = public.so_far().await;
    assert_eq!(broadcasts(&heard), [&json!({ "n": 1 }), &json!([0, 255])]);
    assert_eq!(heard[0].payload["event"], "e e");
    assert_eq!(broadcasts(&private.so_far().await), [&json!({ "n": 1 })]);
}

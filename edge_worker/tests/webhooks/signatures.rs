//! Signed callbacks, and secrets that are being changed.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::Request;
use serde_json::json;

use crate::scene::{Scene, Worker, as_worker, word};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        .try_into()
        .unwrap()
}

/// A callback that is signed at some time, with one header changed where a test wants it.
fn signed(
    path: &str,
    body: &str,
    at: i64,
    change: Option<(&str, Option<&str>)>,
) -> axum::http::request::Builder {
    let signature = standardwebhooks::Webhook::new(SECRET)
        .unwrap()
        .sign("msg_1", at, body.as_bytes())
        .unwrap();
    let headers = [
        ("webhook-id", "msg_1".to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", signature),
    ];
    let mut request = Request::post(path).header("content-type", "application/json");
    for (name, value) in headers {
        match change {
            Some((changed, instead)) if changed == name => {
                if let Some(instead) = instead {
                    request = request.header(name, instead);
                }
            }
            _ => request = request.header(name, value),
        }
    }
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn signature_is_verified_where_it_is_there_and_over_the_very_bytes() {
    let scene = Scene::start().await;
    let id = scene.conversation("c-1").await;
    // Only a worker with Tavus has the secret of its webhooks.
    let settings = [
        ("TAVUS_API_KEY", "k"),
        ("TAVUS_BASE_URL", "http://127.0.0.1:9"),
        ("TAVUS_WEBHOOK_SECRET", SECRET),
    ];
    let worker = Worker::new(&as_worker(&scene.url), &settings);
    let path = worker.path(id);
    let body = format!(" {} ", scene.event("c-1", "x", json!({ "n": 1.50 })));
    let answer = worker.ask(signed(&path, &body, now(), None), body.clone()).await;
    assert_eq!(answer, (200, json!({ "status": "new" })));
    let edge = worker
        .ask(signed(&path, &body, now() - 290, None), body.clone())
        .await;
    assert_eq!(edge, (200, json!({ "status": "duplicate" })));
    let unsigned = worker.send(&path, body.clone()).await;
    assert_eq!(unsigned, (200, json!({ "status": "duplicate" })));

    let refused = (401, "invalid_signature".to_owned());
    for at in [now() - 310, now() + 310, 0] {
        let answer = worker.ask(signed(&path, &body, at, None), body.clone()).await;
        assert_eq!(word(answer), refused, "{at}");
    }
    for change in [
        ("webhook-id", None),
        ("webhook-timestamp", None),
        ("webhook-signature", None),
        ("webhook-id", Some("msg_2")),
        ("webhook-timestamp", Some("soon")),
        ("webhook-signature", Some("v1,AAAA")),
        ("webhook-signature", Some("")),
    ] {
        let answer = worker
            .ask(signed(&path, &body, now(), Some(change)), body.clone())
            .await;
        assert_eq!(word(answer), refused, "{change:?}");
    }
    let altered = worker
        .ask(signed(&path, &body, now(), None), body.replace("1.5", "1.50"))
        .await;
    assert_eq!(word(altered), refused, "the same event in other bytes");
    // Whoever has no secret looks at no signature.
    let answer = scene
        .worker
        .ask(signed(&path, &body, 0, None), body.clone())
        .await;
    assert_eq!(answer.0, 200);
    worker.app.pool.close().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_run_keep_their_address_while_the_secret_is_changed() {
    const OLD: &str = "0ld-0ld-0ld-0ld-0ld-0ld-0ld-0ld-0ld-0ld";
    const NEW: &str = "n3w-n3w-n3w-n3w-n3w-n3w-n3w-n3w-n3w-n3w";
    let scene = Scene::start().await;
    let id = scene.conversation("c-1").await;
    let worker = |secret: &str| Worker::new(&as_worker(&scene.url), &[("WORKER_SECRET", secret)]);
    let (before, during, after) = (worker(OLD), worker(&format!("{NEW},{OLD}")), worker(NEW));
    let (old, new) = (before.path(id), during.path(id));
    assert_eq!(new, after.path(id), "the first one makes addresses");
    let said = |n: u32| scene.event("c-1", "x", json!({ "n": n })).to_string();
    for (number, (worker, path, status)) in (0..).zip([
        (&before, &old, 200),
        (&during, &old, 200),
        (&during, &new, 200),
        (&after, &new, 200),
        (&after, &old, 401),
        (&before, &new, 401),
    ]) {
        assert_eq!(worker.send(path, said(number)).await.0, status, "{number}");
    }
    assert_eq!(scene.kept(id).await.len(), 4);
    for worker in [before, during, after] {
        worker.app.pool.close().await;
    }
    scene.stop().await;
}

//! What is not taken in: strangers, bodies of every bad kind, and what is too large.

use axum::body::Body;
use axum::http::Request;
use edge_worker::http::body::LIMIT_BYTES;
use serde_json::json;
use uuid::Uuid;

use crate::scene::{Scene, Worker, as_worker, word};

const UNAUTHORISED: (u16, &str) = (401, "invalid_token");

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_told_the_same_whatever_they_try() {
    let scene = Scene::start().await;
    let (mine, theirs) = (scene.conversation("c-1").await, scene.conversation("c-2").await);
    let good = scene.event("c-1", "system.shutdown", json!({})).to_string();
    let path = scene.worker.path(mine);
    let (head, mac) = path.rsplit_once('.').unwrap();
    let other = Worker::new(
        &as_worker(&scene.url),
        &[("WORKER_SECRET", "an0ther-an0ther-an0ther-an0ther-an0ther")],
    );
    let wrong = [
        "/webhooks/tavus/nobody".to_owned(),
        "/webhooks/tavus/%FF%FE".to_owned(),
        "/webhooks/tavus/echoroom.%2e.".to_owned(),
        format!("{head}."),
        format!("{head}.{}", "A".repeat(43)),
        format!(
            "{head}.{}{}",
            &mac[..42],
            if mac.ends_with('A') { 'E' } else { 'A' }
        ),
        format!("{path}A"),
        path.replace("echoroom", "domo"),
        // Of a conversation that was never there, with a wrong and with a right end.
        format!("/webhooks/tavus/echoroom.{}.{mac}", Uuid::from_u128(7).simple()),
        scene.worker.path(Uuid::from_u128(7)),
        // Right in form, by a secret of somebody else.
        other.path(mine),
        // Right for another conversation.
        scene.worker.path(theirs),
    ];
    for path in wrong {
        let (status, word) = scene.worker.refused(&path, good.clone()).await;
        assert_eq!((status, word.as_str()), UNAUTHORISED, "{path}");
    }
    // Before anything else of the request is looked at.
    let bare = scene
        .worker
        .ask(Request::post(format!("{head}.")), "not json")
        .await;
    assert_eq!(word(bare), (401, "invalid_token".into()));
    assert_eq!(
        (scene.kept(mine).await, scene.kept(theirs).await),
        (vec![], vec![])
    );
    assert_eq!(
        scene
            .worker
            .tell(mine, &scene.event("c-1", "system.shutdown", json!({})))
            .await,
        "new"
    );
    other.app.pool.close().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_event_are_refused_and_nothing_is_kept() {
    let scene = Scene::start().await;
    let id = scene.conversation("c-1").await;
    let path = scene.worker.path(id);
    let nested = |levels: usize| {
        let inside = format!("{}1{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        format!("{{\"event_type\":\"x\",\"deep\":{inside}}}")
    };
    let named = |value: &str| format!("{{\"event_type\":{value}}}");
    let malformed = [
        Vec::new(),
        b"{".to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        b"\"text\"".to_vec(),
        b"{}".to_vec(),
        b"{} {}".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        b"{\"event_type\":\"\xff\"}".to_vec(),
        b"{\"event_type\":\"a\x01b\"}".to_vec(),
        named("7").into_bytes(),
        named("null").into_bytes(),
        named("\"\"").into_bytes(),
        named(&format!("\"{}\"", "x".repeat(101))).into_bytes(),
        nested(128).into_bytes(),
        nested(100_000).into_bytes(),
        b"{\"event_type\":\"x\",\"conversation_id\":{}}".to_vec(),
        b"{\"event_type\":\"x\",\"conversation_id\":7}".to_vec(),
    ];
    for body in malformed {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let (status, answer) = scene.worker.send(&path, body).await;
        assert_eq!(
            (status, &answer["details"]),
            (400, &json!("malformed_event")),
            "{shown}: {answer}"
        );
    }
    assert_eq!(scene.kept(id).await, []);
    let (status, body) = scene.worker.send(&path, nested(127)).await;
    assert_eq!(
        (status, &body["status"]),
        (200, &json!("new")),
        "127 levels are an event"
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_json_that_is_not_packed_is_read() {
    let scene = Scene::start().await;
    let id = scene.conversation("c-1").await;
    let path = scene.worker.path(id);
    let body = scene.event("c-1", "x", json!({})).to_string();
    for kind in [
        "",
        "text/plain",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "json",
        "+json",
        "application/json, text/plain",
    ] {
        let request = Request::post(&path).header("content-type", kind);
        assert_eq!(
            word(scene.worker.ask(request, body.clone()).await),
            (415, "unsupported_media_type".into()),
            "{kind}"
        );
    }
    let missing = scene.worker.ask(Request::post(&path), body.clone()).await;
    assert_eq!(word(missing), (415, "unsupported_media_type".into()));
    let packed = Request::post(&path)
        .header("content-type", "application/json")
        .header("content-encoding", "gzip");
    assert_eq!(
        word(scene.worker.ask(packed, body.clone()).await),
        (415, "unsupported_media_type".into())
    );
    for kind in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/cloudevents+json",
        "application/json ;x=y",
    ] {
        let request = Request::post(&path)
            .header("content-type", kind)
            .header("content-encoding", "identity");
        assert_eq!(scene.worker.ask(request, body.clone()).await.0, 200, "{kind}");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn body_of_a_mebibyte_is_taken_in_and_one_byte_more_is_not_announced_or_not() {
    let scene = Scene::start().await;
    let id = scene.conversation("c-1").await;
    let path = scene.worker.path(id);
    let body = |length: usize| {
        let frame = scene.event("c-1", "x", json!({ "padding": "" })).to_string();
        let padding = "y".repeat(length - frame.len());
        scene.event("c-1", "x", json!({ "padding": padding })).to_string()
    };
    for is_announced in [true, false] {
        for (length, status) in [(LIMIT_BYTES, 200), (LIMIT_BYTES + 1, 413)] {
            let text = body(length);
            assert_eq!(text.len(), length);
            let mut request = Request::post(&path).header("content-type", "application/json");
            let body = if is_announced {
                request = request.header("content-length", length);
                Body::from(text)
            } else {
                Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(text)]))
            };
            let (answered, body) = scene.worker.ask(request, body).await;
            assert_eq!(answered, status, "{is_announced} {length}: {body}");
        }
    }
    assert_eq!(scene.kept(id).await.len(), 1);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callback_without_the_name_of_its_conversation_belongs_to_that_of_its_address() {
    let scene = Scene::start().await;
    let (known, unknown) = (scene.conversation("c-1").await, scene.unstarted().await);
    let nameless =
        json!({ "event_type": "system.shutdown", "properties": {}, "timestamp": "2026-11-21T10:00:00Z" });
    assert_eq!(scene.worker.tell(known, &nameless).await, "new");
    assert_eq!(
        scene
            .worker
            .tell(known, &scene.event("c-1", "system.shutdown", json!({})))
            .await,
        "duplicate"
    );
    let refused = scene
        .worker
        .refused(&scene.worker.path(unknown), nameless.to_string())
        .await;
    assert_eq!(
        refused,
        (401, "invalid_token".into()),
        "of a call that nobody knows"
    );
    scene.stop().await;
}

//! Making calls.

use edge_worker::conversations::Started;
use futures_util::future::join_all;
use local_stack::simulators::tavus::FaultKind;
use serde_json::json;
use uuid::Uuid;

use crate::scene::{APP, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn start_makes_one_call_and_notes_it() {
    let scene = Scene::start().await;
    let id = scene.wanted().await;
    let Started::Now(row) = scene.conversations.start(APP, id).await.unwrap() else {
        panic!("not started");
    };
    let call = row["conversation_id"].as_str().unwrap();
    assert_eq!(row["status"], "active");
    assert_eq!(
        row["conversation_url"],
        format!("{}/rooms/{call}", scene.tavus.simulator.base_url())
    );
    assert_eq!(row["claimed_until"], json!(null));
    scene.tavus.simulator.settled().await;
    assert_eq!(
        scene.kept(id).await,
        ["system.replica_joined"],
        "its callback came"
    );
    let news = scene.news(id).await;
    let events: Vec<_> = news.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(events, ["avatar-starting", "avatar-started"]);
    assert_eq!(news[1].1["conversation_url"], row["conversation_url"]);

    let again = scene.conversations.start(APP, id).await.unwrap();
    let Started::Already(row) = again else {
        panic!("{again:?}");
    };
    assert_eq!(row["conversation_id"], call);
    assert_eq!(scene.row(id).await["claimed_until"], json!(null));
    assert_eq!(scene.calls(), (1, 1));
    assert_eq!(
        scene.conversations.start(APP, Uuid::new_v4()).await.unwrap(),
        Started::Gone
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_start_at_once_make_one_call() {
    let scene = Scene::start().await;
    let other = scene.worker(&scene.base, Some(scene.tavus.client.clone()));
    for run in 1..=5 {
        let id = scene.wanted().await;
        let starts = (0..8)
            .map(|n| if n % 2 == 0 { &scene.conversations } else { &other })
            .map(|worker| worker.start(APP, id));
        let started: Vec<_> = join_all(starts).await.into_iter().map(Result::unwrap).collect();
        let now = started
            .iter()
            .filter(|started| matches!(started, Started::Now(_)))
            .count();
        assert_eq!(now, 1, "{started:?}");
        assert!(!started.contains(&Started::Gone));
        assert_eq!(scene.tavus.creates(), run);
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn end_that_was_asked_for_before_the_call_was_made_makes_none() {
    let scene = Scene::start().await;
    let id = scene.wanted().await;
    scene
        .run(
            "update echoroom.conversations set end_requested_at = now() where id = $1",
            id,
        )
        .await;
    let Started::Already(row) = scene.conversations.start(APP, id).await.unwrap() else {
        panic!("started");
    };
    assert_eq!(
        (&row["status"], &row["shutdown_reason"]),
        (&json!("ended"), &json!("requested"))
    );
    let gone = scene.wanted().await;
    scene.run("delete from echoroom.sessions s using echoroom.conversations c where c.id = $1 and s.id = c.session_id", gone).await;
    let Started::Already(row) = scene.conversations.start(APP, gone).await.unwrap() else {
        panic!("started");
    };
    assert_eq!(
        (&row["status"], &row["shutdown_reason"]),
        (&json!("ended"), &json!("room_deleted"))
    );
    assert_eq!(scene.tavus.creates(), 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn end_that_is_asked_for_while_the_call_is_made_ends_it_at_once() {
    let scene = Scene::start().await;
    for change in [
        "update echoroom.conversations set end_requested_at = now() where id = $1",
        "delete from echoroom.sessions s using echoroom.conversations c where c.id = $1 and s.id = c.session_id",
        "delete from echoroom.conversations where id = $1",
    ] {
        let id = scene.wanted().await;
        scene.fail_create(FaultKind::Slow { delay_ms: 2000 });
        let (started, ()) = tokio::join!(scene.conversations.start(APP, id), async {
            scene.until_attempted(id).await;
            scene.run(change, id).await;
        });
        let started = started.unwrap();
        let row = scene.row(id).await;
        match &row["status"] {
            status if row.is_null() => assert_eq!((started, status), (Started::Gone, &json!(null))),
            status => {
                assert!(matches!(started, Started::Already(_)), "{started:?}");
                assert_eq!(status, "ended");
            }
        }
        assert_eq!(scene.calls().1, 0, "{change}");
    }
    assert_eq!(scene.calls().0, 3);
    scene.stop().await;
}

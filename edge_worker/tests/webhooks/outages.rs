//! A database that goes away: no event that was acknowledged is lost, and the next try has its one effect.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::scene::{Scene, Worker, as_worker, word};
use crate::support::database::{Line, Proxy};

fn said(scene: &Scene, n: u32) -> Value {
    scene.event("c-1", "conversation.utterance", json!({ "n": n }))
}

/// A worker behind a line that can be cut, with so much patience.
async fn worker(scene: &Scene, patience: Duration) -> (Worker, Proxy) {
    let proxy = Proxy::start(&as_worker(&scene.url)).await;
    (Worker::new(&proxy.url, &[]).with_patience(patience), proxy)
}

/// Holds the conversation's row, so that an event gets stuck on it in the middle of its transaction, and says when it has.
struct Stuck {
    holder: sqlx::Transaction<'static, sqlx::Postgres>,
}

impl Stuck {
    async fn hold(scene: &Scene, id: Uuid) -> Self {
        let mut holder = scene.owner.begin().await.unwrap();
        sqlx::query("select from echoroom.conversations where id = $1 for update")
            .bind(id)
            .execute(&mut *holder)
            .await
            .unwrap();
        Self { holder }
    }

    async fn until_waiting(&self, scene: &Scene) {
        let waiting = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%tavus_receive%')";
        while scene.json(waiting).await != json!(true) {
            tokio::task::yield_now().await;
        }
    }

    async fn release(self) {
        self.holder.rollback().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn line_that_is_cut_in_the_middle_of_an_event_costs_a_try_and_nothing_else() {
    let scene = Scene::alone().await;
    let id = scene.conversation("c-1").await;
    let (worker, proxy) = worker(&scene, Duration::from_secs(60)).await;
    let path = worker.path(id);
    let body = scene.event("c-1", "system.replica_joined", json!({ "replica_id": "r1" }));
    let stuck = Stuck::hold(&scene, id).await;
    let (answer, ()) = tokio::join!(worker.send(&path, body.to_string()), async {
        stuck.until_waiting(&scene).await;
        proxy.line.send(Line::Cut).unwrap();
    });
    assert_eq!(word(answer), (503, "database_unavailable".into()));
    let again = worker.send(&path, body.to_string()).await;
    assert_eq!(word(again), (503, "database_unavailable".into()), "still cut");
    stuck.release().await;
    proxy.line.send(Line::Open).unwrap();
    // The first try may have got through after all: what it did is not done twice.
    let status = worker.tell(id, &body).await;
    assert!(status == "new" || status == "duplicate", "{status}");
    assert_eq!(worker.tell(id, &body).await, "duplicate");
    assert_eq!(scene.kept(id).await.len(), 1);
    assert_eq!(scene.row(id).await["replica_id"], "r1");
    assert_eq!(scene.news(id).await, ["avatar-starting", "avatar-started"]);
    worker.app.pool.close().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_that_is_held_is_not_waited_for_and_every_try_after_it_goes_well() {
    let scene = Scene::start().await;
    let id = scene.conversation("c-1").await;
    let (worker, proxy) = worker(&scene, Duration::from_secs(2)).await;
    assert_eq!(worker.tell(id, &said(&scene, 0)).await, "new");
    proxy.line.send(Line::Held).unwrap();
    let path = worker.path(id);
    let tries = (1..=6).map(|n| worker.send(&path, said(&scene, n).to_string()));
    for answer in futures_util::future::join_all(tries).await {
        assert_eq!(word(answer), (503, "database_unavailable".into()));
    }
    proxy.line.send(Line::Open).unwrap();
    for n in 0..=6 {
        // Lanes that were given up come back one by one; senders try again as long.
        while worker.send(&worker.path(id), said(&scene, n).to_string()).await.0 == 503 {}
        assert_eq!(worker.tell(id, &said(&scene, n)).await, "duplicate");
    }
    assert_eq!(scene.kept(id).await.len(), 7);
    worker.app.pool.close().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_that_waits_for_a_lock_in_vain_comes_back_and_holds_up_no_other() {
    let scene = Scene::start().await;
    let (stuck_id, free_id) = (scene.conversation("c-1").await, scene.conversation("c-2").await);
    let worker = Worker::new(
        &format!("{}%20-c%20lock_timeout%3D100ms", as_worker(&scene.url)),
        &[],
    );
    let stuck = Stuck::hold(&scene, stuck_id).await;
    let joined = |id: &str| scene.event(id, "system.replica_joined", json!({ "replica_id": "r1" }));
    let path = worker.path(stuck_id);
    let held_up = (0..8).map(|_| worker.send(&path, joined("c-1").to_string()));
    let free = (0..8).map(|n| {
        let (worker, event) = (
            &worker,
            scene.event("c-2", "conversation.utterance", json!({ "n": n })),
        );
        async move { worker.tell(free_id, &event).await }
    });
    let (held_up, free) = tokio::join!(
        futures_util::future::join_all(held_up),
        futures_util::future::join_all(free)
    );
    for answer in held_up {
        assert_eq!(word(answer), (503, "database_unavailable".into()));
    }
    assert_eq!(free, ["new"; 8]);
    stuck.release().await;
    assert_eq!(worker.tell(stuck_id, &joined("c-1")).await, "new");
    worker.app.pool.close().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn database_that_is_started_again_loses_nothing_that_was_acknowledged() {
    let scene = Scene::alone().await;
    let id = scene.conversation("c-1").await;
    let mut acknowledged = Vec::new();
    for n in 0..40 {
        if n % 10 == 5 {
            // As an operator does it: every session of the worker ends, idle or not.
            scene.run("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'parley_worker'").await;
        }
        let (status, body) = scene
            .worker
            .send(&scene.worker.path(id), said(&scene, n).to_string())
            .await;
        match status {
            200 => acknowledged.push(n),
            503 => assert_eq!(body["details"], "database_unavailable"),
            other => panic!("{other}: {body}"),
        }
    }
    assert!(acknowledged.len() >= 20, "{acknowledged:?}");
    let kept = scene.kept(id).await;
    for n in acknowledged {
        let times = kept
            .iter()
            .filter(|(_, _, body)| body["properties"]["n"] == n)
            .count();
        assert_eq!(times, 1, "{n}");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_without_a_database_says_so() {
    let worker = Worker::new("postgresql://nobody@127.0.0.1:9/none", &[]);
    let id = Uuid::from_u128(7);
    let answer = worker.refused(&worker.path(id), "{\"event_type\":\"x\"}").await;
    assert_eq!(answer, (503, "database_unavailable".into()));
}

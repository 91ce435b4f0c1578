//! Keys: one unfinished job each, and no wish that is lost.

use std::sync::Arc;

use tokio::sync::Barrier;

use crate::scene::{Answer, Scene, quick, soon};

#[tokio::test(flavor = "multi_thread")]
async fn key_that_many_enqueue_at_once_is_one_job() {
    const AT_ONCE: usize = 12;
    let scene = Scene::start().await;
    for round in 0..20 {
        let barrier = Arc::new(Barrier::new(AT_ONCE));
        let wishes = (0..AT_ONCE).map(|_| {
            let (pool, barrier) = (scene.owner.clone(), barrier.clone());
            tokio::spawn(async move {
                let mut transaction = pool.begin().await.unwrap();
                barrier.wait().await;
                let job: i64 =
                    sqlx::query_scalar("select parley.enqueue_job('tavus', 'greet', '{\"n\": 1}', $1)")
                        .bind(format!("key {round}"))
                        .fetch_one(&mut *transaction)
                        .await
                        .unwrap();
                transaction.commit().await.unwrap();
                job
            })
        });
        let mut jobs = Vec::new();
        for wish in wishes.collect::<Vec<_>>() {
            jobs.push(wish.await.unwrap());
        }
        jobs.dedup();
        assert_eq!(jobs.len(), 1, "round {round}: {jobs:?}");
        assert_eq!(
            scene.number("select count(*) from pgmq.q_parley_tavus").await,
            round + 1
        );
    }
    scene.stop().await;
}

/// A job may begin before a wish is committed and end after it. Whatever the order, the last run sees the last wish.
#[tokio::test(flavor = "multi_thread")]
async fn no_wish_is_lost_between_a_run_that_ends_and_the_next_one() {
    const WISHES: i64 = 400;
    let scene = Scene::start().await;
    scene
        .run("create table public.wishes as select 0::bigint as number")
        .await;
    let mut worker = scene.worker(quick());
    let pool = scene.owner.clone();
    let wishing = tokio::spawn(async move {
        for _ in 0..WISHES {
            let mut transaction = pool.begin().await.unwrap();
            sqlx::query("update public.wishes set number = number + 1")
                .execute(&mut *transaction)
                .await
                .unwrap();
            sqlx::query("select parley.enqueue_job('tavus', 'greet', '{}', 'wish')")
                .execute(&mut *transaction)
                .await
                .unwrap();
            transaction.commit().await.unwrap();
        }
    });
    let (mut seen, mut runs) = (0, 0);
    while seen < WISHES {
        let call = worker.call().await;
        seen = scene.number("select number from public.wishes").await;
        runs += 1;
        call.says(Answer::Done);
    }
    soon("all wishes", wishing).await.unwrap();
    // The last wish may have come while the last run was under way: then there is another one.
    let settling = async {
        loop {
            tokio::select! {
                () = scene.until_empty() => break,
                Some(call) = worker.calls.recv() => call.says(Answer::Done),
            }
        }
    };
    soon("an empty queue", settling).await;
    assert!(runs > 1, "all wishes came before the first run");
    worker.stopped().await;
    scene.stop().await;
}

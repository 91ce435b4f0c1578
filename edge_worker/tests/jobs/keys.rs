//! Keys: one unfinished job each, and no wish that is lost.

use std::sync::Arc;
use std::time::Duration;

use edge_worker::jobs::Settings;
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

/// Whatever a run that ends and a wish that is committed do at the same moment: a run that begins after the wish sees it.
#[tokio::test(flavor = "multi_thread")]
async fn no_wish_is_lost_between_a_run_that_ends_and_the_next_one() {
    const ROUNDS: i64 = 150;
    let scene = Scene::start().await;
    scene
        .run("create table public.wishes as select 0::bigint as number")
        .await;
    let mut worker = scene.worker(quick());
    for round in 1..=ROUNDS {
        // A run that has seen what there was before the wish, and ends while it is committed.
        scene
            .run("select parley.enqueue_job('tavus', 'greet', '{}', 'wish')")
            .await;
        let early = worker.call().await;
        let pool = scene.owner.clone();
        let wish = tokio::spawn(async move {
            let mut transaction = pool.begin().await.unwrap();
            for statement in [
                "update public.wishes set number = number + 1",
                "select parley.enqueue_job('tavus', 'greet', '{}', 'wish')",
            ] {
                sqlx::query(statement).execute(&mut *transaction).await.unwrap();
            }
            transaction.commit().await.unwrap();
        });
        early.says(Answer::Done);
        let mut seen = 0;
        while seen < round {
            let late = worker.call().await;
            seen = scene.number("select number from public.wishes").await;
            late.says(Answer::Done);
        }
        soon("the wish", wish).await.unwrap();
        scene.until_empty().await;
        assert!(worker.calls.try_recv().is_err());
    }
    worker.stopped().await;
    scene.stop().await;
}

/// A job that waits may be wanted again by a transaction that is still open: it must not begin before that one ends.
#[tokio::test(flavor = "multi_thread")]
async fn job_that_is_wanted_again_waits_for_who_wants_it() {
    let scene = Scene::start().await;
    scene
        .run("select parley.enqueue_job('tavus', 'greet', '{\"n\": 1}', 'wish')")
        .await;
    let mut wish = scene.owner.begin().await.unwrap();
    sqlx::query("select parley.enqueue_job('tavus', 'greet', '{}', 'wish')")
        .execute(&mut *wish)
        .await
        .unwrap();
    // It hears of jobs, and looks when it is called alone.
    let mut worker = scene.worker(Settings {
        poll: Duration::from_secs(3600),
        ..quick()
    });
    worker.until_listening(true).await;
    scene.enqueue(2, 2).await;
    let other = worker.call().await;
    assert_eq!(other.n(), 2, "a job began that somebody is just asking for");
    other.says(Answer::Done);
    wish.commit().await.unwrap();
    let call = worker.call().await;
    assert_eq!((call.n(), call.job.attempt), (1, 1));
    call.says(Answer::Done);
    scene.until_empty().await;
    worker.stopped().await;
    scene.stop().await;
}

//! Leases: kept while a job runs, lost with the line, taken over by others.

use std::time::Duration;

use edge_worker::jobs::Settings;

use crate::scene::{Answer, Scene, quick, until};
use crate::support::database::{Line, Proxy};

fn short_lease() -> Settings {
    Settings {
        lease: Duration::from_secs(3),
        ..quick()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lease_is_kept_as_long_as_the_worker_lives_and_then_taken_over() {
    let scene = Scene::start().await;
    let proxy = Proxy::start(&scene.worker_url()).await;
    let mut first = scene.worker_at(&proxy.url, short_lease());
    scene.enqueue(1, 1).await;
    let mut call = first.call().await;
    let mut second = scene.worker(short_lease());

    // Three times as long as the lease that it was taken on.
    let message = "(select vt from pgmq.q_parley_tavus)";
    let taken_until = scene.text(&format!("select {message}::text")).await;
    let twice = 2 * short_lease().lease.as_secs();
    let is_kept = format!("{message} > '{taken_until}'::timestamptz + interval '{twice} seconds'");
    until(&scene.owner, "an extended lease", &is_kept).await;
    assert!(
        second.calls.try_recv().is_err(),
        "a job that is worked on was taken over"
    );

    // Its worker cannot reach the database any more, and drops the job when it may be another's.
    proxy.line.send(Line::Held).unwrap();
    let again = second.call().await;
    assert_eq!((again.n(), again.job.attempt), (1, 2));
    assert!(again.job.lease > call.job.lease);
    call.is_dropped().await;
    first
        .until("the note of the loss", |first| {
            first.outcomes("unknown", "lost") == 1.0
        })
        .await;

    // Alive again, it says nothing about a job that is not its own.
    proxy.line.send(Line::Open).unwrap();
    assert_eq!(scene.number("select attempts::bigint from parley.jobs").await, 2);
    again.says(Answer::Done);
    scene.until_empty().await;
    assert_eq!(first.stopped().await + second.stopped().await, 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_worker_neither_finishes_nor_delays_nor_buries_what_another_has() {
    let scene = Scene::start().await;
    // A lease so long that the first worker never asks whether it still has it.
    let mut first = scene.worker(Settings {
        // It must not take the job again itself.
        tavus: 1,
        ..quick()
    });
    let answers = [
        Answer::Done,
        crate::scene::passing("late"),
        Answer::Fails(edge_worker::jobs::JobError::GiveUp {
            reason: "late".to_owned(),
        }),
    ];
    for (n, answer) in (1..).zip(answers) {
        scene.enqueue(n, n).await;
        let stale = first.call().await;
        // As if it had slept through its lease.
        let taken = scene.worker_pool();
        scene
            .run("update pgmq.q_parley_tavus set vt = clock_timestamp()")
            .await;
        let lease: i32 = sqlx::query_scalar("select lease from parley.take_jobs('tavus', 1, 600, 10)")
            .fetch_one(&taken)
            .await
            .unwrap();
        assert!(lease > stale.job.lease);
        let before = scene
            .text("select row(vt, jobs)::text from pgmq.q_parley_tavus, parley.jobs")
            .await;
        stale.says(answer);
        first
            .until("the note of the loss", |first| {
                first.outcomes("unknown", "lost") == f64::from(n)
            })
            .await;
        let after = scene
            .text("select row(vt, jobs)::text from pgmq.q_parley_tavus, parley.jobs")
            .await;
        assert_eq!(before, after);
        let is_finished: bool = sqlx::query_scalar(
            "select parley.finish_job('tavus', msg_id, $1) from (select message_id as msg_id from parley.jobs) as job",
        )
        .bind(lease)
        .fetch_one(&scene.owner)
        .await
        .unwrap();
        assert!(is_finished, "who has it can finish it");
    }
    assert_eq!(scene.number("select count(*) from parley.dead_letters").await, 0);
    first.stopped().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_that_is_done_while_the_database_is_away_is_finished_when_it_is_back() {
    let scene = Scene::start().await;
    let proxy = Proxy::start(&scene.worker_url()).await;
    let mut worker = scene.worker_at(&proxy.url, quick());
    scene.enqueue(1, 1).await;
    let call = worker.call().await;
    proxy.line.send(Line::Cut).unwrap();
    call.says(Answer::Done);
    worker.until_listening(false).await;
    assert_eq!(scene.number("select count(*) from pgmq.q_parley_tavus").await, 1);
    proxy.line.send(Line::Open).unwrap();
    scene.until_empty().await;
    worker
        .until("the count", |worker| worker.outcomes("unknown", "done") == 1.0)
        .await;
    assert!(worker.calls.try_recv().is_err(), "it was done twice");
    worker.stopped().await;
    scene.stop().await;
}

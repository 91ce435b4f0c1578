//! Hearing of jobs at once, and without that.

use std::time::Duration;

use edge_worker::jobs::Settings;

use crate::scene::{Answer, Scene, quick, until};
use crate::support::database::{Line, Proxy};

/// Who is not called never looks, within the life of a test.
fn deaf() -> Settings {
    Settings {
        poll: Duration::from_secs(3600),
        ..quick()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_hears_of_a_job_when_its_transaction_commits_and_never_of_one_that_rolls_back() {
    let scene = Scene::start().await;
    let proxy = Proxy::start(&scene.worker_url()).await;
    let mut worker = scene.worker_on(
        &scene.worker_url(),
        &proxy.url,
        Settings {
            ping: Duration::from_millis(200),
            ..deaf()
        },
        Duration::from_secs(60),
    );
    worker.until_listening(true).await;

    let enqueue = "select parley.enqueue_job('tavus', 'greet', '{\"n\": 1}')";
    let mut transaction = scene.owner.begin().await.unwrap();
    sqlx::query(enqueue).execute(&mut *transaction).await.unwrap();
    transaction.rollback().await.unwrap();
    let mut transaction = scene.owner.begin().await.unwrap();
    sqlx::query(enqueue).execute(&mut *transaction).await.unwrap();
    assert!(worker.calls.try_recv().is_err());
    transaction.commit().await.unwrap();
    worker.call().await.says(Answer::Done);
    scene.until_empty().await;
    assert!(worker.calls.try_recv().is_err());

    // What was enqueued while nobody heard it is found when the connection is back; a line that hangs counts as gone.
    for line in [Line::Cut, Line::Held] {
        proxy.line.send(line).unwrap();
        worker.until_listening(false).await;
        // Whoever has just ended a job looks once for another, which may be this one: then there is one more.
        let waiting = "select count(*) from parley.jobs where attempts = 0";
        scene.enqueue(2, 2).await;
        while scene.number(waiting).await == 0 {
            worker.call().await.says(Answer::Done);
            scene.until_empty().await;
            scene.enqueue(2, 2).await;
        }
        proxy.line.send(Line::Open).unwrap();
        let call = worker.call().await;
        assert_eq!(call.n(), 2);
        call.says(Answer::Done);
        scene.until_empty().await;
        worker.until_listening(true).await;
    }
    worker.stopped().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_that_hears_nothing_finds_jobs_by_looking() {
    let scene = Scene::start().await;
    let proxy = Proxy::start(&scene.worker_url()).await;
    proxy.line.send(Line::Cut).unwrap();
    let mut worker = scene.worker_on(&scene.worker_url(), &proxy.url, quick(), Duration::from_secs(60));
    for n in 1..=3 {
        scene.enqueue(n, n).await;
        let call = worker.call().await;
        assert_eq!(call.n(), i64::from(n));
        call.says(Answer::Done);
        scene.until_empty().await;
    }
    worker.until_listening(false).await;

    // Nor does it mind a database that is away for a while.
    worker.stopped().await;
    let mut worker = scene.worker_at(&proxy.url, quick());
    scene.enqueue(4, 4).await;
    proxy.line.send(Line::Open).unwrap();
    let call = worker.call().await;
    assert_eq!((call.n(), call.job.attempt), (4, 1));
    call.says(Answer::Done);
    scene.until_empty().await;
    worker.stopped().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_behind_a_pooler_that_loses_what_it_listens_to_looks_and_listens_to_nothing() {
    let scene = Scene::start().await;
    let mut worker = scene.worker_without_wakeups(quick());
    for n in 1..=3 {
        scene.enqueue(n, n).await;
        let call = worker.call().await;
        assert_eq!(call.n(), i64::from(n));
        call.says(Answer::Done);
        scene.until_empty().await;
    }
    let listening = "select count(*) from pg_stat_activity where query ilike 'listen%'";
    assert_eq!(scene.number(listening).await, 0);
    worker.until_listening(false).await;
    worker.stopped().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_that_failed_is_tried_again_at_its_time_without_a_call() {
    let scene = Scene::start().await;
    let mut worker = scene.worker(Settings {
        first_delay: Duration::from_secs(1),
        ..deaf()
    });
    worker.until_listening(true).await;
    scene.enqueue(1, 1).await;
    worker.call().await.says(crate::scene::passing("once more"));
    let again = worker.call().await;
    assert_eq!(again.job.attempt, 2);
    let is_due = "(select clock_timestamp() >= last_failed_at + interval '1 second' from parley.jobs)";
    until(&scene.owner, "its time", is_due).await;
    again.says(Answer::Done);
    scene.until_empty().await;
    worker.stopped().await;
    scene.stop().await;
}

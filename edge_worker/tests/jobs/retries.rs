//! Attempts that fail.

use std::time::Duration;

use edge_worker::jobs::{JobError, Settings};

use crate::scene::{Answer, Scene, passing, quick, soon, until};

#[tokio::test(flavor = "multi_thread")]
async fn job_that_keeps_failing_is_given_up_and_may_be_replayed() {
    let scene = Scene::start().await;
    let mut worker = scene.worker(Settings {
        max_attempts: 3,
        ..quick()
    });
    scene
        .run("select parley.enqueue_job('tavus', 'greet', '{\"n\": 1}', 'the-key')")
        .await;
    for (attempt, answer) in (1..).zip([passing("first"), Answer::Panics, passing("third")]) {
        let call = worker.call().await;
        assert_eq!((call.n(), call.job.attempt), (1, attempt));
        call.says(answer);
    }
    let given_up = soon("the giving up", worker.given_up.recv()).await.unwrap();
    assert_eq!(given_up.attempt, 3);
    until(
        &scene.owner,
        "a dead letter",
        "exists (select from parley.dead_letters where kind = 'greet' and payload = '{\"n\": 1}' and job_key = 'the-key'
            and deaths = 1 and attempts = 3 and last_error = 'third')
        and not exists (select from parley.jobs) and not exists (select from pgmq.q_parley_tavus)",
    )
    .await;

    // Replayed, it begins anew; this time a worker says at once that it is no use.
    scene.run("select parley.replay_dead_letters()").await;
    let call = worker.call().await;
    assert_eq!((call.n(), call.job.attempt), (1, 1));
    call.says(Answer::Fails(JobError::GiveUp {
        reason: "no use".to_owned(),
    }));
    until(
        &scene.owner,
        "another dead letter",
        "(select last_error = 'no use' and attempts = 1 from parley.dead_letters)",
    )
    .await;
    // A later success under the same key settles it.
    scene
        .run("select parley.enqueue_job('tavus', 'greet', '{\"n\": 2}', 'the-key')")
        .await;
    worker.call().await.says(Answer::Done);
    until(
        &scene.owner,
        "peace",
        "not exists (select from parley.dead_letters)",
    )
    .await;

    let outcomes = ["retried", "dead", "done"].map(|outcome| worker.outcomes("unknown", outcome));
    assert_eq!(outcomes[..2], [2.0, 2.0]);
    assert!(worker.given_up.recv().await.is_some_and(|job| job.attempt == 1));
    worker.stopped().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_waits_at_least_as_long_as_a_provider_asks_and_otherwise_longer_each_time() {
    let scene = Scene::start().await;
    let first_delay = Duration::from_secs(100);
    let mut worker = scene.worker(Settings {
        first_delay,
        longest_delay: Duration::from_secs(100_000),
        ..quick()
    });
    scene.enqueue(1, 1).await;
    // Attempts and what the provider asks for; how long the job then waits, with some chance in it, rounded up.
    for (attempt, asked, least, most) in [
        (1, None, 50, 101),
        (2, Some(5), 100, 201),
        (3, Some(5000), 5000, 5101),
        (4, Some(86_400), 86_400, 86_501),
    ] {
        let call = worker.call().await;
        assert_eq!(call.job.attempt, attempt);
        let after = asked.map(Duration::from_secs);
        let reason = format!("attempt {attempt}");
        call.says(Answer::Fails(JobError::Retry {
            after,
            reason: reason.clone(),
        }));
        let is_put_off = format!("(select last_error = '{reason}' from parley.jobs)");
        until(&scene.owner, "the next attempt's time", &is_put_off).await;
        // Both are written in one statement after the other.
        let wait =
            "select extract(epoch from vt - last_failed_at)::bigint from pgmq.q_parley_tavus, parley.jobs";
        let wait = scene.number(wait).await;
        assert!((least..=most).contains(&wait), "{wait} after attempt {attempt}");
        scene
            .run("update pgmq.q_parley_tavus set vt = clock_timestamp()")
            .await;
    }
    worker.call().await.says(Answer::Done);
    scene.until_empty().await;
    worker.stopped().await;
    scene.stop().await;
}

//! Going down with jobs in hand.

use std::time::Duration;

use crate::scene::{Answer, Scene, quick};

#[tokio::test(flavor = "multi_thread")]
async fn worker_that_stops_finishes_what_it_holds_and_takes_nothing_more() {
    let scene = Scene::start().await;
    let mut worker = scene.worker(quick());
    scene.enqueue(1, 6).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(worker.call().await);
    }
    worker.stopping.cancel();
    for call in held {
        call.says(Answer::Done);
    }
    let mut calls = std::mem::replace(&mut worker.calls, tokio::sync::mpsc::unbounded_channel().1);
    assert_eq!(worker.stopped().await, 0);
    assert!(calls.try_recv().is_err(), "a new job after it was told to stop");
    assert_eq!(scene.number("select count(*) from pgmq.q_parley_tavus").await, 2);
    assert_eq!(
        scene
            .number("select count(*) from parley.jobs where attempts = 0 and not is_running")
            .await,
        2
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_gives_back_what_takes_too_long_and_the_attempt_does_not_count() {
    let scene = Scene::start().await;
    let url = scene.worker_url();
    let mut first = scene.worker_on(&url, &url, quick(), Duration::from_millis(10));
    scene.enqueue(1, 2).await;
    let mut held = [first.call().await, first.call().await];
    assert_eq!(first.stopped().await, 2);
    for call in &mut held {
        call.is_dropped().await;
    }
    assert_eq!(
        scene
            .number(
                "select count(*) from pgmq.q_parley_tavus as message join parley.jobs as job on job.message_id = message.msg_id
                where message.vt <= clock_timestamp() and job.attempts = 0 and not job.is_running"
            )
            .await,
        2
    );
    // Another one need not wait for the end of the lease, and hears of them.
    let mut second = scene.worker(quick());
    for _ in 0..2 {
        let call = second.call().await;
        assert_eq!(call.job.attempt, 1);
        call.says(Answer::Done);
    }
    scene.until_empty().await;
    second.stopped().await;
    scene.stop().await;
}

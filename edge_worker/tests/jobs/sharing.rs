//! Several workers on one queue.

use std::collections::BTreeMap;

use crate::scene::{Answer, Scene, quick};

const JOBS: u32 = 300;

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_a_queue_and_nothing_is_done_twice() {
    let scene = Scene::start().await;
    scene.enqueue(1, JOBS).await;
    let mut workers = [scene.worker(quick()), scene.worker(quick())];
    // Each holds as many as it may at a time before any is answered: so both take part.
    let mut held = Vec::new();
    for worker in &mut workers {
        for _ in 0..4 {
            held.push(worker.call().await);
        }
    }
    let [first, second] = &mut workers;
    assert!(
        first.calls.try_recv().is_err(),
        "more jobs at a time than allowed"
    );
    assert!(
        second.calls.try_recv().is_err(),
        "more jobs at a time than allowed"
    );

    let mut times = BTreeMap::new();
    let mut done = 0;
    while done < JOBS {
        let call = match held.pop() {
            Some(call) => call,
            None => tokio::select! {
                call = first.call() => call,
                call = second.call() => call,
            },
        };
        *times.entry(call.n()).or_insert(0) += 1;
        assert_eq!(call.job.attempt, 1);
        call.says(Answer::Done);
        done += 1;
    }
    scene.until_empty().await;
    assert_eq!(
        times.len() as u32,
        JOBS,
        "a job was done twice, and another one never"
    );
    let [first, second] = workers;
    // It is counted after it is gone.
    first
        .until("the counts", |first| {
            first.outcomes("unknown", "done") + second.outcomes("unknown", "done") == f64::from(JOBS)
        })
        .await;
    assert_eq!(first.stopped().await + second.stopped().await, 0);
    assert_eq!(scene.number("select count(*) from parley.dead_letters").await, 0);
    scene.stop().await;
}

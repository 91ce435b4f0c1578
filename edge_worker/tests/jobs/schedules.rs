//! What comes round by itself.

use std::sync::Arc;
use std::time::Duration;

use edge_worker::jobs::Settings;
use tokio::sync::Barrier;

use crate::scene::{Answer, Scene, quick, soon, until};

#[tokio::test(flavor = "multi_thread")]
async fn due_schedule_is_enqueued_once_however_many_workers_see_it() {
    const WORKERS: usize = 8;
    let scene = Scene::start().await;
    let pool = scene.worker_pool();
    scene
        .run("insert into parley.job_schedules (name, queue, kind, every_seconds) values ('round', 'tavus', 'greet', 3600)")
        .await;
    for round in 1..=25 {
        scene
            .run(
                "update parley.job_schedules set next_run_at = now() - interval '2 hours 1 minute' where name = 'round';
                delete from pgmq.q_parley_tavus; delete from parley.jobs;",
            )
            .await;
        let barrier = Arc::new(Barrier::new(WORKERS));
        let looks = (0..WORKERS).map(|_| {
            let (pool, barrier) = (pool.clone(), barrier.clone());
            tokio::spawn(async move {
                let mut connection = pool.acquire().await.unwrap();
                barrier.wait().await;
                sqlx::query_scalar::<_, Option<f64>>("select parley.run_due_schedules()")
                    .fetch_one(&mut *connection)
                    .await
                    .unwrap()
            })
        });
        for look in looks.collect::<Vec<_>>() {
            look.await.unwrap();
        }
        let jobs = scene.number("select count(*) from pgmq.q_parley_tavus").await;
        assert_eq!(jobs, 1, "round {round}");
        let is_ahead = "(select next_run_at between now() and now() + interval '1 hour' from parley.job_schedules where name = 'round')";
        until(&scene.owner, "the next round", is_ahead).await;
    }
    // One that another worker is just running is passed by, not waited for.
    scene
        .run("update parley.job_schedules set next_run_at = now() where name = 'round'; delete from pgmq.q_parley_tavus; delete from parley.jobs")
        .await;
    let run = "select parley.run_due_schedules()";
    let mut first = pool.begin().await.unwrap();
    sqlx::query(run).execute(&mut *first).await.unwrap();
    soon("the second worker", sqlx::query(run).execute(&pool))
        .await
        .unwrap();
    first.commit().await.unwrap();
    assert_eq!(scene.number("select count(*) from pgmq.q_parley_tavus").await, 1);
    pool.close().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_do_what_is_due_by_the_clock() {
    let scene = Scene::start().await;
    let deaf = Settings {
        poll: Duration::from_secs(3600),
        ..quick()
    };
    scene
        .run("insert into parley.job_schedules (name, queue, kind, payload, every_seconds) values ('round', 'tavus', 'greet', '{\"n\": 7}', 1)")
        .await;
    let mut workers = [scene.worker(deaf.clone()), scene.worker(deaf)];
    // The same again and again, by whichever worker, and never two at a time.
    for _ in 0..3 {
        let [first, second] = &mut workers;
        let call = tokio::select! {
            call = first.call() => call,
            call = second.call() => call,
        };
        assert_eq!((call.n(), call.job.attempt), (7, 1));
        assert_eq!(scene.number("select count(*) from pgmq.q_parley_tavus").await, 1);
        call.says(Answer::Done);
    }
    for worker in workers {
        worker.stopped().await;
    }
    scene.stop().await;
}

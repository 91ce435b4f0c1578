//! Workers are killed while they start and end calls at Tavus. The workers that come after them take over: every wish for a call comes to
//! one call, and every wish for its end ends it.

use std::time::Duration;

use local_stack::Secret;
use local_stack::simulators::tavus::TavusSimulator;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sqlx::{Connection as _, PgConnection};
use tokio::time::Instant;
use uuid::Uuid;

use crate::house::{House, Victim};
use crate::plan;
use crate::worker::TAVUS_KEY;

/// Each kills twice.
const RUNS: usize = 10;
/// Calls a run.
const CALLS: usize = 4;
const WORKERS: usize = 2;
/// How often something is looked at that nobody announces.
const TICK: Duration = Duration::from_millis(1);
/// Long after everything else has gone wrong.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_killed_workers_are_taken_over_and_make_one_call_each() {
    let (seed, runs) = plan(RUNS);
    let mut random = StdRng::seed_from_u64(seed);
    let tavus = TavusSimulator::start(0, Secret::new(TAVUS_KEY), Some(seed))
        .await
        .unwrap();
    let mut house = House::start(tavus.base_url()).await;
    for run in 1..=runs {
        house.staff(WORKERS).await;
        let mut session = house.postgres.session().await;
        let wishes = wish(&mut session).await;
        let so_far = random.random_range(0..CALLS);
        let is_time = || tavus.conversations().1 >= so_far;
        interrupt(&mut house, &mut session, &tavus, is_time, &mut random).await;
        reached(&mut session, &wishes, "active").await;
        assert_eq!(
            tavus.conversations(),
            (run * CALLS, CALLS),
            "KILLS_SEED={seed}: calls at Tavus in run {run}"
        );

        sqlx::query("update echoroom.conversations set end_requested_at = now() where id = any($1)")
            .bind(&wishes)
            .execute(&mut session)
            .await
            .unwrap();
        let is_time = || tavus.conversations().1 <= CALLS - so_far;
        interrupt(&mut house, &mut session, &tavus, is_time, &mut random).await;
        reached(&mut session, &wishes, "ended").await;
        assert_eq!(
            tavus.conversations(),
            (run * CALLS, 0),
            "KILLS_SEED={seed}: calls at Tavus in run {run}"
        );
    }
    let mut session = house.postgres.session().await;
    // What comes round by itself may die with ten workers in a row, and comes round again.
    let ask = "select to_jsonb(buried)::text from parley.dead_letters as buried where job_key not like 'schedule:%'";
    let buried: Vec<String> = sqlx::query_scalar(ask).fetch_all(&mut session).await.unwrap();
    assert!(buried.is_empty(), "KILLS_SEED={seed}: {buried:?}");
    session.close().await.unwrap();
    tavus.stop().await;
}

/// Somebody in a room of their own wants an avatar there.
async fn wish(session: &mut PgConnection) -> Vec<Uuid> {
    sqlx::query_scalar(
        "with person as (
             insert into auth.users (id, is_anonymous) values (gen_random_uuid(), true) returning id
         ),
         rooms as (
             insert into echoroom.sessions (category) select 'Calm' from generate_series(1, $1) returning id
         ),
         seats as (
             insert into echoroom.participants (user_id, session_id, user_name, last_seen_at)
             select person.id, rooms.id, 'Somebody', now() + interval '1 day' from rooms cross join person
         )
         insert into echoroom.conversations (session_id, persona_id, mood)
         select id, 'default_calm_persona', 'Calm' from rooms
         returning id",
    )
    .bind(i32::try_from(CALLS).unwrap())
    .fetch_all(session)
    .await
    .unwrap()
}

/// Kills all workers when they have come so far, lets the time pass after which their jobs and claims are free, and brings new workers.
async fn interrupt(
    house: &mut House,
    session: &mut PgConnection,
    tavus: &TavusSimulator,
    is_time: impl Fn() -> bool,
    random: &mut StdRng,
) {
    let begin = Instant::now();
    while !is_time() {
        assert!(
            begin.elapsed() < PATIENCE,
            "the workers do not work: {:?}",
            tavus.conversations()
        );
        tokio::time::sleep(TICK).await;
    }
    house.kill(Victim::AllWorkers, random).await;
    // What the dead have sent has come to Tavus before this.
    let asked = reqwest::Client::new()
        .get(format!("{}/v2/conversations", tavus.base_url()))
        .header("x-api-key", TAVUS_KEY)
        .send()
        .await
        .unwrap();
    assert_eq!(asked.status(), 200);
    sqlx::raw_sql(
        "update echoroom.conversations set claimed_until = now() - interval '1 second' where claimed_until is not null;
         update pgmq.q_parley_tavus set vt = now() - interval '1 second'",
    )
    .execute(session)
    .await
    .unwrap();
    house.staff(WORKERS).await;
}

/// Waits until all of them have come so far.
async fn reached(session: &mut PgConnection, wishes: &[Uuid], status: &str) {
    let begin = Instant::now();
    loop {
        let rows: Vec<(Uuid, String, Option<String>)> = sqlx::query_as(
            "select id, status, failure from echoroom.conversations where id = any($1) and (status <> $2 or claimed_until is not null)",
        )
        .bind(wishes)
        .bind(status)
        .fetch_all(&mut *session)
        .await
        .unwrap();
        if rows.is_empty() {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "not {status}: {rows:?}");
        tokio::time::sleep(TICK).await;
    }
}

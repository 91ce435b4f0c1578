//! Kills: the worker and Postgres go down with `kill -9` at random points, while events come in. Every event that was acknowledged with 200
//! is in the database, none has an effect twice, and conversations end in the state that the events in their order make.
//!
//! `KILLS_SEED` repeats a run of chances, `KILLS_RUNS` changes how many there are. What a kill hits is a matter of microseconds, so the same
//! seed makes the same plan, not the same history.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod audit;
mod calls;
mod house;
mod postgres;
mod sender;
mod worker;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::calls::Call;
use crate::house::House;

/// Every so many runs Postgres is killed; else a worker is.
const POSTGRES_EVERY: usize = 5;

/// From the environment, where somebody wants to see a plan again.
fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_events_are_there_once_whatever_is_killed() {
    let seed = setting("KILLS_SEED").unwrap_or_else(rand::random::<u64>);
    let runs = setting("KILLS_RUNS").unwrap_or(200);
    eprintln!("KILLS_SEED={seed} KILLS_RUNS={runs}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut house = House::start().await;
    for run in 0..runs {
        // In the second half two workers share the database.
        house.staff(if run * 2 < runs { 1 } else { 2 }).await;
        let mut session = house.postgres.session().await;
        let calls = Call::make(&mut session, &mut random, 3).await;
        let deliveries: usize = calls
            .iter()
            .flat_map(|call| &call.events)
            .map(|event| event.copies)
            .sum();
        let after = random.random_range(0..deliveries);
        let is_postgres = run % POSTGRES_EVERY == POSTGRES_EVERY - 1;
        let victims = if is_postgres { "Postgres" } else { "worker" };
        drop(session);
        house
            .kill_while_sending(&calls, after, is_postgres, &mut random)
            .await;
        let faults = audit::faults(&mut house.postgres.session().await, &calls).await;
        assert!(
            faults.is_empty(),
            "KILLS_SEED={seed}: run {run}, {victims} killed after {after} of {deliveries} acknowledgements: {faults:#?}"
        );
    }
}

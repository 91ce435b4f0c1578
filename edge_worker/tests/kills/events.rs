//! Events come in while the worker, or Postgres, is killed: every one that was acknowledged with 200 is in the database, none has an
//! effect twice, and conversations end in the state that the events in their order make.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::audit;
use crate::calls::Call;
use crate::house::{House, Victim};
use crate::plan;

/// Those of the jobs come besides.
const RUNS: usize = 200;
/// Calls a run; each has ten events, and some of those come two or three times.
const CALLS: i32 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_events_are_there_once_whatever_is_killed() {
    let (seed, runs) = plan(RUNS);
    let mut random = StdRng::seed_from_u64(seed);
    // Nobody is at Tavus' address: these calls exist only here.
    let mut house = House::start("http://127.0.0.1:9").await;
    let (mut hits, mut interrupted) = (0, 0);
    for run in 0..runs {
        // In the second half two workers share the database.
        house.staff(if run * 2 < runs { 1 } else { 2 }).await;
        let victim = victim(run, &mut random);
        let mut session = house.postgres.session().await;
        let calls = Call::make(&mut session, &mut random, CALLS).await;
        let events = calls.iter().flat_map(|call| &call.events);
        let deliveries: usize = events.map(|event| event.copies).sum();
        let after = random.random_range(0..deliveries);
        drop(session);
        house.kill_while_sending(&calls, after, victim, &mut random).await;
        let faults = audit::faults(&mut house.postgres.session().await, &calls).await;
        assert!(
            faults.is_empty(),
            "KILLS_SEED={seed}: run {run}, {victim:?} killed after {after} of {deliveries} acknowledgements: {faults:#?}"
        );
        interrupted += house.sender.interrupted();
        hits += usize::from(house.sender.interrupted() > 0);
    }
    eprintln!("{runs} kills, of which {hits} hit deliveries under way, {interrupted} in all");
    assert!(hits * 4 >= runs, "only {hits} of {runs} kills hit anything");
}

/// Two of nine times Postgres, which makes 44 of 200.
fn victim(run: usize, random: &mut StdRng) -> Victim {
    match run % 9 {
        3 | 7 => Victim::Postgres,
        _ if random.random_bool(0.2) => Victim::AllWorkers,
        _ => Victim::OneWorker,
    }
}

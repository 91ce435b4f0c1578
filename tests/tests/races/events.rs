//! Claims of one event at once: exactly one of them gets it, and who waits learns what came of it.

use std::sync::Arc;

use parley_tests::{Error, Place, Session, in_schema};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::seats::wait_until_blocked;

/// A claim under the name of the place; the digest is one digit repeated.
fn claim(place: &Place, key: &str, digit: char) -> String {
    let digest = digit.to_string().repeat(64);
    format!(
        "select parley.claim_event('{}', '{key}', '{digest}')",
        place.schema
    )
}

/// Runs a test, and forgets what it claimed.
fn with_claims(test: impl AsyncFnOnce(&mut Place) -> Result<(), Error>) -> Result<(), Error> {
    in_schema(async |place| {
        let outcome = test(place).await;
        let forget = format!(
            "delete from parley.processed_events where source = '{}'",
            place.schema
        );
        outcome.and(place.session().await?.run(&forget).await)
    })
}

/// One session claims and stays open; a second one claims the same key, and waits; then the first one ends in this way. What the second
/// one got.
async fn claim_behind(
    place: &mut Place,
    key: &str,
    digits: [char; 2],
    ending: &str,
) -> Result<String, Error> {
    let mut first = place.session().await?;
    let (victim, second_claim) = (first.backend().await?, claim(place, key, digits[1]));
    first.run("begin; savepoint s").await?;
    assert_eq!(first.text(&claim(place, key, digits[0])).await?, "new");
    let mut second = place.session().await?;
    let backend = second.backend().await?;
    let waiting = tokio::spawn(async move { second.text(&second_claim).await });
    wait_until_blocked(place, &backend).await?;
    if ending == "kill" {
        place
            .session
            .run(&format!("select pg_terminate_backend({victim})"))
            .await?;
    } else {
        first.run(ending).await?;
    }
    // Before the first session goes: it may have undone the claim and still be in its transaction.
    let answer = waiting.await??;
    if ending != "kill" {
        first.run("rollback").await?;
    }
    Ok(answer)
}

#[test]
fn second_claim_waits_for_the_first_and_learns_what_came_of_it() -> Result<(), Error> {
    with_claims(async |place| {
        for round in 0..8 {
            for (number, (ending, digits, answer)) in [
                ("commit", ['a', 'a'], "duplicate"),
                ("commit", ['a', 'b'], "conflicting"),
                ("rollback", ['a', 'a'], "new"),
                ("rollback", ['a', 'b'], "new"),
                ("rollback to s", ['a', 'b'], "new"),
                ("kill", ['a', 'b'], "new"),
            ]
            .into_iter()
            .enumerate()
            {
                let key = format!("{round} {number}");
                let answered = claim_behind(place, &key, digits, ending).await?;
                assert_eq!(answered, answer, "{ending}, {digits:?}");
                let kept = place
                    .session
                    .text(&format!(
                        "select left(digest, 1) from parley.processed_events where source = '{}' and event_key = '{key}'",
                        place.schema
                    ))
                    .await?;
                let first_kept = if answer == "new" { digits[1] } else { digits[0] };
                assert_eq!(kept, first_kept.to_string(), "{ending}, {digits:?}");
            }
        }
        Ok(())
    })
}

/// A session takes every event in an order of its own, as a worker does: claim and effect in one transaction, which now and then fails.
/// Says which events were new to it.
async fn work(
    mut session: Session,
    claims: Vec<String>,
    seed: u64,
    barrier: Arc<Barrier>,
) -> Result<usize, Error> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut events: Vec<(usize, String)> = claims.into_iter().enumerate().collect();
    events.shuffle(&mut random);
    let mut applied = 0;
    barrier.wait().await;
    for (event, claim) in events {
        loop {
            session.run("begin").await?;
            let is_new = session.text(&claim).await? == "new";
            if is_new {
                session
                    .run(&format!("insert into effects values ({event})"))
                    .await?;
            }
            // The sender delivers again what was not acknowledged.
            if random.random_bool(0.3) {
                session.run("rollback").await?;
                continue;
            }
            session.run("commit").await?;
            applied += usize::from(is_new);
            break;
        }
    }
    Ok(applied)
}

#[test]
fn of_many_sessions_exactly_one_applies_each_event() -> Result<(), Error> {
    const SESSIONS: u64 = 8;
    const EVENTS: usize = 60;
    with_claims(async |place| {
        place.session.run("create table effects (event int)").await?;
        let claims: Vec<String> = (0..EVENTS)
            .map(|event| claim(place, &event.to_string(), 'a'))
            .collect();
        let barrier = Arc::new(Barrier::new(SESSIONS as usize));
        let mut workers = JoinSet::new();
        for seed in 0..SESSIONS {
            workers.spawn(work(
                place.session().await?,
                claims.clone(),
                seed,
                Arc::clone(&barrier),
            ));
        }
        let mut applied = 0;
        while let Some(worker) = workers.join_next().await {
            applied += worker??;
        }
        assert_eq!(applied, EVENTS);
        assert_eq!(
            place
                .session
                .text("select concat_ws('/', count(*), count(distinct event)) from effects")
                .await?,
            format!("{EVENTS}/{EVENTS}")
        );
        Ok(())
    })
}

#[test]
fn snapshot_from_before_the_claim_is_told_to_try_again() -> Result<(), Error> {
    with_claims(async |place| {
        for level in ["repeatable read", "serializable"] {
            place
                .session
                .run(&claim(place, &format!("before {level}"), 'a'))
                .await?;
            let mut old = place.session().await?;
            old.run(&format!(
                "begin isolation level {level}; select count(*) from parley.processed_events"
            ))
            .await?;
            place
                .session
                .run(&claim(place, &format!("after {level}"), 'a'))
                .await?;
            assert_eq!(
                old.text(&claim(place, &format!("before {level}"), 'a')).await?,
                "duplicate"
            );
            assert_eq!(
                old.text(&claim(place, &format!("own {level}"), 'a')).await?,
                "new"
            );
            assert_eq!(
                old.refusal(&claim(place, &format!("after {level}"), 'a'))
                    .await?
                    .code,
                "40001"
            );
            old.run("rollback").await?;
            assert_eq!(
                old.text(&claim(place, &format!("after {level}"), 'a')).await?,
                "duplicate"
            );
        }
        Ok(())
    })
}

#[test]
fn conflict_is_recorded_once_however_many_bring_it() -> Result<(), Error> {
    with_claims(async |place| {
        for round in 0..20 {
            let key = format!("conflict {round}");
            place.session.run(&claim(place, &key, 'a')).await?;
            let barrier = Arc::new(Barrier::new(8));
            let mut senders = JoinSet::new();
            for sender in 0..8 {
                let (mut session, barrier) = (place.session().await?, Arc::clone(&barrier));
                let claim = claim(place, &key, if sender % 2 == 0 { 'b' } else { 'c' });
                senders.spawn(async move {
                    barrier.wait().await;
                    session.text(&claim).await
                });
            }
            while let Some(answer) = senders.join_next().await {
                assert_eq!(answer??, "conflicting");
            }
            let kept = place
                .session
                .text(&format!(
                    "select left(digest, 1) || (select string_agg(left(d, 1), '' order by d) from unnest(conflicting_digests) as d)
                     from parley.processed_events where source = '{}' and event_key = '{key}'",
                    place.schema
                ))
                .await?;
            assert_eq!(kept, "abc");
        }
        Ok(())
    })
}

#[test]
fn claims_in_the_order_of_their_keys_do_not_deadlock() -> Result<(), Error> {
    with_claims(async |place| {
        let claims = format!(
            "select parley.claim_event('{}', lpad(k::text, 3, '0'), repeat('a', 64)) from generate_series(1, 39) as k",
            place.schema
        );
        let forget = format!(
            "delete from parley.processed_events where source = '{}'",
            place.schema
        );
        for _ in 0..15 {
            place.session.run(&forget).await?;
            let barrier = Arc::new(Barrier::new(4));
            let mut claimers = JoinSet::new();
            for _ in 0..4 {
                let (mut session, barrier, claims) =
                    (place.session().await?, Arc::clone(&barrier), claims.clone());
                claimers.spawn(async move {
                    barrier.wait().await;
                    session.run(&claims).await
                });
            }
            while let Some(outcome) = claimers.join_next().await {
                outcome??;
            }
        }

        // What the order is for: each holds what the other one wants.
        place.session.run(&forget).await?;
        let (mut one, mut other) = (place.session().await?, place.session().await?);
        let (first, last) = (claim(place, "001", 'a'), claim(place, "039", 'a'));
        one.run(&format!("begin; {first}")).await?;
        other.run(&format!("begin; {last}")).await?;
        let backend = one.backend().await?;
        let waiting = tokio::spawn(async move { one.outcome(&last).await });
        wait_until_blocked(place, &backend).await?;
        let outcomes = [other.outcome(&first).await?, waiting.await??];
        let deadlocks = outcomes
            .iter()
            .filter(|outcome| outcome.as_ref().is_err_and(|refusal| refusal.code == "40P01"));
        assert_eq!(deadlocks.count(), 1, "{outcomes:?}");
        Ok(())
    })
}

#[test]
fn batches_of_the_same_events_in_any_order_are_new_once_and_do_not_deadlock() -> Result<(), Error> {
    const EVENTS: usize = 39;
    with_claims(async |place| {
        for round in 0..15_u64 {
            let barrier = Arc::new(Barrier::new(4));
            let mut claimers = JoinSet::new();
            for number in 0..4 {
                let mut keys: Vec<String> = (0..EVENTS).map(|key| format!("{round} {key}")).collect();
                keys.shuffle(&mut StdRng::seed_from_u64(4 * round + number));
                let claims = format!(
                    "select count(*) from unnest(parley.claim_events('{}', '{{{}}}', array_fill(repeat('{}', 64), array[{EVENTS}]))) as answer
                     where answer = 'new'",
                    place.schema,
                    keys.join(","),
                    if number == 0 { 'b' } else { 'a' },
                );
                let (mut session, barrier) = (place.session().await?, Arc::clone(&barrier));
                claimers.spawn(async move {
                    barrier.wait().await;
                    session.text(&claims).await
                });
            }
            let mut new = Vec::new();
            while let Some(count) = claimers.join_next().await {
                new.push(count??);
            }
            new.sort();
            // Each waits for the first key of whoever is ahead, so one gets all of them.
            assert_eq!(new, ["0", "0", "0", &EVENTS.to_string()]);
        }
        Ok(())
    })
}

#[test]
fn claims_and_pruning_at_once_neither_fail_nor_lose_an_event() -> Result<(), Error> {
    with_claims(async |place| {
        for round in 0..25 {
            // Claimed long ago: to be pruned while it is delivered again.
            let key = format!("old {round}");
            place.session.run(&claim(place, &key, 'a')).await?;
            place
                .session
                .run(&format!(
                    "update parley.processed_events set first_seen_at = now() - interval '1000 days'
                     where source = '{}' and event_key = '{key}'",
                    place.schema
                ))
                .await?;
            let barrier = Arc::new(Barrier::new(4));
            let mut sessions = JoinSet::new();
            for number in 0..4 {
                let (mut session, barrier) = (place.session().await?, Arc::clone(&barrier));
                let sql = if number == 0 {
                    "select parley.prune_events('999 days')".to_owned()
                } else {
                    claim(place, &key, 'a')
                };
                sessions.spawn(async move {
                    barrier.wait().await;
                    session.text(&sql).await
                });
            }
            let mut answers = Vec::new();
            while let Some(answer) = sessions.join_next().await {
                answers.push(answer??);
            }
            let count = |word: &str| answers.iter().filter(|answer| *answer == word).count();
            assert_eq!(count("1"), 1, "nothing holds up the pruning: {answers:?}");
            assert!(count("new") <= 1, "{answers:?}");
            let expected = if count("new") == 1 { "duplicate" } else { "new" };
            assert_eq!(
                place.session.text(&claim(place, &key, 'a')).await?,
                expected,
                "{answers:?}"
            );
        }
        Ok(())
    })
}

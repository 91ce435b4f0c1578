//! The last seat.

use std::sync::Arc;

use parley_tests::{Error, Place, Refusal, in_schema};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::rooms::{assert_exact, build};

/// Every session wants a seat in every room, all at the same moment. How many got in, and the answers of the others, by room.
async fn race(place: &Place, sessions: usize, rooms: i32) -> Result<Vec<(usize, Vec<Refusal>)>, Error> {
    let barrier = Arc::new(Barrier::new(sessions));
    let mut racers = JoinSet::new();
    for _ in 0..sessions {
        let mut session = place.session().await?;
        let barrier = Arc::clone(&barrier);
        racers.spawn(async move {
            let mut answers = Vec::new();
            for room in 1..=rooms {
                barrier.wait().await;
                answers.push(
                    session
                        .outcome(&format!("insert into members (room) values ({room})"))
                        .await?,
                );
            }
            Ok::<_, Error>(answers)
        });
    }
    let mut rounds: Vec<(usize, Vec<Refusal>)> = (0..rooms).map(|_| (0, Vec::new())).collect();
    while let Some(answers) = racers.join_next().await {
        for (round, answer) in rounds.iter_mut().zip(answers??) {
            match answer {
                Ok(_) => round.0 += 1,
                Err(refusal) => round.1.push(refusal),
            }
        }
    }
    Ok(rounds)
}

async fn assert_winners(
    place: &mut Place,
    sessions: usize,
    rooms: i32,
    capacity: usize,
) -> Result<(), Error> {
    place.session.run(&format!("update rooms set capacity = {capacity}; insert into rooms (id, capacity) select generate_series(21, {rooms}), {capacity}")).await?;
    for (room, (winners, losers)) in race(place, sessions, rooms).await?.into_iter().enumerate() {
        assert_eq!(
            (winners, losers.len()),
            (capacity, sessions - capacity),
            "room {}: {losers:?}",
            room + 1
        );
        for loser in losers {
            assert_eq!(
                (loser.code.as_str(), loser.detail.as_deref()),
                ("PT409", Some("capacity_exceeded"))
            );
        }
    }
    let wrong = format!(
        "select count(*) from rooms where (members, seats) is distinct from ({capacity}, {capacity})"
    );
    assert_eq!(place.session.text(&wrong).await?, "0");
    assert_exact(place).await
}

#[test]
fn last_seat_goes_to_exactly_one_of_two() -> Result<(), Error> {
    in_schema(async |place| {
        build(place).await?;
        assert_winners(place, 2, 150, 1).await
    })
}

#[test]
fn six_of_thirty_two_get_into_a_room_for_six() -> Result<(), Error> {
    in_schema(async |place| {
        build(place).await?;
        assert_winners(place, 32, 24, 6).await
    })
}

#[test]
fn seat_that_is_given_back_goes_to_the_one_who_waits() -> Result<(), Error> {
    in_schema(async |place| {
        build(place).await?;
        place
            .session
            .run("update rooms set capacity = 1; insert into members (room, writer) values (1, 1)")
            .await?;
        for writer in 2..40 {
            // The one who leaves holds the room's lock, so the one who comes waits for the commit and then finds the seat free.
            let mut newcomer = place.session().await?;
            let backend = newcomer.backend().await?;
            place
                .session
                .run(&format!(
                    "begin; delete from members where writer = {}",
                    writer - 1
                ))
                .await?;
            let joining = tokio::spawn(async move {
                newcomer
                    .run(&format!(
                        "insert into members (room, writer) values (1, {writer})"
                    ))
                    .await
            });
            wait_until_blocked(place, &backend).await?;
            place.session.run("commit").await?;
            joining.await??;
        }
        assert_exact(place).await
    })
}

/// Returns when the other session waits for a lock that somebody holds.
pub(crate) async fn wait_until_blocked(place: &mut Place, backend: &str) -> Result<(), Error> {
    while place
        .session
        .text(&format!("select cardinality(pg_blocking_pids({backend}))"))
        .await?
        == "0"
    {
        tokio::task::yield_now().await;
    }
    Ok(())
}

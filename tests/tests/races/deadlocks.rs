//! Statements that name the same parents in opposite orders.

use std::sync::Arc;

use parley_tests::{Error, Place, Refusal, in_schema};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::rooms::{assert_exact, build};
use crate::seats::wait_until_blocked;

/// Each writer runs its statements at the same moments as the others, over and over. What was refused.
async fn run_together(
    place: &Place,
    writers: Vec<Vec<String>>,
    rounds: usize,
) -> Result<Vec<Refusal>, Error> {
    let barrier = Arc::new(Barrier::new(writers.len()));
    let mut running = JoinSet::new();
    for statements in writers {
        let mut session = place.session().await?;
        let barrier = Arc::clone(&barrier);
        running.spawn(async move {
            let mut refused = Vec::new();
            for _ in 0..rounds {
                for statement in &statements {
                    barrier.wait().await;
                    refused.extend(session.outcome(statement).await?.err());
                }
            }
            Ok::<_, Error>(refused)
        });
    }
    let mut refused = Vec::new();
    while let Some(answers) = running.join_next().await {
        refused.extend(answers??);
    }
    Ok(refused)
}

/// The rooms in one order for the first writer and in the other for the second.
fn writers(statements: impl Fn(i32, &[i32]) -> Vec<String>) -> Vec<Vec<String>> {
    let up: Vec<i32> = (1..=20).collect();
    let down: Vec<i32> = up.iter().rev().copied().collect();
    vec![statements(1, &up), statements(2, &down)]
}

/// One member a room, inserted in the order given.
fn insert(writer: i32, rooms: &[i32]) -> String {
    let rows: Vec<String> = rooms
        .iter()
        .map(|room| format!("({room}, {writer}, {room})"))
        .collect();
    format!(
        "insert into members (room, writer, points) values {}",
        rows.join(", ")
    )
}

fn assert_nobody_is_refused(
    statements: impl Fn(i32, &[i32]) -> Vec<String>,
    rounds: usize,
) -> Result<(), Error> {
    in_schema(async |place| {
        build(place).await?;
        let refused = run_together(place, writers(statements), rounds).await?;
        assert!(
            refused.is_empty(),
            "{} refused, first: {}",
            refused.len(),
            refused.first().map_or_else(String::new, ToString::to_string)
        );
        assert_exact(place).await
    })
}

#[test]
fn inserts_in_opposite_orders_do_not_deadlock() -> Result<(), Error> {
    assert_nobody_is_refused(|writer, rooms| vec![insert(writer, rooms)], 200)
}

#[test]
fn moves_in_opposite_directions_do_not_deadlock() -> Result<(), Error> {
    let statements = |writer: i32, rooms: &[i32]| {
        let step = if writer == 1 { 1 } else { 19 };
        vec![
            insert(writer, rooms),
            format!(
                "update members set room = (room - 1 + {step}) % 20 + 1, points = points + {step} where writer = {writer}"
            ),
            format!("update members set is_seated = not is_seated where writer = {writer}"),
            format!("delete from members where writer = {writer} and points % 2 = 0"),
            format!("delete from members where writer = {writer}"),
        ]
    };
    assert_nobody_is_refused(statements, 60)
}

#[test]
fn deletes_and_inserts_that_meet_do_not_deadlock() -> Result<(), Error> {
    let statements = |writer: i32, rooms: &[i32]| {
        let (write, take) = (
            insert(writer, rooms),
            format!("delete from members where writer = {writer}"),
        );
        if writer == 1 {
            vec![write, take]
        } else {
            vec![take, write]
        }
    };
    assert_nobody_is_refused(statements, 120)
}

/// Two statements that meet crosswise: both wait for room 15, which the test holds, the first one before the second. What they
/// answered once the room was free.
async fn cross(
    place: &mut Place,
    first: &'static str,
    second: &'static str,
) -> Result<Vec<Result<(), Refusal>>, Error> {
    place
        .session
        .run("begin; select from rooms where id = 15 for no key update")
        .await?;
    let mut running = Vec::new();
    for statement in [first, second] {
        let mut session = place.session().await?;
        let backend = session.backend().await?;
        running.push(tokio::spawn(async move { session.outcome(statement).await }));
        wait_until_blocked(place, &backend).await?;
    }
    place.session.run("commit").await?;
    let mut answers = Vec::new();
    for statement in running {
        answers.push(statement.await??.map(drop));
    }
    Ok(answers)
}

#[test]
fn several_aggregates_of_one_table_do_not_deadlock() -> Result<(), Error> {
    in_schema(async |place| {
        build(place).await?;
        place
            .session
            .run("insert into members (room, writer, is_seated) values (5, 1, false), (15, 1, false)")
            .await?;
        // The first statement changes the seats of room 15 and the sums of rooms 5 and 15, the second one everything in both.
        let answers = cross(
            place,
            "update members set points = points + 1, is_seated = room = 15 where writer = 1",
            "insert into members (room, writer) values (5, 2), (15, 2)",
        )
        .await?;
        assert_eq!(answers, [Ok(()), Ok(())]);
        assert_exact(place).await
    })
}

/// What an upsert updates and what it inserts are two events for Postgres, and each takes its locks in order, one after the other. So
/// two upserts can deadlock, and then Postgres refuses one of them whole.
#[test]
fn upserts_that_meet_crosswise_leave_exact_counts() -> Result<(), Error> {
    in_schema(async |place| {
        build(place).await?;
        place
            .session
            .run("insert into members (id, room) overriding system value values (1000, 15)")
            .await?;
        let answers = cross(
            place,
            "insert into members (id, room) overriding system value values (1000, 15), (1001, 5)
                 on conflict (id) do update set points = 7",
            "insert into members (room) values (5), (15)",
        )
        .await?;
        for answer in &answers {
            assert!(
                matches!(answer, Ok(())) || matches!(answer, Err(refusal) if refusal.code == "40P01"),
                "{answers:?}"
            );
        }
        assert!(answers.iter().any(Result::is_ok), "{answers:?}");
        assert_exact(place).await
    })
}

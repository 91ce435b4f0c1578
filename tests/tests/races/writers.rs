//! Many writers, each with its own members, all on the same rooms.

use parley_tests::{Error, Session, in_schema};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;

use crate::rooms::{assert_exact, build};

const WRITERS: u64 = 16;
const STATEMENTS: usize = 120;

fn statement(random: &mut StdRng, writer: u64) -> String {
    let (a, b, k) = (
        random.random_range(1..=6),
        random.random_range(1..=6),
        random.random_range(2..5),
    );
    match random.random_range(0..8) {
        0 | 1 => format!("insert into members (room, writer, points) values ({a}, {writer}, {k})"),
        2 => format!(
            "insert into members (room, writer, points) select n, {writer}, n * {k} from generate_series({a}, 6) as n order by n desc"
        ),
        3 => format!("update members set room = {a} where writer = {writer} and room = {b}"),
        4 => format!(
            "update members set is_seated = not is_seated, points = points + 1 where writer = {writer} and id % {k} = 0"
        ),
        5 => format!("delete from members where writer = {writer} and id % {k} = 0"),
        6 => format!("delete from members where writer = {writer} and room = {a}"),
        _ => format!("begin; insert into members (room, writer) values ({a}, {writer}); rollback"),
    }
}

async fn write(mut session: Session, writer: u64) -> Result<(), Error> {
    let mut random = StdRng::seed_from_u64(writer);
    for _ in 0..STATEMENTS {
        let sql = statement(&mut random, writer);
        if let Err(refusal) = session.outcome(&sql).await? {
            // A full room is an answer; a deadlock would be none.
            assert_eq!(refusal.code, "PT409", "{refusal} in {sql}");
            session.run("rollback").await?;
        }
    }
    Ok(())
}

#[test]
fn four_counters_are_exact_after_sixteen_writers() -> Result<(), Error> {
    in_schema(async |place| {
        build(place).await?;
        place
            .session
            .run("update rooms set capacity = 60 where id <= 2")
            .await?;
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(place.session().await?, writer));
        }
        while let Some(outcome) = writers.join_next().await {
            outcome??;
        }
        assert_ne!(place.session.text("select count(*) from members").await?, "0");
        assert_exact(place).await
    })
}

#[test]
fn lone_counter_is_exact_after_sixteen_writers() -> Result<(), Error> {
    in_schema(async |place| {
        build(place).await?;
        place.lock_everybody().await?;
        place
            .session
            .run(
                "select parley.stop_maintaining('rooms', 'members'); select parley.stop_maintaining('rooms', 'seats');
                 select parley.stop_maintaining('rooms', 'latest')",
            )
            .await?;
        place.unlock_everybody().await?;
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(place.session().await?, writer));
        }
        while let Some(outcome) = writers.join_next().await {
            outcome??;
        }
        let wrong = "select count(*) from rooms where total <> (select coalesce(sum(points), 0) from members where room = rooms.id)";
        assert_eq!(place.session.text(wrong).await?, "0");
        assert!(place.drift().await?.is_empty());
        Ok(())
    })
}

#[test]
fn parents_that_are_deleted_and_made_meanwhile_leave_no_wrong_count() -> Result<(), Error> {
    in_schema(async |place| {
        build(place).await?;
        let mut writers = JoinSet::new();
        for writer in 0..6 {
            let mut session = place.session().await?;
            writers.spawn(async move {
                let mut random = StdRng::seed_from_u64(writer);
                for _ in 0..100 {
                    let room = random.random_range(1..=3);
                    let sql = match (writer, random.random_range(0..2)) {
                        (0, 0) => format!("delete from rooms where id = {room}"),
                        (0, _) => format!("insert into rooms (id) values ({room}) on conflict do nothing"),
                        _ => format!("insert into members (room, writer) values ({room}, {writer})"),
                    };
                    if let Err(refusal) = session.outcome(&sql).await? {
                        assert_eq!(refusal.code, "23503", "{refusal} in {sql}");
                    }
                }
                Ok::<_, Error>(())
            });
        }
        while let Some(outcome) = writers.join_next().await {
            outcome??;
        }
        assert_exact(place).await
    })
}

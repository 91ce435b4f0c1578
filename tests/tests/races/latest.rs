//! The latest value, when the rows that hold it come and go at once.

use parley_tests::{Error, Place, in_schema};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;

/// Rooms that keep nothing but the latest value: a count on the same rooms would hold their locks anyway.
async fn build(place: &mut Place) -> Result<(), Error> {
    place
        .session
        .run(
            "create table rooms (id int primary key, latest int);
             create table members (
                 id bigint generated always as identity primary key, room int references rooms on delete cascade, writer int, points int);
             create index on members (room, points); create index on members (writer);
             insert into rooms select generate_series(1, 3);
             select parley.maintain_max('members', 'room', 'points', 'rooms', 'id', 'latest')",
        )
        .await
}

async fn assert_exact(place: &mut Place) -> Result<(), Error> {
    let wrong = place
        .session
        .rows(
            "select r.id, r.latest, max(m.points) from rooms as r left join members as m on m.room = r.id
             group by r.id having r.latest is distinct from max(m.points)",
        )
        .await?;
    assert!(wrong.is_empty(), "stored and recounted differ: {wrong:?}");
    assert!(place.drift().await?.is_empty());
    Ok(())
}

#[test]
fn latest_value_is_exact_when_a_lower_one_is_deleted_and_committed_later() -> Result<(), Error> {
    in_schema(async |place| {
        build(place).await?;
        for (loses, takes) in [
            (
                "delete from members where points = 9",
                "delete from members where points = 10",
            ),
            (
                "update members set points = 1 where points = 9",
                "update members set room = 2 where points = 10",
            ),
            (
                "update members set room = 3 where points = 9",
                "update members set points = null where points = 10",
            ),
        ] {
            place
                .session
                .run("delete from members; insert into members (room, points) values (1, 8), (1, 9), (1, 10)")
                .await?;
            let mut other = place.session().await?;
            let backend = other.backend().await?;
            place.session.run("begin").await?;
            place.session.run(loses).await?;
            // The other one may wait for the first or not: either way it must not count a row that goes away with the first commit.
            let taking = tokio::spawn(async move { other.run(takes).await });
            while place
                .session
                .text(&format!("select cardinality(pg_blocking_pids({backend}))"))
                .await?
                == "0"
                && !taking.is_finished()
            {
                tokio::task::yield_now().await;
            }
            place.session.run("commit").await?;
            taking.await??;
            assert_eq!(
                place
                    .session
                    .text("select latest from rooms where id = 1")
                    .await?,
                "8",
                "{loses}; {takes}"
            );
            assert_exact(place).await?;
        }
        Ok(())
    })
}

#[test]
fn latest_value_is_exact_after_many_writers() -> Result<(), Error> {
    in_schema(async |place| {
        build(place).await?;
        let mut writers = JoinSet::new();
        for writer in 0..8 {
            let mut session = place.session().await?;
            writers.spawn(async move {
                let mut random = StdRng::seed_from_u64(writer);
                for _ in 0..150 {
                    let (room, points) = (random.random_range(1..=3), random.random_range(1..=1000));
                    let sql = match random.random_range(0..4) {
                        0 | 1 => format!("insert into members (room, points, writer) values ({room}, {points}, {writer})"),
                        2 => format!("delete from members where id in (
                                 select id from members where room = {room} and writer = {writer} order by points desc limit 2)"),
                        _ => format!("update members set points = {points} where id = (
                                 select id from members where writer = {writer} order by points desc limit 1)"),
                    };
                    session.run(&sql).await?;
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

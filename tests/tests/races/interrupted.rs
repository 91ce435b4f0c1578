//! Sessions that die in the middle, and sessions whose snapshot is too old.

use parley_tests::{Error, in_schema};

use crate::rooms::{assert_exact, build};
use crate::seats::wait_until_blocked;

#[test]
fn session_that_is_killed_in_mid_transaction_leaves_the_counts_right() -> Result<(), Error> {
    in_schema(async |place| {
        build(place).await?;
        place
            .session
            .run("insert into members (room, points) select 1, n from generate_series(1, 20) as n")
            .await?;
        for statement in [
            "insert into members (room, points) values (1, 99), (2, 99)",
            "delete from members where points > 10",
            "update members set room = 2 where room = 1",
            "update rooms set id = 100 where id = 20; insert into members (room) values (100)",
        ] {
            let (mut doomed, mut waiting) = (place.session().await?, place.session().await?);
            let (victim, waiter) = (doomed.backend().await?, waiting.backend().await?);
            doomed.run("begin").await?;
            doomed.run(statement).await?;
            let join = tokio::spawn(async move {
                waiting
                    .run("insert into members (room, points) values (1, 50), (2, 50), (20, 50)")
                    .await
            });
            wait_until_blocked(place, &waiter).await?;
            place
                .session
                .run(&format!("select pg_terminate_backend({victim})"))
                .await?;
            join.await??;
            let gone = doomed.run("commit").await.expect_err("the session was killed");
            assert!(!gone.to_string().is_empty());
            assert_exact(place).await?;
        }
        assert_eq!(
            place
                .session
                .text("select members from rooms where id = 1")
                .await?,
            "24"
        );
        Ok(())
    })
}

#[test]
fn session_that_is_killed_in_the_middle_of_a_statement_leaves_the_counts_right() -> Result<(), Error> {
    in_schema(async |place| {
        build(place).await?;
        for _ in 0..10 {
            let mut doomed = place.session().await?;
            let victim = doomed.backend().await?;
            // Held up by the lock of room 20, after it has counted the rooms before.
            place
                .session
                .run("begin; update rooms set capacity = null where id = 20")
                .await?;
            let writing = tokio::spawn(async move {
                doomed
                    .run("insert into members (room) select n from generate_series(1, 20) as n")
                    .await
            });
            wait_until_blocked(place, &victim).await?;
            place
                .session
                .run(&format!("select pg_terminate_backend({victim}); commit"))
                .await?;
            assert!(writing.await?.is_err());
            place
                .session
                .run("insert into members (room) values (1), (20)")
                .await?;
            assert_exact(place).await?;
        }
        assert_eq!(
            place
                .session
                .text("select members from rooms where id = 20")
                .await?,
            "10"
        );
        Ok(())
    })
}

#[test]
fn session_with_an_old_snapshot_is_refused_and_counts_nothing_wrong() -> Result<(), Error> {
    in_schema(async |place| {
        build(place).await?;
        for level in ["repeatable read", "serializable"] {
            for statement in [
                "insert into members (room, points) values (1, 3)",
                "update members set room = 2 where points = 5",
                "delete from members where points = 5",
                "insert into members (room, points) values (2, 1), (1, 1)",
            ] {
                place.session.run("delete from members; insert into members (room, points) values (1, 5), (1, 6), (2, 7)").await?;
                let mut old = place.session().await?;
                old.run(&format!(
                    "begin isolation level {level}; select count(*) from members"
                ))
                .await?;
                place.session.run("insert into members (room, points) values (1, 4); delete from members where points = 6").await?;
                let refused = old.refusal(statement).await?;
                assert_eq!(refused.code, "40001", "{level}: {statement}: {refused}");
                old.run("rollback").await?;
                assert_exact(place).await?;
            }
        }
        Ok(())
    })
}

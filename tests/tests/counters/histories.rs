//! Random histories: a few hundred statements of every kind, the recount after each.

use parley_tests::{Error, Place, Plan, in_schema, statement};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::recount::{assert_agrees, wrong_rooms};

const STATEMENTS: usize = 250;
async fn live(place: &mut Place, plan: Plan, seed: u64) -> Result<(), Error> {
    let mut random = StdRng::seed_from_u64(seed);
    plan.build_with_rooms(&mut place.session).await?;
    let mut refused = 0;
    for step in 0..STATEMENTS {
        let sql = statement(&mut random, plan);
        match place.session.outcome(&sql).await? {
            Ok(_) => {}
            // The room is full, there is no such room, or a room without a key: all of it is taken back.
            Err(refusal) if ["PT409", "23503", "23502"].contains(&refusal.code.as_str()) => {
                place.session.run("rollback").await?;
                refused += 1;
            }
            Err(refusal) => {
                return Err(Error::Refused {
                    refusal,
                    statement: format!("{plan:?}, seed {seed}, step {step}: {sql}"),
                });
            }
        }
        let wrong = wrong_rooms(place).await?;
        assert!(
            wrong.is_empty(),
            "{plan:?}, seed {seed}, step {step}: {wrong:?}\n{sql}"
        );
    }
    assert!(
        refused < STATEMENTS / 2,
        "{plan:?}, seed {seed}: {refused} of {STATEMENTS} statements were refused"
    );
    assert_agrees(place, "the history").await
}

/// Several histories at once, each in a schema of its own, on the threads that the test runner gives.
fn histories(plan: Plan, seeds: std::ops::Range<u64>) -> Result<(), Error> {
    for seed in seeds {
        in_schema(async |place| live(place, plan, seed).await)?;
    }
    Ok(())
}

#[test]
fn any_history_with_foreign_keys_ends_as_a_recount() -> Result<(), Error> {
    histories(Plan::PLAIN, 0..6)
}

#[test]
fn any_history_without_foreign_keys_ends_as_a_recount() -> Result<(), Error> {
    histories(
        Plan {
            has_foreign_key: false,
            ..Plan::PLAIN
        },
        100..106,
    )
}

#[test]
fn any_history_of_text_keys_ends_as_a_recount() -> Result<(), Error> {
    histories(
        Plan {
            key: "text",
            ..Plan::PLAIN
        },
        200..203,
    )
}

#[test]
fn any_history_of_uuid_keys_ends_as_a_recount() -> Result<(), Error> {
    histories(
        Plan {
            key: "uuid",
            has_foreign_key: false,
            ..Plan::PLAIN
        },
        300..303,
    )
}

#[test]
fn any_history_of_bigint_keys_in_partitions_ends_as_a_recount() -> Result<(), Error> {
    histories(
        Plan {
            key: "bigint",
            is_partitioned: true,
            ..Plan::PLAIN
        },
        400..404,
    )
}

#[test]
fn histories_hold_every_kind_of_statement() {
    let mut random = StdRng::seed_from_u64(0);
    let all: Vec<String> = (0..STATEMENTS)
        .map(|_| statement(&mut random, Plan::PLAIN))
        .collect();
    for start in [
        "insert into members",
        "update members",
        "delete from members",
        "delete from rooms",
        "update rooms",
        "truncate",
        "begin",
        "with",
    ] {
        assert!(all.iter().any(|sql| sql.starts_with(start)), "{start}");
    }
}

//! The rows: those that the test of plans has, in three sizes.

use sqlx::PgConnection;

use crate::error::Error;
use crate::tables::run;

/// The rows of both apps, by settings that say which.
const ROWS: &str = include_str!("../../../tests/growth/fill.sql");
/// The knowledge of demos.
const KNOWLEDGE: &str = include_str!("../../../tests/growth/knowledge.sql");
/// People and demos, whatever the size: the calls are all of the first one.
const PEOPLE: u32 = 12_000;
const DEMOS: u32 = 1_000;
const CHUNKS: u32 = 1_500;

/// What is emptied at the end.
const TABLES: &str = "echoroom.chat_messages, echoroom_private.message_changes, echoroom.message_reactions, echoroom.participants,
    echoroom.removed_participants, echoroom_private.audit_log, echoroom.conversations, domo.demos, domo.audit_logs, domo.conversations";

/// The suite empties the tables that it fills, so nothing of anybody's may be in them.
pub(crate) async fn check_is_empty(keeper: &mut PgConnection) -> Result<(), Error> {
    let is_empty: bool = sqlx::query_scalar(
        "select not exists (select from echoroom.chat_messages) and not exists (select from domo.demos)
             and not exists (select from echoroom.participants)",
    )
    .fetch_one(keeper)
    .await
    .map_err(Error::database("looking for rows"))?;
    if is_empty {
        Ok(())
    } else {
        Err(Error::Unprepared(
            "the suite growth empties the tables that it fills: give it a stack of its own",
        ))
    }
}

/// Adds the rows that are missing to a size.
pub(crate) async fn fill(keeper: &mut PgConnection, before: u32, size: u32) -> Result<(), Error> {
    let is_first = before == 0;
    let from_to = |what: &str, to: u32| {
        let from = if is_first { 1 } else { to + 1 };
        format!("set growth.{what}_from = {from}; set growth.{what}_to = {to};")
    };
    let mut settings = String::new();
    for (what, to) in [("people", PEOPLE), ("demos", DEMOS), ("chunks", CHUNKS), ("jobs", 0)] {
        settings.push_str(&from_to(what, to));
    }
    for what in ["messages", "rooms", "calls"] {
        settings.push_str(&format!("set growth.{what}_from = {}; set growth.{what}_to = {size};", before + 1));
    }
    run(keeper, &settings).await?;
    run(keeper, ROWS).await?;
    if is_first {
        run(keeper, KNOWLEDGE).await?;
    }
    for schema in ["echoroom", "echoroom_private", "domo", "domo_private", "parley"] {
        let tables: Vec<String> = sqlx::query_scalar(
            "select c.oid::regclass::text from pg_class c where c.relkind = 'r' and c.relnamespace = $1::regnamespace",
        )
        .bind(schema)
        .fetch_all(&mut *keeper)
        .await
        .map_err(Error::database("listing tables"))?;
        for table in tables {
            run(keeper, &format!("vacuum analyze {table}")).await?;
        }
    }
    run(keeper, "checkpoint").await
}

/// Leaves nothing behind.
pub(crate) async fn clear(keeper: &mut PgConnection) -> Result<(), Error> {
    run(
        keeper,
        &format!(
            "set session_replication_role = replica;
             truncate {TABLES} cascade;
             delete from echoroom.sessions where category in ('Busy', 'Crowded');
             delete from auth.users where id in (select growth.id('person', i) from generate_series(1, {PEOPLE}) i);
             delete from parley.processed_events where event_key like 'event-%';
             set session_replication_role = origin;
             drop schema growth cascade"
        ),
    )
    .await
}

//! The rows: those that the test of plans has, in three sizes.

use std::fmt::Write as _;

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

/// Adds the rows that are missing to a size.
pub(crate) async fn fill(keeper: &mut PgConnection, before: u32, size: u32) -> Result<(), Error> {
    let is_first = before == 0;
    let from_to = |what: &str, to: u32| {
        let from = if is_first { 1 } else { to + 1 };
        format!("set growth.{what}_from = {from}; set growth.{what}_to = {to};")
    };
    let mut settings = String::new();
    for (what, to) in [
        ("people", PEOPLE),
        ("demos", DEMOS),
        ("chunks", CHUNKS),
        ("jobs", 0),
    ] {
        settings.push_str(&from_to(what, to));
    }
    for what in ["messages", "rooms", "calls"] {
        let _ = write!(
            settings,
            "set growth.{what}_from = {}; set growth.{what}_to = {size};",
            before + 1
        );
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

/// Leaves nothing behind: with triggers off, so each table by itself, and what hangs on a row after the row.
pub(crate) async fn clear(keeper: &mut PgConnection) -> Result<(), Error> {
    let demos = format!("in (select growth.id('demo', i) from generate_series(1, {DEMOS}) i)");
    let mut sql = format!(
        "delete from domo.knowledge_chunks where demo_id {demos}; set session_replication_role = replica;"
    );
    for table in ["chat_messages", "message_reactions", "conversations"] {
        let _ = write!(
            sql,
            "delete from echoroom.{table} where session_id = growth.id('room', 1);"
        );
    }
    for table in ["message_changes", "audit_log"] {
        let _ = write!(
            sql,
            "delete from echoroom_private.{table} where session_id = growth.id('room', 1);"
        );
    }
    for table in [
        "echoroom.participants",
        "echoroom.removed_participants",
        "echoroom_private.temporary_rooms",
    ] {
        let _ = write!(
            sql,
            "delete from {table} where session_id in (select id from echoroom.sessions where category in ('Busy', 'Crowded'));"
        );
    }
    for table in [
        "demo_stats",
        "demo_videos",
        "demo_documents",
        "conversations",
        "processed_webhook_events",
        "conversation_messages",
        "audit_logs",
        "demo_stream",
    ] {
        let _ = write!(sql, "delete from domo.{table} where demo_id {demos};");
    }
    let _ = write!(
        sql,
        "delete from echoroom.sessions where category in ('Busy', 'Crowded');
         delete from echoroom_private.conversation_events where event_key like 'event-%';
         delete from echoroom_private.conversation_looks l where not exists (select from echoroom.conversations c where c.id = l.conversation);
         delete from domo_private.conversation_looks l where not exists (select from domo.conversations c where c.id = l.conversation);
         delete from domo_private.heard_videos h where not exists (select from domo.demo_videos v where v.id = h.video_id);
         delete from domo.demos where id {demos};
         delete from auth.users where id in (select growth.id('person', i) from generate_series(1, {PEOPLE}) i);
         delete from parley.processed_events where event_key like 'event-%';
         set session_replication_role = origin;
         drop schema growth cascade"
    );
    run(keeper, &sql).await
}

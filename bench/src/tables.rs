//! The counted tables, once a variant, each in a schema of its own.

use sqlx::{Executor as _, PgConnection};

use crate::error::Error;
use crate::line::Variant;

/// The tables of the specification.
const TABLES: &str = include_str!("../sql/participants.sql");

/// The specification's own counter.
const PEER: &str = include_str!("../peers/participant_count.sql");

/// The schema of a variant.
pub(crate) fn schema(variant: Variant) -> String {
    format!("bench_{variant}")
}

/// Makes the tables of a variant, filled by `load`, counted by the variant's way, vacuumed and analysed.
pub(crate) async fn build(connection: &mut PgConnection, variant: Variant, load: &str) -> Result<(), Error> {
    let schema = schema(variant);
    let attach = match variant {
        Variant::Native => attach_kernel(true),
        Variant::Portable => attach_kernel(false),
        // The trigger's names are unqualified, as written; they find their tables in the search path of the clients.
        Variant::Peer => format!(
            "{PEER}; update sessions set current_participants = (select count(*) from participants where session_id = sessions.id)"
        ),
        Variant::Floor => String::new(),
    };
    run(
        connection,
        &format!(
            "drop schema if exists {schema} cascade; create schema {schema}; set search_path = {schema}; {TABLES}; {load}; {attach}"
        ),
    )
    .await?;
    vacuum(connection, variant, "analyze").await
}

/// Leaves nothing behind.
pub(crate) async fn drop_all(connection: &mut PgConnection) -> Result<(), Error> {
    for variant in Variant::ALL {
        let schema = schema(variant);
        run(
            connection,
            &format!(
                "select parley.stop_maintaining(kept.parent, kept.target) from parley.aggregates as kept
                 join pg_class as c on c.oid = kept.parent join pg_namespace as n on n.oid = c.relnamespace where n.nspname = '{schema}';
                 drop schema if exists {schema} cascade"
            ),
        )
        .await?;
    }
    Ok(())
}

/// So that every round begins in the same steady state.
pub(crate) async fn vacuum(
    connection: &mut PgConnection,
    variant: Variant,
    options: &str,
) -> Result<(), Error> {
    let schema = schema(variant);
    run(
        connection,
        &format!("vacuum {options} {schema}.participants, {schema}.sessions"),
    )
    .await
}

/// Runs statements without parameters.
pub(crate) async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), Error> {
    connection
        .execute(sqlx::raw_sql(sql))
        .await
        .map(drop)
        .map_err(Error::database("preparing the tables"))
}

fn attach_kernel(is_native: bool) -> String {
    format!(
        "select parley.maintain_count('participants', 'session_id', 'sessions', 'id', 'current_participants');
         select parley.attach_triggers(kept, {is_native}) from parley.aggregates as kept where kept.parent = 'sessions'::regclass"
    )
}

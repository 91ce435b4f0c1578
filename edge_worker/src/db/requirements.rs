//! What the worker calls in the database, so that one can see before it serves whether it is there.

use sqlx::PgPool;

use super::DbError;
use crate::conversations::AppName;

/// Functions of the kernel, as the catalogue spells them.
pub const KERNEL: [&str; 13] = [
    "parley.applied_migrations()",
    "parley.bury_job(text, bigint, integer, text)",
    "parley.drop_dead_letters(text, text, bigint)",
    "parley.extend_job(text, bigint, integer, integer)",
    "parley.finish_job(text, bigint, integer)",
    "parley.job_stats()",
    "parley.list_dead_letters(text, text, bigint, integer)",
    "parley.release_job(text, bigint, integer)",
    "parley.replay_dead_letters(text, text, bigint)",
    "parley.retry_job(text, bigint, integer, integer, text)",
    "parley.run_due_schedules()",
    "parley.run_maintenance(text)",
    "parley.take_jobs(text, integer, integer, integer)",
];

/// Functions that every app with conversations has in its private schema.
const CONVERSATIONS: [&str; 11] = [
    "tavus_attempt(uuid, timestamp with time zone, integer)",
    "tavus_claim(uuid, integer)",
    "tavus_conversation(uuid)",
    "tavus_ended(uuid, text)",
    "tavus_failed(uuid, text)",
    "tavus_looked(uuid)",
    "tavus_open(integer)",
    "tavus_receive(uuid, jsonb, text, text)",
    "tavus_receive_all(uuid[], jsonb[], text[], text[])",
    "tavus_release(uuid, timestamp with time zone, boolean)",
    "tavus_started(uuid, text, text)",
];

/// Functions of an app, the same way.
pub fn of_app(app: AppName) -> Vec<String> {
    let more: &[&str] = match app {
        AppName::Echoroom => &[],
        AppName::Domo => &[
            "files_removed(text)",
            "files_to_remove(text, integer)",
            "ingest_take(text, uuid)",
            "ingest_progress(text, uuid, timestamp with time zone, real)",
            "ingest_heard(uuid, timestamp with time zone, real, jsonb)",
            "ingest_complete(text, uuid, timestamp with time zone, jsonb, text, text, integer, real[])",
            "ingest_failed(text, uuid, timestamp with time zone, text)",
            "embed_next(uuid, text, uuid, integer)",
            "embed_store(uuid, text, uuid[], text[], real[])",
            "begin_look_up(text)",
            "look_up(text, text, real[], integer)",
        ],
    };
    CONVERSATIONS
        .iter()
        .chain(more)
        .map(|function| format!("{app}_private.{function}"))
        .collect()
}

/// Which of these functions this role cannot call, because they are not there or a right is missing.
pub(crate) async fn missing(pool: &PgPool, functions: &[String]) -> Result<Vec<String>, DbError> {
    // By the catalogue: a name in a schema that the role may not use cannot even be looked up.
    let statement = "select needed
        from unnest($1::text[]) as needed
        where not exists (
            select
            from pg_catalog.pg_proc as p
            join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
            where format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)) = needed
                and has_schema_privilege(n.oid, 'usage') and has_function_privilege(p.oid, 'execute')
        )
        order by needed";
    Ok(sqlx::query_scalar(statement)
        .bind(functions)
        .fetch_all(pool)
        .await?)
}

/// Whether a schema is there: an app has the schema of its name where it is installed.
pub(crate) async fn has_schema(pool: &PgPool, name: &str) -> Result<bool, DbError> {
    let statement = "select exists (select from pg_catalog.pg_namespace where nspname = $1)";
    Ok(sqlx::query_scalar(statement).bind(name).fetch_one(pool).await?)
}

/// The versions of the migrations that the Supabase CLI has noted; none where it was not the CLI that applied them.
pub(crate) async fn applied_migrations(pool: &PgPool) -> Result<Vec<String>, DbError> {
    Ok(
        sqlx::query_scalar("select version from parley.applied_migrations()")
            .fetch_all(pool)
            .await?,
    )
}

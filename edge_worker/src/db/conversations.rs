//! The `tavus_*` functions of an app: what the worker reads and notes of conversations.

use serde_json::Value;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo};
use sqlx::types::Json;
use sqlx::{Encode, PgConnection, PgPool, Postgres, Type};
use uuid::Uuid;

use super::DbError;
use crate::conversations::AppName;
use crate::providers::tavus::events::Identity;

/// A statement that calls a function of an app, as one text that lives as long as the program: statements are prepared once,
/// by their text.
macro_rules! call {
    ($app:expr, $before:literal, $call:literal) => {
        match $app {
            AppName::Echoroom => concat!($before, "echoroom_private.", $call),
            AppName::Domo => concat!($before, "domo_private.", $call),
        }
    };
}

/// Takes a conversation on for some seconds; `None` when another worker has it, or it is over or gone.
pub(crate) async fn claim(
    pool: &PgPool,
    app: AppName,
    id: Uuid,
    seconds: i32,
) -> Result<Option<Value>, DbError> {
    row(sqlx::query_scalar(call!(app, "select ", "tavus_claim($1, $2)"))
        .bind(id)
        .bind(seconds)
        .fetch_one(pool)
        .await)
}

/// A conversation as it is; `None` when it is gone.
pub(crate) async fn conversation(pool: &PgPool, app: AppName, id: Uuid) -> Result<Option<Value>, DbError> {
    row(
        sqlx::query_scalar(call!(app, "select ", "tavus_conversation($1)"))
            .bind(id)
            .fetch_one(pool)
            .await,
    )
}

/// Notes that the call is about to be made, and holds the claim for some seconds more. `None` when the claim is lost.
pub(crate) async fn attempt(
    pool: &PgPool,
    app: AppName,
    id: Uuid,
    claim: &str,
    seconds: i32,
) -> Result<Option<String>, DbError> {
    let statement = call!(app, "select ", "tavus_attempt($1, $2::timestamptz, $3)::text");
    Ok(sqlx::query_scalar(statement)
        .bind(id)
        .bind(claim)
        .bind(seconds)
        .fetch_one(pool)
        .await?)
}

/// Gives a claim back. `is_untried` takes the note of the attempt back as well.
pub(crate) async fn release(
    pool: &PgPool,
    app: AppName,
    id: Uuid,
    claim: &str,
    is_untried: bool,
) -> Result<(), DbError> {
    let statement = call!(app, "select ", "tavus_release($1, $2::timestamptz, $3)");
    sqlx::query(statement)
        .bind(id)
        .bind(claim)
        .bind(is_untried)
        .execute(pool)
        .await?;
    Ok(())
}

/// Notes the call; `None` when the conversation is gone.
pub(crate) async fn started(
    pool: &PgPool,
    app: AppName,
    id: Uuid,
    tavus_id: &str,
    url: Option<&str>,
) -> Result<Option<Value>, DbError> {
    row(
        sqlx::query_scalar(call!(app, "select ", "tavus_started($1, $2, $3)"))
            .bind(id)
            .bind(tavus_id)
            .bind(url)
            .fetch_one(pool)
            .await,
    )
}

/// Notes why the call cannot be made.
pub(crate) async fn failed(pool: &PgPool, app: AppName, id: Uuid, why: &str) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(call!(app, "select ", "tavus_failed($1, $2)"))
        .bind(id)
        .bind(why)
        .fetch_one(pool)
        .await?)
}

/// Notes that the call is over; `false` when it was.
pub(crate) async fn ended(pool: &PgPool, app: AppName, id: Uuid, reason: &str) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(call!(app, "select ", "tavus_ended($1, $2)"))
        .bind(id)
        .bind(reason)
        .fetch_one(pool)
        .await?)
}

/// An event on its way into the database.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) id: Uuid,
    /// Its text.
    pub(crate) json: &'a [u8],
    /// Where it is `None`, the database works it out.
    pub(crate) identity: Option<&'a Identity>,
}

/// Claims, keeps and applies an event, in one transaction.
pub(crate) async fn receive(
    connection: &mut PgConnection,
    app: AppName,
    event: Incoming<'_>,
) -> Result<String, DbError> {
    let statement = call!(app, "select ", "tavus_receive($1, $2, $3, $4)");
    Ok(sqlx::query_scalar(statement)
        .bind(event.id)
        .bind(JsonText(event.json))
        .bind(event.identity.map(|identity| &identity.key))
        .bind(event.identity.map(|identity| &identity.digest))
        .fetch_one(connection)
        .await?)
}

/// The same with several, in one transaction: all of them or none. The answers are in the order of the events.
pub(crate) async fn receive_all(
    connection: &mut PgConnection,
    app: AppName,
    events: &[Incoming<'_>],
) -> Result<Vec<String>, DbError> {
    let statement = call!(app, "select ", "tavus_receive_all($1, $2, $3, $4)");
    let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
    let bodies: Vec<JsonText<'_>> = events.iter().map(|event| JsonText(event.json)).collect();
    let keys = events
        .iter()
        .map(|event| event.identity.map(|identity| identity.key.as_str()));
    let digests = events
        .iter()
        .map(|event| event.identity.map(|identity| identity.digest.as_str()));
    Ok(sqlx::query_scalar(statement)
        .bind(ids)
        .bind(bodies)
        .bind(keys.collect::<Vec<_>>())
        .bind(digests.collect::<Vec<_>>())
        .fetch_one(connection)
        .await?)
}

/// Conversations of which events may be missing: ours and Tavus' id.
pub(crate) async fn open(pool: &PgPool, app: AppName, most: i32) -> Result<Vec<(Uuid, String)>, DbError> {
    Ok(
        sqlx::query_as(call!(app, "select id, conversation_id from ", "tavus_open($1)"))
            .bind(most)
            .fetch_all(pool)
            .await?,
    )
}

/// Notes that Tavus was asked for the events of a conversation.
pub(crate) async fn looked(pool: &PgPool, app: AppName, id: Uuid) -> Result<(), DbError> {
    sqlx::query(call!(app, "select ", "tavus_looked($1)"))
        .bind(id)
        .execute(pool)
        .await?;
    Ok(())
}

fn row(read: Result<Option<Json<Value>>, sqlx::Error>) -> Result<Option<Value>, DbError> {
    Ok(read?.map(|Json(row)| row))
}

/// JSON that is text already. Postgres parses it anyway, so nobody else has to write it anew.
struct JsonText<'a>(&'a [u8]);

impl Type<Postgres> for JsonText<'_> {
    fn type_info() -> PgTypeInfo {
        <Json<Value> as Type<Postgres>>::type_info()
    }
}

impl PgHasArrayType for JsonText<'_> {
    fn array_type_info() -> PgTypeInfo {
        <Json<Value> as PgHasArrayType>::array_type_info()
    }
}

impl Encode<'_, Postgres> for JsonText<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // The version of jsonb's binary form, which is text.
        buffer.push(1);
        buffer.extend_from_slice(self.0);
        Ok(IsNull::No)
    }
}

//! The `tavus_*` functions of an app: what the worker reads and notes of conversations.

use serde_json::Value;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::types::Json;
use sqlx::{Encode, PgPool, Postgres, Type};
use uuid::Uuid;

use super::DbError;
use crate::conversations::AppName;

/// A statement that calls a function of an app, as one text that lives as long as the program: statements are prepared once,
/// by their text.
macro_rules! call {
    ($app:expr, $before:literal, $call:literal) => {
        match $app {
            AppName::Echoroom => concat!($before, "echoroom_private.", $call),
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

/// Claims, keeps and applies an event, in one transaction. `json` is its text.
pub(crate) async fn receive(pool: &PgPool, app: AppName, id: Uuid, json: &[u8]) -> Result<String, DbError> {
    Ok(sqlx::query_scalar(call!(app, "select ", "tavus_receive($1, $2)"))
        .bind(id)
        .bind(JsonText(json))
        .fetch_one(pool)
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

impl Encode<'_, Postgres> for JsonText<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // The version of jsonb's binary form, which is text.
        buffer.push(1);
        buffer.extend_from_slice(self.0);
        Ok(IsNull::No)
    }
}

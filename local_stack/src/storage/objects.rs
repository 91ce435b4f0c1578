//! The rows of objects. Every function does what it does with the rights that the connection has at that time.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::StorageError;

/// A row.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Object {
    pub(super) id: Uuid,
    pub(super) bucket_id: String,
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) owner_id: Option<String>,
    pub(super) metadata: Option<Value>,
    pub(super) user_metadata: Option<Value>,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) updated_at: Option<DateTime<Utc>>,
    pub(super) last_accessed_at: Option<DateTime<Utc>>,
}

/// What is written into a row.
#[derive(Clone, Debug)]
pub(super) struct NewObject {
    pub(super) id: Uuid,
    pub(super) bucket: String,
    pub(super) name: String,
    pub(super) owner: Option<String>,
    pub(super) version: String,
    pub(super) metadata: Value,
    pub(super) user_metadata: Option<Value>,
}

/// Which row, by its place.
pub(super) async fn find(
    tx: &mut PgConnection,
    bucket: &str,
    name: &str,
) -> Result<Option<Object>, StorageError> {
    let found = sqlx::query_as(
        "select id, bucket_id, name, version, owner_id, metadata, user_metadata, created_at, updated_at, last_accessed_at
        from storage.objects
        where bucket_id = $1 and name = $2",
    )
    .bind(bucket)
    .bind(name)
    .fetch_optional(tx)
    .await?;
    Ok(found)
}

/// Keeps everybody else from writing to this place until the transaction ends, and says what is there now. For the superuser: a row that the
/// caller may not see counts.
pub(super) async fn hold(
    tx: &mut PgConnection,
    bucket: &str,
    name: &str,
) -> Result<Option<(Uuid, Option<String>)>, StorageError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1 || '/' || $2, 0))")
        .bind(bucket)
        .bind(name)
        .execute(&mut *tx)
        .await?;
    let found = sqlx::query_as(
        "select id, version from storage.objects where bucket_id = $1 and name = $2 for update",
    )
    .bind(bucket)
    .bind(name)
    .fetch_optional(tx)
    .await?;
    Ok(found)
}

/// Inserts a row, or replaces what is there. It reads nothing back, so inserting needs no right to select.
pub(super) async fn write(
    tx: &mut PgConnection,
    object: &NewObject,
    is_upsert: bool,
) -> Result<(), StorageError> {
    let insert =
        "insert into storage.objects (id, bucket_id, name, owner, owner_id, version, metadata, user_metadata)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    let upsert =
        "insert into storage.objects (id, bucket_id, name, owner, owner_id, version, metadata, user_metadata)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (bucket_id, name) do update
        set owner = excluded.owner,
            owner_id = excluded.owner_id,
            version = excluded.version,
            metadata = excluded.metadata,
            user_metadata = excluded.user_metadata";
    sqlx::query(if is_upsert { upsert } else { insert })
        .bind(object.id)
        .bind(&object.bucket)
        .bind(&object.name)
        .bind(
            object
                .owner
                .as_deref()
                .and_then(|owner| Uuid::parse_str(owner).ok()),
        )
        .bind(&object.owner)
        .bind(&object.version)
        .bind(&object.metadata)
        .bind(&object.user_metadata)
        .execute(tx)
        .await?;
    Ok(())
}

impl Object {
    /// What the client library calls a file object.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "bucket_id": self.bucket_id,
            "owner": self.owner_id,
            "owner_id": self.owner_id,
            "version": self.version,
            "created_at": self.created_at.map(time),
            "updated_at": self.updated_at.map(time),
            "last_accessed_at": self.last_accessed_at.map(time),
            "metadata": self.metadata,
            "user_metadata": self.user_metadata,
        })
    }

    /// A text of the metadata that the upload left.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.metadata.as_ref()?.get(name)?.as_str()
    }
}

/// A time as Supabase writes it.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

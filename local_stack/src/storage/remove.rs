//! Removing objects. The row goes first: a file that is left over is found at the next start, a row without a file would be a lie.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::core::Shared;
use super::error::StorageError;
use super::fields::Body;
use super::objects::Object;
use crate::identity::Caller;

/// How many names one request may have.
const MOST: usize = 1000;

/// Which rows.
enum Which {
    These(Vec<String>),
    All,
}

/// `DELETE /object/{bucket}`: those of the names that the caller may remove.
pub(super) async fn many(
    State(core): State<Shared>,
    Path(bucket): Path<String>,
    headers: HeaderMap,
    Body(fields): Body,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let names = fields.required("prefixes", fields.texts("prefixes")?)?;
    if names.is_empty() {
        return Err(StorageError::invalid(
            "body/prefixes must NOT have fewer than 1 items",
        ));
    }
    if names.len() > MOST {
        let text = format!("Bulk object requests are limited to {MOST} objects per request.");
        return Err(StorageError::invalid(text));
    }
    let removed = delete(
        &core,
        caller,
        bucket,
        Which::These(names),
        "storage.object.delete_many",
    )
    .await?;
    Ok(Json(removed.iter().map(Object::to_json).collect()))
}

/// `DELETE /object/{bucket}/{name}`.
pub(super) async fn one(
    State(core): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let removed = delete(
        &core,
        caller,
        bucket,
        Which::These(vec![name]),
        "storage.object.delete",
    )
    .await?;
    if removed.is_empty() {
        return Err(StorageError::NoSuchKey);
    }
    Ok(Json(json!({ "message": "Successfully deleted" })))
}

/// Everything in a bucket that the caller may remove.
pub(super) async fn all(core: &Shared, caller: Caller, bucket: String) -> Result<(), StorageError> {
    delete(core, caller, bucket, Which::All, "storage.bucket.empty").await?;
    Ok(())
}

/// It goes on when the client has left, so that the files go with their rows.
async fn delete(
    core: &Shared,
    caller: Caller,
    bucket: String,
    which: Which,
    operation: &'static str,
) -> Result<Vec<Object>, StorageError> {
    let core = core.clone();
    let task = tokio::spawn(async move {
        let names = match which {
            Which::These(names) => Some(names),
            Which::All => None,
        };
        let mut tx = core.begin_as(&caller, operation).await?;
        let removed: Vec<Object> = sqlx::query_as(
            "delete from storage.objects
            where bucket_id = $1 and ($2::text[] is null or name = any ($2))
            returning id, bucket_id, name, version, owner_id, metadata, user_metadata, created_at, updated_at, last_accessed_at",
        )
        .bind(&bucket)
        .bind(names)
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        for version in removed.iter().filter_map(|object| object.version.as_deref()) {
            core.files.remove(version);
        }
        Ok(removed)
    });
    task.await
        .unwrap_or_else(|error| Err(StorageError::File(std::io::Error::other(error))))
}

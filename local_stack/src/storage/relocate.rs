//! `POST /object/move`: another name for the same file, which stays where it lies.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::core::Shared;
use super::error::StorageError;
use super::fields::{Body, Fields};
use super::{key, objects};

/// From where to where; also the form of a copy.
#[derive(Debug)]
pub(super) struct Ways {
    bucket_id: String,
    source_key: String,
    destination_bucket: Option<String>,
    destination_key: String,
}

impl Ways {
    pub(super) fn read(fields: &Fields) -> Result<Self, StorageError> {
        let ways = Self {
            bucket_id: fields.required_text("bucketId")?,
            source_key: fields.required_text("sourceKey")?,
            destination_bucket: fields
                .text("destinationBucket")?
                .filter(|bucket| !bucket.is_empty()),
            destination_key: fields.required_text("destinationKey")?,
        };
        key::check(&ways.source_key)?;
        key::check(&ways.destination_key)?;
        Ok(ways)
    }

    pub(super) fn source(&self) -> (&str, &str) {
        (&self.bucket_id, &self.source_key)
    }

    pub(super) fn destination(&self) -> (&str, &str) {
        let bucket = self.destination_bucket.as_deref().unwrap_or(&self.bucket_id);
        (bucket, &self.destination_key)
    }
}

pub(super) async fn relocate(
    State(core): State<Shared>,
    headers: HeaderMap,
    Body(fields): Body,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let ways = Ways::read(&fields)?;
    let ((bucket, name), (to_bucket, to_name)) = (ways.source(), ways.destination());
    let mut tx = core.begin_as(&caller, "storage.object.move").await?;
    let source = objects::find(&mut tx, bucket, name)
        .await?
        .ok_or(StorageError::NoSuchKey)?;
    let moved = sqlx::query(
        "update storage.objects
        set bucket_id = $3, name = $4, owner_id = coalesce($5, owner_id)
        where bucket_id = $1 and name = $2",
    )
    .bind(bucket)
    .bind(name)
    .bind(to_bucket)
    .bind(to_name)
    .bind(caller.subject())
    .execute(&mut *tx)
    .await?;
    if moved.rows_affected() == 0 {
        return Err(StorageError::NoSuchKey);
    }
    tx.commit().await?;
    Ok(Json(
        json!({ "message": "Successfully moved", "Id": source.id, "Key": to_name }),
    ))
}

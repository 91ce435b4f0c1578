//! `POST /object/copy`: the same content under another name, with a row of its own.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use chrono::Utc;
use serde_json::{Map, Value, json};

use super::core::Shared;
use super::error::StorageError;
use super::fields::{Body, Fields};
use super::objects;
use super::relocate::Ways;
use super::upload::{Target, commit, header_metadata, probe, wants_upsert};

const OPERATION: &str = "storage.object.copy";

pub(super) async fn copy(
    State(core): State<Shared>,
    headers: HeaderMap,
    Body(fields): Body,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let ways = Ways::read(&fields)?;
    let ((bucket, name), (to_bucket, to_name)) = (ways.source(), ways.destination());
    let is_as_before = fields.boolean("copyMetadata")?.unwrap_or(true);
    let mut source = {
        let mut tx = core.begin_as(&caller, OPERATION).await?;
        let found = objects::find(&mut tx, bucket, name).await?;
        found.ok_or(StorageError::NoSuchKey)?
    };
    let target = Target {
        bucket: to_bucket.to_owned(),
        name: to_name.to_owned(),
        owner: caller.subject().map(str::to_owned),
        caller,
        is_upsert: wants_upsert(&headers),
        operation: OPERATION,
    };
    let mut metadata = match source.metadata {
        Some(Value::Object(metadata)) => metadata,
        _ => Map::new(),
    };
    if !is_as_before {
        describe_anew(&mut metadata, &fields)?;
        source.user_metadata = header_metadata(&headers);
    }
    metadata.insert("lastModified".to_owned(), json!(objects::time(Utc::now())));
    let metadata = Value::Object(metadata);
    let tried = target.row("1".to_owned(), metadata.clone(), source.user_metadata.clone());
    probe(&core, &target, &tried).await?;
    let version = source.version.as_deref().ok_or(StorageError::NoFile)?;
    let version = core.files.link(version).map_err(|error| match error.kind() {
        // Replaced or removed since it was looked at.
        std::io::ErrorKind::NotFound => StorageError::NoSuchKey,
        _ => StorageError::File(error),
    })?;
    let row = target.row(version.to_string(), metadata.clone(), source.user_metadata);
    let key = format!("{to_bucket}/{to_name}");
    let id = commit(&core, target, row).await?;
    Ok(Json(json!({
        "Id": id,
        "Key": key,
        "id": id,
        "name": to_name,
        "bucket_id": to_bucket,
        "version": version,
        "metadata": metadata,
    })))
}

/// What the request says of the copy, where it is not to be described as its source is; the rest stays.
fn describe_anew(metadata: &mut Map<String, Value>, fields: &Fields) -> Result<(), StorageError> {
    let Some(wanted) = fields.object("metadata")? else {
        return Ok(());
    };
    for name in ["cacheControl", "mimetype"] {
        if let Some(text) = wanted.text(name)? {
            metadata.insert(name.to_owned(), json!(text));
        }
    }
    Ok(())
}

//! What is known of an object.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::caller;
use super::core::Shared;
use super::download::{Place, reader};
use super::error::StorageError;
use super::objects::{Object, time};

/// `GET /object/info/{bucket}/{name}`.
pub(super) async fn open(
    State(core): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let caller = caller::optional(&core.verifier, &headers);
    let reader = reader(&core, &bucket, caller).await?;
    let place = Place::new(bucket, name, reader, "object.get_authenticated_info")?;
    Ok(Json(described(&place.find(&core).await?)))
}

/// `GET /object/info/public/{bucket}/{name}`.
pub(super) async fn public(
    State(core): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
) -> Result<Json<Value>, StorageError> {
    let reader = reader(&core, &bucket, None).await?;
    let place = Place::new(bucket, name, reader, "storage.object.info_public")?;
    Ok(Json(described(&place.find(&core).await?)))
}

fn described(object: &Object) -> Value {
    json!({
        "id": object.id,
        "name": object.name,
        "version": object.version,
        "bucket_id": object.bucket_id,
        "size": object.metadata.as_ref().and_then(|metadata| metadata.get("size")),
        "content_type": object.text("mimetype"),
        "cache_control": object.text("cacheControl"),
        "etag": object.text("eTag"),
        "metadata": object.user_metadata,
        "last_modified": object.updated_at.map(time),
        "created_at": object.created_at.map(time),
    })
}

//! `/bucket`: policies on `storage.buckets` decide, so without any this is for the secret key.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::core::{Core, Shared};
use super::error::StorageError;
use super::{bucket, caller, json, key, objects, remove, size};

#[derive(Debug, sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    owner: Option<Uuid>,
    public: Option<bool>,
    file_size_limit: Option<i64>,
    allowed_mime_types: Option<Vec<String>>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

impl Row {
    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "owner": self.owner.map_or_else(String::new, |owner| owner.to_string()),
            "public": self.public.unwrap_or(false),
            "file_size_limit": self.file_size_limit,
            "allowed_mime_types": self.allowed_mime_types,
            "created_at": self.created_at.map(objects::time),
            "updated_at": self.updated_at.map(objects::time),
            "type": "STANDARD",
        })
    }
}

const COLUMNS: &str = "id, name, owner, public, file_size_limit, allowed_mime_types, created_at, updated_at";

/// What is said about a bucket. A field that is missing stays as it is, one that is null is taken away.
#[derive(Debug, Deserialize)]
struct Form {
    id: Option<String>,
    name: Option<String>,
    public: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    file_size_limit: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    allowed_mime_types: Option<Option<Vec<String>>>,
}

/// Tells null from missing.
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

impl Form {
    /// The limit in bytes, and whether one was given at all.
    fn limit(&self, core: &Core) -> Result<(bool, Option<i64>), StorageError> {
        let bytes = match &self.file_size_limit {
            None => return Ok((false, None)),
            Some(Value::Null) => return Ok((true, None)),
            Some(Value::String(text)) => size::of_the_api(text),
            Some(value) => value.as_i64().filter(|bytes| *bytes >= 0),
        };
        let bytes = bytes.ok_or_else(|| {
            StorageError::invalid("Invalid file size format, hint: use 20GB / 20MB / 30KB / 3B")
        })?;
        if u64::try_from(bytes).is_ok_and(|bytes| bytes > core.largest_file) {
            return Err(StorageError::TooLarge("object"));
        }
        Ok((true, Some(bytes)))
    }

    fn types(&self) -> Result<(bool, Option<&[String]>), StorageError> {
        let types = self.allowed_mime_types.as_ref().and_then(Option::as_deref);
        let broken = types.unwrap_or_default().iter().find(|text| !text.contains('/'));
        match broken {
            Some(text) => Err(StorageError::InvalidMimeType(text.clone())),
            None => Ok((self.allowed_mime_types.is_some(), types)),
        }
    }
}

/// `POST /bucket`.
pub(super) async fn create(
    State(core): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let form: Form = json::parse(&body)?;
    let name = form
        .name
        .clone()
        .ok_or_else(|| StorageError::invalid("body must have required property 'name'"))?;
    key::check_bucket(&name)?;
    let id = form.id.clone().unwrap_or_else(|| name.clone());
    key::check_bucket(&id)?;
    let mut tx = core.begin_as(&caller, "storage.bucket.create").await?;
    sqlx::query(
        "insert into storage.buckets (id, name, owner, owner_id, public, file_size_limit, allowed_mime_types)
        values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&id)
    .bind(&name)
    .bind(caller.subject().and_then(|owner| Uuid::parse_str(owner).ok()))
    .bind(caller.subject())
    .bind(form.public.unwrap_or(false))
    .bind(form.limit(&core)?.1)
    .bind(form.types()?.1)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Json(json!({ "name": name })))
}

/// `PUT /bucket/{id}`.
pub(super) async fn update(
    State(core): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let form: Form = json::parse(&body)?;
    let ((has_limit, limit), (has_types, types)) = (form.limit(&core)?, form.types()?);
    let mut tx = core.begin_as(&caller, "storage.bucket.update").await?;
    let updated = sqlx::query(
        "update storage.buckets
        set public = coalesce($2, public),
            file_size_limit = case when $3 then $4 else file_size_limit end,
            allowed_mime_types = case when $5 then $6 else allowed_mime_types end,
            updated_at = now()
        where id = $1",
    )
    .bind(&id)
    .bind(form.public)
    .bind(has_limit)
    .bind(limit)
    .bind(has_types)
    .bind(types)
    .execute(&mut *tx)
    .await?;
    if updated.rows_affected() == 0 {
        return Err(StorageError::NoSuchBucket);
    }
    tx.commit().await?;
    Ok(Json(json!({ "message": "Successfully updated" })))
}

/// `GET /bucket/{id}`.
pub(super) async fn get(
    State(core): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let mut tx = core.begin_as(&caller, "storage.bucket.get").await?;
    let statement = format!("select {COLUMNS} from storage.buckets where id = $1");
    let row: Option<Row> = sqlx::query_as(&statement)
        .bind(&id)
        .fetch_optional(&mut *tx)
        .await?;
    row.map(|row| Json(row.to_json()))
        .ok_or(StorageError::NoSuchBucket)
}

#[derive(Debug, Deserialize)]
pub(super) struct Page {
    limit: Option<u32>,
    offset: Option<u32>,
    search: Option<String>,
}

/// `GET /bucket`, by name.
pub(super) async fn list(
    State(core): State<Shared>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let mut tx = core.begin_as(&caller, "storage.bucket.list").await?;
    let statement = format!(
        "select {COLUMNS} from storage.buckets
        where strpos(lower(name), lower($1)) > 0
        order by name limit $2 offset $3"
    );
    let rows: Vec<Row> = sqlx::query_as(&statement)
        .bind(page.search.unwrap_or_default())
        .bind(page.limit.map(i64::from))
        .bind(i64::from(page.offset.unwrap_or(0)))
        .fetch_all(&mut *tx)
        .await?;
    Ok(Json(rows.iter().map(Row::to_json).collect()))
}

/// `POST /bucket/{id}/empty`. Supabase answers the same and does it later.
pub(super) async fn empty(
    State(core): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    {
        let mut tx = core.begin_as(&caller, "storage.bucket.empty").await?;
        bucket::find(&mut tx, &id).await?;
    }
    remove::all(&core, caller, id).await?;
    let message = "Empty bucket has been queued. Completion may take up to an hour.";
    Ok(Json(json!({ "message": message })))
}

/// `DELETE /bucket/{id}`, when nothing is in it.
pub(super) async fn delete(
    State(core): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let mut tx = core.begin().await?;
    let is_used: bool =
        sqlx::query_scalar("select exists (select from storage.objects where bucket_id = $1)")
            .bind(&id)
            .fetch_one(&mut *tx)
            .await?;
    caller::assume(&caller, &mut tx, "storage.bucket.delete").await?;
    // Whoever may not see it does not learn whether something is in it.
    bucket::find(&mut tx, &id).await?;
    if is_used {
        return Err(StorageError::BucketNotEmpty);
    }
    let deleted = sqlx::query("delete from storage.buckets where id = $1")
        .bind(&id)
        .execute(&mut *tx)
        .await?;
    if deleted.rows_affected() == 0 {
        return Err(StorageError::NoSuchBucket);
    }
    tx.commit().await?;
    Ok(Json(json!({ "message": "Successfully deleted" })))
}

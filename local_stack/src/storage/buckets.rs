//! `/bucket`: policies on `storage.buckets` decide, so without any this is for the secret key.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::coerce::integer;
use super::core::{Core, Shared};
use super::error::StorageError;
use super::fields::{Body, Fields, Query};
use super::list::Order;
use super::{bucket, caller, key, objects, remove, size};

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
        })
    }
}

const COLUMNS: &str = "id, name, owner, public, file_size_limit, allowed_mime_types, created_at, updated_at";

/// What is said about a bucket. A field that is missing stays as it is, one that is null is taken away.
#[derive(Debug)]
struct Form {
    public: Option<bool>,
    file_size_limit: Option<Option<i64>>,
    allowed_mime_types: Option<Option<Vec<String>>>,
}

impl Form {
    fn read(fields: &Fields, core: &Core) -> Result<Self, StorageError> {
        Ok(Self {
            public: fields.boolean("public")?,
            file_size_limit: fields
                .raw("file_size_limit")
                .map(|value| limit(value, core))
                .transpose()?,
            allowed_mime_types: fields
                .has("allowed_mime_types")
                .then(|| types(fields))
                .transpose()?,
        })
    }
}

/// A limit in bytes: a number, or a text such as `20MB`.
fn limit(value: &Value, core: &Core) -> Result<Option<i64>, StorageError> {
    if value.is_null() {
        return Ok(None);
    }
    let number = integer(value).filter(|bytes| *bytes >= 0);
    let bytes = number.or_else(|| value.as_str().and_then(size::of_the_api));
    let bytes = bytes.ok_or_else(|| {
        StorageError::invalid("Invalid file size format, hint: use 20GB / 20MB / 30KB / 3B")
    })?;
    if u64::try_from(bytes).is_ok_and(|bytes| bytes > core.largest_file) {
        return Err(StorageError::TooLarge("object"));
    }
    Ok(Some(bytes))
}

/// The types that a bucket takes; an empty text is none.
fn types(fields: &Fields) -> Result<Option<Vec<String>>, StorageError> {
    if fields.is_null("allowed_mime_types") {
        return Ok(None);
    }
    let types = fields.texts("allowed_mime_types")?.unwrap_or_default();
    let types: Vec<String> = types.into_iter().filter(|text| !text.is_empty()).collect();
    match types.iter().find(|text| !text.contains('/')) {
        Some(text) => Err(StorageError::InvalidMimeType(text.clone())),
        None => Ok(Some(types)),
    }
}

/// `POST /bucket`.
pub(super) async fn create(
    State(core): State<Shared>,
    headers: HeaderMap,
    Body(fields): Body,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let name = fields.required_text("name")?;
    let id = fields.text("id")?.filter(|id| !id.is_empty());
    let id = id.unwrap_or_else(|| name.clone());
    let is_standard = fields.choice("type", &[("STANDARD", true), ("ANALYTICS", false)])?;
    let form = Form::read(&fields, &core)?;
    key::check_bucket(&name)?;
    key::check_bucket(&id)?;
    if is_standard == Some(false) {
        return Err(StorageError::FeatureNotEnabled(
            "Iceberg buckets are not enabled for this tenant",
        ));
    }
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
    .bind(form.file_size_limit.flatten())
    .bind(form.allowed_mime_types.flatten())
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
    Body(fields): Body,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let form = Form::read(&fields, &core)?;
    if form.public.is_none() && form.file_size_limit.is_none() && form.allowed_mime_types.is_none() {
        return Err(StorageError::invalid("body must match a schema in anyOf"));
    }
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
    .bind(form.file_size_limit.is_some())
    .bind(form.file_size_limit.flatten())
    .bind(form.allowed_mime_types.is_some())
    .bind(form.allowed_mime_types.flatten())
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

const SORT_COLUMNS: [(&str, &str); 4] = [
    ("id", "id"),
    ("name", "name"),
    ("created_at", "created_at"),
    ("updated_at", "updated_at"),
];

/// `GET /bucket`, by name where nothing else is asked for.
pub(super) async fn list(
    State(core): State<Shared>,
    Query(fields): Query,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let limit = fields.integer("limit", 1)?;
    let offset = fields.integer("offset", 0)?.unwrap_or(0);
    let column = fields.choice("sortColumn", &SORT_COLUMNS)?.unwrap_or("name");
    let order = Order::read(&fields, "sortOrder")?.sql();
    let search = fields.text("search")?.unwrap_or_default();
    let caller = core.caller(&headers)?;
    let mut tx = core.begin_as(&caller, "storage.bucket.list").await?;
    let statement = format!(
        "select {COLUMNS} from storage.buckets
        where strpos(lower(name), lower($1)) > 0
        order by {column} {order}, id limit $2 offset $3"
    );
    let rows: Vec<Row> = sqlx::query_as(&statement)
        .bind(search)
        .bind(limit)
        .bind(offset)
        .fetch_all(&mut *tx)
        .await?;
    // The kind is told here and not by the route for one of them.
    let buckets = rows.iter().map(|row| {
        let mut bucket = row.to_json();
        if let Some(fields) = bucket.as_object_mut() {
            fields.insert("type".to_owned(), json!("STANDARD"));
        }
        bucket
    });
    Ok(Json(buckets.collect()))
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

//! `POST /object/list/{bucket}`: one level of a folder, as the caller sees it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::core::Shared;
use super::error::StorageError;
use super::{json, objects};

/// What is never exceeded.
const MOST: i64 = 1500;

#[derive(Debug, Deserialize)]
struct Search {
    prefix: String,
    limit: Option<i64>,
    offset: Option<i64>,
    #[serde(rename = "sortBy", default)]
    sort_by: SortBy,
    search: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SortBy {
    column: Column,
    order: Order,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Column {
    #[default]
    Name,
    UpdatedAt,
    CreatedAt,
    LastAccessedAt,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    #[default]
    Asc,
    Desc,
}

impl SortBy {
    /// By name folders and files stand among each other. A folder has no time, so by time they come first.
    fn clause(&self) -> String {
        let order = match self.order {
            Order::Asc => "asc",
            Order::Desc => "desc",
        };
        let column = match self.column {
            Column::Name => return format!("lower(e.name) collate \"C\" {order}, e.name {order}"),
            Column::UpdatedAt => "updated_at",
            Column::CreatedAt => "created_at",
            Column::LastAccessedAt => "last_accessed_at",
        };
        format!("(e.id is not null), e.{column} {order}, lower(e.name) collate \"C\" {order}")
    }
}

#[derive(Debug, sqlx::FromRow)]
struct Entry {
    name: String,
    id: Option<Uuid>,
    updated_at: Option<DateTime<Utc>>,
    created_at: Option<DateTime<Utc>>,
    last_accessed_at: Option<DateTime<Utc>>,
    metadata: Option<Value>,
}

pub(super) async fn list(
    State(core): State<Shared>,
    Path(bucket): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let search: Search = json::parse(&body)?;
    let (limit, offset) = (search.limit.unwrap_or(100), search.offset.unwrap_or(0));
    if limit < 1 {
        return Err(StorageError::invalid("body/limit must be >= 1"));
    }
    if offset < 0 {
        return Err(StorageError::invalid("body/offset must be >= 0"));
    }
    let mut prefix = search.prefix;
    if !prefix.is_empty() && !prefix.ends_with('/') {
        prefix.push('/');
    }
    let start = format!("{prefix}{}", search.search.unwrap_or_default());
    let mut tx = core.begin_as(&caller, "storage.object.list").await?;
    let entries: Vec<Entry> = sqlx::query_as(&statement(&search.sort_by))
        .bind(&bucket)
        .bind(&start)
        .bind(depth(&prefix))
        .bind(depth(&start))
        .bind(limit.min(MOST))
        .bind(offset)
        .fetch_all(&mut *tx)
        .await?;
    Ok(Json(entries.iter().map(shown).collect()))
}

/// How many parts a name has that begins so.
fn depth(start: &str) -> i32 {
    i32::try_from(start.split('/').count()).unwrap_or(i32::MAX)
}

fn statement(sort_by: &SortBy) -> String {
    format!(
        "with fitting as (
            select array_to_string(o.path_tokens[$3:$4], '/') as name, cardinality(o.path_tokens) > $4 as is_folder,
                o.id, o.updated_at, o.created_at, o.last_accessed_at, o.metadata
            from storage.objects o
            where o.bucket_id = $1 and starts_with(lower(o.name), lower($2))
        ), e as (
            select distinct f.name, null::uuid as id, null::timestamptz as updated_at, null::timestamptz as created_at,
                null::timestamptz as last_accessed_at, null::jsonb as metadata
            from fitting f
            where f.is_folder
            union all
            select f.name, f.id, f.updated_at, f.created_at, f.last_accessed_at, f.metadata
            from fitting f
            where not f.is_folder
        )
        select e.* from e order by {} limit $5 offset $6",
        sort_by.clause()
    )
}

fn shown(entry: &Entry) -> Value {
    json!({
        "name": entry.name,
        "id": entry.id,
        "updated_at": entry.updated_at.map(objects::time),
        "created_at": entry.created_at.map(objects::time),
        "last_accessed_at": entry.last_accessed_at.map(objects::time),
        "metadata": entry.metadata,
    })
}

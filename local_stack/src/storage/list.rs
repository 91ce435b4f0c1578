//! `POST /object/list/{bucket}`: one level of a folder, as the caller sees it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::core::Shared;
use super::error::StorageError;
use super::fields::{Body, Fields};
use super::objects;

/// What is never exceeded.
const MOST: i64 = 1500;

const COLUMNS: [Column; 4] = [
    Column::Name,
    Column::UpdatedAt,
    Column::CreatedAt,
    Column::LastAccessedAt,
];

/// In which order.
#[derive(Clone, Copy, Debug)]
pub(super) struct SortBy {
    pub(super) column: Column,
    pub(super) order: Order,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    UpdatedAt,
    CreatedAt,
    LastAccessedAt,
}

impl Column {
    pub(super) const fn sql(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::UpdatedAt => "updated_at",
            Self::CreatedAt => "created_at",
            Self::LastAccessedAt => "last_accessed_at",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Asc,
    Desc,
}

impl Order {
    const WORDS: [(&'static str, Self); 2] = [("asc", Self::Asc), ("desc", Self::Desc)];

    pub(super) const fn sql(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }

    /// Upwards where nothing is said.
    pub(super) fn read(fields: &Fields, name: &str) -> Result<Self, StorageError> {
        Ok(fields.choice(name, &Self::WORDS)?.unwrap_or(Self::Asc))
    }
}

impl SortBy {
    /// By `sortBy` of a body, or by name; `columns` are those that may be named.
    pub(super) fn read(fields: &Fields, columns: &[Column]) -> Result<Self, StorageError> {
        let Some(sort_by) = fields.object("sortBy")? else {
            let (column, order) = (Column::Name, Order::Asc);
            return Ok(Self { column, order });
        };
        let words: Vec<(&str, Column)> = columns.iter().map(|column| (column.sql(), *column)).collect();
        Ok(Self {
            column: sort_by.required("column", sort_by.choice("column", &words)?)?,
            order: Order::read(&sort_by, "order")?,
        })
    }
}

impl SortBy {
    /// By name folders and files stand among each other. A folder has no time, so by time they come first.
    fn clause(self) -> String {
        let (column, order) = (self.column.sql(), self.order.sql());
        if self.column == Column::Name {
            return format!("lower(e.name) collate \"C\" {order}, e.name {order}");
        }
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
    Body(fields): Body,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let mut prefix = fields.required_text("prefix")?;
    let limit = fields.integer("limit", 1)?.unwrap_or(100);
    let offset = fields.integer("offset", 0)?.unwrap_or(0);
    let sort_by = SortBy::read(&fields, &COLUMNS)?;
    if !prefix.is_empty() && !prefix.ends_with('/') {
        prefix.push('/');
    }
    let start = format!("{prefix}{}", fields.text("search")?.unwrap_or_default());
    let mut tx = core.begin_as(&caller, "storage.object.list").await?;
    let entries: Vec<Entry> = sqlx::query_as(&statement(sort_by))
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

fn statement(sort_by: SortBy) -> String {
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

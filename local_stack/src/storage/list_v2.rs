//! `POST /object/list-v2/{bucket}`: all of a prefix or one level of it, page by page, as the caller sees it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::core::Shared;
use super::error::StorageError;
use super::fields::Body;
use super::list::{Column, Order, SortBy};
use super::objects;

/// What a page has at most, and where nothing is said.
const MOST: i64 = 1000;

const COLUMNS: [Column; 3] = [Column::Name, Column::UpdatedAt, Column::CreatedAt];

/// Where the next page begins. It carries the order of the first one, whatever the next request says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    after: String,
    column: String,
    is_descending: bool,
    /// The time of that entry, cut to milliseconds, where a time decides the order.
    time: Option<DateTime<Utc>>,
}

impl Cursor {
    fn read(text: &str) -> Result<Self, StorageError> {
        let json = BASE64_STANDARD.decode(text).ok();
        json.and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or(StorageError::InvalidParameter("continuation token"))
    }

    fn write(&self) -> String {
        BASE64_STANDARD.encode(json!(self).to_string())
    }

    fn sort_by(&self) -> SortBy {
        let column = COLUMNS.into_iter().find(|column| column.sql() == self.column);
        SortBy {
            column: column.unwrap_or(Column::Name),
            order: if self.is_descending {
                Order::Desc
            } else {
                Order::Asc
            },
        }
    }
}

#[derive(Debug, sqlx::FromRow)]
struct Entry {
    /// Whole, with a slash at the end of a folder.
    name: String,
    id: Option<Uuid>,
    updated_at: Option<DateTime<Utc>>,
    created_at: Option<DateTime<Utc>>,
    last_accessed_at: Option<DateTime<Utc>>,
    metadata: Option<Value>,
    /// What decides the order, where that is a time.
    time: Option<DateTime<Utc>>,
}

pub(super) async fn list(
    State(core): State<Shared>,
    Path(bucket): Path<String>,
    headers: HeaderMap,
    Body(fields): Body,
) -> Result<Json<Answer>, StorageError> {
    let caller = core.caller(&headers)?;
    let prefix = fields.text("prefix")?.unwrap_or_default();
    let limit = fields.integer("limit", 1)?.unwrap_or(MOST).min(MOST);
    let by_level = fields.boolean("with_delimiter")?.unwrap_or(false);
    let cursor = fields.text("cursor")?.filter(|cursor| !cursor.is_empty());
    let cursor = cursor.as_deref().map(Cursor::read).transpose()?;
    let sort_by = SortBy::read(&fields, &COLUMNS)?;
    let sort_by = cursor.as_ref().map_or(sort_by, Cursor::sort_by);
    let mut tx = core.begin_as(&caller, "storage.object.list_v2").await?;
    let mut entries: Vec<Entry> = sqlx::query_as(&statement(sort_by))
        .bind(&bucket)
        .bind(&prefix)
        .bind(by_level)
        .bind(cursor.as_ref().map(|cursor| &cursor.after))
        .bind(cursor.as_ref().and_then(|cursor| cursor.time))
        // One more than is shown says whether there are others.
        .bind(limit + 1)
        .fetch_all(&mut *tx)
        .await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_next = entries.len() > limit;
    entries.truncate(limit);
    let (objects, folders): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| entry.id.is_some());
    let shown = |entries: Vec<&Entry>| -> Vec<Shown> {
        let key_of = |entry: &Entry| by_level.then(|| last_part(&entry.name).to_owned());
        entries
            .into_iter()
            .map(|entry| Shown::of(entry, key_of(entry)))
            .collect()
    };
    let mut answer = Answer {
        has_next,
        folders: shown(folders),
        objects: shown(objects),
        next_cursor: None,
        next_cursor_key: None,
    };
    if let (true, Some(last)) = (has_next, entries.last()) {
        let next = Cursor {
            after: last.name.clone(),
            column: sort_by.column.sql().to_owned(),
            is_descending: sort_by.order == Order::Desc,
            time: last.time,
        };
        answer.next_cursor = Some(next.write());
        answer.next_cursor_key = Some(last.name.clone());
    }
    Ok(Json(answer))
}

fn last_part(name: &str) -> &str {
    let name = name.strip_suffix('/').unwrap_or(name);
    name.rsplit('/').next().unwrap_or(name)
}

/// By a time a folder stands where its oldest object would.
fn statement(sort_by: SortBy) -> String {
    let order = sort_by.order.sql();
    let beyond = match sort_by.order {
        Order::Asc => ">",
        Order::Desc => "<",
    };
    let time = match sort_by.column {
        Column::Name => "null::timestamptz".to_owned(),
        column => format!("date_trunc('milliseconds', e.{})", column.sql()),
    };
    let place = match sort_by.column {
        Column::Name => format!("e.name collate \"C\" {order}"),
        _ => format!("e.time {order}, e.name collate \"C\" {order}"),
    };
    let is_beyond = match sort_by.column {
        Column::Name => format!("e.name collate \"C\" {beyond} $4 and $5 is null"),
        _ => format!("(e.time, e.name collate \"C\") {beyond} ($5, $4)"),
    };
    format!(
        "with fitting as (
            select o.*, strpos(substr(o.name, length($2) + 1), '/') as slash
            from storage.objects o
            where o.bucket_id = $1 and starts_with(o.name, $2)
        ), all_entries as (
            select f.name, f.id, f.updated_at, f.created_at, f.last_accessed_at, f.metadata
            from fitting f
            where not $3 or f.slash = 0
            union all
            select left(f.name, length($2) + f.slash), null, min(f.created_at), min(f.created_at), null, null
            from fitting f
            where $3 and f.slash > 0
            group by 1
        ), e as (
            select e.*, {time} as time from all_entries e
        )
        select e.* from e
        where $4::text is null or ({is_beyond})
        order by {place} limit $6"
    )
}

/// A page as it is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    has_next: bool,
    folders: Vec<Shown>,
    objects: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor_key: Option<String>,
}

/// An entry as it is answered.
#[derive(Serialize)]
struct Shown {
    name: String,
    id: Option<Uuid>,
    updated_at: Option<String>,
    created_at: Option<String>,
    last_accessed_at: Option<String>,
    metadata: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl Shown {
    fn of(entry: &Entry, key: Option<String>) -> Self {
        Self {
            name: entry.name.clone(),
            id: entry.id,
            updated_at: entry.updated_at.map(objects::time),
            created_at: entry.created_at.map(objects::time),
            last_accessed_at: entry.last_accessed_at.map(objects::time),
            metadata: entry.metadata.clone(),
            key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_is_read_as_it_was_written_and_nonsense_is_refused() {
        let cursor = Cursor {
            after: "a/\"b\".txt".to_owned(),
            column: "created_at".to_owned(),
            is_descending: true,
            time: DateTime::from_timestamp_millis(1_795_981_804_243),
        };
        assert_eq!(Cursor::read(&cursor.write()).unwrap(), cursor);
        for text in ["", "x", "bm9uc2Vuc2U="] {
            assert!(Cursor::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn last_part_is_that_of_a_file_or_of_a_folder() {
        assert_eq!(last_part("a/b.txt"), "b.txt");
        assert_eq!(last_part("a/b/"), "b");
        assert_eq!(last_part("a"), "a");
    }
}

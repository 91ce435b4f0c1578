//! Pages of lists.

use serde_json::Value;

use crate::providers::fields::Fields;
use crate::providers::tavus::error::TavusError;

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageQuery {
    /// The first is 1.
    pub number: u32,
    /// Rows a page.
    pub limit: u32,
}

impl PageQuery {
    pub(crate) fn pairs(self) -> Vec<(&'static str, String)> {
        vec![
            ("limit", self.limit.to_string()),
            ("page", self.number.to_string()),
        ]
    }
}

/// A page of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// The rows that make sense.
    pub rows: Vec<T>,
    /// How many rows this page had, also such that make none: fewer than asked for means that it is the last.
    pub page_rows: usize,
    /// How many there are on all pages, where Tavus says so.
    pub total_count: Option<u64>,
}

impl<T> Listed<T> {
    /// `{"data": [...], "total_count": n}`, or a bare list. A row that makes no sense costs none of the others.
    pub(crate) fn read(body: Value, read: impl Fn(Value) -> Option<T>) -> Result<Self, TavusError> {
        let total_count = Fields::of(&body).value(&["total_count"]).and_then(Value::as_u64);
        let data = match body {
            Value::Array(rows) => Some(rows),
            Value::Object(mut map) => match map.remove("data") {
                Some(Value::Array(rows)) => Some(rows),
                _ => None,
            },
            _ => None,
        };
        let data = data.ok_or(TavusError::Unintelligible("a list without rows"))?;
        let page_rows = data.len();
        let rows: Vec<T> = data.into_iter().filter_map(read).collect();
        if rows.len() < page_rows {
            let left_out = page_rows - rows.len();
            tracing::warn!(left_out, "rows of Tavus that make no sense");
        }
        Ok(Self {
            rows,
            page_rows,
            total_count,
        })
    }
}

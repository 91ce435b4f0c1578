//! Status, headers and body of what was done.

use serde_json::Value;

use crate::error::Error;
use crate::headers::{Count, MediaType, Range, content_range};
use crate::plan::Plan;
use crate::query::encode;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Names and values, in the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// The body; empty where there is none.
    pub body: String,
}

/// The row that a plan's statement gives, column by column.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// How many rows there are without a limit, where that was to be counted.
    pub total: Option<i64>,
    /// How many rows the body has, or how many were changed.
    pub rows: i64,
    /// The body.
    pub body: String,
    /// What a function set as `response.headers`.
    pub headers: Option<String>,
    /// What a function set as `response.status`.
    pub status: Option<String>,
    /// How many rows of an upsert are new.
    pub inserted: Option<i64>,
}

/// What an answer is made of besides the row.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) media: MediaType,
    /// The value of `Content-Profile`.
    pub(crate) profile: Option<String>,
    /// The value of `Preference-Applied`.
    pub(crate) applied: Option<String>,
    pub(crate) range: Range,
    pub(crate) count: Option<Count>,
    pub(crate) max_rows: Option<i64>,
    pub(crate) is_head: bool,
    pub(crate) answered: Answered,
    pub(crate) expectation: Expectation,
    pub(crate) max_affected: Option<i64>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    Read {
        location: String,
        canonical: String,
    },
    Insert {
        returns_rows: bool,
        is_merge: bool,
        location: Option<String>,
    },
    Update {
        returns_rows: bool,
    },
    Upsert {
        returns_rows: bool,
    },
    Delete {
        returns_rows: bool,
    },
    Call {
        is_void: bool,
    },
}

/// What a row has to fulfil for its transaction to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expectation {
    None,
    /// There is a most, and it is looked at.
    AnyNumber,
    OneRow,
    /// A PUT whose body has the key of its address.
    MatchingKey,
}

impl Plan {
    /// Whether the row is a refusal: then the transaction is to be rolled back.
    ///
    /// # Errors
    ///
    /// What the caller is told.
    pub fn check(&self, row: &Row) -> Result<(), Error> {
        match self.shape.expectation {
            Expectation::OneRow if row.rows != 1 => return Err(Error::not_single(row.rows)),
            Expectation::MatchingKey if row.rows != 1 => {
                return Err(Error::new(
                    400,
                    "PGRST115",
                    "Payload values do not match URL in primary key column(s)",
                ));
            }
            _ => {}
        }
        match self.shape.max_affected {
            Some(most) if row.rows > most => Err(Error::max_affected(row.rows)),
            _ => Ok(()),
        }
    }

    /// The answer of a row. `guess` is what the planner thinks of how many rows there are, where that was asked.
    ///
    /// # Errors
    ///
    /// What [`check`](Self::check) refuses, a range that begins after the last row, and what a function said of status or headers that is
    /// none.
    pub fn answer(&self, mut row: Row, guess: Option<i64>) -> Result<Response, Error> {
        self.check(&row)?;
        let shape = &self.shape;
        row.total = match shape.count {
            Some(Count::Planned) => guess,
            Some(Count::Estimated) if row.total > shape.max_rows && shape.max_rows.is_some() => {
                row.total.max(guess)
            }
            _ => row.total,
        };
        let (own_status, own_headers) = overrides(&row)?;
        let mut response = shape.response(row)?;
        if let Some(status) = own_status {
            response.status = status;
        }
        let is_own = |name: &str| own_headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        response.headers.retain(|(name, _)| !is_own(name));
        response.headers.extend(own_headers);
        Ok(response)
    }

    /// The answer of the lines of a plan.
    #[must_use]
    pub fn explained(&self, lines: &[String]) -> Response {
        let mut headers = Vec::new();
        self.shape.push_content(&mut headers);
        Response {
            status: 200,
            headers,
            body: lines.iter().map(|line| format!("{line}\n")).collect(),
        }
    }
}

impl Shape {
    fn response(&self, row: Row) -> Result<Response, Error> {
        let counted =
            |row: &Row| matches!(self.count, Some(Count::Exact | Count::Estimated)).then_some(row.rows);
        let mut headers = Vec::new();
        let mut push = |name: &str, value: String| headers.push((name.to_owned(), value));
        let (status, has_body) = match &self.answered {
            Answered::Read { location, canonical } => {
                let (status, range) = self.within(&row)?;
                push("Content-Range", range);
                let query = if canonical.is_empty() {
                    String::new()
                } else {
                    format!("?{canonical}")
                };
                push("Content-Location", format!("{location}{query}"));
                (status, true)
            }
            Answered::Call { is_void } => {
                let (status, range) = self.within(&row)?;
                push("Content-Range", range);
                if *is_void { (204, false) } else { (status, true) }
            }
            Answered::Insert {
                returns_rows,
                is_merge,
                location,
            } => {
                if let Some(place) = location.as_ref().and_then(|path| place(path, &row)) {
                    push("Location", place);
                }
                push("Content-Range", content_range(1, 0, counted(&row)));
                let is_known = *is_merge && row.inserted.unwrap_or(0) <= 0;
                (if is_known { 200 } else { 201 }, *returns_rows)
            }
            Answered::Update { returns_rows } => {
                push("Content-Range", content_range(0, row.rows - 1, counted(&row)));
                (if *returns_rows { 200 } else { 204 }, *returns_rows)
            }
            Answered::Delete { returns_rows } => {
                push("Content-Range", content_range(1, 0, counted(&row)));
                (if *returns_rows { 200 } else { 204 }, *returns_rows)
            }
            Answered::Upsert { returns_rows } => {
                let status = if row.inserted.unwrap_or(0) > 0 { 201 } else { 200 };
                (if *returns_rows { status } else { 204 }, *returns_rows)
            }
        };
        if has_body {
            self.push_content(&mut headers);
        }
        headers.extend(
            self.applied
                .iter()
                .map(|value| ("Preference-Applied".to_owned(), value.clone())),
        );
        let body = if has_body && !self.is_head {
            row.body
        } else {
            String::new()
        };
        Ok(Response {
            status,
            headers,
            body,
        })
    }

    fn push_content(&self, headers: &mut Vec<(String, String)>) {
        headers.push(("Content-Type".to_owned(), self.media.content_type()));
        headers.extend(
            self.profile
                .iter()
                .map(|name| ("Content-Profile".to_owned(), name.clone())),
        );
    }

    fn within(&self, row: &Row) -> Result<(u16, String), Error> {
        let (status, range) = self.range.content(row.rows, row.total);
        if status == 416 {
            let (offset, total) = (self.range.offset, row.total.unwrap_or(0));
            return Err(Error::range(format!(
                "An offset of {offset} was requested, but there are only {total} rows."
            ))
            .with_header("Content-Range", range));
        }
        Ok((status, range))
    }
}

/// The address of the one row that was inserted.
fn place(path: &str, row: &Row) -> Option<String> {
    let rows: Vec<serde_json::Map<String, Value>> = serde_json::from_str(&row.body).ok()?;
    let [only] = rows.as_slice() else {
        return None;
    };
    let pairs: Vec<String> = only
        .iter()
        .map(|(name, value)| match value {
            Value::Null => format!("{}=is.null", encode(name)),
            Value::String(text) => format!("{}=eq.{}", encode(name), encode(text)),
            other => format!("{}=eq.{}", encode(name), encode(&other.to_string())),
        })
        .collect();
    (!pairs.is_empty()).then(|| format!("{path}?{}", pairs.join("&")))
}

type Overrides = (Option<u16>, Vec<(String, String)>);

/// What a function set as status and headers.
fn overrides(row: &Row) -> Result<Overrides, Error> {
    let status = row.status.as_ref().map(|text| {
        let status = text
            .trim()
            .parse()
            .ok()
            .filter(|status| (100..1000).contains(status));
        status.ok_or_else(|| Error::new(500, "PGRST112", "response.status guc must be a valid status code"))
    });
    let mut headers = Vec::new();
    if let Some(text) = &row.headers {
        let invalid = || {
            Error::new(
                500,
                "PGRST111",
                "response.headers guc must be a JSON array composed of objects with a single key and a string value",
            )
        };
        let list: Vec<serde_json::Map<String, Value>> = serde_json::from_str(text).map_err(|_| invalid())?;
        for item in list {
            let mut pairs = item.into_iter();
            match (pairs.next(), pairs.next()) {
                (Some((name, Value::String(value))), None) => headers.push((name, value)),
                _ => return Err(invalid()),
            }
        }
    }
    Ok((status.transpose()?, headers))
}

//! What a caller is told when a request cannot be served.

use std::ops::{Deref, DerefMut};

use serde_json::{Value, json};

/// An error in PostgREST's form. It is behind a pointer, so that results stay small.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<Refusal>);

/// What an error says: an HTTP status, and a body of `code`, `message`, `details` and `hint`.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The reason phrase, where the database gave one.
    pub reason: Option<String>,
    /// `PGRSTnnn`, or the SQLSTATE of the database.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// More of it: a text, or the list of relationships that fit.
    pub details: Value,
    /// What to do.
    pub hint: Value,
    /// Headers that the database asked for.
    pub headers: Vec<(String, String)>,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self(Box::new(refusal))
    }
}

impl Deref for Error {
    type Target = Refusal;

    fn deref(&self) -> &Refusal {
        &self.0
    }
}

impl DerefMut for Error {
    fn deref_mut(&mut self) -> &mut Refusal {
        &mut self.0
    }
}

impl Error {
    /// What it says.
    #[must_use]
    pub fn into_refusal(self) -> Refusal {
        *self.0
    }

    /// An error of the API itself.
    #[must_use]
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self::from(Refusal {
            status,
            reason: None,
            code: code.to_owned(),
            message: message.into(),
            details: Value::Null,
            hint: Value::Null,
            headers: Vec::new(),
        })
    }

    /// The same with details.
    #[must_use]
    pub fn with_details(mut self, details: impl Into<Value>) -> Self {
        self.details = details.into();
        self
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Value>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same with a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The body, as JSON.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({ "code": self.code, "message": self.message, "details": self.details, "hint": self.hint })
    }

    pub(crate) fn invalid_body(message: &str) -> Self {
        Self::new(400, "PGRST102", message)
    }

    pub(crate) fn range(details: impl Into<Value>) -> Self {
        Self::new(416, "PGRST103", "Requested range not satisfiable").with_details(details)
    }

    pub(crate) fn not_embedded(name: &str) -> Self {
        Self::new(
            400,
            "PGRST108",
            format!("'{name}' is not an embedded resource in this request"),
        )
        .with_hint(format!(
            "Verify that '{name}' is included in the 'select' query parameter."
        ))
    }

    pub(crate) fn media_type(accepted: &[String]) -> Self {
        let list = accepted.join(", ");
        Self::new(
            406,
            "PGRST107",
            format!("None of these media types are available: {list}"),
        )
    }

    pub(crate) fn schema(name: &str, exposed: &[String]) -> Self {
        Self::new(406, "PGRST106", format!("Invalid schema: {name}")).with_hint(format!(
            "Only the following schemas are exposed: {}",
            exposed.join(", ")
        ))
    }

    pub(crate) fn not_single(rows: i64) -> Self {
        Self::new(
            406,
            "PGRST116",
            "Cannot coerce the result to a single JSON object",
        )
        .with_details(format!("The result contains {rows} rows"))
    }

    pub(crate) fn preferences(invalid: &[String]) -> Self {
        Self::new(400, "PGRST122", "Invalid preferences given with handling=strict")
            .with_details(format!("Invalid preferences: {}", invalid.join(", ")))
    }

    pub(crate) fn max_affected(rows: i64) -> Self {
        Self::new(
            400,
            "PGRST124",
            "Query result exceeds max-affected preference constraint",
        )
        .with_details(format!("The query affects {rows} rows"))
    }

    pub(crate) fn no_column(table: &str, column: &str) -> Self {
        Self::new(
            400,
            "PGRST204",
            format!("Could not find the '{column}' column of '{table}' in the schema cache"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_has_all_four_fields_always() {
        let error = Error::not_single(0);
        assert_eq!(
            error.body(),
            json!({
                "code": "PGRST116", "message": "Cannot coerce the result to a single JSON object",
                "details": "The result contains 0 rows", "hint": null
            })
        );
    }
}

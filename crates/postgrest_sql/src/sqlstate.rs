//! Errors of the database, and the HTTP statuses they become.

use serde_json::Value;

use crate::error::{Error, Refusal};

/// The fields of an error that Postgres reports.
#[derive(Clone, Debug, Default)]
pub struct DatabaseError {
    /// The five characters.
    pub sqlstate: String,
    /// The primary message.
    pub message: String,
    /// `DETAIL`
    pub detail: Option<String>,
    /// `HINT`
    pub hint: Option<String>,
}

impl DatabaseError {
    /// What the caller is told. `is_known` is whether they showed who they are: a missing right is then 403 instead of 401.
    #[must_use]
    pub fn into_error(self, is_known: bool) -> Error {
        if self.sqlstate == "PGRST" {
            return custom(&self);
        }
        let status = status(&self.sqlstate, &self.message, is_known);
        let mut error = Error::new(status, &self.sqlstate, self.message.clone());
        error.details = self.detail.map_or(Value::Null, Value::String);
        error.hint = self.hint.map_or(Value::Null, Value::String);
        if self.sqlstate.starts_with("PT") {
            error.reason = Some(self.message);
        }
        if status == 401 {
            error = error.with_header("WWW-Authenticate", "Bearer");
        }
        error
    }
}

fn status(sqlstate: &str, message: &str, is_known: bool) -> u16 {
    match sqlstate {
        "23503" | "23505" => return 409,
        "25006" => return 405,
        // The extension safeupdate, which refuses an update of all rows.
        "21000" if message.ends_with("requires a WHERE clause") => return 400,
        "21000" => return 500,
        "22023" if message.starts_with("role") && message.ends_with("does not exist") => return 401,
        "53400" | "42P17" => return 500,
        "57P01" => return 503,
        "P0001" => return 400,
        "42883" if message.starts_with("function xmlagg(") => return 406,
        "42883" | "42P01" => return 404,
        "42501" => return if is_known { 403 } else { 401 },
        _ => {}
    }
    if let Some(digits) = sqlstate.strip_prefix("PT") {
        return digits
            .parse()
            .ok()
            .filter(|status| (100..600).contains(status))
            .unwrap_or(500);
    }
    match sqlstate.get(..2).unwrap_or_default() {
        "08" | "53" => 503,
        "0L" | "0P" | "28" => 403,
        "09" | "25" | "2D" | "38" | "39" | "3B" | "40" | "54" | "55" | "57" | "58" | "F0" | "HV" | "P0"
        | "XX" => 500,
        _ => 400,
    }
}

/// `raise sqlstate 'PGRST'`: the message is the body, the detail says status and headers, both as JSON.
fn custom(raised: &DatabaseError) -> Error {
    let Some(body) = object(&raised.message).filter(|body| is_text(body, "code") && is_text(body, "message"))
    else {
        return unreadable(
            format!("Invalid JSON value for MESSAGE: '{}'", raised.message),
            "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'.",
        );
    };
    let hint = "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'.";
    let Some(text) = &raised.detail else {
        return unreadable("DETAIL is missing in the RAISE statement".to_owned(), hint);
    };
    let wanted = object(text).and_then(|detail| {
        let status = detail
            .get("status")?
            .as_u64()
            .and_then(|status| u16::try_from(status).ok())?;
        let headers = detail.get("headers")?.as_object()?;
        let headers: Option<Vec<(String, String)>> = headers
            .iter()
            .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect();
        let reason = detail
            .get("status_text")
            .and_then(Value::as_str)
            .map(str::to_owned);
        Some((status, headers?, reason))
    });
    let Some((status, headers, reason)) = wanted.filter(|(status, ..)| (100..1000).contains(status)) else {
        return unreadable(format!("Invalid JSON value for DETAIL: '{text}'"), hint);
    };
    let field = |name: &str| body.get(name).cloned().unwrap_or_default();
    let text = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Error::from(Refusal {
        status,
        reason,
        code: text("code"),
        message: text("message"),
        details: field("details"),
        hint: field("hint"),
        headers,
    })
}

fn object(text: &str) -> Option<serde_json::Map<String, Value>> {
    serde_json::from_str(text).ok()
}

fn is_text(body: &serde_json::Map<String, Value>, name: &str) -> bool {
    body.get(name).is_some_and(Value::is_string)
}

fn unreadable(details: String, hint: &str) -> Error {
    Error::new(
        500,
        "PGRST121",
        "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error",
    )
    .with_details(details)
    .with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_follow_the_class_and_its_exceptions() {
        for (sqlstate, message, expected) in [
            ("23505", "", 409),
            ("23514", "", 400),
            ("22P02", "", 400),
            ("42P01", "", 404),
            ("42703", "", 400),
            ("42P17", "", 500),
            ("21000", "UPDATE requires a WHERE clause", 400),
            ("21000", "more than one row", 500),
            ("22023", "role \"x\" does not exist", 401),
            ("22023", "other", 400),
            ("25006", "", 405),
            ("57014", "", 500),
            ("57P01", "", 503),
            ("53300", "", 503),
            ("53400", "", 500),
            ("P0001", "", 400),
            ("P0002", "", 500),
            ("PT429", "", 429),
            ("PTxyz", "", 500),
            ("08006", "", 503),
        ] {
            assert_eq!(status(sqlstate, message, true), expected, "{sqlstate} {message}");
        }
        assert_eq!(status("42501", "", true), 403);
        assert_eq!(status("42501", "", false), 401);
    }

    fn raised(message: &str, detail: Option<&str>) -> Error {
        let error = DatabaseError {
            sqlstate: "PGRST".into(),
            message: message.into(),
            detail: detail.map(str::to_owned),
            hint: None,
        };
        error.into_error(true)
    }

    #[test]
    fn custom_error_decides_body_status_and_headers() {
        let error = raised(
            r#"{"code": "x", "message": "m", "details": "d"}"#,
            Some(r#"{"status": 402, "headers": {"X-A": "b"}, "status_text": "Pay"}"#),
        );
        assert_eq!((error.status, error.reason.as_deref()), (402, Some("Pay")));
        assert_eq!((error.code.as_str(), &error.details), ("x", &Value::from("d")));
        assert_eq!(error.headers, [("X-A".to_owned(), "b".to_owned())]);
    }

    #[test]
    fn custom_error_that_cannot_be_read_says_why() {
        for error in [
            raised("x", None),
            raised(r#"{"code": "x", "message": "m"}"#, None),
            raised(r#"{"code": "x", "message": "m"}"#, Some(r#"{"status": 1}"#)),
        ] {
            assert_eq!((error.status, error.code.as_str()), (500, "PGRST121"));
            assert!(error.details.is_string() && error.hint.is_string());
        }
    }
}

//! What PostgREST answered, and how it becomes an answer of the worker.

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::ApiError;

/// The headers that go along; all others are between PostgREST and the worker.
const PASSED_ON: [axum::http::HeaderName; 2] = [RETRY_AFTER, WWW_AUTHENTICATE];

/// JSON of PostgREST with its status. The text is passed on as it is: no number is read and written anew.
#[derive(Clone, Debug)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    pub(super) fn new(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Self {
        let passed_on = PASSED_ON
            .into_iter()
            .filter_map(|name| headers.get(&name).cloned().map(|value| (name, value)))
            .collect();
        Self {
            status,
            headers: passed_on,
            body,
        }
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether it speaks as PostgREST does. A proxy that answers in its place does not.
    pub(super) fn is_refusal_of_postgrest(&self) -> bool {
        let body: Option<Value> = serde_json::from_slice(&self.body).ok();
        let has_text = |name: &str| {
            body.as_ref()
                .and_then(|body| body.get(name))
                .is_some_and(Value::is_string)
        };
        has_text("code") && has_text("message")
    }

    /// With another status of success.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// What it says.
    ///
    /// # Errors
    ///
    /// [`ApiError::Internal`]: the database promises another form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            tracing::error!(%error, "the Data API answered something unexpected");
            ApiError::Internal
        })
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    ///
    /// [`ApiError::Internal`]: it is no list.
    pub fn first<T: DeserializeOwned>(&self) -> Result<Option<T>, ApiError> {
        Ok(self.json::<Vec<T>>()?.into_iter().next())
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response.headers_mut().extend(self.headers);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &'static str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        headers.insert("set-cookie", HeaderValue::from_static("a=b"));
        Answer::new(
            StatusCode::TOO_MANY_REQUESTS,
            &headers,
            Bytes::from_static(body.as_bytes()),
        )
    }

    #[test]
    fn refusal_keeps_its_status_its_wait_and_every_byte_and_nothing_else() {
        let body = r#"{"code":"PT429", "message":"x","n":1.0}"#;
        let response = answer(body).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()["retry-after"], "7");
        assert!(!response.headers().contains_key("set-cookie"));
    }

    #[test]
    fn only_a_body_with_a_code_and_a_message_is_postgrest_s() {
        assert!(answer(r#"{"code":"42501","message":"no","details":null}"#).is_refusal_of_postgrest());
        for body in [
            "",
            "<html>",
            "[]",
            r#"{"message":"Invalid API key"}"#,
            r#"{"code":1,"message":"x"}"#,
        ] {
            assert!(!answer(body).is_refusal_of_postgrest(), "{body}");
        }
    }
}

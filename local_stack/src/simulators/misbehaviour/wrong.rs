//! Answers that are wrong, the same for all simulators.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

/// With `Retry-After`, as it is.
pub(in crate::simulators) fn put_off(mut response: Response, retry_after: Option<String>) -> Response {
    if let Some(value) = retry_after.and_then(|text| HeaderValue::try_from(text).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// No JSON.
pub(in crate::simulators) fn garbage() -> Response {
    "<html>surprise</html>".into_response()
}

/// The server has a task for each connection and no way to end one from within. An unwinding task drops its socket; this
/// way of unwinding is no panic and prints nothing.
pub(in crate::simulators) fn drop_connection() -> Response {
    std::panic::resume_unwind(Box::new("a connection dropped on request"))
}

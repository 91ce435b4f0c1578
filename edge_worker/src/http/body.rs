//! Bodies: how large they may be, and reading one as it is.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::error::ApiError;

/// What the worker reads of a body. The longest callback seen, a transcript of an hour with its prompt, has a tenth of it.
pub const LIMIT_BYTES: usize = 1024 * 1024;

const TOO_LARGE: ApiError = ApiError::BodyTooLarge {
    limit_bytes: LIMIT_BYTES,
};

/// Refuses what says that it is too large before any of it is read. What does not say is stopped by [`RawBody`].
pub async fn limit(request: Request, next: Next) -> Response {
    if announced(request.headers()).is_some_and(|length| length > LIMIT_BYTES as u64) {
        return TOO_LARGE.into_response();
    }
    next.run(request).await
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body byte by byte, as signatures need it, of at most [`LIMIT_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let read = Bytes::from_request(request, state).await;
        read.map(Self).map_err(|refused| match refused.status() {
            StatusCode::PAYLOAD_TOO_LARGE => TOO_LARGE,
            _ => ApiError::BodyIncomplete,
        })
    }
}

//! Refusals. Here the status is the one that is meant, and the body is its words: clients decide by the status whether to go on.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::storage::error::StorageError;

/// The version of the protocol, in every answer.
pub(super) const VERSION: (HeaderName, HeaderValue) = (
    HeaderName::from_static("tus-resumable"),
    HeaderValue::from_static("1.0.0"),
);

#[derive(Debug, thiserror::Error)]
pub(super) enum ResumableError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("Tus-Resumable Required")]
    Version,
    #[error("Upload-Length or Upload-Defer-Length header required")]
    Length,
    #[error("Upload-Metadata header invalid")]
    Metadata,
    #[error("Content-Type must be application/offset+octet-stream")]
    ContentType,
    #[error("Upload-Offset header required")]
    NoOffset,
    #[error("Upload-Offset conflict")]
    Offset,
    #[error("Upload-Length exceeded")]
    TooLong,
    #[error("The file for this url was not found")]
    NotFound,
    #[error("The file is being written to by another request")]
    Busy,
    #[error("Cannot terminate an already completed upload")]
    Completed,
}

impl From<std::io::Error> for ResumableError {
    fn from(error: std::io::Error) -> Self {
        Self::Storage(error.into())
    }
}

impl IntoResponse for ResumableError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Storage(error) => error.meant(),
            Self::Version => StatusCode::PRECONDITION_FAILED,
            Self::Length | Self::Metadata | Self::Completed => StatusCode::BAD_REQUEST,
            Self::ContentType | Self::NoOffset => StatusCode::FORBIDDEN,
            Self::Offset => StatusCode::CONFLICT,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Busy => StatusCode::LOCKED,
        };
        if let Self::Storage(StorageError::File(error)) = &self {
            tracing::error!(%error, "a file of a resumable upload");
        }
        let headers = [
            VERSION,
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (status, headers, self.to_string()).into_response()
    }
}

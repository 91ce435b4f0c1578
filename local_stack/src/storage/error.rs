//! Refusals in Supabase's words. The status of nearly all of them is 400, and the one that is meant stands in the body as a text.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::identity::TokenError;

const INSUFFICIENT_PRIVILEGE: &str = "42501";
const UNIQUE_VIOLATION: &str = "23505";
const FOREIGN_KEY_VIOLATION: &str = "23503";
const INVALID_TEXT: &str = "22P02";
const LOCK_NOT_AVAILABLE: &str = "55P03";
const QUERY_CANCELED: &str = "57014";

/// Why something is not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum StorageError {
    #[error("{0}")]
    AccessDenied(String),
    #[error("Request body is too large")]
    BodyTooLarge,
    #[error("Invalid Content-Type header")]
    NotJson,
    #[error("{0}")]
    InvalidJwt(&'static str),
    #[error("{0}")]
    InvalidSignature(&'static str),
    #[error("Bucket not found")]
    NoSuchBucket,
    #[error("Object not found")]
    NoSuchKey,
    #[error("The resource was not found")]
    NoFile,
    #[error("Invalid key: {0}")]
    InvalidKey(String),
    #[error("Bucket name invalid")]
    InvalidBucketName,
    #[error("The {0} exceeded the maximum allowed size")]
    TooLarge(&'static str),
    #[error("mime type {0} is not supported")]
    InvalidMimeType(String),
    #[error("InvalidRange")]
    InvalidRange,
    #[error("{0}")]
    InvalidRequest(String),
    #[error("Invalid Parameter {0}")]
    InvalidParameter(&'static str),
    #[error("The feature {0} is not enabled for this resource")]
    FeatureNotEnabled(&'static str),
    #[error("The resource already exists")]
    AlreadyExists,
    #[error("The bucket you tried to delete is not empty")]
    BucketNotEmpty,
    #[error("The related resource does not exist")]
    RelatedNotFound,
    #[error("The resource is locked")]
    Locked,
    #[error("The connection to the database timed out")]
    DatabaseTimeout,
    #[error("{0}")]
    Database(String),
    #[error("Internal server error")]
    File(#[from] std::io::Error),
}

impl StorageError {
    /// A field of a request that is not as it has to be.
    pub(super) fn invalid(text: impl Into<String>) -> Self {
        Self::InvalidRequest(text.into())
    }

    /// The status that is meant, the code, and what stood under `error` before there were codes.
    fn parts(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::AccessDenied(_) => (403, "AccessDenied", "Unauthorized"),
            Self::InvalidRequest(_) => (400, "InvalidRequest", "InvalidRequest"),
            Self::InvalidParameter(_) => (400, "InvalidParameter", "InvalidParameter"),
            Self::FeatureNotEnabled(_) => (409, "FeatureNotEnabled", "FeatureNotEnabled"),
            Self::BodyTooLarge => (413, "EntityTooLarge", "Payload too large"),
            Self::NotJson => (415, "InvalidMimeType", "invalid_mime_type"),
            Self::InvalidJwt(_) => (400, "InvalidJWT", "InvalidJWT"),
            Self::InvalidSignature(_) => (400, "InvalidSignature", "InvalidSignature"),
            Self::NoSuchBucket => (404, "NoSuchBucket", "Bucket not found"),
            Self::NoSuchKey => (404, "NoSuchKey", "not_found"),
            Self::NoFile => (404, "NoSuchKey", "Not found"),
            Self::InvalidKey(_) => (400, "InvalidKey", "InvalidKey"),
            Self::InvalidBucketName => (400, "InvalidBucketName", "Invalid Input"),
            Self::TooLarge(_) => (413, "EntityTooLarge", "Payload too large"),
            Self::InvalidMimeType(_) => (415, "InvalidMimeType", "invalid_mime_type"),
            Self::InvalidRange => (416, "S3Error", "The requested range is not satisfiable"),
            Self::AlreadyExists => (409, "ResourceAlreadyExists", "Duplicate"),
            Self::BucketNotEmpty => (409, "ResourceNotEmpty", "ResourceNotEmpty"),
            Self::RelatedNotFound => (404, "InvalidRequest", "InvalidRequest"),
            Self::Locked => (423, "ResourceLocked", "ResourceLocked"),
            Self::DatabaseTimeout => (544, "DatabaseTimeout", "DatabaseTimeout"),
            Self::Database(_) => (500, "DatabaseError", "DatabaseError"),
            Self::File(_) => (500, "InternalError", "InternalError"),
        }
    }
}

impl StorageError {
    /// The status that is meant.
    pub(super) fn meant(&self) -> StatusCode {
        StatusCode::from_u16(self.parts().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<TokenError> for StorageError {
    fn from(error: TokenError) -> Self {
        Self::AccessDenied(
            match error {
                TokenError::Malformed => "Invalid Compact JWS",
                TokenError::Signature => "signature verification failed",
                TokenError::Signer => "\"alg\" (Algorithm) Header Parameter value not allowed",
                TokenError::MissingClaims => "\"exp\" or \"role\" claim is missing",
                TokenError::Expired { .. } => "\"exp\" claim timestamp check failed",
            }
            .to_owned(),
        )
    }
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        let Some(found) = error.as_database_error() else {
            tracing::warn!(%error, "the database did not answer the storage service");
            return Self::DatabaseTimeout;
        };
        match found.code().as_deref() {
            Some(INSUFFICIENT_PRIVILEGE) if found.message().contains("row-level security") => {
                Self::AccessDenied("new row violates row-level security policy".to_owned())
            }
            Some(INSUFFICIENT_PRIVILEGE) => Self::AccessDenied(found.message().to_owned()),
            Some(UNIQUE_VIOLATION) => Self::AlreadyExists,
            Some(FOREIGN_KEY_VIOLATION) => Self::RelatedNotFound,
            Some(INVALID_TEXT) => Self::InvalidRequest(found.message().to_owned()),
            Some(LOCK_NOT_AVAILABLE) => Self::Locked,
            Some(QUERY_CANCELED) => Self::DatabaseTimeout,
            code => {
                tracing::warn!(%error, "the database refused what the storage service did");
                Self::Database(format!("database error, code: {}", code.unwrap_or_default()))
            }
        }
    }
}

impl IntoResponse for StorageError {
    fn into_response(self) -> Response {
        let (meant, code, error) = self.parts();
        let status = match self {
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            _ if meant >= 500 => StatusCode::from_u16(meant).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            _ => StatusCode::BAD_REQUEST,
        };
        if let Self::File(source) = &self {
            tracing::error!(error = %source, "a file of the storage service");
        }
        let body = json!({
            "statusCode": meant.to_string(),
            "error": error,
            "message": self.to_string(),
            "code": code,
        });
        // Nobody may keep an answer that the next upload changes.
        (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
    }
}

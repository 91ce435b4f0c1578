//! What Storage answers.

use serde_json::Value;

use super::StorageError;
use crate::providers::exchange::Answer;
use crate::providers::fields::Fields;

/// The signed path, which begins below `/storage/v1`.
pub(super) fn signed_path(body: &Value) -> Option<&str> {
    let path = Fields::of(body).text(&["signedURL", "signedUrl"])?;
    path.starts_with("/object/sign/").then_some(path)
}

/// The error of an answer that is no success. Storage says 400 for most things and the real status in the body.
pub(super) fn refusal(answer: &Answer) -> StorageError {
    let body = answer.json();
    let fields = Fields::of(&body);
    let inner = fields.number("statusCode").unwrap_or_default();
    let is_missing = inner == 404.0
        || fields
            .text(&["error", "code"])
            .is_some_and(|word| ["not_found", "NoSuchKey", "NoSuchBucket"].contains(&word));
    match answer.status {
        400 | 404 if answer.status == 404 || is_missing => StorageError::NotFound,
        400 if inner == 403.0 || inner == 401.0 => StorageError::Unauthorized { status: 400 },
        status @ (401 | 403) => StorageError::Unauthorized { status },
        status @ (408 | 429 | 500..) => StorageError::Unavailable {
            status,
            retry_after: answer.retry_after,
        },
        status => StorageError::Rejected { status },
    }
}

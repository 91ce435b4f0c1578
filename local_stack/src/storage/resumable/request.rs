//! What a request says: which version of the protocol, who writes with whose rights, and where the upload is.

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use chrono::Utc;
use uuid::Uuid;

use super::error::{ResumableError, VERSION};
use super::upload::Upload;
use crate::identity::Caller;
use crate::storage::core::Core;
use crate::storage::error::StorageError;
use crate::storage::signed_url::Scope;
use crate::storage::upload::{Target, wants_upsert};

const PART: &str = "application/offset+octet-stream";
const OPERATION: &str = "storage.tus.upload.create";

/// Who writes with whose rights.
pub(super) fn target(
    core: &Core,
    parts: &Parts,
    bucket: String,
    name: String,
) -> Result<Target, ResumableError> {
    if let Some(token) = signature(parts)? {
        let url = format!("{bucket}/{name}");
        let claims = core
            .signer
            .verify(token, Scope::Upload, &url, Utc::now().timestamp())?;
        return Ok(Target {
            bucket,
            name,
            caller: Caller::service(),
            owner: claims.owner,
            is_upsert: claims.upsert.unwrap_or(false),
            operation: OPERATION,
        });
    }
    let caller = core.caller(&parts.headers)?;
    Ok(Target {
        owner: caller.subject().map(str::to_owned),
        bucket,
        name,
        caller,
        is_upsert: wants_upsert(&parts.headers),
        operation: OPERATION,
    })
}

pub(super) fn check_version(headers: &HeaderMap) -> Result<(), ResumableError> {
    let (name, version) = VERSION;
    if headers.get(name) == Some(&version) {
        Ok(())
    } else {
        Err(ResumableError::Version)
    }
}

/// The token of a signed URL, where the route asks for one.
fn signature(parts: &Parts) -> Result<Option<&str>, ResumableError> {
    // The router has taken off what stands before.
    let is_signed = parts.uri.path().split('/').nth(1) == Some("sign");
    if !is_signed {
        return Ok(None);
    }
    let token = text(&parts.headers, "x-signature");
    let missing = StorageError::InvalidSignature("Missing x-signature header");
    token.map(Some).ok_or(ResumableError::Storage(missing))
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pub(super) fn is_part(headers: &HeaderMap) -> bool {
    text(headers, header::CONTENT_TYPE.as_str()) == Some(PART)
}

/// The rights of a later request, which may have another token.
pub(super) fn allowed(core: &Core, parts: &Parts, upload: &Upload) -> Result<Target, ResumableError> {
    let begun = &upload.target;
    let now = target(core, parts, begun.bucket.clone(), begun.name.clone())?;
    if (&now.owner, &now.caller.role) != (&begun.owner, &begun.caller.role) {
        let refusal = StorageError::AccessDenied("Access denied".to_owned());
        return Err(refusal.into());
    }
    Ok(Target {
        is_upsert: begun.is_upsert,
        ..now
    })
}

/// Where the upload goes on: beside where it began, as the client sees it.
pub(super) fn location(parts: &Parts, id: Uuid) -> String {
    let scheme = text(&parts.headers, "x-forwarded-proto").unwrap_or("http");
    let host =
        text(&parts.headers, "x-forwarded-host").or_else(|| text(&parts.headers, header::HOST.as_str()));
    let sign = match signature(parts) {
        Ok(None) => "",
        _ => "/sign",
    };
    let path = format!("/storage/v1/upload/resumable{sign}/{id}");
    host.map_or_else(|| path.clone(), |host| format!("{scheme}://{host}{path}"))
}

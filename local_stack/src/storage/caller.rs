//! Who asks, and how the database is asked on their behalf.

use axum::http::{HeaderMap, header};
use chrono::Utc;
use sqlx::PgConnection;

use super::error::StorageError;
use crate::identity::{Caller, Verifier};

/// A caller whose token was checked. None at all is a malformed one, as it is behind Supabase's gateway.
pub(super) fn required(verifier: &Verifier, headers: &HeaderMap) -> Result<Caller, StorageError> {
    let token = bearer(headers).unwrap_or_default();
    Ok(verifier.verify(token, Utc::now().timestamp())?.caller)
}

/// The same where a stranger may ask as well.
pub(super) fn optional(verifier: &Verifier, headers: &HeaderMap) -> Option<Caller> {
    required(verifier, headers).ok()
}

/// Makes the rest of the transaction run with the rights of a caller. Deleting rows is allowed here and nowhere else: here the file goes
/// as well.
pub(super) async fn assume(
    caller: &Caller,
    tx: &mut PgConnection,
    operation: &'static str,
) -> Result<(), StorageError> {
    let settings = [
        ("storage.operation", operation),
        ("storage.allow_delete_query", "true"),
    ];
    Ok(caller.assume(tx, &settings).await?)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    let token = value
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    token.and_then(|_| value.get(7..)).map(str::trim)
}

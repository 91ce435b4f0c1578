//! Who asks, and how the database is asked on their behalf.

use axum::http::{HeaderMap, header};
use chrono::Utc;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::error::StorageError;
use crate::realtime::{Caller, Verifier};

/// A caller whose token was checked. None at all is a malformed one, as it is behind Supabase's gateway.
pub(super) fn required(verifier: &Verifier, headers: &HeaderMap) -> Result<Caller, StorageError> {
    let token = bearer(headers).unwrap_or_default();
    Ok(verifier.verify(token, Utc::now().timestamp())?.caller)
}

/// The same where a stranger may ask as well.
pub(super) fn optional(verifier: &Verifier, headers: &HeaderMap) -> Option<Caller> {
    required(verifier, headers).ok()
}

/// The service itself, for what is decided already: a public bucket, or a URL that somebody was allowed to sign.
pub(super) fn service() -> Caller {
    Caller {
        role: "service_role".to_owned(),
        claims: json!({ "role": "service_role" }),
    }
}

/// Whom an object belongs to.
pub(super) fn owner(caller: &Caller) -> Option<&str> {
    caller.claims.get("sub").and_then(Value::as_str)
}

/// Makes the rest of the transaction run with the rights of a caller. The role comes last, because it may not be allowed to do what this
/// does. Deleting rows is allowed here and nowhere else: here the file goes as well.
pub(super) async fn assume(
    caller: &Caller,
    tx: &mut PgConnection,
    operation: &'static str,
) -> Result<(), StorageError> {
    sqlx::query(
        "select set_config('request.jwt.claims', $1, true),
            set_config('request.jwt.claim.sub', $2, true),
            set_config('request.jwt.claim.role', $3, true),
            set_config('request.headers', '{}', true),
            set_config('storage.operation', $4, true),
            set_config('storage.allow_delete_query', 'true', true),
            set_config('role', $3, true)",
    )
    .bind(caller.claims.to_string())
    .bind(owner(caller).unwrap_or_default())
    .bind(&caller.role)
    .bind(operation)
    .execute(tx)
    .await?;
    Ok(())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    let token = value
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    token.and_then(|_| value.get(7..)).map(str::trim)
}

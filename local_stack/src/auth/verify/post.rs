//! `POST /verify`: a session for a code and where it was sent, or for the digest of a link.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::caller::{Body, given};
use super::super::error::AuthError;
use super::super::service::Auth;
use super::super::{credentials, session};
use super::apply::{HALF, apply};
use super::find::{by_code, by_digest};
use super::kind::Kind;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Verification {
    #[serde(rename = "type")]
    kind: Option<String>,
    token: Option<String>,
    token_hash: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    redirect_to: Option<String>,
}

pub(in super::super) async fn handle(
    State(auth): State<Auth>,
    headers: HeaderMap,
    Body(body): Body<Verification>,
) -> Result<Json<Value>, AuthError> {
    let kind = Kind::read(body.kind.as_deref())?;
    let (email, phone) = (given(body.email), given(body.phone));
    let mut transaction = auth.pool.begin().await?;
    let holder = match (given(body.token), given(body.token_hash)) {
        (Some(code), None) => {
            let address = match (email, phone) {
                (None, Some(phone)) => credentials::phone(&phone)?,
                (Some(email), None) => credentials::email(&email).map_err(|_| AuthError::InvalidEmail)?,
                _ => {
                    return Err(AuthError::invalid(
                        "Only an email address or phone number should be provided on verify",
                    ));
                }
            };
            by_code(&auth, &mut transaction, kind, &address, &code).await?
        }
        (None, Some(digest)) => {
            if email.is_some() || phone.is_some() || given(body.redirect_to).is_some() {
                return Err(AuthError::invalid(
                    "Only the token_hash and type should be provided",
                ));
            }
            by_digest(&auth, &mut transaction, kind, &digest).await?
        }
        _ => {
            return Err(AuthError::invalid(
                "Verify requires either a token or a token hash",
            ));
        }
    };
    let answer = match apply(&auth, &mut transaction, holder, kind.is_by_phone()).await? {
        Some(user) => session::open(&auth, &mut transaction, &user, "otp", &headers).await?,
        None => json!({ "msg": HALF, "code": "200" }),
    };
    transaction.commit().await?;
    Ok(Json(answer))
}

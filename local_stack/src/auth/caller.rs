//! Who sent a request, and the body they sent.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::claims::ShownClaims;
use super::error::AuthError;
use super::service::Auth;
use super::store::{sessions, users};
use super::user::User;

/// A signed-in user whose session is still there.
pub(super) struct Caller {
    pub(super) user: User,
    pub(super) session_id: Option<Uuid>,
}

/// Somebody with the secret key.
pub(super) struct Admin;

/// A JSON body, whatever content type it came with, as the real service reads it.
pub(super) struct Body<T>(pub(super) T);

fn shown(parts: &Parts, auth: &Auth) -> Result<ShownClaims, AuthError> {
    let token = parts
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::trim)
        .filter(|token| !token.is_empty())
        .ok_or(AuthError::NoAuthorization)?;
    auth.signer.verify(token)
}

impl FromRequestParts<Auth> for Caller {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, auth: &Auth) -> Result<Self, AuthError> {
        let claims = shown(parts, auth)?;
        let sub = claims
            .sub
            .filter(|sub| !sub.is_empty())
            .ok_or_else(|| AuthError::BadJwt("invalid claim: missing sub claim".to_owned()))?;
        let id: Uuid = sub
            .parse()
            .map_err(|_| AuthError::BadJwt("invalid claim: sub claim must be a UUID".to_owned()))?;
        let mut database = auth.pool.acquire().await?;
        let user = users::by_id(&mut database, id)
            .await?
            .ok_or(AuthError::UserOfTokenNotFound)?;
        if let Some(session_id) = claims.session_id
            && !sessions::exists(&mut database, session_id, id).await?
        {
            return Err(AuthError::SessionNotFound);
        }
        Ok(Self {
            user,
            session_id: claims.session_id,
        })
    }
}

impl FromRequestParts<Auth> for Admin {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, auth: &Auth) -> Result<Self, AuthError> {
        match shown(parts, auth)?.role.as_deref() {
            Some("service_role" | "supabase_admin") => Ok(Self),
            _ => Err(AuthError::NotAdmin),
        }
    }
}

impl<T: DeserializeOwned + Default> FromRequest<Auth> for Body<T> {
    type Rejection = AuthError;

    async fn from_request(request: Request, state: &Auth) -> Result<Self, AuthError> {
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|rejection| AuthError::BadJson(rejection.body_text()))?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        Json::<T>::from_bytes(&bytes)
            .map(|Json(value)| Self(value))
            .map_err(|rejection: JsonRejection| AuthError::BadJson(rejection.body_text()))
    }
}

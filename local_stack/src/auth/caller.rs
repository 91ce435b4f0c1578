//! Who sent a request, and what they sent: the body, the query and the ids of the path, read as the real service reads them.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use chrono::Utc;
use reqwest::Url;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
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
    pub(super) role: String,
}

/// Somebody with the secret key.
pub(super) struct Admin;

/// A JSON body, whatever content type it came with. Nothing and null are an empty object.
pub(super) struct Body<T>(pub(super) T);

/// The query, the first of each name.
pub(super) struct Params(Vec<(String, String)>);

/// The user of the path.
pub(super) struct UserId(pub(super) Uuid);

/// The factor of the path.
pub(super) struct FactorId(pub(super) Uuid);

/// The identity of the path.
pub(super) struct IdentityId(pub(super) Uuid);

/// For a field whose null means what its absence means.
pub(super) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A text that says something.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

impl Params {
    /// The value, unless it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

fn shown(parts: &Parts, auth: &Auth) -> Result<ShownClaims, AuthError> {
    let value = parts
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let token = value
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
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
        if user.is_banned(Utc::now()) {
            return Err(AuthError::CallerBanned);
        }
        Ok(Self {
            user,
            session_id: claims.session_id,
            role: claims.role.unwrap_or_default(),
        })
    }
}

impl FromRequestParts<Auth> for Admin {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, auth: &Auth) -> Result<Self, AuthError> {
        match shown(parts, auth)?.role.as_deref() {
            Some("service_role" | "supabase_admin") => Ok(Self),
            _ => Err(AuthError::NotAdmin("User not allowed")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        let query = parts.uri.query().unwrap_or_default();
        let url = Url::parse(&format!("http://query/?{query}"));
        let pairs = url.iter().flat_map(|url| url.query_pairs());
        Ok(Self(
            pairs.map(|(name, value)| (name.into(), value.into())).collect(),
        ))
    }
}

async fn id_of_path<S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
    name: &'static str,
) -> Result<Uuid, AuthError> {
    let params = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| AuthError::NotAnId(name))?;
    let found = params.iter().find(|(key, _)| *key == name);
    found
        .and_then(|(_, value)| value.parse().ok())
        .ok_or(AuthError::NotAnId(name))
}

impl<S: Send + Sync> FromRequestParts<S> for UserId {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        id_of_path(parts, state, "user_id").await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for FactorId {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        id_of_path(parts, state, "factor_id").await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdentityId {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        id_of_path(parts, state, "identity_id").await.map(Self)
    }
}

impl<T: DeserializeOwned + Default> FromRequest<Auth> for Body<T> {
    type Rejection = AuthError;

    async fn from_request(request: Request, state: &Auth) -> Result<Self, AuthError> {
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|rejection| AuthError::BadJson(rejection.body_text()))?;
        if matches!(bytes.trim_ascii(), b"" | b"null") {
            return Ok(Self(T::default()));
        }
        Json::<T>::from_bytes(&bytes)
            .map(|Json(value)| Self(value))
            .map_err(|rejection: JsonRejection| AuthError::BadJson(rejection.body_text()))
    }
}

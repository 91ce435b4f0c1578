//! `/admin/users`: for whoever has the secret key.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::LINK;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::caller::{Admin, Body};
use super::credentials;
use super::error::AuthError;
use super::service::Auth;
use super::store::sessions;
use super::store::users::{self, Changes, NewUser};
use super::user::merged;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    id: Option<Uuid>,
    role: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    password: Option<String>,
    email_confirm: bool,
    phone_confirm: bool,
    user_metadata: Option<Map<String, Value>>,
    app_metadata: Option<Map<String, Value>>,
    ban_duration: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Page {
    page: Option<i64>,
    per_page: Option<i64>,
}

pub(super) async fn list(
    State(auth): State<Auth>,
    _: Admin,
    Query(page): Query<Page>,
) -> Result<Response, AuthError> {
    let number = page.page.unwrap_or(1).max(1);
    let size = page.per_page.unwrap_or(50).clamp(1, 1000);
    let mut database = auth.pool.acquire().await?;
    let (found, total) = users::page(&mut database, size, (number - 1).saturating_mul(size)).await?;
    let mut shown = Vec::with_capacity(found.len());
    for user in &found {
        shown.push(users::shown(&mut database, user).await?);
    }
    let mut response = Json(json!({ "users": shown, "aud": "authenticated" })).into_response();
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-total-count"), HeaderValue::from(total));
    if let Ok(link) = HeaderValue::try_from(links(number, size, total)) {
        headers.insert(LINK, link);
    }
    Ok(response)
}

/// Where the next page and the last one are; `page` comes first, because clients cut it out by its place.
fn links(number: i64, size: i64, total: i64) -> String {
    let last = total.saturating_add(size - 1).div_euclid(size).max(1);
    let link = |page: i64, name: &str| format!("</admin/users?page={page}&per_page={size}>; rel=\"{name}\"");
    if number < last {
        format!("{}, {}", link(number + 1, "next"), link(last, "last"))
    } else {
        link(last, "last")
    }
}

pub(super) async fn show(
    State(auth): State<Auth>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<Value>, AuthError> {
    let mut database = auth.pool.acquire().await?;
    let user = users::by_id(&mut database, parse(&id)?)
        .await?
        .ok_or(AuthError::UserNotFound)?;
    users::shown(&mut database, &user).await.map(Json)
}

pub(super) async fn create(
    State(auth): State<Auth>,
    _: Admin,
    Body(body): Body<Fields>,
) -> Result<Json<Value>, AuthError> {
    let id = body.id.unwrap_or_else(Uuid::new_v4);
    let email = given(body.email)
        .map(|email| credentials::email(&email))
        .transpose()?;
    let phone = given(body.phone);
    if email.is_none() && phone.is_none() {
        return Err(AuthError::ValidationFailed(
            "Cannot create a user without either an email or phone".to_owned(),
        ));
    }
    let password_hash = match given(body.password) {
        Some(password) => Some(hash(&auth, password).await?),
        None => None,
    };
    let provider = if email.is_some() { "email" } else { "phone" };
    let own = json!({ "provider": provider, "providers": [provider] });
    let app_metadata = Value::Object(body.app_metadata.unwrap_or_default());
    let user = NewUser {
        id,
        role: given(body.role).unwrap_or_else(|| "authenticated".to_owned()),
        email: email.clone(),
        phone,
        password_hash,
        is_confirmed: body.email_confirm || body.phone_confirm,
        app_metadata: merged(&app_metadata, own.as_object().unwrap_or(&Map::new())),
        user_metadata: Value::Object(body.user_metadata.unwrap_or_default()),
        is_anonymous: false,
    };
    let mut transaction = auth.pool.begin().await?;
    let mut created = users::insert(&mut transaction, &user, AuthError::EmailExists).await?;
    if let Some(email) = &email {
        users::put_email_identity(&mut transaction, id, email).await?;
    }
    if let Some(duration) = &body.ban_duration {
        let ban = Changes {
            banned_until: Some(ban_end(duration, Utc::now())?),
            ..Changes::default()
        };
        created = users::change(&mut transaction, id, ban).await?;
    }
    let answer = users::shown(&mut transaction, &created).await?;
    transaction.commit().await?;
    Ok(Json(answer))
}

pub(super) async fn update(
    State(auth): State<Auth>,
    _: Admin,
    Path(id): Path<String>,
    Body(body): Body<Fields>,
) -> Result<Json<Value>, AuthError> {
    let id = parse(&id)?;
    let found = users::by_id(&mut *auth.pool.acquire().await?, id).await?;
    let user = found.ok_or(AuthError::UserNotFound)?;
    let email = given(body.email)
        .map(|email| credentials::email(&email))
        .transpose()?;
    let password_hash = match given(body.password) {
        Some(password) => Some(hash(&auth, password).await?),
        None => None,
    };
    let has_new_password = password_hash.is_some();
    let changes = Changes {
        email: email.clone(),
        phone: given(body.phone),
        password_hash,
        role: given(body.role),
        app_metadata: body
            .app_metadata
            .map(|changes| merged(&user.app_metadata(), &changes)),
        user_metadata: body
            .user_metadata
            .map(|changes| merged(&user.user_metadata(), &changes)),
        is_anonymous: (user.is_anonymous && email.is_some()).then_some(false),
        is_confirmed: body.email_confirm,
        banned_until: body
            .ban_duration
            .map(|duration| ban_end(&duration, Utc::now()))
            .transpose()?,
    };
    let mut transaction = auth.pool.begin().await?;
    let changed = users::change(&mut transaction, id, changes).await?;
    if let Some(email) = &email {
        users::put_email_identity(&mut transaction, id, email).await?;
    }
    if has_new_password {
        sessions::close_all(&mut transaction, id, None).await?;
    }
    let answer = users::shown(&mut transaction, &changed).await?;
    transaction.commit().await?;
    Ok(Json(answer))
}

pub(super) async fn delete(
    State(auth): State<Auth>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<Value>, AuthError> {
    let mut database = auth.pool.acquire().await?;
    if users::delete(&mut database, parse(&id)?).await? {
        Ok(Json(json!({})))
    } else {
        Err(AuthError::UserNotFound)
    }
}

async fn hash(auth: &Auth, password: String) -> Result<String, AuthError> {
    credentials::check_strength(&password, auth.settings.minimum_password_length)?;
    credentials::hash(password).await
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn parse(id: &str) -> Result<Uuid, AuthError> {
    id.parse()
        .map_err(|_| AuthError::ValidationFailed("user_id must be an UUID".to_owned()))
}

/// Reads `none` (lifts a ban) or a time like `24h`, `90m` or `30s`.
fn ban_end(duration: &str, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, AuthError> {
    if duration == "none" {
        return Ok(None);
    }
    let parsed = duration.char_indices().next_back().and_then(|(at, unit)| {
        let number: i64 = duration.get(..at)?.parse().ok()?;
        match unit {
            'h' => TimeDelta::try_hours(number),
            'm' => TimeDelta::try_minutes(number),
            's' => TimeDelta::try_seconds(number),
            _ => None,
        }
    });
    parsed
        .and_then(|delta| now.checked_add_signed(delta))
        .map(Some)
        .ok_or_else(|| AuthError::ValidationFailed("invalid format for ban duration".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_name_the_next_page_until_the_last() {
        assert_eq!(
            links(1, 50, 101),
            "</admin/users?page=2&per_page=50>; rel=\"next\", </admin/users?page=3&per_page=50>; rel=\"last\""
        );
        assert_eq!(
            links(3, 50, 101),
            "</admin/users?page=3&per_page=50>; rel=\"last\""
        );
        assert_eq!(links(1, 50, 0), "</admin/users?page=1&per_page=50>; rel=\"last\"");
    }

    #[test]
    fn ban_is_read_in_hours_minutes_and_seconds() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(ban_end("2h", now).unwrap(), Some(now + TimeDelta::hours(2)));
        assert_eq!(ban_end("30s", now).unwrap(), Some(now + TimeDelta::seconds(30)));
        assert_eq!(ban_end("none", now).unwrap(), None);
        for nonsense in ["", "h", "forever", "2d", "9223372036854775807h"] {
            assert!(ban_end(nonsense, now).is_err(), "{nonsense}");
        }
    }
}

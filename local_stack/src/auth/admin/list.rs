//! `GET /admin/users`: a page of users, the newest first.

use axum::Json;
use axum::extract::State;
use axum::http::header::LINK;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::super::caller::{Admin, Params};
use super::super::error::AuthError;
use super::super::service::Auth;
use super::super::store::users;

/// What a page has when nothing is said.
const SIZE: i64 = 50;

pub(in super::super) async fn handle(
    State(auth): State<Auth>,
    _: Admin,
    params: Params,
) -> Result<Response, AuthError> {
    let is_ascending = is_ascending(params.get("sort"))?;
    let number = number(&params, "page", 1)?;
    let size = number_of_rows(&params)?;
    let filter = params.get("filter").unwrap_or_default();
    let offset = (number.max(1) - 1).saturating_mul(size);
    let mut database = auth.pool.acquire().await?;
    let (found, total) = users::page(&mut database, size, offset, filter, is_ascending).await?;
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

/// At least one: the real service divides by it.
fn number_of_rows(params: &Params) -> Result<i64, AuthError> {
    Ok(number(params, "per_page", SIZE)?.max(1))
}

/// A number of the query. An empty one is none, as supabase-js sends it.
fn number(params: &Params, name: &str, default: i64) -> Result<i64, AuthError> {
    let Some(text) = params.get(name) else {
        return Ok(default);
    };
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain).ok_or_else(|| {
        AuthError::invalid(format!(
            "Bad Pagination Parameters: strconv.ParseUint: parsing \"{text}\": invalid syntax"
        ))
    })
}

/// `created_at`, `created_at asc` or `created_at desc`.
fn is_ascending(sort: Option<&str>) -> Result<bool, AuthError> {
    let mut words = sort.unwrap_or("created_at desc").split_whitespace();
    match (words.next(), words.next().map(str::to_lowercase).as_deref()) {
        (Some("created_at"), Some("asc")) => Ok(true),
        (Some("created_at"), None | Some("desc")) => Ok(false),
        (Some("created_at"), Some(other)) => Err(AuthError::invalid(format!(
            "Bad Sort Parameters: bad direction for sort '{other}', only 'asc' and 'desc' allowed"
        ))),
        (field, _) => Err(AuthError::invalid(format!(
            "Bad Sort Parameters: bad field for sort '{}'",
            field.unwrap_or_default()
        ))),
    }
}

/// Where the next page and the last one are; `page` comes first, because clients cut it out by its place.
fn links(number: i64, size: i64, total: i64) -> String {
    let last = total.saturating_add(size - 1).div_euclid(size);
    let link = |page: i64, name: &str| format!("</admin/users?page={page}&per_page={size}>; rel=\"{name}\"");
    if number < last {
        format!("{}, {}", link(number + 1, "next"), link(last, "last"))
    } else {
        link(last, "last")
    }
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
        assert_eq!(links(1, 50, 0), "</admin/users?page=0&per_page=50>; rel=\"last\"");
    }

    #[test]
    fn users_are_sorted_by_their_time_alone() {
        assert_eq!(is_ascending(None), Ok(false));
        assert_eq!(is_ascending(Some("created_at")), Ok(false));
        assert_eq!(is_ascending(Some("created_at ASC")), Ok(true));
        assert!(is_ascending(Some("email desc")).is_err());
        assert!(is_ascending(Some("created_at up")).is_err());
    }
}

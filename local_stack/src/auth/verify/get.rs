//! `GET /verify`: a link of a mail. It leads to a page of the project, and says there how it went: with a session, with a code for the
//! one who asked (PKCE), or with an error.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::super::caller::Params;
use super::super::codes::PKCE;
use super::super::error::AuthError;
use super::super::service::Auth;
use super::super::store::flows;
use super::super::{pkce, redirect, session};
use super::apply::{HALF, apply};
use super::find::by_digest;
use super::kind::Kind;

/// What a link leads to.
enum Outcome {
    Session(Value),
    Code(String),
    Half,
}

pub(in super::super) async fn handle(
    State(auth): State<Auth>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, AuthError> {
    let kind = Kind::read(params.get("type"))?;
    let name = params.get("type").unwrap_or_default();
    let token = params
        .get("token")
        .ok_or_else(|| AuthError::invalid("Verify requires a token or a token hash"))?;
    let page = redirect::target(&auth.settings, params.get("redirect_to"), &headers);
    let is_pkce = token.starts_with(PKCE);
    let outcome = follow(&auth, kind, name, token, is_pkce, &headers).await;
    let place = match outcome {
        Ok(Outcome::Code(code)) => redirect::with_query(&page, &[("code", code)]),
        Ok(Outcome::Session(session)) => redirect::with_fragment(&page, &of_session(&session, name)),
        Ok(Outcome::Half) => told(&page, &[("message", HALF.to_owned())], is_pkce),
        Err(error) => told(&page, &redirect::parameters_of(&error), is_pkce),
    };
    Ok((StatusCode::SEE_OTHER, [(LOCATION, place)]).into_response())
}

async fn follow(
    auth: &Auth,
    kind: Kind,
    name: &str,
    token: &str,
    is_pkce: bool,
    headers: &HeaderMap,
) -> Result<Outcome, AuthError> {
    let mut transaction = auth.pool.begin().await?;
    let holder = by_digest(auth, &mut transaction, kind, token).await?;
    let outcome = match apply(auth, &mut transaction, holder, false).await? {
        None => Outcome::Half,
        Some(user) if is_pkce => flows::issue_code(&mut transaction, user.id, pkce::method_of(name))
            .await?
            .map(Outcome::Code)
            .ok_or(AuthError::FlowStateNotFound)?,
        Some(user) => Outcome::Session(session::open(auth, &mut transaction, &user, "otp", headers).await?),
    };
    transaction.commit().await?;
    Ok(outcome)
}

/// Pages read the fragment; servers, which take part where there is a code, only the query.
fn told(page: &str, parameters: &[(&str, String)], is_pkce: bool) -> String {
    let page = if is_pkce {
        redirect::with_query(page, parameters)
    } else {
        page.to_owned()
    };
    redirect::with_fragment(&page, parameters)
}

fn of_session(session: &Value, kind: &str) -> Vec<(&'static str, String)> {
    let names = [
        "access_token",
        "expires_at",
        "expires_in",
        "refresh_token",
        "token_type",
    ];
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut parameters: Vec<_> = names
        .into_iter()
        .filter_map(|name| Some((name, text(session.get(name)?))))
        .collect();
    parameters.push(("type", kind.to_owned()));
    parameters
}

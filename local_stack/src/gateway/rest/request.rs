//! One request, from HTTP and back.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, StatusCode, request};
use axum::response::{IntoResponse as _, Response};
use postgrest_sql::{Error, Outcome};

use super::identity::identify;
use super::service::Rest;
use super::session;

/// Where the gateway serves it.
const PREFIX: &str = "/rest/v1";

/// As much as Supabase's gateway takes.
const LARGEST_BODY: usize = 50 * 1024 * 1024;

/// The handler of every path below the prefix.
pub(in crate::gateway) async fn handle(State(rest): State<Arc<Rest>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    match serve(&rest, &parts, &body).await {
        Ok(response) => answer(response.status, None, response.headers, Body::from(response.body)),
        Err(error) => refusal(error),
    }
}

async fn serve(rest: &Rest, parts: &request::Parts, body: &[u8]) -> Result<postgrest_sql::Response, Error> {
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let path = parts.uri.path();
    let request = postgrest_sql::Request {
        method: parts.method.as_str(),
        path: path.strip_prefix(PREFIX).unwrap_or(path),
        query: parts.uri.query().unwrap_or_default(),
        headers: &headers,
        body,
    };
    let authorization = headers.iter().find(|(name, _)| name == "authorization");
    let now = chrono::Utc::now().timestamp();
    let identity = identify(
        rest.verifier(),
        authorization.map(|(_, value)| value.as_str()),
        now,
    )?;
    let schema = rest.schema();
    match postgrest_sql::plan(&request, &schema.catalogue, &schema.settings)? {
        Outcome::Answer(response) => Ok(response),
        Outcome::Run(plan) => session::run(rest, &schema, &plan, &request, &identity).await,
    }
}

fn refusal(error: Error) -> Response {
    let body = Body::from(error.body().to_string());
    let said = error.into_refusal();
    let mut headers = vec![
        (
            CONTENT_TYPE.as_str().to_owned(),
            "application/json; charset=utf-8".to_owned(),
        ),
        (
            "proxy-status".to_owned(),
            format!("PostgREST; error={}", said.code),
        ),
    ];
    headers.extend(said.headers);
    answer(said.status, said.reason.as_deref(), headers, body)
}

/// A status or a header that HTTP does not know, which only a function of the project can have asked for, is left out.
fn answer(status: u16, reason: Option<&str>, headers: Vec<(String, String)>, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = reason.and_then(|text| hyper::ext::ReasonPhrase::try_from(text.as_bytes()).ok());
    if let Some(reason) = reason {
        response.extensions_mut().insert(reason);
    }
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

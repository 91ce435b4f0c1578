//! One request on its way to Postrust and back.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use postrust_auth::{JwtCache, JwtConfig};
use postrust_core::{AppConfig, SchemaCache};
use postrust_engine::State as RestState;
use postrust_server::AppState;

use super::body::{self, Kind};
use super::driver::Driver;
use super::query;
use super::schema::Schema;
use super::service::{LARGEST_BODY, Rest};

/// Where the gateway serves it.
const PREFIX: &str = "/rest/v1";
const FUNCTIONS: &str = "/rpc/";

/// The role of a request without a token of its own.
const ANONYMOUS: &str = "anon";

/// What Postrust works with for one request. It owns what it has: with a borrow in it, its futures could not be proved to be
/// `Send` for every lifetime.
struct Exchange {
    rest: Arc<Rest>,
    schema: Schema,
    database: Driver<<AppState as RestState>::Db>,
}

impl RestState for Exchange {
    type Db = Driver<<AppState as RestState>::Db>;
    type SchemaCache<'b>
        = Arc<SchemaCache>
    where
        Self: 'b;

    fn db(&self) -> &Self::Db {
        &self.database
    }

    async fn schema_cache(&self) -> Arc<SchemaCache> {
        self.schema.cache.clone()
    }

    fn config(&self) -> &AppConfig {
        &self.rest.app().config
    }

    fn jwt_config(&self) -> &JwtConfig {
        &self.rest.app().jwt_config
    }

    fn jwt_cache(&self) -> Option<&JwtCache> {
        self.rest.app().jwt_cache.as_ref()
    }
}

/// The handler of every path below the prefix.
pub(in crate::gateway) async fn handle(State(rest): State<Arc<Rest>>, request: Request) -> Response {
    let (mut parts, mut body) = request.into_parts();
    let Some(uri) = inner_uri(&parts.uri) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    parts.uri = uri;
    let schema = rest.schema();
    let mut timeout = None;
    if let Some(function) = parts.uri.path().strip_prefix(FUNCTIONS) {
        let namespace = namespace(&parts.method, &parts.headers, rest.app());
        timeout = schema.timeout_of(&namespace, function);
        if parts.method == Method::POST && is_json(&parts.headers) {
            let Ok(bytes) = axum::body::to_bytes(body, LARGEST_BODY).await else {
                return StatusCode::PAYLOAD_TOO_LARGE.into_response();
            };
            // The body may have another length afterwards.
            parts.headers.remove(CONTENT_LENGTH);
            body = Body::from(arguments(&rest, &schema, &namespace, function, bytes));
        }
    }
    let database = Driver::new(rest.app().pool.clone(), rest.marker(), timeout);
    let exchange = Exchange {
        rest,
        schema,
        database,
    };
    let mut caller = HeaderMap::new();
    caller.extend(
        parts
            .headers
            .get(AUTHORIZATION)
            .map(|value| (AUTHORIZATION, value.clone())),
    );
    let response = postrust_engine::handle(&exchange, Request::from_parts(parts, body)).await;
    denied_to_a_known_caller(&exchange, &caller, response)
        .await
        .map(Body::from)
}

/// The schema that a request names, or the first one.
fn namespace(method: &Method, headers: &HeaderMap, app: &AppState) -> String {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    let name = HeaderName::from_static(if is_read {
        "accept-profile"
    } else {
        "content-profile"
    });
    let named = headers.get(name).and_then(|value| value.to_str().ok());
    named.unwrap_or_else(|| app.default_schema()).to_owned()
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_none_or(|value| value.starts_with("application/json"))
}

/// The body of a call as Postrust can take it. A function with one nameless argument takes the body itself.
fn arguments(rest: &Rest, schema: &Schema, namespace: &str, function: &str, body: Bytes) -> Bytes {
    let routines = schema.routines(namespace, function);
    let takes_the_body = routines
        .iter()
        .any(|routine| matches!(routine.params.as_slice(), [only] if only.name.is_empty()));
    if takes_the_body {
        return body;
    }
    let kind_of = |name: &str| {
        let is_array = routines
            .iter()
            .flat_map(|routine| &routine.params)
            .any(|param| param.name == name && param.param_type.ends_with("[]"));
        if is_array { Kind::Array } else { Kind::Other }
    };
    body::prepared(&body, &rest.marker(), kind_of).map_or(body, Bytes::from)
}

/// PostgREST answers a missing right with 403 to those who showed who they are, and with 401 to the others; Postrust with 401
/// to all.
async fn denied_to_a_known_caller(
    exchange: &Exchange,
    caller: &HeaderMap,
    mut response: Response<Bytes>,
) -> Response<Bytes> {
    if response.status() != StatusCode::UNAUTHORIZED || !is_missing_right(response.body()) {
        return response;
    }
    let is_known = postrust_engine::authenticate(exchange, caller)
        .await
        .is_ok_and(|caller| caller.role != ANONYMOUS);
    if is_known {
        *response.status_mut() = StatusCode::FORBIDDEN;
        response.headers_mut().remove(WWW_AUTHENTICATE);
    }
    response
}

fn is_missing_right(body: &[u8]) -> bool {
    let body: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    body.is_some_and(|body| body.get("code").and_then(|code| code.as_str()) == Some("42501"))
}

/// The address as Postrust knows it: below its own root, its query translated.
fn inner_uri(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_prefix(PREFIX)?;
    let mut target = if path.is_empty() {
        "/".to_owned()
    } else {
        path.to_owned()
    };
    if let Some(query) = uri.query() {
        target.push('?');
        target.push_str(&query::translated(query));
    }
    target.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_is_taken_off_and_the_query_is_translated() {
        let inner = |uri: &str| inner_uri(&uri.parse().unwrap()).unwrap().to_string();
        assert_eq!(inner("/rest/v1"), "/");
        assert_eq!(inner("/rest/v1/"), "/");
        assert_eq!(inner("/rest/v1/t?id=eq.1"), "/t?id=eq.1");
        assert_eq!(
            inner("/rest/v1/t?columns=%22a%22&n=eq.a+b"),
            "/t?columns=a&n=eq.a%20b"
        );
    }

    #[test]
    fn missing_right_is_known_by_its_code() {
        assert!(is_missing_right(br#"{"code":"42501","message":"x"}"#));
        assert!(!is_missing_right(br#"{"code":"PGRST301","message":"42501"}"#));
        assert!(!is_missing_right(b""));
    }
}

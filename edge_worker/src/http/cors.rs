//! Calls from web pages of other origins: the routes of the apps answer those that the settings name.

use std::time::Duration;

use axum::Router;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::RequestId;
use crate::config::Origins;

/// The routes of the apps; what operators and providers call is no business of a web page.
const BELOW: &str = "/api/";

/// What Chromium keeps at most, so that a preflight is rare.
const MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// Puts the headers around everything, refusals and timeouts among it: without them a page could not read why.
pub(crate) fn allow(routes: Router, origins: Origins) -> Router {
    if origins.is_empty() {
        return routes;
    }
    let is_allowed = AllowOrigin::predicate(move |origin, request| {
        request.uri.path().starts_with(BELOW) && origin.to_str().is_ok_and(|origin| origins.allow(origin))
    });
    // supabase-js adds the two in the middle to whatever it calls.
    let headers = [
        AUTHORIZATION,
        CONTENT_TYPE,
        HeaderName::from_static("apikey"),
        HeaderName::from_static("x-client-info"),
        RequestId::HEADER,
    ];
    routes.layer(
        CorsLayer::new()
            .allow_origin(is_allowed)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers(headers)
            .expose_headers([RequestId::HEADER, RETRY_AFTER])
            .max_age(MAX_AGE),
    )
}

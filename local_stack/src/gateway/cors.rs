//! What a browser page of another origin may do: everything, because the key and the token decide, and no cookie takes part.

use std::time::Duration;

use axum::http::{HeaderName, Method, header};
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

/// The answer to preflights, and the headers that scripts may read.
pub(super) fn layer() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_headers(AllowHeaders::mirror_request())
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::PATCH,
            Method::POST,
            Method::DELETE,
            Method::OPTIONS,
        ])
        .expose_headers([
            header::CONTENT_ENCODING,
            header::CONTENT_LOCATION,
            header::CONTENT_RANGE,
            header::CONTENT_TYPE,
            header::DATE,
            header::LINK,
            header::LOCATION,
            header::RETRY_AFTER,
            header::SERVER,
            header::TRANSFER_ENCODING,
            HeaderName::from_static("range-unit"),
            HeaderName::from_static("tus-resumable"),
            HeaderName::from_static("upload-expires"),
            HeaderName::from_static("upload-length"),
            HeaderName::from_static("upload-offset"),
            HeaderName::from_static("preference-applied"),
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("x-supabase-api-version"),
            HeaderName::from_static("x-total-count"),
        ])
        .max_age(Duration::from_secs(3600))
}

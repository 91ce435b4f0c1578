//! JSON bodies.

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::ApiError;
use crate::http::body::RawBody;

/// A body that is JSON and says so. Unknown fields are nobody's business.
#[derive(Clone, Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::UnsupportedMediaType);
        }
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| match error.classify() {
                Category::Data => ApiError::InvalidBody,
                Category::Io | Category::Syntax | Category::Eof => ApiError::InvalidJson,
            })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let shown = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = shown.and_then(|text| text.split(';').next()).unwrap_or_default();
    let media = media.trim().to_ascii_lowercase();
    media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
}

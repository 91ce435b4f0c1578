//! The routes, by their place below `/storage/v1`. Each looks at the token itself: public buckets and signed URLs need none.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post, put};
use serde_json::json;

use super::core::Shared;
use super::{buckets, copy, download, info, list, list_v2, relocate, remove, resumable, sign, upload};

/// What a request may have that is no file.
const LARGEST_JSON: usize = 1024 * 1024;

/// The service.
pub(crate) fn router(core: Shared) -> Router {
    let objects = Router::new()
        .route(
            "/{bucket}/{*name}",
            get(download::open)
                .post(upload::create)
                .put(upload::replace)
                .delete(remove::one),
        )
        .route("/{bucket}", axum::routing::delete(remove::many))
        .route("/authenticated/{bucket}/{*name}", get(download::authenticated))
        .route("/public/{bucket}/{*name}", get(download::public))
        .route("/sign/{bucket}/{*name}", get(download::signed).post(sign::one))
        .route("/sign/{bucket}", post(sign::many))
        .route(
            "/upload/sign/{bucket}/{*name}",
            put(upload::to_signed_url).post(sign::upload),
        )
        .route("/list/{bucket}", post(list::list))
        .route("/list-v2/{bucket}", post(list_v2::list))
        .route("/info/{bucket}/{*name}", get(info::open))
        .route("/info/authenticated/{bucket}/{*name}", get(info::open))
        .route("/info/public/{bucket}/{*name}", get(info::public))
        .route("/move", post(relocate::relocate))
        .route("/copy", post(copy::copy));
    let buckets = Router::new()
        .route("/bucket", get(buckets::list).post(buckets::create))
        .route("/bucket/", get(buckets::list).post(buckets::create))
        .route(
            "/bucket/{id}",
            get(buckets::get).put(buckets::update).delete(buckets::delete),
        )
        .route("/bucket/{id}/empty", post(buckets::empty));
    Router::new()
        .nest("/object", objects)
        .merge(buckets)
        .merge(resumable::router())
        .route("/status", get(|| async { StatusCode::OK }))
        .fallback(any(unknown))
        .layer(DefaultBodyLimit::max(LARGEST_JSON))
        .with_state(core)
}

/// What this stand-in has not: images that change their size, S3, buckets of other kinds.
async fn unknown(uri: Uri) -> Response {
    let body = json!({
        "statusCode": "404",
        "error": "Not Found",
        "message": format!("Route {} not found", uri.path()),
    });
    (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
}

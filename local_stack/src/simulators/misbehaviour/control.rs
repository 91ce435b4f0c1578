//! `/_control`: for tests and for the curious. It needs no key, because it is on loopback.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::book::Book;
use super::fault::Fault;

/// What the routes know.
#[derive(Clone, Debug)]
struct Control {
    book: Arc<Book>,
    makes_vectors: bool,
}

/// The routes. A simulator that makes no vectors takes no fault of vectors.
pub(crate) fn routes(book: Arc<Book>, makes_vectors: bool) -> Router {
    Router::new()
        .route("/_control", get(state))
        .route("/_control/faults", post(add_fault))
        .route("/_control/reset", post(reset))
        .with_state(Control { book, makes_vectors })
}

async fn state(State(control): State<Control>) -> Json<Value> {
    Json(control.book.shown())
}

async fn add_fault(State(control): State<Control>, Json(fault): Json<Fault>) -> Response {
    if fault.kind.is_of_vectors() && !control.makes_vectors {
        let body = json!({ "message": "This simulator makes no vectors." });
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response();
    }
    control.book.add(fault);
    StatusCode::NO_CONTENT.into_response()
}

async fn reset(State(control): State<Control>) -> StatusCode {
    control.book.reset();
    StatusCode::NO_CONTENT
}

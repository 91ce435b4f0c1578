//! The middleware of a simulated API.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use serde_json::Value;

use super::book::{Book, Seen};
use super::fault::FaultKind;
use super::wrong::{drop_connection, garbage, put_off};

/// What a request may carry. The simulators look at it as a whole; real uploads go by a URL.
const LARGEST_BODY: usize = 256 * 1024 * 1024;

/// What a handler says of a request, for the book: an extension of its response.
#[derive(Clone, Debug)]
pub(crate) struct About(pub(crate) Value);

/// A fault that the handler itself has to make: an extension of the request.
#[derive(Clone, Debug)]
pub(crate) struct Spoiled(pub(crate) FaultKind);

/// How a provider words a refusal: status, code, sentence.
type Refuse = fn(StatusCode, Option<String>, Option<String>) -> Response;

/// What the middleware works with.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    book: Arc<Book>,
    refuse: Refuse,
}

/// The state of the middleware.
pub(crate) fn watch(book: Arc<Book>, refuse: Refuse) -> Watched {
    Watched { book, refuse }
}

impl Watched {
    /// The middleware.
    pub(crate) async fn pass(State(watched): State<Self>, request: Request, next: Next) -> Response {
        let (parts, body) = request.into_parts();
        let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
        let Ok(bytes) = to_bytes(body, LARGEST_BODY).await else {
            return (watched.refuse)(StatusCode::PAYLOAD_TOO_LARGE, None, None);
        };
        let fault = watched.book.take(&bytes);
        let request = Request::from_parts(parts, Body::from(bytes));
        let answer = watched.answer(fault, request, next).await;
        let about = answer
            .as_ref()
            .and_then(|response| response.extensions().get::<About>());
        watched.book.note(Seen {
            method,
            path,
            status: answer.as_ref().map(|response| response.status().as_u16()),
            about: about.map_or(Value::Null, |about| about.0.clone()),
        });
        answer.unwrap_or_else(drop_connection)
    }

    /// `None` where the connection is to be dropped.
    async fn answer(&self, fault: Option<FaultKind>, mut request: Request, next: Next) -> Option<Response> {
        Some(match fault {
            None => next.run(request).await,
            Some(FaultKind::Status {
                status,
                retry_after,
                code,
                message,
            }) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                put_off((self.refuse)(status, code, message), retry_after)
            }
            Some(FaultKind::DropBefore) => return None,
            Some(FaultKind::DropAfter) => {
                next.run(request).await;
                return None;
            }
            Some(FaultKind::Garbage) => {
                next.run(request).await;
                garbage()
            }
            Some(FaultKind::Slow { delay_ms }) => {
                let response = next.run(request).await;
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                response
            }
            Some(kind) => {
                request.extensions_mut().insert(Spoiled(kind));
                next.run(request).await
            }
        })
    }
}

//! Misbehaving on request: the next requests that fit are answered wrongly, or not at all.

use std::time::Duration;

use axum::extract::{OriginalUri, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::server::Shared;
use crate::simulators::misbehaviour::{drop_connection, garbage, put_off};

/// What goes wrong, for which requests, how often: `POST /_control/faults`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Only requests with this method, or all.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path begins so.
    #[serde(default)]
    pub path: String,
    /// How many requests.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens to them. It gets all fields that are not above, and refuses those that it does not know.
    #[serde(flatten)]
    pub kind: FaultKind,
}

fn once() -> u32 {
    1
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// This status; nothing is done.
    Status {
        /// Such as 429 or 500.
        status: u16,
        /// `Retry-After`, as it is.
        #[serde(default)]
        retry_after: Option<String>,
        /// Under `message`.
        #[serde(default)]
        message: Option<String>,
    },
    /// The connection is closed without an answer; nothing is done.
    DropBefore,
    /// It is done, and the connection is closed without an answer.
    DropAfter,
    /// It is done, and the answer is this status.
    StatusAfter {
        /// Such as 500.
        status: u16,
    },
    /// It is done, and the answer is no JSON.
    Garbage,
    /// It is done, and the answer comes late.
    Slow {
        /// How late.
        delay_ms: u64,
    },
}

/// The middleware of everything below `/v2`.
pub(super) async fn misbehave(
    State(shared): State<Shared>,
    OriginalUri(address): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let fault = shared.world(|world| world.count(request.method(), address.path()));
    match fault {
        None => next.run(request).await,
        Some(FaultKind::Status {
            status,
            retry_after,
            message,
        }) => refuse(status, retry_after, message),
        Some(FaultKind::DropBefore) => drop_connection(),
        Some(FaultKind::DropAfter) => {
            next.run(request).await;
            drop_connection()
        }
        Some(FaultKind::StatusAfter { status }) => {
            next.run(request).await;
            refuse(status, None, None)
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
    }
}

fn refuse(status: u16, retry_after: Option<String>, message: Option<String>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let message = message.unwrap_or_else(|| "Something went wrong".to_owned());
    let response = (status, axum::Json(json!({ "message": message }))).into_response();
    put_off(response, retry_after)
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultKind};

    #[test]
    fn fault_is_read_as_documented_and_a_misspelt_one_refused() {
        let text = r#"{"path": "/v2/conversations", "times": 2, "kind": "status", "status": 429, "retry_after": "1"}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault.path, "/v2/conversations");
        assert_eq!(fault.times, 2);
        assert!(matches!(fault.kind, FaultKind::Status { status: 429, .. }));
        let fault: Fault = serde_json::from_str(r#"{"kind": "drop_after"}"#).unwrap();
        assert_eq!((fault.times, fault.kind), (1, FaultKind::DropAfter));
        for misspelt in [
            r#"{"kind": "status", "status": 429, "tmies": 2}"#,
            r#"{"kind": "nothing"}"#,
        ] {
            assert!(serde_json::from_str::<Fault>(misspelt).is_err(), "{misspelt}");
        }
    }
}

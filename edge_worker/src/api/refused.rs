//! Why a route answers with something else than what was asked for.

use axum::Json;
use axum::response::{IntoResponse, Response};

use super::data::Answer;
use crate::error::{ApiError, ErrorBody};

/// A refusal: the worker's own, or PostgREST's word for word.
#[derive(Debug)]
pub enum Refused {
    /// The worker's.
    Here(ApiError),
    /// PostgREST's: a policy, a check of an RPC, a token that is none.
    There(Box<Answer>),
    /// An avatar that could not be started, with the sentence that its conversation keeps.
    NotStarted(String),
}

impl From<Answer> for Refused {
    fn from(answer: Answer) -> Self {
        Self::There(Box::new(answer))
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::Here(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Here(error) => error.into_response(),
            Self::There(answer) => answer.into_response(),
            Self::NotStarted(why) => {
                let error = ApiError::ProviderFailed;
                let body = ErrorBody {
                    message: why,
                    ..error.body()
                };
                (error.status(), Json(body)).into_response()
            }
        }
    }
}

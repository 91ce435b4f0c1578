//! Why a route answers with something else than what was asked for.

use axum::response::{IntoResponse, Response};

use super::data::Answer;
use crate::error::ApiError;

/// A refusal: the worker's own, or PostgREST's word for word.
#[derive(Debug)]
pub enum Refused {
    /// The worker's.
    Here(ApiError),
    /// PostgREST's: a policy, a check of an RPC, a token that is none.
    There(Answer),
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
        }
    }
}

//! The one error type of the extension's functions.
//!
//! pgrx's own error report keeps only the SQLSTATEs that Postgres ships and drops constraint names and contexts. Clients read
//! `PT409` and constraint names, so a function returns [`Failure`] and `pg::entry` raises it unchanged.

use std::borrow::Cow;

use crate::pg::CaughtError;

/// Five characters, as clients see them.
pub type SqlState = [u8; 5];

/// The SQLSTATEs that this extension raises.
pub mod sqlstate {
    use super::SqlState;

    /// A capacity would be exceeded; HTTP 409 through PostgREST.
    pub const CONFLICT: SqlState = *b"PT409";
    /// Too many requests; HTTP 429 through PostgREST.
    pub const TOO_MANY_REQUESTS: SqlState = *b"PT429";
    /// `data_exception`
    pub const DATA_EXCEPTION: SqlState = *b"22000";
    /// `null_value_not_allowed`
    pub const NULL_NOT_ALLOWED: SqlState = *b"22004";
    /// `invalid_parameter_value`
    pub const INVALID_PARAMETER: SqlState = *b"22023";
    /// `serialization_failure`: the same once more may succeed.
    pub const SERIALIZATION_FAILURE: SqlState = *b"40001";
    /// `e_r_i_e_trigger_protocol_violated`: a trigger function called or attached the wrong way.
    pub const TRIGGER_PROTOCOL: SqlState = *b"39P01";
    /// `insufficient_privilege`
    pub const INSUFFICIENT_PRIVILEGE: SqlState = *b"42501";
    /// `undefined_column`
    pub const UNDEFINED_COLUMN: SqlState = *b"42703";
    /// `datatype_mismatch`
    pub const DATATYPE_MISMATCH: SqlState = *b"42804";
    /// `program_limit_exceeded`
    pub const PROGRAM_LIMIT_EXCEEDED: SqlState = *b"54000";
    /// `feature_not_supported`
    pub const NOT_SUPPORTED: SqlState = *b"0A000";
    /// `data_corrupted`
    pub const DATA_CORRUPTED: SqlState = *b"XX001";
    /// `internal_error`: a bug of ours.
    pub const INTERNAL: SqlState = *b"XX000";
}

/// Why a function did not return.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// An error of ours.
    #[error("{}", .0.message)]
    Raised(Box<Report>),
    /// An error that Postgres raised while we had called it; passed on whole.
    #[error("an error raised by Postgres")]
    Postgres(CaughtError),
}

/// What a client gets to see of an error of ours.
#[derive(Debug)]
pub struct Report {
    /// The SQLSTATE.
    pub state: SqlState,
    /// One plain sentence.
    pub message: Cow<'static, str>,
    /// A stable code in snake_case, for programs.
    pub detail: Option<Cow<'static, str>>,
    /// What to do.
    pub hint: Option<Cow<'static, str>>,
}

impl Failure {
    /// An error with a message only.
    pub fn new(state: SqlState, message: impl Into<Cow<'static, str>>) -> Self {
        Report {
            state,
            message: message.into(),
            detail: None,
            hint: None,
        }
        .into()
    }

    /// An error with a machine-readable detail and a hint.
    pub fn explained(
        state: SqlState,
        message: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
        hint: impl Into<Cow<'static, str>>,
    ) -> Self {
        Report {
            state,
            message: message.into(),
            detail: Some(detail.into()),
            hint: Some(hint.into()),
        }
        .into()
    }

    /// A state that the code excludes.
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(sqlstate::INTERNAL, message)
    }
}

impl From<Report> for Failure {
    fn from(report: Report) -> Self {
        Failure::Raised(Box::new(report))
    }
}

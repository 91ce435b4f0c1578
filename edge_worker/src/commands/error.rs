//! Why a command failed.

use crate::config::SettingsError;
use crate::conversations::ConversationError;
use crate::db::DbError;
use crate::serve::StartError;

/// Every way to fail.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Settings are missing or not usable.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// What `serve` needs is needed here, too.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database does not do it.
    #[error(transparent)]
    Database(#[from] DbError),
    /// Tavus does not answer, or refuses.
    #[error(transparent)]
    Conversations(#[from] ConversationError),
    /// Nobody reads what is printed.
    #[error("the result cannot be printed")]
    Print(#[from] std::io::Error),
    /// It cannot be written as JSON.
    #[error("the result is not JSON")]
    Json(#[from] serde_json::Error),
}

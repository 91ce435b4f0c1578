//! Why a session of the feed ended.

/// Whatever the reason, the feed logs it, waits a moment and begins another session.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    /// The replication connection failed, or the server ended it: a publication that is dropped does that.
    #[error("the replication stream ended: {0}")]
    Stream(#[from] pg_walstream::ReplicationError),
    /// The catalogue could not be read, or the publication could not be made.
    #[error("the publications could not be looked up: {0}")]
    Database(#[from] sqlx::Error),
    /// The server sent what the protocol does not allow.
    #[error("malformed frame: {0}")]
    Frame(&'static str),
    /// The thread that opens the connection went away.
    #[error("the connection was not opened: {0}")]
    Opening(#[from] tokio::task::JoinError),
    /// A publication that was missing at the start of the session is there now.
    #[error("another publication is there")]
    Publications,
}

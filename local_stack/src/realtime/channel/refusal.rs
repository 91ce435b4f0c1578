//! Why a client may not join. The codes and texts are Supabase's.

use crate::identity::TokenError;
use crate::realtime::gate::ProbeError;

/// What the client reads in `reason`.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("TopicNameRequired: You must provide a topic name")]
    NoTopic,
    #[error("ConnectionRateLimitReached: Too many connected users")]
    TooManyConnections,
    /// The socket is closed as well.
    #[error("ClientJoinRateLimitReached: Too many joins per second")]
    TooManyJoins,
    #[error("ChannelRateLimitReached: Too many channels")]
    TooManyChannels,
    #[error("{}: {error}", .error.code())]
    Token {
        #[from]
        error: TokenError,
    },
    #[error("Unauthorized: {}", no_read_right(.topic))]
    Unauthorized { topic: String },
    #[error("MissingPartition: Realtime was unable to find the expected messages partition")]
    MissingPartition,
    #[error("QueryCanceled: Query was cancelled, please try again")]
    QueryCanceled,
    #[error("IncreaseConnectionPool: Please increase your connection pool size")]
    PoolExhausted,
    #[error("UnableToConnectToProject: Realtime was unable to connect to the project database")]
    Unreachable,
    #[error("UnableToReplayMessages: Replay is not allowed for public channels")]
    ReplayOnPublic,
    #[error("UnableToReplayMessages: Replay params are not valid")]
    ReplaySettings,
    #[error("UnableToReplayMessages: Realtime was unable to replay messages")]
    Replay,
}

impl Refusal {
    /// What the failure of a probe means to the client. What a policy raised is for the log only.
    pub(super) fn from_probe(error: &ProbeError, topic: &str) -> Self {
        tracing::warn!(%error, topic, "the policies of a topic could not be asked");
        match error {
            ProbeError::MissingPartition => Self::MissingPartition,
            ProbeError::Canceled(_) => Self::QueryCanceled,
            ProbeError::PoolExhausted => Self::PoolExhausted,
            ProbeError::Unreachable(_) => Self::Unreachable,
            ProbeError::Policy(_) => Self::Unauthorized {
                topic: topic.to_owned(),
            },
        }
    }

    /// The text without the code, as system messages have it.
    pub(super) fn text(&self) -> String {
        let whole = self.to_string();
        whole
            .split_once(": ")
            .map_or(whole.clone(), |(_, text)| text.to_owned())
    }
}

fn no_read_right(topic: &str) -> String {
    format!("You do not have permissions to read from this Channel topic: {topic}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_code_colon_text() {
        let topic = "a: b".to_owned();
        assert_eq!(
            Refusal::Unauthorized { topic }.to_string(),
            "Unauthorized: You do not have permissions to read from this Channel topic: a: b"
        );
        let expired = Refusal::from(TokenError::Expired { seconds: 3 });
        assert_eq!(
            expired.to_string(),
            "InvalidJWTToken: Token has expired 3 seconds ago"
        );
        assert_eq!(expired.text(), "Token has expired 3 seconds ago");
    }
}

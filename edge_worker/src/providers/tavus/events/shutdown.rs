//! Why a conversation ended.

use std::fmt;

/// The text of Tavus, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShutdownReason {
    /// What it means.
    pub cause: ShutdownCause,
    /// As it was sent; empty when nothing was.
    pub raw: String,
}

/// What a reason means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownCause {
    /// The longest time was reached.
    MaxCallDuration,
    /// Everybody left.
    ParticipantsLeft,
    /// Nobody came.
    ParticipantsAbsent,
    /// The replica could not join; the room was probably over by then.
    CouldNotJoin,
    /// The room is gone.
    RoomDeleted,
    /// It failed before it began.
    StartupFailed,
    /// Somebody ended it through the API.
    EndedByRequest,
    /// It failed later; the text says where.
    InternalError,
    /// A reason that is new to us, or none.
    Other,
}

/// Prefixes, because the same reason was seen with ` reached` behind it and without.
const CAUSES: [(&str, ShutdownCause); 8] = [
    ("max_call_duration", ShutdownCause::MaxCallDuration),
    ("participant_left_timeout", ShutdownCause::ParticipantsLeft),
    ("participant_absent_timeout", ShutdownCause::ParticipantsAbsent),
    ("bot_could_not_join_meeting", ShutdownCause::CouldNotJoin),
    ("daily_room_has_been_deleted", ShutdownCause::RoomDeleted),
    (
        "exception_encountered_during_conversation_startup",
        ShutdownCause::StartupFailed,
    ),
    ("end_conversation_endpoint_hit", ShutdownCause::EndedByRequest),
    ("internal error", ShutdownCause::InternalError),
];

impl ShutdownReason {
    /// Reads the text.
    pub fn parse(text: &str) -> Self {
        let lower = text.trim().to_ascii_lowercase();
        let cause = CAUSES
            .iter()
            .find(|(prefix, _)| lower.starts_with(prefix))
            .map_or(ShutdownCause::Other, |(_, cause)| *cause);
        Self {
            cause,
            raw: text.to_owned(),
        }
    }
}

impl fmt::Display for ShutdownReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_known_by_their_beginning_and_kept_as_sent() {
        for (text, cause) in [
            ("max_call_duration reached", ShutdownCause::MaxCallDuration),
            (
                "participant_left_timeout reached",
                ShutdownCause::ParticipantsLeft,
            ),
            ("participant_left_timeout", ShutdownCause::ParticipantsLeft),
            (
                "participant_absent_timeout reached",
                ShutdownCause::ParticipantsAbsent,
            ),
            (
                "bot_could_not_join_meeting_it_was_probably_ended",
                ShutdownCause::CouldNotJoin,
            ),
            ("daily_room_has_been_deleted", ShutdownCause::RoomDeleted),
            (
                "exception_encountered_during_conversation_startup",
                ShutdownCause::StartupFailed,
            ),
            ("end_conversation_endpoint_hit", ShutdownCause::EndedByRequest),
            ("internal error occurred at step 3", ShutdownCause::InternalError),
            ("solar flare", ShutdownCause::Other),
            ("", ShutdownCause::Other),
        ] {
            let reason = ShutdownReason::parse(text);
            assert_eq!((reason.cause, reason.raw.as_str()), (cause, text));
        }
    }
}

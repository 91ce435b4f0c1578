//! What Tavus tells while and after a conversation runs, over callbacks or in the verbose answer: typed where it is known,
//! kept as it came where it is not. Reading it never panics, whatever was sent.

mod canonical;
mod event;
mod identity;
mod interaction;
mod kind;
mod names;
mod parse;
mod shutdown;
mod transcript;

pub use event::{MalformedBody, TavusEvent, Turn};
pub use identity::Identity;
pub use interaction::{Interaction, ObjectivePhase, Speaker};
pub use kind::{Document, EventKind, PostCallAction, Recording, Training, Video};
pub use names::label;
pub use shutdown::{ShutdownCause, ShutdownReason};
pub use transcript::{Transcript, TranscriptEntry, TranscriptRole};

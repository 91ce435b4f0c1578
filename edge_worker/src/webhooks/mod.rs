//! Whether a webhook comes from whom it says: pure functions over bytes, headers, and a clock that is an argument.

mod signature;
mod token;

pub use signature::{SignatureError, SigningSecret, TOLERANCE, verify};
pub use token::{ConversationToken, TokenHash};

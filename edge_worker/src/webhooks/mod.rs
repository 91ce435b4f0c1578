//! Whether a webhook comes from whom it says: pure functions over bytes, headers, and a clock that is an argument.

mod callbacks;
mod signature;
mod token;
mod tool_signature;

pub use callbacks::Callbacks;
pub use signature::{SignatureError, SigningSecret, TOLERANCE, verify};
pub use token::CallbackKeys;
pub use tool_signature::is_signed;

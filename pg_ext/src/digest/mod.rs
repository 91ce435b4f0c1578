//! `content_digest` and `canonical_json`: one hash for all spellings of one JSON value (RFC 8785).
//!
//! A walk over the stored bytes of a `jsonb`, straight into the hash: no tree is built, nothing is printed and parsed again.
//! `stored` reads the bytes, `canonical` decides the order, `number`, `text` and `sink` write, `sql` is the surface.

mod canonical;
mod number;
mod sink;
pub mod sql;
mod stored;
mod text;

pub use canonical::{MAX_DEPTH, write_part};
pub use sink::{HashSink, Sink};
pub use stored::{Container, Shape, Value, is_object, is_zero};
pub use text::{compare_keys, write_string};

/// Why a value has no digest.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DigestError {
    /// More than [`MAX_DEPTH`] arrays and objects around one value.
    #[error("JSON is nested deeper than {MAX_DEPTH} levels.")]
    TooDeep,
    /// The bytes are no `jsonb`; says where the reader stopped.
    #[error("The stored jsonb is damaged: {0}.")]
    Damaged(&'static str),
}

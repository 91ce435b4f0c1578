//! What a text is searched by: one form for what is read as the same, cut into words.
//!
//! The specification is `parley_portable.words` (`migrations/*_parley_words.sql`), which says why texts are cut as they are; a differential
//! test holds the two together. The native kernel makes search words with this crate, the worker the features of its built-in embedder.

mod class;
mod form;
mod piece;
mod ranges;
mod search;

pub use form::form;
pub use piece::{Piece, characters, names, parts, pieces};
pub use search::search_words;

//! `words`: what a text is searched by. The cutting is in the crate `parley_words`, which the worker shares.

pub mod sql;

//! What providers call.

pub mod tavus;

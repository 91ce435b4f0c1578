//! What a request brings, read into types before anything is called with it.

mod body;
mod path;
mod query;

pub use body::JsonBody;
pub use path::PathOf;
pub use query::QueryOf;

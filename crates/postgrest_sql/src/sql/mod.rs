//! Plans written as SQL.

mod call;
mod count;
mod field;
mod filter;
mod mutate;
mod read;
mod wrap;
mod writer;

pub(crate) use call::write_call;
pub(crate) use count::write_count;
pub(crate) use mutate::write_mutation;
pub(crate) use wrap::{Counting, SOURCE, Wrapped, write_wrapped};
pub use writer::Statement;
pub(crate) use writer::Writer;

//! The query string: what to select, which rows, in which order, how many.

mod cursor;
mod filter;
mod logic;
mod names;
mod order;
mod parameters;
mod select;

pub(crate) use filter::{Comparison, Condition, Filter, Fts, Is, Operation, Quantifier};
pub(crate) use logic::{Connective, Logic};
pub(crate) use names::{Field, JsonOperand, JsonStep};
pub(crate) use order::{Direction, Nulls, OrderTerm};
pub(crate) use parameters::{Parameters, decode_pairs, encode};
pub(crate) use select::{Aggregate, Embed, Item};

/// The names of embedded resources that lead to one.
pub(crate) type EmbedPath = Vec<String>;

//! From a row of the database to an answer.

mod answer;
mod describe;

pub(crate) use answer::{Answered, Expectation, Shape};
pub use answer::{Response, Row};
pub(crate) use describe::{allowed, description};

//! From a row of the database to an answer.

mod answer;
mod describe;

pub use answer::{Response, Row};
pub(crate) use answer::{Answered, Expectation, Shape};
pub(crate) use describe::{allowed, description};

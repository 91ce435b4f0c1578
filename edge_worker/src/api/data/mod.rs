//! The project's Data API, PostgREST, called as whoever calls the worker.

mod answer;
mod client;

pub use answer::Answer;
pub use client::{DataApi, Timeouts};

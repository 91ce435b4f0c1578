//! The two kernels, side by side in one database: same rows and same errors on generated input.

mod aggregates;
mod broadcast;
mod catalogue;
mod digest;
mod events;
mod json;
mod nearest;
mod numbers;
mod rate_limit;
mod rfc8785;
mod tavus;
mod touch;
mod words;

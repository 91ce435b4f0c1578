//! Everything that touches Postgres's memory: the only `unsafe` code of the extension, behind a surface that is safe to use.
//!
//! Errors of Postgres come out of here as [`crate::error::Failure`] and are passed on; see [`boundary`].

mod boundary;
mod catalog;
mod entry;
mod roles;
mod scan;
mod settings;
mod spi;
mod sys;
mod trigger;
mod value;

pub use boundary::CaughtError;
pub use catalog::function_exists;
pub(crate) use entry::sql_function;
pub use entry::{Call, call};
pub use roles::{as_role, may_act_as};
pub use scan::Row;
pub use settings::{Setting, with_settings};
pub use spi::{Plan, Rows, Session};
pub use trigger::{Column, Event, Timing, Trigger};
pub use value::{Value, clock_microseconds, local_timestamp, text_datum, transaction_start};

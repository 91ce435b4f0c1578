//! `touch_updated_at`: keeps `updated_at`. One column set in the row that is about to be written; no SQL runs.

mod precision;
pub mod sql;

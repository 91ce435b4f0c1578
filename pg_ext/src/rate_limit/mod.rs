//! `rate_limit`: at most so many events a window for one bucket, by the generic cell rate algorithm (ITU-T I.371).
//!
//! `pace` is the arithmetic, `sql` the surface. The arithmetic is done here, so that the statement is one upsert with a kept plan.

mod pace;
pub mod sql;

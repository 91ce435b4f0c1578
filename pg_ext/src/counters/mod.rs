//! `maintain_aggregate`: keeps a count, a sum or a latest value of child rows in a column of their parent row.
//!
//! One statement trigger over transition tables. Most statements touch one row, so that case has a path of its own: the row is read
//! straight from the transition table, an update that changes nothing counted runs no query, and everything else is one statement
//! with a kept plan. Other statements are grouped by one query, and parents are updated one after the other in the order of the key,
//! so that two sessions never wait for each other in a circle.
//!
//! `aggregate` reads the trigger's arguments, `statement` writes the SQL, `step` decides for one row (all without Postgres), `plans`
//! keeps plans a backend, `maintain` runs them, `sql` is the surface.

mod aggregate;
mod maintain;
mod plans;
pub mod sql;
mod statement;
mod step;

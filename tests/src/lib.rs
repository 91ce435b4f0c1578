//! What the tests of the whole house stand on: where the database is, sessions that speak plain SQL, and places of their own for tests.
//!
//! The database is the one that `SUPABASE_DB_URL` names, or else the local stack that is running (`bin/dev`, or `bin/test`, which starts
//! one a kernel). Every test works in a schema of its own, so tests run side by side in one database.

mod error;
mod history;
mod house;
mod kernels;
mod migrations;
mod place;
mod session;
mod settings;

pub use error::{Error, Refusal};
pub use history::statement;
pub use house::Plan;
pub use kernels::with_both_kernels;
pub use migrations::{app_migrations, kernel_migrations};
pub use place::{Place, in_database, in_schema};
pub use session::{Row, Session};
pub use settings::{Settings, expected_kernel};

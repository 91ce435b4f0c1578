//! The API of PostgREST as a pure function.
//!
//! [`plan`] takes a request, the [`Catalogue`] of the database and the [`Settings`] of the API, and gives one SQL statement with bound
//! parameters. Whoever has a connection runs it as the caller's role, and [`Plan::answer`] makes the response of the row that comes
//! back. Postgres makes every JSON value, so values are what they are with PostgREST.
//!
//! Nothing here does I/O: the same code can serve a server's pool and a database that lives in the same process.

mod catalogue;
mod error;
mod headers;
mod hint;
mod payload;
mod plan;
mod query;
mod request;
mod respond;
mod settings;
mod sql;
mod sqlstate;

pub use catalogue::{CATALOGUE_SQL, Catalogue, Name, SETTINGS_SQL};
pub use error::{Error, Refusal};
pub use plan::{Explain, Outcome, Plan, TransactionEnd, plan};
pub use request::Request;
pub use respond::{Response, Row};
pub use settings::{RoleSettings, Settings};
pub use sql::Statement;
pub use sqlstate::DatabaseError;

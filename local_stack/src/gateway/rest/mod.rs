//! `/rest/v1`: what `postgrest_sql` plans is run here, each request in a transaction of its caller's role.

mod connection;
mod identity;
mod pool;
mod request;
mod schema;
mod service;
mod session;

pub(super) use request::handle;
pub(super) use service::Rest;

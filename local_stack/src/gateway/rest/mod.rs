//! `/rest/v1`: Postrust in its PostgREST mode, and the places where it differs from PostgREST made even.

mod body;
mod driver;
mod query;
mod request;
mod role_timeouts;
mod schema;
mod service;

pub(super) use request::handle;
pub(super) use service::Rest;

//! The routes, one a file, and what surrounds them.

pub mod body;
pub mod connections;
pub(crate) mod cors;
pub mod drain;
pub mod healthz;
pub mod metrics;
pub mod observe;
pub mod openapi;
pub mod readyz;
mod request_id;
pub mod webhooks;

pub use request_id::RequestId;

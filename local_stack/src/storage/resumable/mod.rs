//! `/upload/resumable`: uploads in parts, with the TUS protocol 1.0.0 (creation, creation-with-upload, expiration, termination). A client that
//! lost its connection asks how much arrived and goes on from there.
//!
//! What is not whole yet is known to this process alone, so a restart of the stack ends all of them, and the client begins again.

mod error;
mod handlers;
mod metadata;
mod request;
mod upload;

pub(super) use handlers::router;
pub(super) use upload::Uploads;

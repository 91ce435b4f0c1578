//! `/storage/v1`: a small stand-in for Supabase Storage. Row level security on `storage.objects` and `storage.buckets` decides: what a caller
//! asks for is done to these tables with the caller's role and claims.
//!
//! A file lies under the version of its row and under no name of a client's, so no name leads out of the folder. It is there before its row
//! is, and goes after it: who sees a row finds the file.

mod bucket;
mod buckets;
mod caller;
mod coerce;
mod copy;
mod core;
mod download;
mod error;
mod fields;
mod files;
mod info;
mod key;
mod list;
mod list_v2;
mod objects;
mod relocate;
mod remove;
mod resumable;
mod router;
mod service;
mod sign;
mod signed_url;
mod size;
mod upload;

pub(crate) use files::Files;
pub(crate) use router::router;
pub(crate) use service::Storage;

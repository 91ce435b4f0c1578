//! A private Postgres: found on this machine, run below the data directory, on loopback only.

mod binaries;
mod cluster;
mod connect;
mod orphan;
mod run_as;
mod server;

pub(crate) use binaries::Binaries;
pub(crate) use cluster::Cluster;
pub(crate) use connect::{AUTHENTICATOR, Address};
pub(crate) use run_as::RunAs;
pub(crate) use server::Server;

//! One port that serves what Supabase's gateway serves.

mod access;
mod cors;
mod listener;
mod page;
mod playground;
mod rest;
mod server;
mod worker;

pub(crate) use page::Site;
pub(crate) use server::Gateway;

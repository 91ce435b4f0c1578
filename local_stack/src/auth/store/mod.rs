//! The statements on the tables of schema `auth`.

pub(super) mod sessions;
pub(super) mod users;

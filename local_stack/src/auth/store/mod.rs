//! The statements on the tables of schema `auth`.

pub(super) mod codes;
pub(super) mod confirm;
pub(super) mod factors;
pub(super) mod flows;
pub(super) mod identities;
pub(super) mod sessions;
pub(super) mod users;

//! `/admin`: users, for whoever has the secret key.

mod create;
mod factors;
mod fields;
mod link;
mod list;
mod update;
mod users;

pub(super) use create::handle as create;
pub(super) use factors::{delete as delete_factor, list as list_factors, update as update_factor};
pub(super) use link::handle as generate_link;
pub(super) use list::handle as list;
pub(super) use update::handle as update;
pub(super) use users::{delete, show};

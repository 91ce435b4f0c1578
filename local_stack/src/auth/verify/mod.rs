//! `/verify`: what a code or a link is good for, done once.

mod apply;
mod find;
mod get;
mod kind;
mod post;

pub(super) use get::handle as follow;
pub(super) use post::handle;

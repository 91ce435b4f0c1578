//! `/factors`: authenticator apps as a second factor (TOTP, RFC 6238).

mod challenge;
mod enroll;
mod totp;
mod unenroll;
mod verify;

pub(super) use challenge::handle as challenge;
pub(super) use enroll::handle as enroll;
pub(super) use unenroll::handle as unenroll;
pub(super) use verify::handle as verify;

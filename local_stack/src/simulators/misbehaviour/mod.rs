//! What simulators have in common: they note every request, and the next ones that fit go wrong as somebody asked through `/_control`.

mod book;
mod control;
mod fault;
mod watch;
mod wrong;

pub(super) use book::Book;
pub use book::Seen;
pub(super) use control::routes as control;
pub use fault::{Fault, FaultKind};
pub(super) use watch::{About, Spoiled, Watched, watch};
pub(super) use wrong::{drop_connection, garbage, put_off};

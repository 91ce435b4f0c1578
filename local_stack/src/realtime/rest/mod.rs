//! `POST /realtime/v1/api/broadcast`: for who has something to say and no socket.

mod batch;
mod error;
mod single;

pub(crate) use batch::handle as batch;
pub(crate) use single::handle as single;

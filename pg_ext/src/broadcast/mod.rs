//! `broadcast`: a private message to everybody on a Realtime topic, through `realtime.send` where there is one.

pub mod sql;

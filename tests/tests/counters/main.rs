//! The kept aggregates equal a recount, whatever statements write the children and parents.

mod histories;
mod kernel;
mod keys;
mod kinds_of_tables;
mod misuse;
mod names;
mod recount;
mod repair;
mod statements;

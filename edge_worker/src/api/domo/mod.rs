//! Talking to the agent of a demo. Everything else of Domo is Supabase's own: tables and RPCs.

mod conversations;
mod knowledge;
mod routes;

pub use routes::routes;

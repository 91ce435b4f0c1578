//! `/auth/v1`: a small stand-in for Supabase Auth. Users, sessions and tokens are where the real one keeps them, and the
//! answers have its form. What it has no route for it does not do: mail, SMS, other providers, several factors.

mod admin;
mod caller;
mod claims;
mod credentials;
mod error;
mod info;
mod logout;
mod router;
mod service;
mod session;
mod signup;
mod store;
mod token;
mod update;
mod user;

pub(crate) use router::router;
pub(crate) use service::Auth;

//! `/auth/v1`: a small stand-in for Supabase Auth. Users, sessions and tokens are where the real one keeps them, and the
//! answers have its form. Mails and SMS are put into a box instead of being sent. What it has no route for it does not do: other
//! providers, single sign-on, passkeys, being a provider for others.

mod admin;
mod caller;
mod claims;
mod codes;
mod credentials;
mod duration;
mod error;
mod factors;
mod identities;
mod info;
mod invite;
mod logout;
mod mail;
mod otp;
mod pkce;
mod reauthenticate;
mod recover;
mod redirect;
mod resend;
mod router;
mod send;
mod service;
mod session;
mod signup;
mod store;
mod token;
mod update;
mod user;
mod verify;

pub(crate) use router::{mailbox, router};
pub(crate) use service::Auth;

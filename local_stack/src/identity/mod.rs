//! Whom a request is from: the keys of the stack, the tokens that they sign, and the callers whom a token names. Every service asks
//! here, and this asks none of them.

mod api_keys;
mod caller;
mod jwk;
mod signing_keys;
mod token;

pub(crate) use api_keys::ApiKeys;
pub(crate) use caller::Caller;
pub(crate) use signing_keys::SigningKeys;
pub(crate) use token::{Token, TokenError, Verifier};

/// The convention of local Supabase stacks: one well-known secret, so that keys stay the same from start to start. It protects
/// nothing, and nothing that listens beyond loopback may use it.
pub(crate) const DEVELOPMENT_JWT_SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";

//! Standard Webhooks 1.0.0: HMAC-SHA256 over `{id}.{timestamp}.{raw body}`.
//!
//! The crate `standardwebhooks` is the oracle of the tests and not used here: it reads the clock itself, refuses bodies that
//! are not UTF-8 as unsigned, accepts a dot in the id, and compares without a guard against the optimiser.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::Sha256;

/// How far the time of an attempt may be from ours, in both directions; the reference implementations use the same.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

/// A sender rotates between two keys; nobody sends more signatures than this, and each costs a comparison.
const MOST_SIGNATURES: usize = 16;

/// The key of a sender, written `whsec_` and base64.
#[derive(Clone, Debug)]
pub struct SigningSecret(SecretSlice<u8>);

impl SigningSecret {
    /// `None` unless it is the base64 of 24 to 64 bytes; the prefix may be missing.
    pub fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix("whsec_").unwrap_or(text);
        let bytes = STANDARD.decode(encoded).ok()?;
        (24..=64).contains(&bytes.len()).then(|| Self(bytes.into()))
    }
}

/// Why a webhook is not taken for genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Some of the three headers are there, not all.
    #[error("a header of the signature is missing")]
    Incomplete,
    /// A header is not in its form.
    #[error("a header of the signature is malformed")]
    Malformed,
    /// The attempt is too old, or of the future.
    #[error("the signature is outside the tolerated time")]
    OutsideTolerance,
    /// No signature of a version that we know fits.
    #[error("no signature fits")]
    NoMatch,
}

/// What the headers say.
struct Claim<'a> {
    id: &'a str,
    timestamp: &'a str,
    signatures: &'a str,
}

/// Checks the signature of a raw body. `Ok(false)`: the request carries none of the headers, so there is nothing to check.
///
/// # Errors
///
/// [`SignatureError`]: answer 401.
pub fn verify(
    secret: &SigningSecret,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Result<bool, SignatureError> {
    let Some(claim) = claim(headers)? else {
        return Ok(false);
    };
    check_time(claim.timestamp, now)?;
    let mac = Hmac::<Sha256>::new_from_slice(secret.0.expose_secret())
        .map_err(|_| SignatureError::Malformed)?
        .chain_update(claim.id)
        .chain_update(".")
        .chain_update(claim.timestamp)
        .chain_update(".")
        .chain_update(body);
    let fits = |encoded: &str| {
        STANDARD
            .decode(encoded)
            // Comparing in constant time is what this function is for.
            .is_ok_and(|given| mac.clone().verify_slice(&given).is_ok())
    };
    claim
        .signatures
        .split(' ')
        .take(MOST_SIGNATURES)
        // Versions that we do not know are for other receivers.
        .filter_map(|entry| entry.strip_prefix("v1,"))
        .any(fits)
        .then_some(true)
        .ok_or(SignatureError::NoMatch)
}

/// The headers, of which each may be there once.
fn claim(headers: &HeaderMap) -> Result<Option<Claim<'_>>, SignatureError> {
    if [ID, TIMESTAMP, SIGNATURE]
        .iter()
        .all(|name| !headers.contains_key(*name))
    {
        return Ok(None);
    }
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().map_err(|_| SignatureError::Malformed),
            (None, _) => Err(SignatureError::Incomplete),
            (Some(_), Some(_)) => Err(SignatureError::Malformed),
        }
    };
    let (id, timestamp, signatures) = (one(ID)?, one(TIMESTAMP)?, one(SIGNATURE)?);
    // A dot would let a part of the body pass for a part of the id.
    if id.is_empty() || id.contains('.') {
        return Err(SignatureError::Malformed);
    }
    Ok(Some(Claim {
        id,
        timestamp,
        signatures,
    }))
}

fn check_time(timestamp: &str, now: SystemTime) -> Result<(), SignatureError> {
    let is_number = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return Err(SignatureError::Malformed);
    }
    let signed: u64 = timestamp.parse().map_err(|_| SignatureError::Malformed)?;
    let now = now
        .duration_since(UNIX_EPOCH)
        .map_err(|_| SignatureError::OutsideTolerance)?
        .as_secs();
    if signed.abs_diff(now) > TOLERANCE.as_secs() {
        return Err(SignatureError::OutsideTolerance);
    }
    Ok(())
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;

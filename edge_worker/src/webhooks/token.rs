//! The token in the address of a conversation's callbacks. Tavus signs none of them, so the address is what only it knows.
//!
//! `<app>.<conversation, 32 hexadecimal digits>.<43 characters>`, where the last part is the HMAC-SHA256 of
//! `parley tavus callback`, the app and the conversation under a secret of the worker, in base64url. It is the same whenever it
//! is made: no table has to keep it, and a create that is tried again has the same address, by which the call of an attempt
//! whose answer was lost is found.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use secrecy::SecretString;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};
use uuid::Uuid;

use crate::conversations::AppName;

/// A SHA-256 in base64url.
const MAC_CHARACTERS: usize = 43;

/// Keeps this use of the secret apart from any other.
const PURPOSE: &[u8] = b"parley tavus callback";

/// The keys of callback tokens. The first makes new ones, all of them know their own again, so that a secret can be changed
/// while calls run.
#[derive(Clone)]
pub struct CallbackKeys(Arc<[Hmac<Sha256>]>);

impl CallbackKeys {
    /// No characters fewer are taken for a secret: 32 random letters and digits have 190 bits.
    pub const LEAST_CHARACTERS: usize = 32;

    /// Without any key no token is made, and none is right.
    pub fn none() -> Self {
        Self(Arc::default())
    }

    /// Secrets separated by commas; `None` unless each has [`Self::LEAST_CHARACTERS`].
    pub fn parse(text: &str) -> Option<Self> {
        let key = |secret: &str| {
            let secret = secret.trim();
            let is_long = secret.chars().count() >= Self::LEAST_CHARACTERS;
            // A key may have any length, so this never fails.
            is_long
                .then(|| Hmac::new_from_slice(secret.as_bytes()).ok())
                .flatten()
        };
        text.split(',').map(key).collect::<Option<_>>().map(Self)
    }

    /// The token of a conversation; `None` without a key.
    pub fn token(&self, app: AppName, conversation: Uuid) -> Option<SecretString> {
        let key = self.0.first()?;
        let mac = mac(key, app, conversation);
        Some(format!("{app}.{}.{mac}", conversation.simple()).into())
    }

    /// Whose token this is. It does the same work for what is no token at all and for one whose last part is wrong: the time
    /// tells nothing of how much of it is right.
    pub fn verify(&self, shown: &str) -> Option<(AppName, Uuid)> {
        let parsed = parse(shown);
        let ((app, conversation), given) = parsed.unwrap_or(((AppName::Echoroom, Uuid::nil()), ""));
        let is_right = self.0.iter().fold(Choice::from(0), |found, key| {
            let expected = mac(key, app, conversation);
            // Lengths are no secret; a shorter one is compared with as many characters.
            let mut padded = [0; MAC_CHARACTERS];
            for (to, from) in padded.iter_mut().zip(given.bytes()) {
                *to = from;
            }
            found | expected.as_bytes().ct_eq(&padded)
        });
        (bool::from(is_right) && parsed.is_some()).then_some((app, conversation))
    }
}

/// Only the one spelling that tokens are made in.
fn parse(shown: &str) -> Option<((AppName, Uuid), &str)> {
    let (app, rest) = shown.split_once('.')?;
    let (conversation, given) = rest.split_once('.')?;
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_plain = conversation.len() == 32 && conversation.bytes().all(is_hex);
    let is_token = is_plain && given.len() == MAC_CHARACTERS;
    let app = AppName::parse(app).filter(|_| is_token)?;
    Some(((app, Uuid::try_parse(conversation).ok()?), given))
}

fn mac(key: &Hmac<Sha256>, app: AppName, conversation: Uuid) -> String {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    let conversation = conversation.hyphenated().encode_lower(&mut text);
    let mac = key
        .clone()
        .chain_update(PURPOSE)
        .chain_update([0])
        .chain_update(app.as_str())
        .chain_update([0])
        .chain_update(conversation.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

impl fmt::Debug for CallbackKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CallbackKeys({})", self.0.len())
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;

//! The token in the address of a conversation's callbacks, made as the worker makes it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::InvalidLength;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

/// What the worker and the peer verify tokens with.
pub(crate) const SECRET: &str = "the benchmark signs its callbacks with this";

/// `echoroom.<uuid without hyphens>.<HMAC-SHA256, base64url>`.
pub(crate) fn token(conversation: Uuid) -> Result<String, InvalidLength> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    mac.update(format!("parley tavus callback\0echoroom\0{conversation}").as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    Ok(format!("echoroom.{}.{signature}", conversation.simple()))
}

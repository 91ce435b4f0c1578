//! Signatures of calls of tools. Other than its callbacks, Tavus signs these: `X-Tavus-Signature` is the HMAC-SHA256 of the raw body
//! in hexadecimal, without a time stamp.

use axum::http::HeaderMap;
use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

const HEADER: &str = "x-tavus-signature";

/// Whether a body is signed with the secret. It is compared in constant time.
pub fn is_signed(secret: &SecretString, headers: &HeaderMap, body: &[u8]) -> bool {
    let shown = headers.get(HEADER).map_or(&[][..], |value| value.as_bytes());
    let Ok(signature) = hex::decode(shown) else {
        return false;
    };
    // A key may have any length, so this never fails.
    Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .is_ok_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(signature: &str) -> bool {
        let headers = HeaderMap::from_iter([(HEADER.parse().unwrap(), signature.parse().unwrap())]);
        is_signed(
            &"Jefe".to_owned().into(),
            &headers,
            b"what do ya want for nothing?",
        )
    }

    #[test]
    fn signature_is_the_hmac_of_the_body() {
        // RFC 4231, test case 2.
        let right = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert!(signed(right) && signed(&right.to_uppercase()));
        let wrong = right.replace('5', "6");
        for signature in [&wrong, &right[..62], &right[..63], "", "x", &format!("{right}00")] {
            assert!(!signed(signature), "{signature}");
        }
        assert!(!is_signed(&"Jefe".to_owned().into(), &HeaderMap::new(), b""));
    }
}

//! The codes of authenticator apps: six digits, thirty seconds, SHA-1, which is what all of them can.

use qrcode::QrCode;
use qrcode::render::svg;
use rand::Rng as _;
use totp_rs::{Algorithm, Secret, TOTP};

use super::super::error::AuthError;

/// The length of a secret, as RFC 4226 advises.
const SECRET_BYTES: usize = 20;

/// What an app needs.
pub(super) struct Enrolment {
    /// In base32.
    pub(super) secret: String,
    /// `otpauth://totp/...`
    pub(super) uri: String,
    /// The same as a picture.
    pub(super) qr_code: String,
}

/// A new secret for an account.
pub(super) fn generate(issuer: &str, account: &str) -> Result<Enrolment, AuthError> {
    let bytes: [u8; SECRET_BYTES] = rand::rng().random();
    let secret = Secret::Raw(bytes.to_vec()).to_encoded().to_string();
    // Colons part the fields of the address.
    let plain = |text: &str| text.replace(':', " ");
    let totp = totp(&secret, Some(plain(issuer)), plain(account))?;
    let uri = totp.get_url();
    let picture = QrCode::new(&uri).map_err(|error| unexpected(&error))?;
    let qr_code = picture
        .render::<svg::Color<'_>>()
        .min_dimensions(200, 200)
        .build();
    Ok(Enrolment { secret, uri, qr_code })
}

/// Whether a code is the one of now, of the thirty seconds before or of those after.
pub(super) fn is_right(secret: &str, code: &str, now: u64) -> Result<bool, AuthError> {
    Ok(totp(secret, None, String::new())?.check(code, now))
}

fn totp(secret: &str, issuer: Option<String>, account: String) -> Result<TOTP, AuthError> {
    let secret = Secret::Encoded(secret.to_owned())
        .to_bytes()
        .map_err(|error| unexpected(&error))?;
    TOTP::new(Algorithm::SHA1, 6, 1, 30, secret, issuer, account).map_err(|error| unexpected(&error))
}

fn unexpected(error: &dyn std::fmt::Display) -> AuthError {
    tracing::error!(%error, "could not make a code of an authenticator app");
    AuthError::Unexpected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_rfc_are_right_in_their_time_alone() {
        // RFC 6238, appendix B: the key is `12345678901234567890`; the last six of the eight digits.
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        assert!(is_right(secret, "287082", 59).unwrap());
        assert!(is_right(secret, "081804", 1_111_111_109).unwrap());
        assert!(!is_right(secret, "287082", 1_111_111_109).unwrap());
        assert!(!is_right(secret, "", 59).unwrap());
    }

    #[test]
    fn enrolment_names_the_account_and_the_issuer() {
        let enrolment = generate("127.0.0.1:3000", "a@example.com").unwrap();
        assert!(enrolment.uri.starts_with("otpauth://totp/"), "{}", enrolment.uri);
        assert!(enrolment.uri.contains(&enrolment.secret));
        assert!(enrolment.qr_code.contains("<svg"));
        assert_eq!(enrolment.secret.len(), 32);
    }
}

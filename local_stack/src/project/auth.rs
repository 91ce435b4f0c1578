//! `[auth]` of `supabase/config.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

/// `[auth]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Auth {
    /// Where links of mails lead when a request names no other page.
    pub(crate) site_url: String,
    /// Other pages that links may lead to; `*` and `**` stand for parts of an address.
    pub(crate) additional_redirect_urls: Vec<String>,
    /// Life of an access token in seconds.
    pub(crate) jwt_expiry: u32,
    /// `iss` of the tokens, when it is not the address of this service.
    pub(crate) jwt_issuer: Option<String>,
    /// A file of keys as `supabase gen signing-key` writes it, relative to the folder of the configuration.
    #[serde(deserialize_with = "filled")]
    pub(crate) signing_keys_path: Option<PathBuf>,
    pub(crate) enable_signup: bool,
    pub(crate) enable_anonymous_sign_ins: bool,
    pub(crate) enable_manual_linking: bool,
    pub(crate) minimum_password_length: u32,
    pub(crate) password_requirements: PasswordRequirements,
    pub(crate) enable_refresh_token_rotation: bool,
    /// Seconds for which a refresh token that was just used is still good.
    pub(crate) refresh_token_reuse_interval: u32,
    pub(crate) email: AuthEmail,
    pub(crate) sms: AuthSms,
    pub(crate) mfa: AuthMfa,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            site_url: "http://127.0.0.1:3000".to_owned(),
            additional_redirect_urls: Vec::new(),
            jwt_expiry: 3600,
            jwt_issuer: None,
            signing_keys_path: None,
            enable_signup: true,
            enable_anonymous_sign_ins: false,
            enable_manual_linking: false,
            minimum_password_length: 6,
            password_requirements: PasswordRequirements::None,
            enable_refresh_token_rotation: true,
            refresh_token_reuse_interval: 10,
            email: AuthEmail::default(),
            sms: AuthSms::default(),
            mfa: AuthMfa::default(),
        }
    }
}

/// What a password must have of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PasswordRequirements {
    #[default]
    #[serde(rename = "")]
    None,
    LettersDigits,
    LowerUpperLettersDigits,
    LowerUpperLettersDigitsSymbols,
}

/// `[auth.email]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct AuthEmail {
    pub(crate) enable_signup: bool,
    /// Whether a change of the address is confirmed at the old one as well.
    pub(crate) double_confirm_changes: bool,
    /// Whether an address has to be confirmed before one signs in with it.
    pub(crate) enable_confirmations: bool,
    /// Whether a new password needs a recent sign-in or a code.
    pub(crate) secure_password_change: bool,
    /// How long the next mail to the same person has to wait, such as `1s`.
    pub(crate) max_frequency: String,
    pub(crate) otp_length: usize,
    /// Seconds.
    pub(crate) otp_expiry: u32,
}

impl Default for AuthEmail {
    fn default() -> Self {
        Self {
            enable_signup: true,
            double_confirm_changes: true,
            enable_confirmations: false,
            secure_password_change: false,
            max_frequency: "1s".to_owned(),
            otp_length: 6,
            otp_expiry: 3600,
        }
    }
}

/// `[auth.sms]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct AuthSms {
    pub(crate) enable_signup: bool,
    pub(crate) enable_confirmations: bool,
    /// `{{ .Code }}` in it is the code.
    pub(crate) template: String,
    pub(crate) max_frequency: String,
    /// Numbers that are sent nothing and always have this code.
    pub(crate) test_otp: BTreeMap<String, String>,
}

impl Default for AuthSms {
    fn default() -> Self {
        Self {
            enable_signup: false,
            enable_confirmations: false,
            template: "Your code is {{ .Code }}".to_owned(),
            max_frequency: "5s".to_owned(),
            test_otp: BTreeMap::new(),
        }
    }
}

/// `[auth.mfa]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct AuthMfa {
    pub(crate) max_enrolled_factors: i64,
    pub(crate) totp: AuthFactor,
}

impl Default for AuthMfa {
    fn default() -> Self {
        Self {
            max_enrolled_factors: 10,
            totp: AuthFactor::default(),
        }
    }
}

/// `[auth.mfa.totp]`
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AuthFactor {
    pub(crate) enroll_enabled: bool,
    pub(crate) verify_enabled: bool,
}

/// An empty path names no file.
fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = Option::<PathBuf>::deserialize(deserializer)?;
    Ok(path.filter(|path| !path.as_os_str().is_empty()))
}

//! E-mail addresses, phone numbers and passwords.

use super::error::AuthError;
use crate::project;
use crate::project::PasswordRequirements;

/// What the real service uses; a hash takes about 50 ms.
const BCRYPT_COST: u32 = 10;

/// bcrypt looks at no more than this many bytes.
pub(super) const LONGEST_PASSWORD: usize = 72;

const SYMBOLS: &str = "!@#$%^&*()_+-=[]{};'\\:\"|<>?,./`~";

/// The address in the form it is kept: in lower case. The real service takes the ASCII of RFC 5322's atoms before the at sign, and
/// names of hosts after it, a single label among them.
pub(super) fn email(text: &str) -> Result<String, AuthError> {
    let address = text.trim().to_lowercase();
    let is_valid = address
        .split_once('@')
        .is_some_and(|(local, domain)| is_local_part(local) && domain.split('.').all(is_label));
    if is_valid && address.len() <= 255 {
        Ok(address)
    } else {
        Err(AuthError::invalid(
            "Unable to validate email address: invalid format",
        ))
    }
}

fn is_local_part(local: &str) -> bool {
    let is_one = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    !local.is_empty() && local.chars().all(is_one)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// The number in the form it is kept (E.164 without the plus).
pub(super) fn phone(text: &str) -> Result<String, AuthError> {
    let number = phone_as_kept(text);
    let is_valid = (2..=15).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !number.starts_with('0');
    if is_valid {
        Ok(number)
    } else {
        Err(AuthError::invalid("Invalid phone number format (E.164 required)"))
    }
}

/// Without the plus and blanks, whatever it is.
pub(super) fn phone_as_kept(text: &str) -> String {
    text.strip_prefix('+').unwrap_or(text).replace(' ', "")
}

/// Refuses what is too short or too simple, or longer than what would be hashed.
pub(super) fn check_strength(password: &str, settings: &project::Auth) -> Result<(), AuthError> {
    if password.len() > LONGEST_PASSWORD {
        return Err(AuthError::invalid(format!(
            "Password cannot be longer than {LONGEST_PASSWORD} characters"
        )));
    }
    let at_least = settings.minimum_password_length;
    let mut texts = Vec::new();
    let mut reasons = Vec::new();
    if u32::try_from(password.chars().count()).is_ok_and(|length| length < at_least) {
        texts.push(format!("Password should be at least {at_least} characters."));
        reasons.push("length");
    }
    let missing: Vec<&str> = required(settings.password_requirements)
        .iter()
        .filter(|(_, is_one)| !password.chars().any(is_one))
        .map(|(name, _)| *name)
        .collect();
    if !missing.is_empty() {
        texts.push(format!(
            "Password should contain at least one character of each: {}.",
            missing.join(", ")
        ));
        reasons.push("characters");
    }
    if reasons.is_empty() {
        Ok(())
    } else {
        let text = texts.join(" ");
        Err(AuthError::WeakPassword { text, reasons })
    }
}

type Class = (&'static str, fn(char) -> bool);

/// The kinds of characters that a password needs.
fn required(requirements: PasswordRequirements) -> &'static [Class] {
    const LETTERS: Class = ("letters", |c| c.is_ascii_alphabetic());
    const LOWER: Class = ("lower case letters", |c| c.is_ascii_lowercase());
    const UPPER: Class = ("upper case letters", |c| c.is_ascii_uppercase());
    const DIGITS: Class = ("digits", |c| c.is_ascii_digit());
    const SYMBOL: Class = ("symbols", |c| SYMBOLS.contains(c));
    match requirements {
        PasswordRequirements::None => &[],
        PasswordRequirements::LettersDigits => &[LETTERS, DIGITS],
        PasswordRequirements::LowerUpperLettersDigits => &[LOWER, UPPER, DIGITS],
        PasswordRequirements::LowerUpperLettersDigitsSymbols => &[LOWER, UPPER, DIGITS, SYMBOL],
    }
}

/// Hashes off the threads that serve requests.
pub(super) async fn hash(password: String) -> Result<String, AuthError> {
    let hashed = tokio::task::spawn_blocking(move || bcrypt::hash(password, BCRYPT_COST)).await;
    match hashed {
        Ok(Ok(hash)) => Ok(hash),
        Ok(Err(error)) => Err(unexpected(&error)),
        Err(error) => Err(unexpected(&error)),
    }
}

/// Compares; a hash in another form than bcrypt's never fits.
pub(super) async fn fits(password: String, hash: String) -> Result<bool, AuthError> {
    tokio::task::spawn_blocking(move || bcrypt::verify(password, &hash).unwrap_or(false))
        .await
        .map_err(|error| unexpected(&error))
}

fn unexpected(error: &dyn std::error::Error) -> AuthError {
    tracing::error!(%error, "could not hash a password");
    AuthError::Unexpected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(password: &str, requirements: PasswordRequirements) -> Vec<&'static str> {
        let settings = project::Auth {
            password_requirements: requirements,
            ..project::Auth::default()
        };
        match check_strength(password, &settings) {
            Err(AuthError::WeakPassword { reasons, .. }) => reasons,
            Err(_) => vec!["other"],
            Ok(()) => Vec::new(),
        }
    }

    #[test]
    fn addresses_are_kept_in_lower_case_and_nonsense_is_refused() {
        assert_eq!(email(" Ada@Example.COM ").unwrap(), "ada@example.com");
        assert_eq!(email("ada+x@localhost").unwrap(), "ada+x@localhost");
        for nonsense in [
            "",
            "ada",
            "@example.com",
            "a b@example.com",
            "a@b@c.d",
            "a@.com",
            "a@b..c",
            "a@-b.c",
            "xx:;x@x.x",
            "\u{fc}@example.com",
            "a@\u{fc}.com",
        ] {
            assert!(email(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn numbers_are_kept_without_plus_and_blanks() {
        assert_eq!(phone("+1 555 0100").unwrap(), "15550100");
        for nonsense in ["", "1", "0123", "+", "12345678901234567", "155x", "15-5"] {
            assert!(phone(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn length_of_a_password_is_counted_in_characters() {
        assert_eq!(reasons("éééééé", PasswordRequirements::None), [""; 0]);
        assert_eq!(reasons("12345", PasswordRequirements::None), ["length"]);
        assert_eq!(reasons(&"x".repeat(73), PasswordRequirements::None), ["other"]);
    }

    #[test]
    fn required_kinds_of_characters_are_all_looked_for() {
        use PasswordRequirements::*;
        assert_eq!(reasons("abcdef", LettersDigits), ["characters"]);
        assert_eq!(reasons("abcde1", LettersDigits), [""; 0]);
        assert_eq!(reasons("abcde1", LowerUpperLettersDigits), ["characters"]);
        assert_eq!(reasons("aB1", LowerUpperLettersDigits), ["length"]);
        assert_eq!(reasons("aBcde1", LowerUpperLettersDigitsSymbols), ["characters"]);
        assert_eq!(reasons("aBcde1!", LowerUpperLettersDigitsSymbols), [""; 0]);
    }

    #[tokio::test]
    async fn hash_fits_its_password_alone() {
        let hash = hash("correct".to_owned()).await.unwrap();
        assert!(fits("correct".to_owned(), hash.clone()).await.unwrap());
        assert!(!fits("wrong".to_owned(), hash).await.unwrap());
        assert!(!fits("x".to_owned(), "not a hash".to_owned()).await.unwrap());
    }
}

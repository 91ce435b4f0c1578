//! E-mail addresses and passwords.

use super::error::AuthError;

/// What the real service uses; a hash takes about 50 ms.
const BCRYPT_COST: u32 = 10;

/// bcrypt looks at no more than this many bytes.
const LONGEST_PASSWORD: usize = 72;

/// The address in the form it is kept: trimmed and in lower case.
pub(super) fn email(text: &str) -> Result<String, AuthError> {
    let address = text.trim().to_lowercase();
    let is_valid = address.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !domain.contains('@')
            && !address.contains(char::is_whitespace)
    });
    if is_valid && address.len() <= 255 {
        Ok(address)
    } else {
        Err(AuthError::ValidationFailed(
            "Unable to validate email address: invalid format".to_owned(),
        ))
    }
}

/// Refuses what is too short, or longer than what would be hashed.
pub(super) fn check_strength(password: &str, at_least: u32) -> Result<(), AuthError> {
    if password.len() > LONGEST_PASSWORD {
        let text = format!("Password cannot be longer than {LONGEST_PASSWORD} characters");
        return Err(AuthError::ValidationFailed(text));
    }
    let is_long_enough = u32::try_from(password.chars().count()).is_ok_and(|length| length >= at_least);
    if is_long_enough {
        Ok(())
    } else {
        Err(AuthError::WeakPassword { at_least })
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

    #[test]
    fn addresses_are_kept_in_lower_case_and_nonsense_is_refused() {
        assert_eq!(email(" Ada@Example.COM ").unwrap(), "ada@example.com");
        for nonsense in [
            "",
            "ada",
            "@example.com",
            "ada@example",
            "a b@example.com",
            "a@b@c.d",
            "a@.com",
        ] {
            assert!(email(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn length_of_a_password_is_counted_in_characters() {
        assert!(check_strength("éééééé", 6).is_ok());
        assert!(matches!(
            check_strength("12345", 6),
            Err(AuthError::WeakPassword { at_least: 6 })
        ));
        assert!(matches!(
            check_strength(&"x".repeat(73), 6),
            Err(AuthError::ValidationFailed(_))
        ));
    }

    #[tokio::test]
    async fn hash_fits_its_password_alone() {
        let hash = hash("correct".to_owned()).await.unwrap();
        assert!(fits("correct".to_owned(), hash.clone()).await.unwrap());
        assert!(!fits("wrong".to_owned(), hash).await.unwrap());
        assert!(!fits("x".to_owned(), "not a hash".to_owned()).await.unwrap());
    }
}

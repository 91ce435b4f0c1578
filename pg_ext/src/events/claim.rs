//! What may be claimed, and what comes of it.

/// The bounds that the ledger's own checks have.
const MAX_SOURCE_LENGTH: usize = 64;
const MAX_KEY_LENGTH: usize = 400;
const DIGEST_LENGTH: usize = 64;

/// Why nothing can be claimed under these arguments.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadClaim {
    /// Null, empty, or too long.
    #[error("The source must have 1 to {MAX_SOURCE_LENGTH} characters.")]
    Source,
    /// Null, empty, or too long.
    #[error("The event key must have 1 to {MAX_KEY_LENGTH} characters.")]
    Key,
    /// Null, or no SHA-256 as `content_digest` writes it.
    #[error("The digest must have {DIGEST_LENGTH} lower-case hex digits.")]
    Digest,
}

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody claimed the key before: apply the event.
    New,
    /// Claimed before, with the same digest.
    Duplicate,
    /// Claimed before with another digest, which stays.
    Conflicting,
}

impl Outcome {
    /// The word that SQL returns.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Duplicate => "duplicate",
            Self::Conflicting => "conflicting",
        }
    }
}

/// Whether a claim can be made; the first argument that is wrong is named.
pub fn check(source: Option<&str>, key: Option<&str>, digest: Option<&str>) -> Result<(), BadClaim> {
    let has_length = |text: &str, most| (1..=most).contains(&text.chars().count());
    let is_digest = |text: &str| {
        text.len() == DIGEST_LENGTH && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if !source.is_some_and(|text| has_length(text, MAX_SOURCE_LENGTH)) {
        Err(BadClaim::Source)
    } else if !key.is_some_and(|text| has_length(text, MAX_KEY_LENGTH)) {
        Err(BadClaim::Key)
    } else if !digest.is_some_and(is_digest) {
        Err(BadClaim::Digest)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_are_counted_in_characters() {
        let digest = "0".repeat(64);
        let claim = |source: usize, key: usize| {
            check(Some(&"é".repeat(source)), Some(&"😀".repeat(key)), Some(&digest))
        };
        assert_eq!(claim(64, 400), Ok(()));
        assert_eq!(claim(1, 1), Ok(()));
        assert_eq!(claim(65, 400), Err(BadClaim::Source));
        assert_eq!(claim(64, 401), Err(BadClaim::Key));
        assert_eq!(claim(0, 0), Err(BadClaim::Source));
        assert_eq!(claim(1, 0), Err(BadClaim::Key));
    }

    proptest! {
        #[test]
        fn digests_are_what_the_pattern_says(text in "[0-9a-f]{62,66}|[0-9a-fA-Fgé\n]{64}|[0-9a-f]{63}[\n ]") {
            let is_digest = text.chars().count() == 64 && text.chars().all(|c| "0123456789abcdef".contains(c));
            prop_assert_eq!(check(Some("s"), Some("k"), Some(&text)).is_ok(), is_digest);
        }
    }
}

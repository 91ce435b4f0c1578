//! The token in the address of a conversation's callbacks. Tavus signs none of them, so the address is what only it knows.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::CryptoRng;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// As many as the digest has: guessing one is guessing a SHA-256.
const BYTES: usize = 32;

/// A new token: 43 characters that need no escape in an address. It leaves this process only inside a callback address.
#[derive(Clone, Debug)]
pub struct ConversationToken(SecretString);

impl ConversationToken {
    /// A new one.
    pub fn generate(random: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; BYTES];
        random.fill_bytes(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// The text, for the callback address.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is stored.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.expose())
    }
}

/// The SHA-256 of a token. The token has 256 random bits, so a plain digest cannot be reversed, and who reads the database
/// cannot send callbacks.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; BYTES]);

impl TokenHash {
    /// The hash of what a request shows, of any length. Looking a token up by its hash tells nothing by the time it takes.
    pub fn of(shown: &str) -> Self {
        Self(Sha256::digest(shown.as_bytes()).into())
    }

    /// A stored hash; `None` when it has not 32 bytes.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether `shown` is the token, in a time that does not depend on how much of it is right.
    pub fn matches(&self, shown: &str) -> bool {
        self.0.ct_eq(&Self::of(shown).0).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    fn token(seed: u64) -> ConversationToken {
        ConversationToken::generate(&mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn token_has_43_characters_of_an_address_and_says_nothing_of_itself() {
        let token = token(1);
        assert_eq!(token.expose().len(), 43);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(token.expose().chars().all(is_plain));
        let shown = format!("{token:?} {:?}", token.hash());
        assert!(!shown.contains(token.expose()), "{shown}");
    }

    #[test]
    fn hash_goes_to_the_database_and_back() {
        let token = token(2);
        let stored = token.hash().as_bytes().to_vec();
        assert!(TokenHash::from_stored(&stored).unwrap().matches(token.expose()));
        assert!(TokenHash::from_stored(&stored[1..]).is_none());
        assert!(
            !stored
                .windows(4)
                .any(|part| token.expose().as_bytes().starts_with(part))
        );
    }

    proptest! {
        #[test]
        fn only_the_very_token_matches(seed: u64, other: u64, cut in 0_usize..43) {
            let (mine, theirs) = (token(seed), token(other));
            prop_assert!(mine.hash().matches(mine.expose()));
            prop_assert_eq!(mine.hash().matches(theirs.expose()), seed == other);
            prop_assert!(!mine.hash().matches(&mine.expose()[..cut]));
            let longer = mine.expose().to_owned() + " ";
            prop_assert!(!mine.hash().matches(&longer));
        }
    }
}

//! One-time codes: made, kept as a digest, and compared.

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng as _;
use sha2::{Digest as _, Sha224};

use super::store::codes::Slot;
use super::user::User;

/// What stands before the digest in a link that ends where it began.
pub(super) const PKCE: &str = "pkce_";

/// How long a code by SMS is good, in seconds; the CLI sets this much.
pub(super) const SMS_EXPIRY: u32 = 6000;

/// So many digits.
pub(super) fn generate(length: usize) -> String {
    let mut random = rand::rng();
    (0..length.clamp(6, 10))
        .map(|_| char::from(b'0' + random.random_range(0..10_u8)))
        .collect()
}

/// What is kept of a code, and what a link carries: it belongs to one address or number.
pub(super) fn digest(address: &str, code: &str) -> String {
    let hash = Sha224::new().chain_update(address).chain_update(code).finalize();
    hex::encode(hash)
}

/// Whether a user was sent this, and not too long ago.
pub(super) fn is_valid(user: &User, slot: Slot, digest: &str, expiry: u32, now: DateTime<Utc>) -> bool {
    let (kept, sent_at) = slot.of(user);
    let is_the_one = kept.is_some_and(|kept| kept == digest || kept.strip_prefix(PKCE) == Some(digest));
    let is_fresh = sent_at.is_some_and(|sent_at| now <= sent_at + TimeDelta::seconds(i64::from(expiry)));
    is_the_one && is_fresh
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_good_for_its_address_its_purpose_and_its_time() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let hash = digest("a@example.com", "123456");
        let mut user = User {
            recovery_token: Some(hash.clone()),
            recovery_sent_at: Some(now),
            ..User::default()
        };
        let later = now + TimeDelta::seconds(60);
        assert!(is_valid(&user, Slot::Recovery, &hash, 60, later));
        assert!(!is_valid(&user, Slot::Recovery, &hash, 59, later));
        assert!(!is_valid(&user, Slot::Confirmation, &hash, 60, later));
        assert!(!is_valid(
            &user,
            Slot::Recovery,
            &digest("b@example.com", "123456"),
            60,
            later
        ));
        user.recovery_token = Some(format!("{PKCE}{hash}"));
        assert!(is_valid(&user, Slot::Recovery, &hash, 60, later));
        user.recovery_token = Some(String::new());
        assert!(!is_valid(&user, Slot::Recovery, "", 60, later));
    }

    #[test]
    fn codes_have_the_length_that_is_set() {
        for (length, expected) in [(6, 6), (8, 8), (1, 6)] {
            let code = generate(length);
            assert_eq!(code.len(), expected);
            assert!(code.bytes().all(|byte| byte.is_ascii_digit()));
        }
    }
}

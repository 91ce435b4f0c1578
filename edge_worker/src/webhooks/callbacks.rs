//! The addresses at which providers call back.

use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};
use uuid::Uuid;

use super::token::CallbackKeys;
use crate::conversations::AppName;

/// Where callbacks go, and whose they are.
#[derive(Clone, Debug)]
pub struct Callbacks {
    base: Url,
    keys: CallbackKeys,
}

impl Callbacks {
    /// `base` is where providers reach this worker.
    pub fn new(base: Url, keys: CallbackKeys) -> Self {
        Self { base, keys }
    }

    /// The address for the callbacks of a conversation, the same whenever it is asked for; `None` without a key.
    pub fn address(&self, app: AppName, conversation: Uuid) -> Option<SecretString> {
        let token = self.keys.token(app, conversation)?;
        Some(format!("{}{}", self.beginning(), token.expose_secret()).into())
    }

    /// Whose token this is.
    pub fn verify(&self, token: &str) -> Option<(AppName, Uuid)> {
        self.keys.verify(token)
    }

    /// Whose address this is, wherever it leads: this worker may have been reached at another one before.
    pub fn owner(&self, address: &str) -> Option<(AppName, Uuid)> {
        self.verify(address.rsplit('/').next()?)
    }

    /// Whether an address leads to this worker and to no other: many have the same name for themselves, on loopback.
    pub fn is_ours_alone(&self, address: &str) -> bool {
        let is_loopback = match self.base.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => true,
        };
        !is_loopback && address.starts_with(&self.beginning())
    }

    fn beginning(&self) -> String {
        format!("{}/webhooks/tavus/", self.base.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callbacks(base: &str) -> Callbacks {
        let keys = CallbackKeys::parse("w0rker-secret-w0rker-secret-w0rker-secret").unwrap();
        Callbacks::new(base.parse().unwrap(), keys)
    }

    #[test]
    fn address_is_below_the_worker_and_known_again_below_any_other() {
        let id = Uuid::from_u128(7);
        for base in ["https://w.example", "https://w.example/parley/"] {
            let address = callbacks(base).address(AppName::Echoroom, id).unwrap();
            let address = address.expose_secret();
            let expected = format!("{}/webhooks/tavus/echoroom.", base.trim_end_matches('/'));
            assert!(address.starts_with(&expected), "{address}");
            let moved = callbacks("https://elsewhere.example");
            assert_eq!(moved.owner(address), Some((AppName::Echoroom, id)));
            assert!(callbacks(base).is_ours_alone(address) && !moved.is_ours_alone(address));
        }
        assert_eq!(callbacks("https://w.example").owner("https://w.example/"), None);
    }

    #[test]
    fn many_workers_have_the_same_loopback_address() {
        for base in ["http://127.0.0.1:54330", "http://[::1]:1", "http://localhost:2"] {
            let mine = callbacks(base);
            let address = mine.address(AppName::Echoroom, Uuid::from_u128(7)).unwrap();
            assert!(!mine.is_ours_alone(address.expose_secret()), "{base}");
        }
    }
}

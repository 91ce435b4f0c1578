//! The addresses at which providers call back.

use secrecy::SecretString;
use url::Url;
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
        use secrecy::ExposeSecret as _;

        let token = self.keys.token(app, conversation)?;
        let base = self.base.as_str().trim_end_matches('/');
        Some(format!("{base}/webhooks/tavus/{}", token.expose_secret()).into())
    }

    /// Whose token this is.
    pub fn verify(&self, token: &str) -> Option<(AppName, Uuid)> {
        self.keys.verify(token)
    }
}

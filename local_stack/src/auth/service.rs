//! What every endpoint works with.

use std::sync::Arc;

use sqlx::PgPool;

use super::claims::Signer;
use super::mail::{Mailbox, Message};
use crate::identity::{SigningKeys, Verifier};
use crate::postgres::Address;
use crate::project;

/// Sign-ups hash for about 50 ms each, so few connections are ever busy at once.
const CONNECTIONS: u32 = 20;

/// The service. Clones share everything.
#[derive(Clone)]
pub(crate) struct Auth {
    pub(super) pool: PgPool,
    pub(super) settings: Arc<project::Auth>,
    pub(super) signer: Arc<Signer>,
    pub(super) mailbox: Arc<Mailbox>,
    /// Where this service is, for links.
    pub(super) url: Arc<str>,
}

impl Auth {
    /// Connects as the owner of the tables, when the first request comes.
    pub(crate) fn new(
        address: Address,
        settings: &project::Auth,
        keys: SigningKeys,
        verifier: Arc<Verifier>,
        api_url: &str,
    ) -> Self {
        let url = format!("{api_url}/auth/v1");
        let issuer = settings.jwt_issuer.as_ref().unwrap_or(&url);
        Self {
            pool: address.pool("supabase_auth_admin", CONNECTIONS),
            settings: Arc::new(settings.clone()),
            signer: Arc::new(Signer::new(keys, verifier, issuer, settings.jwt_expiry)),
            mailbox: Arc::default(),
            url: url.into(),
        }
    }

    /// Gives back every connection.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// Sends what a transaction that is through has left to be sent.
    pub(super) fn send(&self, messages: impl IntoIterator<Item = Message>) {
        for message in messages {
            self.mailbox.put(message);
        }
    }

    /// Whether an address counts as confirmed without a mail.
    pub(super) fn confirms_emails_itself(&self) -> bool {
        !self.settings.email.enable_confirmations
    }

    /// Whether a number counts as confirmed without an SMS.
    pub(super) fn confirms_phones_itself(&self) -> bool {
        !self.settings.sms.enable_confirmations
    }
}

//! What every endpoint works with.

use std::sync::Arc;

use sqlx::PgPool;

use super::claims::Signer;
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
        Self {
            pool: address.pool("supabase_auth_admin", CONNECTIONS),
            settings: Arc::new(settings.clone()),
            signer: Arc::new(Signer::new(
                keys,
                verifier,
                settings
                    .jwt_issuer
                    .as_ref()
                    .unwrap_or(&format!("{api_url}/auth/v1")),
                settings.jwt_expiry,
            )),
        }
    }

    /// Gives back every connection.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

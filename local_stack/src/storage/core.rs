//! What the routes share.

use std::sync::Arc;

use axum::http::HeaderMap;
use sqlx::{PgPool, Postgres, Transaction};

use super::caller;
use super::error::StorageError;
use super::files::Files;
use super::resumable::Uploads;
use super::signed_url::Signer;
use crate::identity::{Caller, Verifier};

/// The state of the service.
pub(crate) struct Core {
    pub(super) pool: PgPool,
    pub(super) files: Files,
    pub(super) uploads: Uploads,
    pub(super) verifier: Arc<Verifier>,
    pub(super) signer: Signer,
    /// What no file may exceed, in bytes.
    pub(super) largest_file: u64,
}

/// As the routes hold it.
pub(super) type Shared = Arc<Core>;

impl Core {
    /// A transaction of a superuser, until somebody is assumed.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Postgres>, StorageError> {
        let mut tx = self.pool.begin().await?;
        // A policy that never ends must not keep the connection.
        sqlx::query("set local statement_timeout = '10s'")
            .execute(&mut *tx)
            .await?;
        Ok(tx)
    }

    /// A transaction with the rights of a caller.
    pub(super) async fn begin_as(
        &self,
        caller: &Caller,
        operation: &'static str,
    ) -> Result<Transaction<'static, Postgres>, StorageError> {
        let mut tx = self.begin().await?;
        caller::assume(caller, &mut tx, operation).await?;
        Ok(tx)
    }

    /// Who asks, by their token.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<Caller, StorageError> {
        caller::required(&self.verifier, headers)
    }
}

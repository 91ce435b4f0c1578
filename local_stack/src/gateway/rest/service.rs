//! The REST API, connected and kept up to date.

use std::sync::Arc;

use postgrest_sql::Settings;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::pool::Pool;
use super::schema::{self, Schema};
use crate::error::Error;
use crate::identity::Verifier;
use crate::postgres::{AUTHENTICATOR, Address};
use crate::project::Api;

/// The REST API.
pub(in crate::gateway) struct Rest {
    pool: Pool,
    verifier: Arc<Verifier>,
    schema: watch::Receiver<Arc<Schema>>,
    follower: JoinHandle<()>,
    reader: PgPool,
}

impl Rest {
    /// Reads the schema as `authenticator`. From then on it is read again after each `notify pgrst`.
    pub(in crate::gateway) async fn connect(
        address: Address,
        api: &Api,
        verifier: Arc<Verifier>,
    ) -> Result<Self, Error> {
        let configured = Settings::new(
            api.schemas.clone(),
            api.extra_search_path.clone(),
            Some(i64::from(api.max_rows)),
        );
        let reader = address.pool(AUTHENTICATOR, 2);
        let (sender, schema) = watch::channel(Arc::new(Schema::read(&reader, &configured).await?));
        let follower = tokio::spawn(schema::follow(reader.clone(), configured, sender));
        let config = address.url(AUTHENTICATOR).parse::<tokio_postgres::Config>();
        let mut config = config.map_err(|error| Error::Rest(error.to_string()))?;
        config.application_name("postgrest");
        Ok(Self {
            pool: Pool::new(config),
            verifier,
            schema,
            follower,
            reader,
        })
    }

    /// Gives back every connection.
    pub(in crate::gateway) async fn close(&self) {
        self.follower.abort();
        self.pool.close();
        self.reader.close().await;
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(super) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The newest reading of the database.
    pub(super) fn schema(&self) -> Arc<Schema> {
        self.schema.borrow().clone()
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

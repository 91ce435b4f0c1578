//! What is known of the database, read again when the database says so.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use postgrest_sql::{CATALOGUE_SQL, Catalogue, RoleSettings, SETTINGS_SQL, Settings};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;

use crate::error::Error;

/// The channel of `notify pgrst`.
const CHANNEL: &str = "pgrst";

/// A migration notifies once a statement; PostgREST waits as long for the last one.
const DEBOUNCE: Duration = Duration::from_millis(100);
const RETRY: Duration = Duration::from_secs(2);

/// One reading of the database.
pub(super) struct Schema {
    pub(super) catalogue: Catalogue,
    pub(super) settings: Settings,
    /// The settings of each role.
    pub(super) roles: HashMap<String, HashMap<String, String>>,
    /// Every reading has a higher number.
    pub(super) generation: u64,
}

impl Schema {
    /// Reads the database. `configured` is what holds where the database says nothing.
    pub(super) async fn read(pool: &PgPool, configured: &Settings) -> Result<Self, Error> {
        static READINGS: AtomicU64 = AtomicU64::new(1);
        let failed = || Error::database("reading the schema for the REST API");
        let mut transaction = pool.begin().await.map_err(failed())?;
        // Types and expressions come with their schemas then.
        sqlx::query("select pg_catalog.set_config('search_path', '', true), pg_catalog.set_config('statement_timeout', '0', true)")
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
        let said: String = sqlx::query_scalar(SETTINGS_SQL)
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed())?;
        let said: RoleSettings =
            serde_json::from_str(&said).map_err(|error| Error::Rest(error.to_string()))?;
        let settings = configured.clone().overridden(&said.api);
        let text: String = sqlx::query_scalar(CATALOGUE_SQL)
            .bind(&settings.schemas)
            .bind(&settings.extra_search_path)
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed())?;
        transaction.rollback().await.map_err(failed())?;
        let catalogue =
            Catalogue::read(&text, &settings.schemas).map_err(|error| Error::Rest(error.to_string()))?;
        Ok(Self {
            catalogue,
            settings,
            roles: said.roles,
            generation: READINGS.fetch_add(1, Ordering::Relaxed),
        })
    }
}

/// Reads the database again after each notification, until it is dropped. A reading that fails leaves the one before in place.
pub(super) async fn follow(pool: PgPool, configured: Settings, current: watch::Sender<Arc<Schema>>) {
    loop {
        if let Err(error) = listen(&pool, &configured, &current).await {
            tracing::warn!(%error, "lost the notifications of the database; trying again");
            tokio::time::sleep(RETRY).await;
            // Something may have changed meanwhile.
            refresh(&pool, &configured, &current).await;
        }
    }
}

async fn listen(
    pool: &PgPool,
    configured: &Settings,
    current: &watch::Sender<Arc<Schema>>,
) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        listener.recv().await?;
        while let Ok(more) = tokio::time::timeout(DEBOUNCE, listener.recv()).await {
            more?;
        }
        refresh(pool, configured, current).await;
    }
}

async fn refresh(pool: &PgPool, configured: &Settings, current: &watch::Sender<Arc<Schema>>) {
    match Schema::read(pool, configured).await {
        Ok(schema) => {
            current.send_replace(Arc::new(schema));
        }
        Err(error) => tracing::warn!(%error, "could not read the schema again; serving the one before"),
    }
}

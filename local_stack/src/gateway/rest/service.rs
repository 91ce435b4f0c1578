//! Postrust, connected and kept up to date.

use std::sync::Arc;

use postrust_core::AppConfig;
use postrust_server::{AppState, Builder, Host};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::role_timeouts;
use super::schema::{self, Schema};
use crate::error::Error;
use crate::postgres::{AUTHENTICATOR, Address};
use crate::project::Api;
use crate::secret::Secret;

/// Leaves most of the server's 200 connections to the worker, to tests and to people.
const CONNECTIONS: u32 = 60;

/// As much as Supabase's gateway takes.
pub(super) const LARGEST_BODY: usize = 50 * 1024 * 1024;

/// The REST API.
pub(in crate::gateway) struct Rest {
    app: Arc<AppState>,
    schema: watch::Receiver<Schema>,
    marker: Arc<str>,
    follower: JoinHandle<()>,
    pool: PgPool,
}

impl Rest {
    /// Connects as `authenticator` and reads the schema. From then on it is read again after each `notify pgrst`.
    pub(in crate::gateway) async fn connect(
        address: Address,
        api: &Api,
        jwt_secret: &Secret,
    ) -> Result<Self, Error> {
        let pool = address.pool(AUTHENTICATOR, 2);
        let mut config = AppConfig::default();
        config.db_uri = format!("{}?sslmode=disable", address.url(AUTHENTICATOR));
        config.db_schemas.clone_from(&api.schemas);
        config.db_anon_role = Some("anon".to_owned());
        config.db_extra_search_path.clone_from(&api.extra_search_path);
        config.db_pool_size = CONNECTIONS;
        config.db_max_rows = Some(i64::from(api.max_rows));
        config.jwt_secret = Some(jwt_secret.expose().to_owned());
        config.max_body_size = LARGEST_BODY;
        config.role_settings = role_timeouts::read(&pool)
            .await
            .map_err(Error::database("reading the role settings"))?;
        config.compat_mode = true;
        let built = Builder::new(config, Host::SERVER).build().await;
        let app = built.map_err(|error| Error::Rest(format!("{error:#}")))?.state;
        let (sender, schema) = watch::channel(Schema::read(&app, &pool).await?);
        let follower = tokio::spawn(schema::follow(app.clone(), pool.clone(), sender));
        let marker = format!("null-{}", uuid::Uuid::new_v4()).into();
        Ok(Self {
            app,
            schema,
            marker,
            follower,
            pool,
        })
    }

    /// Gives back every connection.
    pub(in crate::gateway) async fn close(&self) {
        self.follower.abort();
        tokio::join!(self.app.pool.close(), self.pool.close());
    }

    pub(super) fn app(&self) -> &AppState {
        &self.app
    }

    /// The newest reading of the database.
    pub(super) fn schema(&self) -> Schema {
        self.schema.borrow().clone()
    }

    /// What stands for null in the body of a call.
    pub(super) fn marker(&self) -> Arc<str> {
        self.marker.clone()
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

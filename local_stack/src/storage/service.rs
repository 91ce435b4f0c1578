//! Starts and stops the service.

use std::collections::HashSet;
use std::sync::Arc;

use super::core::{Core, Shared};
use super::files::Files;
use super::resumable::Uploads;
use super::signed_url::Signer;
use super::size;
use crate::error::Error;
use crate::identity::Verifier;
use crate::postgres::Address;
use crate::project;
use crate::secret::Secret;

/// Uploads hold none while they read.
const CONNECTIONS: u32 = 10;

/// The service.
pub(crate) struct Storage {
    core: Shared,
}

impl Storage {
    /// Removes files that no row names, and is ready.
    pub(crate) async fn start(
        address: Address,
        verifier: Arc<Verifier>,
        secret: &Secret,
        settings: &project::Storage,
        files: Files,
    ) -> Result<Self, Error> {
        let largest_file = size::of_the_cli(&settings.file_size_limit).ok_or_else(|| Error::ProjectFile {
            path: "supabase/config.toml".into(),
            reason: format!(
                "[storage] file_size_limit: `{}` is not a size",
                settings.file_size_limit
            ),
        })?;
        let core = Core {
            pool: address.pool("supabase_admin", CONNECTIONS),
            files,
            uploads: Uploads::default(),
            verifier,
            signer: Signer::new(secret),
            largest_file,
        };
        let versions: Vec<String> =
            sqlx::query_scalar("select version from storage.objects where version is not null")
                .fetch_all(&core.pool)
                .await
                .map_err(Error::database("reading which files there are"))?;
        let versions: HashSet<String> = versions.into_iter().collect();
        core.files.sweep(&versions).map_err(|source| Error::System {
            doing: "removing files that no row names",
            source,
        })?;
        Ok(Self { core: Arc::new(core) })
    }

    pub(crate) fn core(&self) -> Shared {
        self.core.clone()
    }

    /// Gives back every connection.
    pub(crate) async fn close(&self) {
        self.core.pool.close().await;
    }
}

//! Uploads that are not whole yet.

use std::collections::HashMap;
use std::io::SeekFrom;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use tokio::fs::File;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::error::ResumableError;
use crate::storage::core::Shared;
use crate::storage::files::Draft;
use crate::storage::upload::{Content, Target, Told, settle};

/// How long an upload waits for its next part.
const LIFE: TimeDelta = TimeDelta::hours(24);
/// How long a request waits for another one of the same upload: one whose client has gone ends by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// All of them, by the random part of their URLs.
#[derive(Default)]
pub(in crate::storage) struct Uploads(Mutex<HashMap<Uuid, Entry>>);

struct Entry {
    expires: DateTime<Utc>,
    upload: Arc<tokio::sync::Mutex<Upload>>,
}

/// One of them.
pub(super) struct Upload {
    pub(super) target: Target,
    pub(super) told: Told,
    pub(super) length: u64,
    pub(super) expires: DateTime<Utc>,
    content: Content,
    /// `None` once it is whole.
    file: Option<(Draft, File)>,
}

impl Uploads {
    /// Begins one. Those whose time is over go.
    pub(super) async fn begin(
        &self,
        core: &Shared,
        target: Target,
        told: Told,
        length: u64,
    ) -> Result<Uuid, ResumableError> {
        let file = core.files.draft().await?;
        let (id, now) = (Uuid::new_v4(), Utc::now());
        let expires = now + LIFE;
        let upload = Upload {
            target,
            told,
            length,
            expires,
            content: Content::default(),
            file: Some(file),
        };
        let upload = Arc::new(tokio::sync::Mutex::new(upload));
        let mut entries = self.0.lock();
        entries.retain(|_, entry| entry.expires > now);
        entries.insert(id, Entry { expires, upload });
        Ok(id)
    }

    /// One of them, for one request at a time.
    pub(super) async fn hold(&self, id: Uuid) -> Result<OwnedMutexGuard<Upload>, ResumableError> {
        let found = self.0.lock().get(&id).map(|entry| Arc::clone(&entry.upload));
        let upload = found.ok_or(ResumableError::NotFound)?;
        let upload = tokio::time::timeout(PATIENCE, upload.lock_owned())
            .await
            .map_err(|_| ResumableError::Busy)?;
        if upload.expires <= Utc::now() {
            self.forget(id);
            return Err(ResumableError::NotFound);
        }
        Ok(upload)
    }

    /// Its file goes with it.
    pub(super) fn forget(&self, id: Uuid) {
        self.0.lock().remove(&id);
    }
}

impl Upload {
    /// How much of it is here.
    pub(super) fn offset(&self) -> u64 {
        self.content.size
    }

    pub(super) fn is_whole(&self) -> bool {
        self.file.is_none()
    }

    /// Where the next part begins in the file: what a part that broke off wrote beyond what counts is overwritten.
    pub(super) async fn rewind(&mut self) -> Result<(), ResumableError> {
        let offset = self.offset();
        if let Some((_, file)) = &mut self.file {
            file.seek(SeekFrom::Start(offset)).await?;
        }
        Ok(())
    }

    /// The next bytes.
    pub(super) async fn write(&mut self, chunk: &[u8]) -> Result<(), ResumableError> {
        let Some((_, file)) = &mut self.file else {
            return Err(ResumableError::TooLong);
        };
        if chunk.len() as u64 > self.length - self.content.size {
            return Err(ResumableError::TooLong);
        }
        file.write_all(chunk).await?;
        self.content.take(chunk);
        Ok(())
    }

    /// Makes an object of it when all of it is here. One that is refused then is gone.
    pub(super) async fn finish(&mut self, core: &Shared) -> Result<(), ResumableError> {
        if let Some((_, file)) = &mut self.file {
            file.flush().await?;
        }
        if self.offset() < self.length {
            return Ok(());
        }
        if let Some((draft, _)) = self.file.take() {
            let received = self.content.clone().described(draft, self.told.clone());
            settle(core, self.target.clone(), received).await?;
        }
        Ok(())
    }
}

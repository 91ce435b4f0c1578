//! Takes a file in, chunk by chunk, into a draft that only a whole and allowed upload leaves.

use axum::body::BodyDataStream;
use axum::http::{HeaderMap, header};
use chrono::Utc;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::body::{Source, Told, form, is_form};
use super::{Target, probe};
use crate::storage::bucket::{self, Bucket};
use crate::storage::core::Core;
use crate::storage::error::StorageError;
use crate::storage::files::Draft;
use crate::storage::{key, objects};

/// A file that is whole, and what its row says of it.
pub(in crate::storage) struct Received {
    pub(in crate::storage) draft: Draft,
    pub(in crate::storage) metadata: Value,
    pub(in crate::storage) user_metadata: Option<Value>,
}

/// Reads an upload. Everything that can be refused without the file is refused before it is read.
pub(super) async fn receive(
    core: &Core,
    target: &Target,
    headers: &HeaderMap,
    stream: &mut BodyDataStream,
) -> Result<Received, StorageError> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let entrance = Entrance::open(core, target, declared).await?;
    if !is_form(headers) {
        let told = Told::by_headers(headers);
        entrance.check_size()?;
        let (draft, content) = entrance.take(&told, Source::Body(stream)).await?;
        return Ok(content.described(draft, told));
    }
    let mut told = Told::default();
    let mut form = form(headers, stream)?;
    let Some(mut file) = form.file(&mut told).await? else {
        return Err(StorageError::invalid("No content provided"));
    };
    let (draft, content) = entrance.take(&told, Source::Field(&mut file)).await?;
    // A form goes on when its field is gone.
    drop(file);
    form.rest(&mut told).await?;
    Ok(content.described(draft, told))
}

/// What stands before a file.
pub(in crate::storage) struct Entrance<'a> {
    core: &'a Core,
    target: &'a Target,
    bucket: Bucket,
    largest: u64,
    declared: Option<u64>,
}

impl<'a> Entrance<'a> {
    /// For a file that says how long it is, or does not.
    pub(in crate::storage) async fn open(
        core: &'a Core,
        target: &'a Target,
        declared: Option<u64>,
    ) -> Result<Self, StorageError> {
        key::check(&target.name)?;
        let mut tx = core.begin().await?;
        let bucket = bucket::find(&mut tx, &target.bucket).await?;
        Ok(Self {
            core,
            target,
            largest: bucket.largest_file(&target.name, core.largest_file),
            bucket,
            declared,
        })
    }

    /// Whether it may be as long as it says.
    pub(in crate::storage) fn check_size(&self) -> Result<(), StorageError> {
        match self.declared {
            Some(declared) if declared > self.largest => Err(StorageError::TooLarge("object")),
            _ => Ok(()),
        }
    }

    /// Whether a file of this kind may be here, and whoever brings it may bring it.
    pub(in crate::storage) async fn admit(&self, told: &Told) -> Result<(), StorageError> {
        let mime = told.mime.as_deref().unwrap_or(UNKNOWN_TYPE);
        self.bucket.check_type(&self.target.name, mime)?;
        let expected = json!({ "mimetype": mime, "contentLength": self.declared });
        let row = self
            .target
            .row("1".to_owned(), expected, told.user_metadata.clone());
        probe(self.core, self.target, &row).await
    }

    async fn take(&self, told: &Told, source: Source<'_, '_>) -> Result<(Draft, Content), StorageError> {
        self.admit(told).await?;
        self.write(source).await
    }

    async fn write(&self, mut source: Source<'_, '_>) -> Result<(Draft, Content), StorageError> {
        let (draft, mut file) = self.core.files.draft().await?;
        let mut content = Content::default();
        while let Some(chunk) = source.chunk().await? {
            content.take(&chunk);
            if content.size > self.largest {
                return Err(StorageError::TooLarge("object"));
            }
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        Ok((draft, content))
    }
}

const UNKNOWN_TYPE: &str = "application/octet-stream";

/// What was found out while the file was read.
#[derive(Clone, Default)]
pub(in crate::storage) struct Content {
    pub(in crate::storage) size: u64,
    digest: Md5,
}

impl Content {
    /// The next part of the file.
    pub(in crate::storage) fn take(&mut self, chunk: &[u8]) {
        self.size += chunk.len() as u64;
        self.digest.update(chunk);
    }

    pub(in crate::storage) fn described(self, draft: Draft, told: Told) -> Received {
        let metadata = json!({
            "eTag": format!("\"{}\"", hex::encode(self.digest.finalize())),
            "size": self.size,
            "mimetype": told.mime.as_deref().unwrap_or(UNKNOWN_TYPE),
            "cacheControl": told.cache_control.as_deref().unwrap_or("no-cache"),
            "lastModified": objects::time(Utc::now()),
            "contentLength": self.size,
            "httpStatusCode": 200,
        });
        Received {
            draft,
            metadata,
            user_metadata: Some(told.user_metadata.unwrap_or_else(|| json!({}))),
        }
    }
}

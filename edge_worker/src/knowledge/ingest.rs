//! Files to chunks: videos by way of their transcript, documents by way of their text.

use secrecy::SecretString;
use sqlx::PgPool;
use uuid::Uuid;

use super::{Chunk, Embedder, Format, KnowledgeError, Reader, Timed, of_markdown, of_text};
use crate::db;
use crate::db::knowledge::{Found, NewChunk, Taken};
use crate::providers::elevenlabs::ElevenLabsClient;
use crate::providers::storage::StorageClient;

/// The address of a video is good for as long as a transcription takes, and no longer.
const ADDRESS_SECONDS: u32 = 3600;

/// What the bucket takes.
const LARGEST_DOCUMENT: usize = 20 * 1024 * 1024;

/// How far a file is.
const ADDRESS_MADE: f32 = 0.1;
const TEXT_THERE: f32 = 0.8;

/// So many chunks get the built-in embeddings before they are stored; those of a longer file wait for the job that stores them batch by
/// batch. 24 MB of numbers, and a transaction of two seconds.
const EMBEDDED_AT_ONCE: usize = 4096;

/// The most of a source, of which a title is a part.
const LONGEST_TITLE: usize = 255;

/// Makes knowledge. Clones share everything.
#[derive(Clone, Debug)]
pub struct Knowledge {
    pub(super) pool: PgPool,
    pub(super) embedder: Embedder,
    storage: StorageClient,
    elevenlabs: Option<ElevenLabsClient>,
    /// What reads documents.
    pub reader: Reader,
}

/// A file that becomes knowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// A row of `demo_videos`.
    Video(Uuid),
    /// A row of `demo_documents`.
    Document(Uuid),
}

impl File {
    /// Its kind and its id.
    pub(crate) fn key(self) -> (&'static str, Uuid) {
        match self {
            Self::Video(id) => ("video", id),
            Self::Document(id) => ("document", id),
        }
    }
}

/// A claim that is void: the file is gone, or somebody else's. What was found is nobody's any more.
struct Void;

impl Knowledge {
    /// Without a client of ElevenLabs videos fail and say so.
    pub fn new(
        pool: PgPool,
        storage: StorageClient,
        elevenlabs: Option<ElevenLabsClient>,
        embedder: Embedder,
    ) -> Self {
        Self {
            pool,
            embedder,
            storage,
            elevenlabs,
            reader: Reader::default(),
        }
    }

    /// Where the files are.
    pub(crate) fn storage(&self) -> &StorageClient {
        &self.storage
    }

    /// What makes the embeddings.
    pub fn embedder(&self) -> &Embedder {
        &self.embedder
    }

    /// Makes chunks of a file that waits. Nothing is written of one that is deleted, or asked for again, meanwhile. Chunks without an
    /// embedding get a job of their own.
    ///
    /// # Errors
    ///
    /// Where [`KnowledgeError::is_passing`], the file waits for the next attempt; where not, it is `failed` and says why, unless the database
    /// itself refuses.
    pub async fn ingest(&self, file: File) -> Result<(), KnowledgeError> {
        let Some(taken) = db::knowledge::take(&self.pool, file).await? else {
            return Ok(());
        };
        match self.chunks(file, &taken).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Void)) => {
                tracing::info!(?file, "a file is gone, or asked for again; nothing was written");
                Ok(())
            }
            Err(error) => {
                if !error.is_passing() {
                    self.fail(file, Some(&taken), &error).await?;
                }
                Err(error)
            }
        }
    }

    /// There will be no other attempt.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn give_up(&self, file: File) -> Result<(), KnowledgeError> {
        const WHY: &str = "The file could not be processed. Set the status to pending to try again.";
        db::knowledge::failed(&self.pool, file, None, WHY).await?;
        Ok(())
    }

    async fn fail(
        &self,
        file: File,
        taken: Option<&Taken>,
        error: &KnowledgeError,
    ) -> Result<(), KnowledgeError> {
        let claim = taken.map(|taken| taken.claim.as_str());
        db::knowledge::failed(&self.pool, file, claim, &error.sentence()).await?;
        Ok(())
    }

    async fn chunks(&self, file: File, taken: &Taken) -> Result<Result<(), Void>, KnowledgeError> {
        let found = match file {
            File::Video(_) => self.watched(file, taken).await?,
            File::Document(_) => self.read(file, taken).await?,
        };
        let Ok(mut found) = found else {
            return Ok(Err(Void));
        };
        found.embeddings = self.embeddings_at_once(&found.chunks).await?;
        let model = self.embedder.model();
        let is_stored = db::knowledge::complete(&self.pool, file, &taken.claim, model, &found).await?;
        Ok(if is_stored { Ok(()) } else { Err(Void) })
    }

    /// The embeddings of all chunks, one after the other, where they cost nothing: a chunk that is stored with its embedding is written
    /// once, and half of its time is the second writing.
    async fn embeddings_at_once(&self, chunks: &[NewChunk]) -> Result<Option<Vec<f32>>, KnowledgeError> {
        if !self.embedder.is_built_in() || chunks.len() > EMBEDDED_AT_ONCE {
            return Ok(None);
        }
        let texts: Vec<String> = chunks.iter().map(|chunk| chunk.content.clone()).collect();
        Ok(Some(self.embedder.embed(&texts).await?.concat()))
    }

    async fn progress(
        &self,
        file: File,
        taken: &Taken,
        progress: f32,
    ) -> Result<Result<(), Void>, KnowledgeError> {
        let is_valid = db::knowledge::progress(&self.pool, file, &taken.claim, progress).await?;
        Ok(if is_valid { Ok(()) } else { Err(Void) })
    }

    async fn watched(&self, file: File, taken: &Taken) -> Result<Result<Found, Void>, KnowledgeError> {
        // Another worker's, that died before it could store it: it is paid for. What another version kept may not be read.
        let source = source("Video", &taken.title);
        let kept = taken
            .found
            .clone()
            .and_then(|found| serde_json::from_value::<Found>(found).ok());
        if let Some(mut found) = kept {
            for chunk in &mut found.chunks {
                chunk.source.clone_from(&source);
            }
            let is_valid = self.progress(file, taken, TEXT_THERE).await?;
            return Ok(is_valid.map(|()| found));
        }
        let elevenlabs = self.elevenlabs.as_ref().ok_or(KnowledgeError::NoTranscription)?;
        let address: SecretString = self
            .storage
            .signed_url("demo-videos", &taken.path, ADDRESS_SECONDS)
            .await?;
        if self.progress(file, taken, ADDRESS_MADE).await?.is_err() {
            return Ok(Err(Void));
        }
        let timed = Timed::of(&elevenlabs.transcribe(&address).await?);
        if timed.text().trim().is_empty() {
            return Err(KnowledgeError::Silent);
        }
        let chunks = tokio::task::block_in_place(|| {
            let chunks = of_text(timed.text());
            chunks
                .iter()
                .map(|chunk| new_chunk(chunk, &source, timed.range(chunk)))
                .collect()
        });
        let found = Found {
            chunks,
            duration_seconds: timed.duration_seconds(),
            transcript: Some(timed.text().to_owned()),
            ..Found::default()
        };
        let is_valid = db::knowledge::heard(&self.pool, file, &taken.claim, TEXT_THERE, &found).await?;
        Ok(if is_valid { Ok(found) } else { Err(Void) })
    }

    async fn read(&self, file: File, taken: &Taken) -> Result<Result<Found, Void>, KnowledgeError> {
        let bytes = self
            .storage
            .download("demo-documents", &taken.path, LARGEST_DOCUMENT)
            .await?;
        if self.progress(file, taken, ADDRESS_MADE).await?.is_err() {
            return Ok(Err(Void));
        }
        let format = Format::of(&taken.path, &bytes);
        let text = self
            .reader
            .read(format, bytes)
            .await
            .map_err(KnowledgeError::Reader)??;
        if self.progress(file, taken, TEXT_THERE).await?.is_err() {
            return Ok(Err(Void));
        }
        let source = source("Document", &taken.title);
        let chunks = tokio::task::block_in_place(|| {
            let chunks = match format {
                Format::Markdown => of_markdown(&text),
                Format::Plain | Format::Html | Format::Pdf => of_text(&text),
            };
            chunks
                .iter()
                .map(|chunk| new_chunk(chunk, &source, None))
                .collect()
        });
        Ok(Ok(Found {
            chunks,
            ..Found::default()
        }))
    }
}

fn source(kind: &str, title: &str) -> String {
    let title: String = title.chars().take(LONGEST_TITLE).collect();
    format!("{kind}: {title}")
}

fn new_chunk(chunk: &Chunk<'_>, source: &str, range: Option<(f64, f64)>) -> NewChunk {
    NewChunk {
        content: chunk.text.to_owned(),
        source: source.to_owned(),
        start_seconds: range.map(|(start, _)| start),
        end_seconds: range.map(|(_, end)| end),
    }
}

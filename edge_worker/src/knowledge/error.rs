//! Why a file did not become knowledge.

use std::io;

use super::{DocumentError, EmbedError};
use crate::db::DbError;
use crate::providers::Advice;
use crate::providers::elevenlabs::ElevenLabsError;
use crate::providers::storage::StorageError;

/// Every way to fail.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// The file cannot be had.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It cannot be transcribed.
    #[error(transparent)]
    ElevenLabs(#[from] ElevenLabsError),
    /// Nobody transcribes here.
    #[error("ELEVENLABS_API_KEY is not set")]
    NoTranscription,
    /// Nobody speaks in it.
    #[error("nothing is said in the video")]
    Silent,
    /// It cannot be read.
    #[error("the document gives no text")]
    Document(#[source] DocumentError),
    /// The program that reads documents cannot be run.
    #[error("the program that reads documents cannot be run")]
    Reader(#[source] io::Error),
    /// Its chunks cannot be embedded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The provider refuses single texts; all others have their embeddings.
    #[error("{texts} texts were refused, and stay without an embedding")]
    RefusedTexts {
        /// How many.
        texts: usize,
        /// The last refusal.
        source: EmbedError,
    },
    /// The database fails or refuses.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<DocumentError> for KnowledgeError {
    fn from(error: DocumentError) -> Self {
        Self::Document(error)
    }
}

impl KnowledgeError {
    /// Who should try again, and when.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Storage(error) => error.advice(),
            Self::ElevenLabs(error) => error.advice(),
            Self::Embed(error) => error.advice(),
            Self::NoTranscription => Advice::Misconfigured,
            Self::Silent | Self::Document(_) | Self::RefusedTexts { .. } => Advice::GiveUp,
            Self::Reader(_) | Self::Database(DbError::Passing(_)) => Advice::RetryLater,
            Self::Database(DbError::Data(_)) => Advice::GiveUp,
            // Migrations may be on their way.
            Self::Database(DbError::Statement(_)) => Advice::RetryLater,
        }
    }

    /// Whether the same may work later.
    pub fn is_passing(&self) -> bool {
        matches!(self.advice(), Advice::RetryAfter(_) | Advice::RetryLater)
    }

    /// For the owner of the file; nothing of the inside is in it.
    pub fn sentence(&self) -> String {
        let sentence = match self {
            Self::Document(error) => return error.to_string(),
            Self::Storage(StorageError::NotFound) => {
                "The file is not in the storage. Upload it, then set the status to pending."
            }
            Self::Storage(StorageError::TooLarge { .. }) => "The file is too large.",
            Self::Storage(error) if error.advice() == Advice::GiveUp => {
                "The storage does not give the file out."
            }
            Self::Storage(StorageError::Unauthorized { .. }) => "The storage does not accept our key.",
            Self::Storage(_) => "The storage could not be reached.",
            Self::NoTranscription => "Videos are not transcribed here: no key for transcription is set up.",
            Self::Silent => "Nothing is said in this video.",
            Self::ElevenLabs(ElevenLabsError::OutOfQuota) => "The account for transcription is used up.",
            Self::ElevenLabs(ElevenLabsError::Unauthorized { .. }) => {
                "The transcription service does not accept our key."
            }
            Self::ElevenLabs(ElevenLabsError::Rejected { .. }) => {
                "The transcription service cannot read this file. Is it a video or audio file with sound?"
            }
            Self::ElevenLabs(_) => "The transcription service could not be reached.",
            _ => "What was found in the file could not be stored.",
        };
        sentence.to_owned()
    }
}

//! Embeddings, by a provider or by what is built in.

use std::sync::Arc;

use super::{DIMENSIONS, lexical};
use crate::config;
use crate::providers::Advice;
use crate::providers::embeddings::{EmbeddingsClient, EmbeddingsError, Timeouts};
use crate::telemetry::Metrics;

/// Makes embeddings. Clones share everything.
#[derive(Clone, Debug)]
pub struct Embedder(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Lexical,
    Remote(Arc<EmbeddingsClient>),
}

/// Why there are no embeddings.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The provider fails or refuses.
    #[error(transparent)]
    Provider(#[from] EmbeddingsError),
    /// A text without a letter or a sign.
    #[error("a text is empty")]
    EmptyText,
    /// A bug: the log has the place.
    #[error("the built-in embedder ended in a panic, which is a bug")]
    Panicked,
}

impl EmbedError {
    /// Who should try again, and when.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Provider(error) => error.advice(),
            Self::EmptyText | Self::Panicked => Advice::GiveUp,
        }
    }

    /// The provider refuses one of the texts, and may take the others.
    pub(super) fn is_of_a_text(&self) -> bool {
        matches!(
            self,
            Self::EmptyText | Self::Provider(EmbeddingsError::Rejected { .. })
        )
    }
}

impl Embedder {
    /// The built-in one.
    pub fn lexical() -> Self {
        Self(Kind::Lexical)
    }

    /// By the settings: a provider, or the built-in one where there is none.
    ///
    /// # Errors
    ///
    /// [`EmbedError::Provider`] when there is no TLS.
    pub fn new(settings: Option<&config::Embeddings>, metrics: Metrics) -> Result<Self, EmbedError> {
        let Some(settings) = settings else {
            return Ok(Self::lexical());
        };
        let client = EmbeddingsClient::new(settings, DIMENSIONS, Timeouts::default(), metrics)?;
        Ok(Self(Kind::Remote(Arc::new(client))))
    }

    /// What makes them; it is noted with every chunk.
    pub fn model(&self) -> &str {
        match &self.0 {
            Kind::Lexical => lexical::MODEL,
            Kind::Remote(client) => client.model(),
        }
    }

    /// Whether they are made here and at once: nobody is paid, nobody can fail.
    pub fn is_built_in(&self) -> bool {
        matches!(self.0, Kind::Lexical)
    }

    /// One vector of 1,536 numbers a text, in their order.
    ///
    /// # Errors
    ///
    /// [`EmbedError`].
    pub async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        if texts.iter().any(|text| text.trim().is_empty()) {
            return Err(EmbedError::EmptyText);
        }
        match &self.0 {
            Kind::Remote(client) => Ok(client.embed(texts).await?),
            // A question takes microseconds; a batch of chunks would hold a thread that others wait for.
            Kind::Lexical if texts.len() == 1 => Ok(texts.iter().map(|text| lexical::embed(text)).collect()),
            Kind::Lexical => {
                let texts = texts.to_vec();
                tokio::task::spawn_blocking(move || texts.iter().map(|text| lexical::embed(text)).collect())
                    .await
                    .map_err(|_| EmbedError::Panicked)
            }
        }
    }
}

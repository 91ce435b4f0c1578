//! The client.

use std::time::{Duration, Instant, SystemTime};

use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use url::Url;

use super::{EmbeddingsError, batch, wire};
use crate::config;
use crate::providers::exchange::{self, count, exchange};
use crate::telemetry::Metrics;

/// 256 vectors of 1,536 numbers of 20 characters, and as much again.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// What no moderation refuses.
const HARMLESS: &str = "Good morning";

/// How long an attempt may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until there is a connection.
    pub connect: Duration,
    /// For a request.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(60),
        }
    }
}

/// A client of an embeddings API. Clones share their connections.
#[derive(Clone, Debug)]
pub struct EmbeddingsClient {
    http: Client,
    base: Url,
    api_key: SecretString,
    model: String,
    dimensions: usize,
    metrics: Metrics,
    timeouts: Timeouts,
}

impl EmbeddingsClient {
    /// A client for an account, whose vectors have so many dimensions.
    ///
    /// # Errors
    ///
    /// [`EmbeddingsError::Broken`] when there is no TLS.
    pub fn new(
        settings: &config::Embeddings,
        dimensions: usize,
        timeouts: Timeouts,
        metrics: Metrics,
    ) -> Result<Self, EmbeddingsError> {
        let key = settings.api_key.expose_secret();
        let headers = [("authorization", format!("Bearer {key}"))];
        Ok(Self {
            http: exchange::client(timeouts.connect, &headers)?,
            base: settings.base_url.clone(),
            api_key: settings.api_key.clone(),
            model: settings.model.clone(),
            dimensions,
            metrics,
            timeouts,
        })
    }

    /// Which model it asks for.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// One vector a text, in their order, in as many requests as the provider's limits ask for. Of a text that is too long for one,
    /// the mean of its pieces. Texts are not empty.
    ///
    /// # Errors
    ///
    /// Any [`EmbeddingsError`].
    pub async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbeddingsError> {
        let pieces = batch::pieces(texts);
        let mut vectors = Vec::with_capacity(pieces.len());
        for request in batch::requests(&pieces) {
            let input: Vec<&str> = pieces
                .get(request)
                .unwrap_or_default()
                .iter()
                .map(|(_, piece)| *piece)
                .collect();
            vectors.extend(self.ask_as_refused(&input).await?);
        }
        Ok(batch::whole(texts.len(), &pieces, vectors))
    }

    /// Providers refuse with 403 what a key may not do, and a text that their moderation does not let pass, in words of their own.
    /// A harmless text tells the two apart: a key that is refused is refused with any.
    async fn ask_as_refused(&self, input: &[&str]) -> Result<Vec<Vec<f32>>, EmbeddingsError> {
        let answer = self.ask(input).await;
        match answer {
            Err(EmbeddingsError::Forbidden { said }) => match self.ask(&[HARMLESS]).await {
                Ok(_) => Err(EmbeddingsError::Rejected { status: 403, said }),
                Err(EmbeddingsError::Forbidden { .. }) => Err(EmbeddingsError::Unauthorized { status: 403 }),
                // It says nothing about the text.
                Err(error) => Err(error),
            },
            answer => answer,
        }
    }

    async fn ask(&self, input: &[&str]) -> Result<Vec<Vec<f32>>, EmbeddingsError> {
        let begun = Instant::now();
        let answer = self.exchange(input).await;
        count(
            &self.metrics,
            ("embeddings", "embeddings"),
            begun,
            &answer,
            EmbeddingsError::word,
        );
        match &answer {
            Err(EmbeddingsError::Rejected { status, said }) => {
                tracing::warn!(status, said, "the embeddings provider refused a request");
            }
            Err(EmbeddingsError::Forbidden { said }) => {
                tracing::warn!(status = 403, said, "the embeddings provider refused a request");
            }
            _ => {}
        }
        answer
    }

    async fn exchange(&self, input: &[&str]) -> Result<Vec<Vec<f32>>, EmbeddingsError> {
        let mut body = json!({ "model": self.model, "input": input, "encoding_format": "float" });
        // The only model of OpenAI's that refuses the field; it has as many as are kept.
        if self.model != "text-embedding-ada-002"
            && let Some(fields) = body.as_object_mut()
        {
            fields.insert("dimensions".to_owned(), self.dimensions.into());
        }
        let mut address = self.base.clone();
        if let Ok(mut segments) = address.path_segments_mut() {
            segments.pop_if_empty().push("embeddings");
        }
        let request = self.http.post(address).timeout(self.timeouts.request).json(&body);
        let answer = exchange(request, LARGEST_ANSWER, SystemTime::now).await?;
        if !answer.is_success() {
            return Err(wire::refusal(&answer, &self.api_key));
        }
        wire::vectors(&answer.json(), input.len(), self.dimensions)
    }
}

//! The client: one method an endpoint.

use std::time::{Duration, Instant, SystemTime};

use reqwest::Client;
use reqwest::multipart::Form;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{ElevenLabsError, Transcript, wire};
use crate::config;
use crate::providers::exchange::{self, Answer, count, exchange};
use crate::telemetry::Metrics;

/// `scribe_v1` is on its way out.
const MODEL: &str = "scribe_v2";

/// The field with the address of the file, and the deprecated one that APIs of before know instead.
const SOURCE: &str = "source_url";
const OLDER_SOURCE: &str = "cloud_storage_url";

/// Ten hours of words with their times are some 40 MB.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// How long an attempt may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until there is a connection.
    pub connect: Duration,
    /// For a whole transcription: ElevenLabs fetches the file meanwhile and answers when it is done.
    pub transcribe: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            transcribe: Duration::from_secs(1200),
        }
    }
}

/// A client of ElevenLabs. Clones share their connections.
#[derive(Clone, Debug)]
pub struct ElevenLabsClient {
    http: Client,
    base: Url,
    api_key: SecretString,
    metrics: Metrics,
    timeouts: Timeouts,
}

impl ElevenLabsClient {
    /// A client for an account.
    ///
    /// # Errors
    ///
    /// [`ElevenLabsError::Broken`] when there is no TLS.
    pub fn new(
        settings: &config::ElevenLabs,
        timeouts: Timeouts,
        metrics: Metrics,
    ) -> Result<Self, ElevenLabsError> {
        let headers = [("xi-api-key", settings.api_key.expose_secret().to_owned())];
        Ok(Self {
            http: exchange::client(timeouts.connect, &headers)?,
            base: settings.base_url.clone(),
            api_key: settings.api_key.clone(),
            metrics,
            timeouts,
        })
    }

    /// `POST /v1/speech-to-text` of a file that ElevenLabs fetches itself, with the times of the words. It costs money each time.
    ///
    /// # Errors
    ///
    /// Any [`ElevenLabsError`].
    pub async fn transcribe(&self, file_url: &SecretString) -> Result<Transcript, ElevenLabsError> {
        let begun = Instant::now();
        let answer = self.ask(file_url).await;
        count(
            &self.metrics,
            ("elevenlabs", "speech_to_text"),
            begun,
            &answer,
            ElevenLabsError::word,
        );
        if let Err(ElevenLabsError::Rejected { status, said }) = &answer {
            tracing::warn!(status, said, "ElevenLabs refused a request");
        }
        answer
    }

    async fn ask(&self, file_url: &SecretString) -> Result<Transcript, ElevenLabsError> {
        let mut answer = self.send(SOURCE, file_url).await?;
        if wire::knows_no(SOURCE, OLDER_SOURCE, &answer) {
            answer = self.send(OLDER_SOURCE, file_url).await?;
        }
        if !answer.is_success() {
            return Err(wire::refusal(&answer, &self.api_key));
        }
        Transcript::of(&answer).ok_or(ElevenLabsError::Unintelligible("no transcript"))
    }

    async fn send(&self, source: &'static str, file_url: &SecretString) -> Result<Answer, ElevenLabsError> {
        let form = Form::new()
            .text("model_id", MODEL)
            .text(source, file_url.expose_secret().to_owned())
            .text("timestamps_granularity", "word")
            // What rustles and laughs is no knowledge.
            .text("tag_audio_events", "false");
        let mut address = self.base.clone();
        if let Ok(mut segments) = address.path_segments_mut() {
            segments.pop_if_empty().extend(["v1", "speech-to-text"]);
        }
        let request = self
            .http
            .post(address)
            .timeout(self.timeouts.transcribe)
            .multipart(form);
        Ok(exchange(request, LARGEST_ANSWER, SystemTime::now).await?)
    }
}

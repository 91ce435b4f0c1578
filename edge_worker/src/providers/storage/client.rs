//! The client: one method an endpoint.

use std::time::{Duration, Instant, SystemTime};

use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use url::Url;

use super::{StorageError, wire};
use crate::config::Supabase;
use crate::providers::exchange::{self, Answer, count, exchange};
use crate::telemetry::Metrics;

/// Answers that are no file are short.
const LARGEST_ANSWER: usize = 64 * 1024;

/// What was removed is listed, with all that is known of each file.
const LARGEST_LIST: usize = 4 * 1024 * 1024;

/// How long an attempt may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until there is a connection.
    pub connect: Duration,
    /// For a short answer.
    pub request: Duration,
    /// For a file.
    pub download: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(15),
            download: Duration::from_secs(120),
        }
    }
}

/// A client of the project's storage. Clones share their connections.
#[derive(Clone, Debug)]
pub struct StorageClient {
    http: Client,
    base: Url,
    metrics: Metrics,
    timeouts: Timeouts,
}

impl StorageClient {
    /// With the rights of the secret key: it sees every file.
    ///
    /// # Errors
    ///
    /// [`StorageError::Broken`] when there is no TLS.
    pub fn new(project: &Supabase, timeouts: Timeouts, metrics: Metrics) -> Result<Self, StorageError> {
        let key = project.secret_key.expose_secret();
        // Both, as Supabase's own clients do: the gateway wants the first, a bare Storage the second.
        let headers = [
            ("apikey", key.to_owned()),
            ("authorization", format!("Bearer {key}")),
        ];
        Ok(Self {
            http: exchange::client(timeouts.connect, &headers)?,
            base: project.url.clone(),
            metrics,
            timeouts,
        })
    }

    /// `POST /object/sign/{bucket}/{path}`: an address under which anybody may read the file for so many seconds.
    ///
    /// # Errors
    ///
    /// Any [`StorageError`].
    pub async fn signed_url(
        &self,
        bucket: &str,
        path: &str,
        seconds: u32,
    ) -> Result<SecretString, StorageError> {
        let request = self
            .http
            .post(self.address(&["object", "sign", bucket], path))
            .timeout(self.timeouts.request)
            .json(&json!({ "expiresIn": seconds }));
        let answer = self.ask("sign", request, LARGEST_ANSWER).await?;
        let body = answer.json();
        let path = wire::signed_path(&body).ok_or(StorageError::Unintelligible("no signed address"))?;
        let base = self.base.as_str().trim_end_matches('/');
        Ok(SecretString::from(format!("{base}/storage/v1{path}")))
    }

    /// `GET /object/authenticated/{bucket}/{path}`: the file, where it is no larger than that.
    ///
    /// # Errors
    ///
    /// [`StorageError::TooLarge`], or any other.
    pub async fn download(
        &self,
        bucket: &str,
        path: &str,
        limit_bytes: usize,
    ) -> Result<Vec<u8>, StorageError> {
        let request = self
            .http
            .get(self.address(&["object", "authenticated", bucket], path))
            .timeout(self.timeouts.download);
        Ok(self.ask("download", request, limit_bytes).await?.body)
    }

    /// `DELETE /object/{bucket}`: removes files, by their whole paths.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unintelligible`] when none of them was there to remove, or any other.
    pub async fn remove(&self, bucket: &str, paths: &[&str]) -> Result<(), StorageError> {
        let request = self
            .http
            .delete(self.address(&["object"], bucket))
            .timeout(self.timeouts.request)
            .json(&json!({ "prefixes": paths }));
        let answer = self.ask("remove", request, LARGEST_LIST).await?;
        match answer.json().as_array() {
            Some(removed) if !removed.is_empty() => Ok(()),
            _ => Err(StorageError::Unintelligible("no file was removed")),
        }
    }

    async fn ask(
        &self,
        operation: &'static str,
        request: RequestBuilder,
        limit_bytes: usize,
    ) -> Result<Answer, StorageError> {
        let begun = Instant::now();
        let answer = match exchange(request, limit_bytes.max(LARGEST_ANSWER), SystemTime::now).await {
            Ok(answer) if !answer.is_success() => Err(wire::refusal(&answer)),
            Ok(answer) if answer.body.len() > limit_bytes => Err(StorageError::TooLarge { limit_bytes }),
            Ok(answer) => Ok(answer),
            Err(broken) => Err(broken.into()),
        };
        count(
            &self.metrics,
            ("storage", operation),
            begun,
            &answer,
            StorageError::word,
        );
        answer
    }

    fn address(&self, before: &[&str], path: &str) -> Url {
        let mut address = self.base.clone();
        if let Ok(mut segments) = address.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(["storage", "v1"])
                .extend(before)
                .extend(path.split('/'));
        }
        address
    }
}

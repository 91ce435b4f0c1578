//! One request and its answer.

use std::time::{Duration, Instant};

use backon::Retryable as _;
use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::client::TavusClient;
use super::error::TavusError;
use super::refusal::{self, Subject};
use crate::providers::retry_after;
use crate::telemetry;

/// What is read of an answer: the transcript of an hour with its system prompt, many times over.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// What happens when it is done twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Nothing more than when it is done once.
    Harmless,
    /// Something that nobody wants: it is repeated only where it surely was not done.
    Harmful,
}

/// A request.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// Its name in logs and counters.
    pub(super) operation: &'static str,
    pub(super) method: Method,
    /// Below `/v2`.
    pub(super) path: &'a [&'a str],
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) repeat: Repeat,
    pub(super) subject: Subject,
    pub(super) timeout: Duration,
}

/// An answer with a status of success, or 304.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> Result<Value, TavusError> {
        serde_json::from_slice(&self.body).map_err(|_| TavusError::Unintelligible("the body is not JSON"))
    }
}

impl TavusClient {
    /// Sends it, and again where that helps and does no harm.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<Answer, TavusError> {
        let wait = self.retry.wait.clone();
        let sending = (|| self.attempt(&call))
            .retry(self.retry.delays())
            .sleep(move |time| wait(time))
            .when(|error| {
                error.is_momentary() && (call.repeat == Repeat::Harmless || !error.may_have_happened())
            })
            .adjust(|error, delay| self.retry.next(error.retry_after(), delay))
            .notify(|error, delay| {
                let operation = call.operation;
                tracing::warn!(operation, ?delay, error = telemetry::chain(error), "Tavus, again");
            });
        // In a box, or whoever spawns what awaits this is told that it cannot be sent between threads: the compiler does not see
        // through the lifetimes of the closures (rust-lang/rust#100013).
        let sending: BoxFuture<'_, Result<Answer, TavusError>> = Box::pin(sending);
        sending.await
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Answer, TavusError> {
        let begun = Instant::now();
        let answer = self.exchange(call).await;
        let outcome = answer.as_ref().map_or_else(TavusError::word, |_| "ok");
        self.metrics
            .provider_called("tavus", call.operation, outcome, begun.elapsed());
        if let Err(TavusError::Rejected { status, said }) = &answer {
            let operation = call.operation;
            tracing::warn!(operation, status, said, "Tavus refused a request");
        }
        answer
    }

    async fn exchange(&self, call: &Call<'_>) -> Result<Answer, TavusError> {
        let mut request = self
            .http
            .request(call.method.clone(), self.address(call.path))
            .timeout(call.timeout);
        if !call.query.is_empty() {
            request = request.query(&call.query);
        }
        if let Some(body) = &call.body {
            let json = HeaderValue::from_static("application/json");
            request = request.header(CONTENT_TYPE, json).body(body.clone());
        }
        let response = request.send().await.map_err(unsent)?;
        let status = response.status();
        let asked = retry_after(response.headers(), (self.retry.now)());
        let body = read(response).await?;
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(Answer { status, body });
        }
        let key = self.api_key.expose_secret();
        Err(refusal::error(status.as_u16(), asked, &body, call.subject, key))
    }
}

/// The address of a request holds no secret, and its query may hold names of people: logs do without it.
fn unsent(error: reqwest::Error) -> TavusError {
    let error = error.without_url();
    if error.is_builder() {
        TavusError::Unbuildable(error)
    } else if error.is_connect() {
        TavusError::Unreachable(error)
    } else {
        TavusError::Interrupted(error)
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, TavusError> {
    let broken = |error: reqwest::Error| TavusError::Interrupted(error.without_url());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(TavusError::Unintelligible("the answer is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

//! One request, sent again where that helps.

use std::time::{Duration, Instant};

use backon::Retryable as _;
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::client::TavusClient;
use super::error::TavusError;
use super::refusal::{self, Subject};
use crate::providers::exchange::{Answer, count, exchange};
use crate::providers::json;
use crate::telemetry;

/// What is read of an answer: the transcript of an hour with its system prompt, many times over.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// A patch had nothing to change.
pub(super) const NOT_MODIFIED: u16 = 304;

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

impl TavusClient {
    /// Sends it, and reads the answer as JSON.
    pub(super) async fn read(&self, call: Call<'_>) -> Result<Value, TavusError> {
        let answer = self.send(call).await?;
        json::read(&answer.body).map_err(|_| TavusError::Unintelligible("the body is not JSON"))
    }

    /// Sends it, and again where that helps and does no harm. The answer has a status of success, or 304.
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
        count(
            &self.metrics,
            ("tavus", call.operation),
            begun,
            &answer,
            TavusError::word,
        );
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
        let answer = exchange(request, LARGEST_ANSWER, self.retry.now).await?;
        if answer.is_success() || answer.status == NOT_MODIFIED {
            return Ok(answer);
        }
        Err(refusal::error(&answer, call.subject, &self.api_key))
    }
}

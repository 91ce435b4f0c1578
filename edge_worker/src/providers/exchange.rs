//! One request and its answer, the same for all providers. Nothing is tried again here: most who ask are jobs, and the queue waits as
//! long as the provider wants.

use std::time::{Duration, Instant, SystemTime};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, redirect, retry};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{json, retry_after};
use crate::telemetry::Metrics;

/// The most that is kept of a text of theirs.
const LONGEST_SAID: usize = 300;

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// No connection came about.
    #[error("no connection came about")]
    Unreachable(#[source] reqwest::Error),
    /// The connection broke, or the time was up.
    #[error("the connection broke off")]
    Interrupted(#[source] reqwest::Error),
    /// The answer is larger than anything that was asked for.
    #[error("the answer has more than {limit_bytes} bytes")]
    TooLarge {
        /// What would have been read.
        limit_bytes: usize,
    },
    /// The request could not be built.
    #[error("the request could not be built")]
    Unbuildable(#[source] reqwest::Error),
}

impl Broken {
    /// A word for counters.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Interrupted(_) => "interrupted",
            Self::TooLarge { .. } => "too_large",
            Self::Unbuildable(_) => "unbuildable",
        }
    }

    /// Whether the same may work later.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Interrupted(_))
    }
}

impl From<reqwest::Error> for Broken {
    /// Addresses may be signed: logs do without them.
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_builder() {
            Self::Unbuildable(error)
        } else if error.is_connect() {
            Self::Unreachable(error)
        } else {
            Self::Interrupted(error)
        }
    }
}

/// A client that sends these headers to nobody but who is asked.
pub(crate) fn client(connect: Duration, secrets: &[(&'static str, String)]) -> Result<Client, Broken> {
    let mut headers = HeaderMap::new();
    for (name, value) in secrets {
        // Settings with a key that no header can carry are refused at start.
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(Client::builder()
        .default_headers(headers)
        .connect_timeout(connect)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .build()?)
}

/// Sends it and reads at most so much of the answer. What time it is then, says `now`.
pub(crate) async fn exchange(
    request: RequestBuilder,
    limit_bytes: usize,
    now: fn() -> SystemTime,
) -> Result<Answer, Broken> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers(), now());
    let body = read(response, limit_bytes).await?;
    Ok(Answer {
        status,
        retry_after,
        body,
    })
}

async fn read(mut response: Response, limit_bytes: usize) -> Result<Vec<u8>, Broken> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit_bytes {
            return Err(Broken::TooLarge { limit_bytes });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// `Null` where the body is no JSON.
    pub(crate) fn json(&self) -> Value {
        json::read(&self.body).unwrap_or_default()
    }
}

/// A text of theirs for an operator: short, without addresses and without the key.
pub(crate) fn redacted(said: &str, key: &SecretString) -> String {
    let key = key.expose_secret();
    let words = said.split_whitespace().map(|word| {
        let is_secret = word.contains("://") || word.contains("token=") || word.contains(key);
        if is_secret { "[redacted]" } else { word }
    });
    let text: String = words.collect::<Vec<_>>().join(" ");
    text.chars().take(LONGEST_SAID).collect()
}

/// Counts an attempt at a provider.
pub(crate) fn count<T, E>(
    metrics: &Metrics,
    (provider, operation): (&'static str, &'static str),
    begun: Instant,
    answer: &Result<T, E>,
    word: impl Fn(&E) -> &'static str,
) {
    let outcome = answer.as_ref().map_or_else(word, |_| "ok");
    metrics.provider_called(provider, operation, outcome, begun.elapsed());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_text_is_short_and_holds_no_address_and_no_key() {
        let key = SecretString::from("sk-1");
        let text = format!(
            "https://a.example/x?token=t is wrong for sk-1: {}",
            "x".repeat(400)
        );
        let said = redacted(&text, &key);
        assert!(
            said.starts_with("[redacted] is wrong for [redacted] xxx"),
            "{said}"
        );
        assert!(said.chars().count() <= LONGEST_SAID);
    }
}

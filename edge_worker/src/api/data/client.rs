//! Requests to PostgREST.

use std::fmt;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use postgrest::{Builder, Postgrest};
use reqwest::{Client, Response, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::answer::Answer;
use crate::api::caller::Caller;
use crate::api::refused::Refused;
use crate::config::Supabase;
use crate::error::ApiError;
use crate::telemetry::{self, Metrics};

/// Where Supabase serves PostgREST.
const PATH: [&str; 2] = ["rest", "v1"];

/// 200 messages of 4,000 characters with their reactions, several times over.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

const API_KEY: HeaderName = HeaderName::from_static("apikey");

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until there is a connection.
    pub connect: Duration,
    /// For all of it. The roles of callers have statement timeouts of 3 and 8 seconds.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            request: Duration::from_secs(15),
        }
    }
}

/// Why there is no answer of PostgREST.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("the request could not be built")]
    Unbuildable,
    #[error("the Data API cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the answer is too large")]
    TooLarge,
    #[error("something else than PostgREST answered, with status {0}")]
    NotPostgrest(StatusCode),
    #[error("the key that the caller showed is none")]
    WrongKey,
}

impl CallError {
    /// A word for counters.
    fn word(&self) -> &'static str {
        match self {
            Self::Unbuildable => "unbuildable",
            Self::Unreachable(_) => "unreachable",
            Self::TooLarge | Self::NotPostgrest(_) => "unintelligible",
            Self::WrongKey => "refused",
        }
    }
}

/// PostgREST, in one schema. Clones share their connections.
///
/// The crate `postgrest` writes the requests, and the worker's own client sends them: the one that the crate brings has no
/// limit of time, follows redirects, and speaks TLS as it was years ago.
#[derive(Clone)]
pub struct DataApi {
    postgrest: Postgrest,
    http: Client,
    publishable_key: SecretString,
    request_timeout: Duration,
    metrics: Metrics,
}

impl fmt::Debug for DataApi {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DataApi").finish_non_exhaustive()
    }
}

impl DataApi {
    /// For one exposed schema of a project.
    ///
    /// # Errors
    ///
    /// There is no TLS.
    pub fn new(
        project: &Supabase,
        schema: &'static str,
        timeouts: Timeouts,
        metrics: Metrics,
    ) -> Result<Self, reqwest::Error> {
        let mut url = project.url.clone();
        // Only an address without a host has no segments, and settings refuse that.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(PATH);
        }
        let http = Client::builder()
            .connect_timeout(timeouts.connect)
            // The token of the caller goes to nobody else.
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self {
            postgrest: Postgrest::new(url.as_str()).schema(schema),
            http,
            publishable_key: project.publishable_key.clone(),
            request_timeout: timeouts.request,
            metrics,
        })
    }

    /// Calls an RPC as the caller. Arguments that are left out keep their defaults.
    ///
    /// # Errors
    ///
    /// What PostgREST refuses; [`ApiError::DataApiUnavailable`].
    pub async fn rpc(
        &self,
        caller: &Caller,
        function: &'static str,
        arguments: &impl Serialize,
    ) -> Result<Answer, Refused> {
        let arguments = serde_json::to_string(arguments).map_err(|_| ApiError::Internal)?;
        self.send(caller, function, self.postgrest.rpc(function, arguments))
            .await
    }

    /// The beginning of a request for a table, for [`DataApi::send`]. What a caller gave goes into it as a number, a uuid or
    /// an id of plain characters only: filters have a language of their own.
    pub fn table(&self, table: &'static str) -> Builder {
        self.postgrest.from(table)
    }

    /// Sends a request as the caller. `operation` names it in counters.
    ///
    /// # Errors
    ///
    /// What PostgREST refuses; [`ApiError::DataApiUnavailable`].
    pub async fn send(
        &self,
        caller: &Caller,
        operation: &'static str,
        request: Builder,
    ) -> Result<Answer, Refused> {
        let begun = Instant::now();
        let answer = self.exchange(caller, request).await;
        let outcome = match &answer {
            Ok(answer) if answer.status().is_success() => "ok",
            Ok(_) => "refused",
            Err(error) => error.word(),
        };
        self.metrics
            .provider_called("data_api", operation, outcome, begun.elapsed());
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(answer),
            Ok(answer) => Err(answer.into()),
            Err(CallError::WrongKey) => Err(ApiError::InvalidKey.into()),
            Err(error) => {
                tracing::error!(operation, error = telemetry::chain(&error), "the Data API fails");
                Err(ApiError::DataApiUnavailable.into())
            }
        }
    }

    async fn exchange(&self, caller: &Caller, request: Builder) -> Result<Answer, CallError> {
        let unreachable = |error: reqwest::Error| CallError::Unreachable(error.without_url());
        let request = self.translated(caller, request)?;
        let mut response = self.http.execute(request).await.map_err(unreachable)?;
        let body = read(&mut response).await?;
        let answer = Answer::new(response.status(), response.headers(), body);
        if answer.status().is_success() || answer.is_refusal_of_postgrest() {
            return Ok(answer);
        }
        // Supabase's gateway refuses keys before PostgREST sees them.
        if answer.status() == StatusCode::UNAUTHORIZED && caller.key().is_some() {
            return Err(CallError::WrongKey);
        }
        Err(CallError::NotPostgrest(answer.status()))
    }

    /// The same request for the worker's own client, with what identifies the caller.
    fn translated(&self, caller: &Caller, request: Builder) -> Result<reqwest::Request, CallError> {
        let written = request.build().build().map_err(|_| CallError::Unbuildable)?;
        let unbuildable = |_| CallError::Unbuildable;
        let method = Method::from_bytes(written.method().as_str().as_bytes()).map_err(unbuildable)?;
        let mut headers = HeaderMap::new();
        for (name, value) in written.headers() {
            let name =
                HeaderName::from_bytes(name.as_str().as_bytes()).map_err(|_| CallError::Unbuildable)?;
            headers.insert(name, secret(value.as_bytes())?);
        }
        // A key of the project that is no token has to be both, or the gateway refuses it.
        let key = caller.key().unwrap_or(self.publishable_key.expose_secret());
        headers.insert(API_KEY, secret(key.as_bytes())?);
        let bearer = format!("Bearer {}", caller.token());
        headers.insert(AUTHORIZATION, secret(bearer.as_bytes())?);
        headers.extend(caller.passed_on.clone());
        let mut request = self
            .http
            .request(method, written.url().as_str())
            .headers(headers)
            .timeout(self.request_timeout);
        if let Some(body) = written.body().and_then(|body| body.as_bytes()) {
            request = request.body(body.to_vec());
        }
        request.build().map_err(|_| CallError::Unbuildable)
    }
}

/// Logs of the libraries do without it.
fn secret(bytes: &[u8]) -> Result<HeaderValue, CallError> {
    let mut value = HeaderValue::from_bytes(bytes).map_err(|_| CallError::Unbuildable)?;
    value.set_sensitive(true);
    Ok(value)
}

async fn read(response: &mut Response) -> Result<Bytes, CallError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| CallError::Unreachable(error.without_url()))?
    {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(CallError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

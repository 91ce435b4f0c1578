//! Whether the project takes the worker as it is set up: its address, and both of its keys. `/readyz` asks, and so the answer is kept for
//! some seconds: a probe is no load.
//!
//! What the worker asks of a project goes through the gateway that knows the keys, and to PostgREST. Auth is not asked: tokens of callers
//! are PostgREST's to check.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::Broken;
use super::exchange::{self, Answer, count, exchange};
use super::fields::Fields;
use crate::config::Supabase;
use crate::telemetry::{self, Metrics};

/// How long what was found is good for.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// Where all was well.
    pub well: Duration,
    /// Where something was wrong.
    pub ill: Duration,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            well: Duration::from_secs(10),
            ill: Duration::from_secs(2),
        }
    }
}

/// Shorter than what probes usually wait.
const CONNECT: Duration = Duration::from_secs(2);
const REQUEST: Duration = Duration::from_secs(4);

/// What is asked for has no rows.
const LARGEST_ANSWER: usize = 64 * 1024;

/// A key, by the setting that is its newest name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// `SUPABASE_PUBLISHABLE_KEY`.
    Publishable,
    /// `SUPABASE_SECRET_KEY`.
    Secret,
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Publishable => "SUPABASE_PUBLISHABLE_KEY",
            Self::Secret => "SUPABASE_SECRET_KEY",
        })
    }
}

/// What is wrong, by the setting to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No answer came.
    #[error("SUPABASE_URL: the Data API cannot be reached")]
    Unreachable,
    /// It has trouble of its own.
    #[error("the Data API fails with status {status}")]
    Failing {
        /// 5xx.
        status: u16,
    },
    /// It is no project.
    #[error("SUPABASE_URL: something else than the Data API answers, with status {status}")]
    NotDataApi {
        /// What it said.
        status: u16,
    },
    /// The gateway or PostgREST does not know the key.
    #[error("{key}: the project refuses it")]
    Refused {
        /// Which.
        key: Key,
    },
}

impl Problem {
    /// A stable word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "data_api_unreachable",
            Self::Failing { .. } => "data_api_failing",
            Self::NotDataApi { .. } => "not_the_data_api",
            Self::Refused {
                key: Key::Publishable,
            } => "publishable_key_refused",
            Self::Refused { key: Key::Secret } => "secret_key_refused",
        }
    }
}

/// What is known of the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// What was wrong when it was last asked.
    pub problem: Option<Problem>,
    /// All was well once since the worker started.
    pub was_well: bool,
}

#[derive(Debug)]
struct Known {
    asked_at: Option<Instant>,
    health: Health,
}

/// Asks the project. Clones share what they know.
#[derive(Clone)]
pub struct Project(Arc<Parts>);

struct Parts {
    /// They show the one key or the other.
    publishable: Client,
    secret: Client,
    address: Url,
    freshness: Freshness,
    metrics: Metrics,
    /// Held while the project is asked: whoever else wants to know waits for that answer.
    known: Mutex<Known>,
}

impl fmt::Debug for Project {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Project").finish_non_exhaustive()
    }
}

impl Project {
    /// Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// There is no TLS.
    pub fn new(project: &Supabase, freshness: Freshness, metrics: Metrics) -> Result<Self, Broken> {
        let mut address = project.url.clone();
        if let Ok(mut segments) = address.path_segments_mut() {
            // Any table will do: PostgREST's own refusal also says that the key has come through.
            segments.pop_if_empty().extend(["rest", "v1", "sessions"]);
        }
        address.set_query(Some("select=id&limit=0"));
        Ok(Self(Arc::new(Parts {
            publishable: client(&project.publishable_key)?,
            secret: client(&project.secret_key)?,
            address,
            freshness,
            metrics,
            known: Mutex::new(Known {
                asked_at: None,
                health: Health {
                    problem: None,
                    was_well: false,
                },
            }),
        })))
    }

    /// How it is, as of some seconds ago at most.
    pub async fn health(&self) -> Health {
        let parts = &*self.0;
        let mut known = parts.known.lock().await;
        let good_for = match known.health.problem {
            None => parts.freshness.well,
            Some(_) => parts.freshness.ill,
        };
        if known.asked_at.is_some_and(|at| at.elapsed() < good_for) {
            return known.health;
        }
        let before = known.health;
        let problem = parts.ask().await.err();
        known.asked_at = Some(Instant::now());
        known.health = Health {
            problem,
            was_well: before.was_well || problem.is_none(),
        };
        // Once, not with every probe.
        match problem {
            Some(problem) if before.problem != Some(problem) => {
                let error = telemetry::chain(&problem);
                tracing::error!(error, "the project does not take this worker");
            }
            None if before.problem.is_some() => tracing::info!("the project takes this worker"),
            _ => {}
        }
        known.health
    }

    /// Asks now and then until all is well, so that the log says what is wrong though nobody probes.
    pub async fn watch_until_ready(self, stopping: CancellationToken) {
        loop {
            if self.health().await.was_well {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(self.0.freshness.ill) => {}
                () = stopping.cancelled() => return,
            }
        }
    }
}

impl Parts {
    async fn ask(&self) -> Result<(), Problem> {
        let (publishable, secret) = tokio::join!(
            self.shown(Key::Publishable, &self.publishable),
            self.shown(Key::Secret, &self.secret)
        );
        publishable.and(secret)
    }

    /// Whether PostgREST answers to this key.
    async fn shown(&self, key: Key, client: &Client) -> Result<(), Problem> {
        let begun = Instant::now();
        let request = client.get(self.address.clone()).timeout(REQUEST);
        let answer = exchange(request, LARGEST_ANSWER, SystemTime::now).await;
        let found = match &answer {
            Ok(answer) => judged(answer, key),
            Err(error) => {
                tracing::debug!(error = telemetry::chain(error), "the Data API did not answer");
                Err(Problem::Unreachable)
            }
        };
        count(
            &self.metrics,
            ("data_api", "readiness"),
            begun,
            &found,
            |problem| problem.word(),
        );
        found
    }
}

fn client(key: &SecretString) -> Result<Client, Broken> {
    let key = key.expose_secret();
    // Both, as Supabase's own clients do: the gateway wants the first, a bare PostgREST the second.
    let headers = [
        ("apikey", key.to_owned()),
        ("authorization", format!("Bearer {key}")),
    ];
    exchange::client(CONNECT, &headers)
}

fn judged(answer: &Answer, key: Key) -> Result<(), Problem> {
    if answer.is_success() {
        return Ok(());
    }
    let body = answer.json();
    let fields = Fields::of(&body);
    let code = fields.text(&["code"]).filter(|_| fields.has("message"));
    match (answer.status, code) {
        // A token that PostgREST cannot read, or that has run out.
        (_, Some(code)) if code.starts_with("PGRST30") => Err(Problem::Refused { key }),
        (status @ 500.., _) => Err(Problem::Failing { status }),
        // PostgREST: the table is none, or not for everybody.
        (_, Some(_)) => Ok(()),
        (401 | 403, None) => Err(Problem::Refused { key }),
        (status, None) => Err(Problem::NotDataApi { status }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgrest_behind_its_key_is_told_from_a_refused_key_and_from_everything_else() {
        let key = Key::Secret;
        let refused = Err(Problem::Refused { key });
        for (status, body, expected) in [
            (200, "[]", Ok(())),
            (404, r#"{"code":"PGRST205","message":"no such table"}"#, Ok(())),
            (406, r#"{"code":"PGRST106","message":"no such schema"}"#, Ok(())),
            (401, r#"{"code":"42501","message":"permission denied"}"#, Ok(())),
            (401, r#"{"code":"PGRST301","message":"JWSError"}"#, refused),
            (401, r#"{"code":"PGRST303","message":"JWT expired"}"#, refused),
            (401, r#"{"message":"Invalid API key","hint":"x"}"#, refused),
            (403, "<html>", refused),
            (404, "<html>", Err(Problem::NotDataApi { status: 404 })),
            (302, "", Err(Problem::NotDataApi { status: 302 })),
            (
                503,
                r#"{"code":"PGRST000","message":"no database"}"#,
                Err(Problem::Failing { status: 503 }),
            ),
            (502, "<html>", Err(Problem::Failing { status: 502 })),
        ] {
            let answer = Answer {
                status,
                retry_after: None,
                body: body.as_bytes().to_vec(),
            };
            assert_eq!(judged(&answer, key), expected, "{status} {body}");
        }
    }
}

//! What Tavus calls its personas, kept for a while. Names and replicas alone: the rest of a persona is the worker's business.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::providers::tavus::wire::{PageQuery, Persona};
use crate::providers::tavus::{TavusClient, TavusError};
use crate::telemetry;

/// Rows a page.
const PAGE_ROWS: u32 = 100;

/// No account has as many.
const MOST_PAGES: u32 = 20;

/// How long what Tavus said is good.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// After an answer.
    pub answered: Duration,
    /// After none: Tavus is left alone for so long.
    pub failed: Duration,
    /// How long it is waited for. The names are an extra.
    pub patience: Duration,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            answered: Duration::from_secs(60),
            failed: Duration::from_secs(10),
            patience: Duration::from_secs(4),
        }
    }
}

/// What Tavus tells of a persona.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) name: Option<String>,
    pub(super) replica_id: Option<String>,
}

/// The personas of an account by their ids. Clones share what they know.
#[derive(Clone, Debug)]
pub struct Catalogue(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    tavus: Option<TavusClient>,
    freshness: Freshness,
    /// Held while Tavus is asked, so that it is asked once, however many wait.
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    good_until: Option<Instant>,
    personas: Arc<HashMap<String, Told>>,
}

impl Catalogue {
    /// Of an account; empty without one.
    pub fn new(tavus: Option<TavusClient>, freshness: Freshness) -> Self {
        Self(Arc::new(Parts {
            tavus,
            freshness,
            known: Mutex::default(),
        }))
    }

    /// Whether there is an account.
    pub(in crate::api) fn is_on(&self) -> bool {
        self.0.tavus.is_some()
    }

    /// All that Tavus tells, or told before it failed.
    pub(super) async fn told(&self) -> Arc<HashMap<String, Told>> {
        let Parts {
            tavus,
            freshness,
            known,
        } = &*self.0;
        let Some(tavus) = tavus else {
            return Arc::default();
        };
        let mut known = known.lock().await;
        if known.good_until.is_some_and(|until| Instant::now() < until) {
            return known.personas.clone();
        }
        let asked = timeout(freshness.patience, all(tavus)).await;
        let good_for = match asked {
            Ok(Ok(personas)) => {
                known.personas = Arc::new(personas);
                freshness.answered
            }
            Ok(Err(error)) => {
                tracing::warn!(
                    error = telemetry::chain(&error),
                    "Tavus does not tell its personas"
                );
                freshness.failed
            }
            Err(_) => {
                tracing::warn!("Tavus takes too long to tell its personas");
                freshness.failed
            }
        };
        known.good_until = Some(Instant::now() + good_for);
        known.personas.clone()
    }
}

async fn all(tavus: &TavusClient) -> Result<HashMap<String, Told>, TavusError> {
    let mut personas = HashMap::new();
    for number in 1..=MOST_PAGES {
        let query = PageQuery {
            number,
            limit: PAGE_ROWS,
        };
        let page = tavus.personas(query).await?;
        personas.extend(page.rows.iter().map(told));
        // A page that has fewer rows than asked for may be one that is cut shorter than we know.
        let is_last = page
            .total_count
            .map_or(page.page_rows < PAGE_ROWS as usize, |count| {
                personas.len() as u64 >= count
            });
        if is_last || page.page_rows == 0 {
            break;
        }
    }
    Ok(personas)
}

fn told(persona: &Persona) -> (String, Told) {
    let told = Told {
        name: persona.name.clone(),
        replica_id: persona
            .default_replica_id
            .as_ref()
            .map(|id| id.as_str().to_owned()),
    };
    (persona.id.as_str().to_owned(), told)
}

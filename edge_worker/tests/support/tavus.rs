//! A simulator of Tavus, and a client of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use edge_worker::config::Tavus;
use edge_worker::providers::RetryPolicy;
use edge_worker::providers::tavus::{TavusClient, Timeouts};
use edge_worker::telemetry::Metrics;
use local_stack::Secret;
use local_stack::simulators::tavus::TavusSimulator;

pub const KEY: &str = "sk-tavus-0123456789";

/// A simulator of Tavus and a client of it that waits in no real time.
pub struct Simulated {
    pub simulator: TavusSimulator,
    pub client: TavusClient,
    pub metrics: Metrics,
    /// How long the client would have waited, each time.
    pub waits: Arc<Mutex<Vec<Duration>>>,
}

impl Simulated {
    pub async fn start() -> Self {
        Self::with_seed(7).await
    }

    /// Another seed makes other ids.
    pub async fn with_seed(seed: u64) -> Self {
        let simulator = TavusSimulator::start(0, Secret::new(KEY), Some(seed))
            .await
            .unwrap();
        let settings = settings(simulator.base_url(), KEY);
        let (metrics, waits) = (Metrics::default(), Arc::new(Mutex::new(Vec::new())));
        let client = client(&settings, metrics.clone(), waits.clone());
        Self {
            simulator,
            client,
            metrics,
            waits,
        }
    }

    pub fn waits(&self) -> Vec<Duration> {
        self.waits.lock().unwrap().clone()
    }

    pub fn creates(&self) -> u32 {
        self.simulator.requests("POST", "/v2/conversations")
    }
}

pub fn settings(base_url: &str, key: &str) -> Tavus {
    Tavus {
        api_key: key.to_owned().into(),
        base_url: base_url.parse().unwrap(),
        webhook_secret: None,
        tool_secret: None,
    }
}

pub fn client(settings: &Tavus, metrics: Metrics, waits: Arc<Mutex<Vec<Duration>>>) -> TavusClient {
    let retry = RetryPolicy {
        wait: Arc::new(move |time| {
            waits.lock().unwrap().push(time);
            Box::pin(std::future::ready(()))
        }),
        seed: Some(7),
        ..RetryPolicy::default()
    };
    // A busy machine answers in time.
    let timeouts = Timeouts {
        request: Duration::from_secs(5),
        create: Duration::from_secs(5),
        ..Timeouts::default()
    };
    TavusClient::new(settings, timeouts, retry, metrics).unwrap()
}

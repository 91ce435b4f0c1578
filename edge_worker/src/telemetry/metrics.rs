//! Counters and timers, in the text form that Prometheus reads.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::{JobMetrics, WebhookMetrics};

/// Seconds. Requests of ours take milliseconds, those of providers up to their timeout.
const BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0,
];

/// Which kind of request was answered how. The route is the pattern, never the path, which may hold a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: String,
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    provider: &'static str,
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    provider: &'static str,
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectionLabels {
    state: &'static str,
}

/// All metrics of a worker. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    requests_in_flight: Gauge<i64, AtomicI64>,
    calls: Family<CallLabels, Counter>,
    call_seconds: Family<OperationLabels, Histogram, fn() -> Histogram>,
    connections: Family<ConnectionLabels, Gauge>,
    jobs: JobMetrics,
    webhooks: WebhookMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("parley_worker");
        let metrics = Self {
            registry: Arc::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(histogram),
            requests_in_flight: Gauge::default(),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(histogram),
            connections: Family::default(),
            jobs: JobMetrics::default(),
            webhooks: WebhookMetrics::default(),
        };
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", version);
        metrics.register(&mut registry);
        Self {
            registry: Arc::new(registry),
            ..metrics
        }
    }
}

impl Metrics {
    fn register(&self, registry: &mut Registry) {
        let requests = "Answered requests by method, route and status";
        registry.register("http_requests", requests, self.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time until the answer began",
            Unit::Seconds,
            self.request_seconds.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests that are being answered",
            self.requests_in_flight.clone(),
        );
        let calls = "Requests to providers, each attempt by itself";
        registry.register("provider_requests", calls, self.calls.clone());
        registry.register_with_unit(
            "provider_request_duration",
            "Time of one attempt",
            Unit::Seconds,
            self.call_seconds.clone(),
        );
        registry.register(
            "database_connections",
            "Open connections by what they do",
            self.connections.clone(),
        );
        self.jobs.register(registry);
        self.webhooks.register(registry);
    }

    /// Those of jobs.
    pub fn jobs(&self) -> &JobMetrics {
        &self.jobs
    }

    /// Those of webhooks.
    pub fn webhooks(&self) -> &WebhookMetrics {
        &self.webhooks
    }

    /// Counts a request as under way until the guard goes.
    pub fn request_begins(&self) -> InFlight {
        self.requests_in_flight.inc();
        InFlight(self.requests_in_flight.clone())
    }

    /// Counts an answered request.
    pub fn request_answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let labels = RouteLabels {
            method: method.to_owned(),
            route: route.to_owned(),
        };
        self.request_seconds
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
        let RouteLabels { method, route } = labels;
        self.requests
            .get_or_create(&RequestLabels {
                method,
                route,
                status,
            })
            .inc();
    }

    /// Counts one attempt at a provider. The outcome is a word of a small fixed set.
    pub fn provider_called(
        &self,
        provider: &'static str,
        operation: &'static str,
        outcome: &'static str,
        took: Duration,
    ) {
        let labels = OperationLabels { provider, operation };
        self.call_seconds
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
        self.calls
            .get_or_create(&CallLabels {
                provider,
                operation,
                outcome,
            })
            .inc();
    }

    /// Sets how many connections are open, and how many of them wait for work.
    pub fn connections(&self, open: u32, idle: usize) {
        let idle = i64::try_from(idle).unwrap_or(i64::MAX);
        let labels = ConnectionLabels { state: "idle" };
        self.connections.get_or_create(&labels).set(idle);
        let labels = ConnectionLabels { state: "busy" };
        let busy = i64::from(open).saturating_sub(idle).max(0);
        self.connections.get_or_create(&labels).set(busy);
    }

    /// All of it as text (OpenMetrics 1.0).
    ///
    /// # Errors
    ///
    /// None in practice: writing into a string does not fail.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// A request under way.
#[derive(Debug)]
pub struct InFlight(Gauge<i64, AtomicI64>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

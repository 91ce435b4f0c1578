//! Counters of webhooks.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Seconds. An event that comes alone takes a commit, one among many that of a few.
const BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    provider: &'static str,
    event_type: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    provider: &'static str,
}

/// What became of webhooks, and how long senders waited for it.
#[derive(Clone, Debug)]
pub struct WebhookMetrics {
    events: Family<EventLabels, Counter>,
    seconds: Family<ProviderLabels, Histogram, fn() -> Histogram>,
}

impl Default for WebhookMetrics {
    fn default() -> Self {
        Self {
            events: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        }
    }
}

impl WebhookMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let events = "Webhooks by what they tell and what became of them";
        registry.register("webhook_events", events, self.events.clone());
        registry.register_with_unit(
            "webhook_acknowledge",
            "Time until a webhook was acknowledged with 200",
            Unit::Seconds,
            self.seconds.clone(),
        );
    }

    /// Counts a webhook. Type and outcome are words of small fixed sets.
    pub fn told(&self, provider: &'static str, event_type: &'static str, outcome: &'static str) {
        let labels = EventLabels {
            provider,
            event_type,
            outcome,
        };
        self.events.get_or_create(&labels).inc();
    }

    /// Notes how long a sender waited for its 200.
    pub fn acknowledged(&self, provider: &'static str, took: Duration) {
        let labels = ProviderLabels { provider };
        self.seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

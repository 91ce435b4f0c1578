//! What operators see: logs and metrics.

mod chain;
pub mod logs;
pub mod metrics;
mod webhook_metrics;

pub use chain::chain;
pub use metrics::Metrics;
pub use webhook_metrics::WebhookMetrics;

//! What operators see: logs and metrics.

mod chain;
mod job_metrics;
pub mod logs;
pub mod metrics;
mod webhook_metrics;

pub use chain::chain;
pub use job_metrics::{JobMetrics, QueueCount};
pub use metrics::Metrics;
pub use webhook_metrics::WebhookMetrics;

//! What operators see: logs and metrics.

mod chain;
mod job_metrics;
pub mod logs;
pub mod metrics;

pub use chain::chain;
pub use job_metrics::{JobMetrics, QueueCount};
pub use metrics::Metrics;

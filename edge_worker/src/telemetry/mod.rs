//! What operators see: logs and metrics.

mod chain;
pub mod logs;
pub mod metrics;

pub use chain::chain;
pub use metrics::Metrics;

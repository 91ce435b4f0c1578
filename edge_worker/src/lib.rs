//! The worker of Parley: webhooks in, provider APIs out.
//!
//! [`Config`] reads the environment, [`start`] connects and checks, [`app::router`] is the HTTP side without a socket, and
//! [`serve`] is both on one. `providers` and `webhooks` know nothing of HTTP routes.

pub mod api;
pub mod app;
pub mod commands;
pub mod config;
pub mod conversations;
pub mod db;
pub mod error;
pub mod http;
pub mod jobs;
pub mod knowledge;
pub mod providers;
pub mod serve;
pub mod telemetry;
pub mod webhooks;

pub use config::Config;
pub use serve::{StartError, serve, start};

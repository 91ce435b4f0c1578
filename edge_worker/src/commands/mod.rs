//! Commands for operators. What they find goes to standard output, what goes wrong to standard error, as the log does.

mod dead_letters;
mod error;
mod migrate_check;
mod read_document;
mod reconcile;
mod table;

use std::process::ExitCode;

use clap::Subcommand;

pub use error::CommandError;
pub use read_document::ReadDocument;

use crate::telemetry;

/// All but `serve`.
#[derive(Debug, Subcommand)]
pub enum Operator {
    /// Jobs that were given up: look at them, try them again, or forget them.
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLetters),
    /// Asks Tavus for events that never arrived, and applies them. Ends with status 1 when something could not be looked at.
    Reconcile(reconcile::Arguments),
    /// Whether the database has what this worker needs. Ends with status 1 when something is missing.
    MigrateCheck,
}

impl Operator {
    /// Does it. `variable` reads the environment.
    pub async fn run(self, variable: impl Fn(&str) -> Option<String>) -> ExitCode {
        let done = match self {
            Self::DeadLetters(command) => dead_letters::run(command, variable).await,
            Self::Reconcile(arguments) => reconcile::run(&arguments, variable).await,
            Self::MigrateCheck => migrate_check::run(variable).await,
        };
        done.unwrap_or_else(|error| {
            tracing::error!(error = telemetry::chain(&error), "the command failed");
            ExitCode::FAILURE
        })
    }
}

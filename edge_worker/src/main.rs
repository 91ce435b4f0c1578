//! The command `edge_worker`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use edge_worker::commands::{Operator, ReadDocument};
use edge_worker::{Config, StartError, serve, start, telemetry};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The worker of Parley. All settings come from the environment; docs/operations.md lists them.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves until SIGTERM or SIGINT, then finishes what it holds.
    Serve {
        /// Leaves the queued jobs to other workers.
        #[arg(long)]
        no_jobs: bool,
    },
    /// The text of a document; the worker runs this for each.
    #[command(hide = true)]
    ReadDocument(ReadDocument),
    #[command(flatten)]
    Operator(Operator),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        // Before there are threads, whose stacks count against its limit of memory.
        Command::ReadDocument(document) => document.run(),
        command => work(command),
    }
}

#[tokio::main]
async fn work(command: Command) -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    let filter = telemetry::logs::filter_from(variable);
    let no_jobs = match command {
        Command::Serve { no_jobs } => no_jobs,
        Command::ReadDocument(document) => return document.run(),
        Command::Operator(command) => {
            telemetry::logs::install_on_stderr(&filter);
            return command.run(variable).await;
        }
    };
    // Before everything else, so that a setting that is wrong is told in the same form as all that follows.
    telemetry::logs::install(&filter);
    match run(variable, no_jobs).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = telemetry::chain(&error), "the worker ends");
            ExitCode::FAILURE
        }
    }
}

async fn run(variable: impl Fn(&str) -> Option<String>, no_jobs: bool) -> Result<(), StartError> {
    let mut config = Config::from_env(variable)?;
    if no_jobs {
        config.jobs = config.jobs.off();
    }
    let stopping = CancellationToken::new();
    stop_on_signals(stopping.clone())?;
    let worker = tokio::select! {
        worker = start(&config, stopping.clone()) => worker?,
        () = stopping.cancelled() => return Ok(()),
    };
    serve(worker).await;
    Ok(())
}

fn stop_on_signals(stopping: CancellationToken) -> Result<(), StartError> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        };
        tracing::info!(signal = name, "stopping");
        stopping.cancel();
    });
    Ok(())
}

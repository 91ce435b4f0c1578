//! The command `local_stack`.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local_stack::{Config, Error, Progress, Stack};
use tokio::signal::unix::{SignalKind, signal};

/// A stand-in for a Supabase project, for development and tests only. Settings come from PARLEY_API_PORT, PARLEY_DB_PORT,
/// PARLEY_TAVUS_PORT, PARLEY_WORKER (a program, or off), PARLEY_WORKER_PORT, PARLEY_DATA_DIR, PARLEY_KERNEL, SUPABASE_JWT_SECRET, and for
/// /realtime/v1 from PARLEY_REALTIME_MAX_CONNECTIONS, PARLEY_REALTIME_MAX_JOINS_PER_SECOND and PARLEY_REALTIME_MAX_EVENTS_PER_SECOND. With
/// TAVUS_API_KEY there is no simulator of Tavus.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// A Supabase project: the folder that holds `supabase/`.
    #[arg(long, default_value = ".")]
    project_dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts the stack and serves until Ctrl-C.
    Up {
        /// Applies migrations that sort before what is applied already, too: an app that joins a project brings such files.
        #[arg(long)]
        include_all: bool,
    },
    /// Deletes the database; the next start begins anew.
    Reset,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    // At debug it logs the parameters of statements, and the headers of requests, tokens among them, are such parameters.
    let filter = match "tokio_postgres=info".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Error> {
    let project_dir = arguments
        .project_dir
        .canonicalize()
        .map_err(|source| Error::File {
            path: arguments.project_dir.clone(),
            source,
        })?;
    let mut config = Config::from_env(&project_dir, |name| std::env::var(name).ok())?;
    match arguments.command {
        Command::Up { include_all } => {
            config.include_all = include_all;
            config.progress = Progress::new(|line| println!("{line}"));
            up(config).await
        }
        Command::Reset => {
            local_stack::reset(&config.data_dir)?;
            println!("deleted the database in {}", config.data_dir.display());
            Ok(())
        }
    }
}

/// Every socket of Realtime is an open file, and 1,024 of them, the usual soft limit, are soon used up. Where more are not allowed, the
/// fewer have to do.
fn allow_many_files() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

async fn up(config: Config) -> Result<(), Error> {
    allow_many_files();
    let listening = |source| Error::System {
        doing: "listening for signals",
        source,
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(listening)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(listening)?;
    println!(
        "This is a stand-in for Supabase, for development and tests only. Production is Supabase itself."
    );

    let asked = config.kernel.name();
    let stack = tokio::select! {
        started = Stack::start(config) => started?,
        // Dropping the start stops what it had started.
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    for (name, value) in stack.endpoints().variables() {
        println!("{name}={value}");
    }
    let kernel = stack.kernel().map_or_else(
        || format!("{asked}, not installed by the migrations"),
        str::to_owned,
    );
    println!(
        "parley is ready: {} (kernel: {kernel})",
        stack.endpoints().api_url
    );

    let failure = tokio::select! {
        error = stack.failed() => Some(error),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    println!("stopping");
    stack.stop().await?;
    failure.map_or(Ok(()), Err)
}

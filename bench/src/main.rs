//! `parley_bench [suite]`: side-by-side benchmarks. Each names its peer, measures all variants in the same run, interleaved, and prints
//! the ratios; the figures and a plot go to `bench/results/`.

mod clock;
mod counters;
mod database;
mod drive;
mod echoroom;
mod embed;
mod endpoints;
mod error;
mod fanout;
mod growth;
mod line;
mod peer;
mod plot;
mod quantiles;
mod report;
mod request;
mod rooms;
mod search;
mod stack;
mod stats;
mod tables;
mod webhooks;
mod wire;
mod worker;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::Value;

use crate::database::Database;
use crate::drive::Pace;
use crate::error::Error;

/// Side-by-side benchmarks of Parley against named peers. Uses the database of SUPABASE_DB_URL, or of the running stack in
/// PARLEY_DATA_DIR; without either it starts a local stack of its own.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// Which suite; all of them when none is named.
    suite: Option<Suite>,
    /// How long each variant is measured in each round, after a warm-up of a quarter of it.
    #[arg(long, default_value_t = 0.8)]
    seconds: f64,
    /// How many rounds; medians count.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How many sockets listen in the suite fanout.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100, 1000])]
    sockets: Vec<usize>,
    /// How many messages, rooms and calls the suite growth measures at, each more than the one before and in thousands.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000])]
    sizes: Vec<u32>,
    /// Small corpora in the suite search: a minute instead of ten.
    #[arg(long)]
    quick: bool,
}

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// Joins and leaves under a kept count.
    Counters,
    /// EchoRoom's calls, as PostgREST makes them.
    Rooms,
    /// From a message's commit to the sockets in its room.
    Fanout,
    /// Callbacks of Tavus, from the first byte to the acknowledgement.
    Webhooks,
    /// Domo's statistics over a million events.
    Stats,
    /// The nearest chunks of a demo, among many demos.
    Search,
    /// Talks, documents and notes to chunks with embeddings.
    Embed,
    /// The same calls at a thousand and at a million messages, rooms and calls.
    Growth,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One thread: the clients share the processor with Postgres, and have to leave it as much as they can.
fn run(arguments: &Arguments) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    runtime.block_on(async {
        let pace = Pace {
            warm_up: Duration::from_secs_f64(arguments.seconds / 4.0),
            measured: Duration::from_secs_f64(arguments.seconds),
            rounds: arguments.rounds.max(1),
        };
        raise_open_files()?;
        let database = Database::find().await?;
        let measured = tokio::select! {
            measured = measure(arguments, &database, pace) => measured,
            _ = tokio::signal::ctrl_c() => Err(Error::Interrupted),
        };
        if measured.is_err()
            && let Err(error) = fanout::put_back(&database).await
        {
            eprintln!("bench: the broadcast trigger of echoroom.chat_messages may be off: {error}");
        }
        let closed = database.close();
        measured.and(closed)
    })
}

/// As many open files as the system lets us have: a thousand sockets here and a thousand at the peer's are beyond what most shells
/// allow by default. The stack that we start inherits it.
fn raise_open_files() -> Result<(), Error> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).map_err(Error::Files)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).map_err(Error::Files)
}

async fn measure(arguments: &Arguments, database: &Database, pace: Pace) -> Result<(), Error> {
    let facts = database.facts().await?;
    let is_wanted = |this: Suite| arguments.suite.is_none_or(|wanted| wanted == this);
    if is_wanted(Suite::Counters) {
        let lines = counters::measure(database, pace).await?;
        report::publish(
            "counters",
            "joins and leaves a second, by what keeps the count",
            &facts,
            pace,
            &lines,
        )?;
    }
    if is_wanted(Suite::Rooms) {
        let lines = rooms::measure(database, pace).await?;
        report::publish(
            "rooms",
            "calls a second, EchoRoom beside the schema of its specification",
            &facts,
            pace,
            &lines,
        )?;
    }
    if is_wanted(Suite::Fanout) {
        let (lines, peer) = fanout::measure(database, &arguments.sockets, pace).await?;
        let facts = with(&facts, [("peer", peer)]);
        report::publish(
            "fanout",
            "from a message to the sockets in its room, and what the broadcast adds to the call",
            &facts,
            pace,
            &lines,
        )?;
    }
    if is_wanted(Suite::Webhooks) {
        let webhooks::Outcome { lines, peer, proof } = webhooks::measure(database, pace).await?;
        let facts = with(&facts, [("peer", peer), ("proof", proof)]);
        report::publish(
            "webhooks",
            "callbacks of Tavus: verified, claimed, kept, applied and acknowledged",
            &facts,
            pace,
            &lines,
        )?;
    }
    if is_wanted(Suite::Stats) {
        let lines = stats::measure(database, pace).await?;
        report::publish(
            "stats",
            "Domo's statistics over 1,000,000 events, beside those of its specification",
            &facts,
            pace,
            &lines,
        )?;
    }
    if is_wanted(Suite::Search) {
        let search::Outcome { lines, peer, proof } = search::measure(database, arguments.quick, pace).await?;
        let facts = with(&facts, [("peer", peer), ("proof", proof)]);
        report::publish(
            "search",
            "the five nearest chunks of a demo among many",
            &facts,
            pace,
            &lines,
        )?;
    }
    if is_wanted(Suite::Embed) {
        let embed::Outcome { lines, peer, proof } = embed::measure(database, pace).await?;
        let facts = with(&facts, [("peer", peer), ("proof", proof)]);
        report::publish(
            "embed",
            "talks, documents and notes to chunks that can be searched, without the provider's time",
            &facts,
            pace,
            &lines,
        )?;
    }
    if is_wanted(Suite::Growth) {
        growth::measure(database, &arguments.sizes, pace, &facts).await?;
    }
    Ok(())
}

/// The facts of the machine, and what a suite adds to them.
fn with<const COUNT: usize>(facts: &Value, more: [(&str, String); COUNT]) -> Value {
    let mut facts = facts.clone();
    if let Some(facts) = facts.as_object_mut() {
        facts.extend(more.map(|(name, fact)| (name.to_owned(), fact.into())));
    }
    facts
}

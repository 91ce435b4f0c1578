//! `edge_worker dead-letters`.

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::CommandError;
use super::table;
use crate::config::Database;
use crate::db::{self, DeadLetter, DeadLetterFilter};
use crate::serve;

/// What of a reason fits beside the rest; `--json` has all of it.
const REASON_CHARACTERS: usize = 100;

/// What to do with them.
#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// Shows them, the newest first.
    List {
        #[command(flatten)]
        which: Which,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=10_000))]
        limit: i32,
        /// One JSON object a line, with the payload and the whole reason.
        #[arg(long)]
        json: bool,
    },
    /// Enqueues them anew, from the first attempt.
    Replay(Chosen),
    /// Forgets them.
    Drop(Chosen),
}

/// A filter.
#[derive(Debug, Args)]
pub struct Which {
    /// Of this queue.
    #[arg(long)]
    queue: Option<String>,
    /// Of this kind of job.
    #[arg(long)]
    kind: Option<String>,
    /// This one.
    #[arg(long)]
    id: Option<i64>,
}

/// A filter that says something.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("chosen").required(true).multiple(true).args(["queue", "kind", "id", "all"]))]
pub struct Chosen {
    #[command(flatten)]
    which: Which,
    /// All of them.
    #[arg(long, conflicts_with_all = ["queue", "kind", "id"])]
    all: bool,
}

impl From<Which> for DeadLetterFilter {
    fn from(which: Which) -> Self {
        let Which { queue, kind, id } = which;
        Self { queue, kind, id }
    }
}

pub(super) async fn run(
    command: DeadLetters,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<ExitCode, CommandError> {
    let database = Database::from_env(variable)?;
    let (pool, _) = serve::reach(&database).await?;
    match command {
        DeadLetters::List { which, limit, json } => {
            let letters = db::dead_letters::list(&pool, &which.into(), limit).await?;
            match json {
                true => print_json(&letters)?,
                false => print_table(&letters)?,
            }
        }
        DeadLetters::Replay(chosen) => {
            let replayed = db::dead_letters::replay(&pool, &chosen.which.into()).await?;
            for (letter, job) in &replayed {
                writeln!(stdout(), "dead letter {letter} is job {job} now")?;
            }
            writeln!(stdout(), "{} replayed", replayed.len())?;
        }
        DeadLetters::Drop(chosen) => {
            let dropped = db::dead_letters::drop(&pool, &chosen.which.into()).await?;
            writeln!(stdout(), "{dropped} dropped")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_json(letters: &[DeadLetter]) -> Result<(), CommandError> {
    let mut out = stdout().lock();
    for letter in letters {
        writeln!(out, "{}", serde_json::to_string(letter)?)?;
    }
    Ok(())
}

fn print_table(letters: &[DeadLetter]) -> Result<(), CommandError> {
    let row = |letter: &DeadLetter| {
        [
            letter.id.to_string(),
            table::line(&letter.queue, 31),
            table::line(&letter.kind, 63),
            letter.deaths.to_string(),
            letter.attempts.to_string(),
            letter.died_at.format("%Y-%m-%d %H:%M:%SZ").to_string(),
            table::line(&letter.last_error, REASON_CHARACTERS),
        ]
    };
    let rows: Vec<_> = letters.iter().map(row).collect();
    let titles = ["ID", "QUEUE", "KIND", "DEATHS", "ATTEMPTS", "DIED", "REASON"];
    Ok(table::write(&mut stdout().lock(), titles, &rows)?)
}

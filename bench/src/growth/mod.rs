//! Suite `growth`: the same calls at a thousand, a hundred thousand and a million messages in a room, rooms of a mood and calls of a demo.
//!
//! There is no peer: each call is compared with itself. What it costs may not depend on how much there is beside what it is about, so the
//! last column, its time at the most over its time at the least, is to stay below 1.5. Timed is the statement inside of the request, which is
//! rolled back: every call meets the same rows, and nobody is ever too fast for a rate limit.

mod calls;
mod fill;
mod table;

use std::time::Instant;

use sqlx::{Connection as _, Executor as _, PgConnection};

use self::calls::{CALLS, Call};
use self::table::Row;
use crate::database::Database;
use crate::drive::{Pace, turns};
use crate::echoroom;
use crate::error::Error;
use crate::line::Variant;

/// Calls that are timed in a turn.
const TIMES: usize = 30;
/// Calls before: after five Postgres may keep one plan for all arguments, and that is the one that counts.
const WARM_UP: usize = 7;

/// Measures everything, prints the table and writes the results.
pub(crate) async fn measure(
    database: &Database,
    sizes: &[u32],
    pace: Pace,
    facts: &serde_json::Value,
) -> Result<(), Error> {
    let mut keeper = database.connect_admin().await?;
    let kernel = echoroom::kernel(&mut keeper).await?;
    let mut variants = echoroom::variants(database).await?;
    variants.retain(|variant| matches!(variant, Variant::Native | Variant::Portable));
    let rows = rows(&mut keeper, sizes, &variants, pace).await;
    fill::clear(&mut keeper).await?;
    echoroom::use_kernel(&mut keeper, kernel).await?;
    table::publish(sizes, facts, pace, &rows?)
}

async fn rows(
    keeper: &mut PgConnection,
    sizes: &[u32],
    variants: &[Variant],
    pace: Pace,
) -> Result<Vec<Row>, Error> {
    let mut rows: Vec<Row> = CALLS
        .iter()
        .flat_map(|call| variants.iter().map(|variant| Row::new(call.what, *variant)))
        .collect();
    let mut before = 0;
    for size in sizes {
        eprintln!("growth: filling up to {size} messages, rooms and calls");
        fill::fill(keeper, before, *size).await?;
        before = *size;
        for round in 0..pace.rounds {
            for variant in turns(variants, round) {
                echoroom::use_kernel(keeper, variant).await?;
                for call in CALLS {
                    let figure = time(keeper, call).await?;
                    if let Some(row) = rows.iter_mut().find(|row| row.is_of(call.what, variant)) {
                        row.push(*size, figure);
                    }
                }
            }
            eprintln!("growth: {size}, round {} of {}", round + 1, pace.rounds);
        }
    }
    Ok(rows)
}

/// The median time of a call in milliseconds.
async fn time(keeper: &mut PgConnection, call: &Call) -> Result<f64, Error> {
    let doing = call.what;
    let mut times = Vec::new();
    for _ in 0..WARM_UP + TIMES {
        let mut transaction = keeper.begin().await.map_err(Error::database(doing))?;
        transaction
            .execute(call.role.sql())
            .await
            .map_err(Error::database(doing))?;
        let begin = Instant::now();
        let rows = sqlx::query(call.sql)
            .fetch_all(&mut *transaction)
            .await
            .map_err(Error::database(doing))?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        transaction.rollback().await.map_err(Error::database(doing))?;
        // An answer about nothing would be a fast one.
        if rows.is_empty() && call.has_answer {
            return Err(Error::database(doing)(sqlx::Error::RowNotFound));
        }
    }
    let mut times = times.split_off(WARM_UP);
    times.sort_by(f64::total_cmp);
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

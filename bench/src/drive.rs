//! Clients that work for a fixed time.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sqlx::PgConnection;

use crate::database::Database;
use crate::error::Error;

/// How long, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Before anything counts: plans, caches, connections.
    pub(crate) warm_up: Duration,
    /// While it counts.
    pub(crate) measured: Duration,
    /// How often each variant has its turn.
    pub(crate) rounds: usize,
}

/// One connection and its chances.
#[derive(Debug)]
pub(crate) struct Client {
    /// The connection; its statements are prepared once.
    pub(crate) connection: PgConnection,
    /// Reproducible.
    pub(crate) random: StdRng,
}

/// Each round begins with another one, so that none always follows the same one.
pub(crate) fn turns<T: Copy>(all: &[T], round: usize) -> impl Iterator<Item = T> {
    all.iter()
        .copied()
        .cycle()
        .skip(round % all.len().max(1))
        .take(all.len())
}

/// So many clients.
pub(crate) async fn connect(database: &Database, count: usize) -> Result<Vec<Client>, Error> {
    let mut clients = Vec::new();
    for seed in 0..count {
        let random = StdRng::seed_from_u64(u64::try_from(seed).unwrap_or_default());
        clients.push(Client {
            connection: database.connect().await?,
            random,
        });
    }
    Ok(clients)
}

/// Lets all clients work until the time is up. What they did a second, by the counts that `work` returns.
pub(crate) async fn rate(
    clients: &mut [Client],
    pace: Pace,
    work: impl AsyncFn(&mut Client) -> Result<u32, Error>,
) -> Result<f64, Error> {
    let begin = Instant::now() + pace.warm_up;
    let end = begin + pace.measured;
    let work = &work;
    let running = clients.iter_mut().map(|client| async move {
        let mut done = 0;
        loop {
            let count = work(client).await?;
            let now = Instant::now();
            if now >= end {
                return Ok::<_, Error>(done);
            }
            if now >= begin {
                done += count;
            }
        }
    });
    let done: u32 = try_join_all(running).await?.into_iter().sum();
    Ok(f64::from(done) / pace.measured.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_begins_with_another_one() {
        let orders: Vec<Vec<u8>> = (0..4).map(|round| turns(&[1, 2, 3], round).collect()).collect();
        assert_eq!(orders, [[1, 2, 3], [2, 3, 1], [3, 1, 2], [1, 2, 3]]);
        assert_eq!(turns::<u8>(&[], 1).count(), 0);
    }
}

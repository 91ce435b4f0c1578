//! The database, the workers on it, and a sender.

use std::time::Duration;

use rand::Rng as _;
use rand::rngs::StdRng;
use sqlx::Connection as _;

use crate::calls::Call;
use crate::postgres::Postgres;
use crate::sender::Sender;
use crate::worker::Worker;

/// A kill comes up to so long after the acknowledgement that it waits for.
const MOST_MICROSECONDS: u64 = 4000;

pub struct House {
    pub postgres: Postgres,
    pub sender: Sender,
    workers: Vec<Worker>,
    worker_database: String,
}

impl House {
    pub async fn start() -> Self {
        let postgres = Postgres::start().await;
        let mut session = postgres.session().await;
        sqlx::raw_sql("alter role parley_worker with password 'parley_worker'")
            .execute(&mut session)
            .await
            .unwrap();
        session.close().await.unwrap();
        let mut url: url::Url = postgres.url.parse().unwrap();
        url.set_username("parley_worker").unwrap();
        url.set_password(Some("parley_worker")).unwrap();
        Self {
            postgres,
            sender: Sender::new(),
            workers: Vec::new(),
            worker_database: url.into(),
        }
    }

    /// Starts workers until there are so many.
    pub async fn staff(&mut self, count: usize) {
        while self.workers.len() < count {
            // Nobody is at Tavus' address: these calls exist only here.
            let worker = Worker::start(&self.worker_database, "http://127.0.0.1:9").await;
            self.workers.push(worker);
        }
        let urls = self.workers.iter().map(|worker| worker.url.clone());
        self.sender.turn_to(urls.collect());
    }

    /// Sends everything; after so many acknowledgements and a moment, kills, and starts again what was killed.
    pub async fn kill_while_sending(
        &mut self,
        calls: &[Call],
        after: usize,
        is_postgres: bool,
        random: &mut StdRng,
    ) {
        self.sender.reset();
        let mut acknowledged = self.sender.acknowledged();
        let sender = self.sender.clone();
        let moment = Duration::from_micros(random.random_range(0..MOST_MICROSECONDS));
        let kill = async {
            acknowledged.wait_for(|count| *count >= after).await.unwrap();
            tokio::time::sleep(moment).await;
            if is_postgres {
                self.postgres.kill().await;
                self.postgres.revive().await;
            } else {
                self.kill_workers(random).await;
            }
        };
        tokio::join!(sender.send(calls), kill);
    }

    /// One of them, or now and then all.
    async fn kill_workers(&mut self, random: &mut StdRng) {
        let count = self.workers.len();
        let victims = if random.random_bool(0.2) { count } else { 1 };
        for _ in 0..victims {
            let victim = self
                .workers
                .swap_remove(random.random_range(0..self.workers.len()));
            victim.kill().await;
        }
        self.staff(count).await;
    }
}

//! The database, the workers on it, and a sender.

use std::time::Duration;

use rand::Rng as _;
use rand::rngs::StdRng;
use sqlx::Connection as _;

use crate::calls::Call;
use crate::postgres::Postgres;
use crate::sender::Sender;
use crate::worker::Worker;

/// A kill comes up to so long after what it waits for.
const MOST_MICROSECONDS: u64 = 4000;

/// Who goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    Postgres,
    OneWorker,
    AllWorkers,
}

pub struct House {
    pub postgres: Postgres,
    pub sender: Sender,
    workers: Vec<Worker>,
    worker_database: String,
    tavus_url: String,
}

impl House {
    pub async fn start(tavus_url: &str) -> Self {
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
            tavus_url: tavus_url.to_owned(),
        }
    }

    /// Starts workers until there are so many.
    pub async fn staff(&mut self, count: usize) {
        while self.workers.len() < count {
            let worker = Worker::start(&self.worker_database, &self.tavus_url).await;
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
        victim: Victim,
        random: &mut StdRng,
    ) {
        self.sender.reset();
        let mut acknowledged = self.sender.acknowledged();
        let sender = self.sender.clone();
        let kill = async {
            acknowledged.wait_for(|count| *count >= after).await.unwrap();
            let workers = self.workers.len();
            self.kill(victim, random).await;
            match victim {
                Victim::Postgres => self.postgres.revive().await,
                Victim::OneWorker | Victim::AllWorkers => self.staff(workers).await,
            }
        };
        tokio::join!(sender.send(calls), kill);
    }

    /// Kills after a moment.
    pub async fn kill(&mut self, victim: Victim, random: &mut StdRng) {
        let moment = Duration::from_micros(random.random_range(0..MOST_MICROSECONDS));
        tokio::time::sleep(moment).await;
        match victim {
            Victim::Postgres => self.postgres.kill().await,
            Victim::OneWorker => {
                let place = random.random_range(0..self.workers.len());
                self.workers.swap_remove(place).kill().await;
            }
            Victim::AllWorkers => {
                for worker in self.workers.drain(..) {
                    worker.kill().await;
                }
            }
        }
    }
}

//! A database with queues, and workers whose jobs are done by the test itself.

use std::sync::Arc;
use std::time::Duration;

use edge_worker::jobs::{Job, JobError, Perform, Runner, Settings};
use edge_worker::telemetry::Metrics;
use futures_util::future::BoxFuture;
use local_stack::Endpoints;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::database::Database;

/// What a test waits for at most. It is never waited for in full where the code is right.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something that must come.
pub async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, coming)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come"))
}

/// Waits until the database says so.
pub async fn until(pool: &PgPool, what: &str, condition: &str) {
    let asking = async {
        let condition = format!("select coalesce(({condition}), false)");
        while !sqlx::query_scalar::<_, bool>(&condition)
            .fetch_one(pool)
            .await
            .unwrap()
        {
            tokio::task::yield_now().await;
        }
    };
    soon(what, asking).await;
}

/// A database whose schedules rest.
pub struct Scene {
    database: Database,
    /// As its owner.
    pub owner: PgPool,
}

impl Scene {
    pub async fn start() -> Self {
        let database = Database::start().await;
        let owner = PgPoolOptions::new()
            .max_connections(16)
            .connect(database.url())
            .await
            .unwrap();
        let scene = Self { database, owner };
        scene
            .run("update parley.job_schedules set is_enabled = false")
            .await;
        scene
    }

    pub async fn stop(self) {
        self.owner.close().await;
        self.database.stack.stop().await.unwrap();
    }

    /// Where its project and the simulators of its providers are.
    pub fn endpoints(&self) -> &Endpoints {
        self.database.stack.endpoints()
    }

    /// The address that a worker connects to, as its own role.
    pub fn worker_url(&self) -> String {
        format!("{}?options=-c%20role%3Dparley_worker", self.database.url())
    }

    pub async fn run(&self, statement: &str) {
        sqlx::raw_sql(statement).execute(&self.owner).await.unwrap();
    }

    pub async fn text(&self, query: &str) -> String {
        sqlx::query_scalar(query).fetch_one(&self.owner).await.unwrap()
    }

    pub async fn number(&self, query: &str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.owner).await.unwrap()
    }

    /// Enqueues jobs `from..=to` for the tests' own performer.
    pub async fn enqueue(&self, from: u32, to: u32) {
        self.run(&format!(
            "select parley.enqueue_job('tavus', 'greet', jsonb_build_object('n', n)) from generate_series({from}, {to}) as n"
        ))
        .await;
    }

    pub async fn until_empty(&self) {
        let gone = "not exists (select from pgmq.q_parley_tavus) and not exists (select from parley.jobs)";
        until(&self.owner, "an empty queue", gone).await;
    }

    /// A worker with these settings, all by one line, which may be cut.
    pub fn worker_at(&self, url: &str, settings: Settings) -> Worker {
        self.worker_on(url, url, settings, PATIENCE)
    }

    /// One that hears of jobs by another line than it works by.
    pub fn worker_on(&self, url: &str, listen_url: &str, settings: Settings, patience: Duration) -> Worker {
        let pool = PgPoolOptions::new()
            .max_connections(10)
            .acquire_timeout(Duration::from_secs(1))
            .connect_lazy(url)
            .unwrap();
        Worker::start(pool, Some(listen_url.parse().unwrap()), settings, patience)
    }

    /// One that does not even try to hear of jobs.
    pub fn worker_without_wakeups(&self, settings: Settings) -> Worker {
        Worker::start(self.worker_pool(), None, settings, PATIENCE)
    }

    pub fn worker(&self, settings: Settings) -> Worker {
        self.worker_at(&self.worker_url(), settings)
    }

    /// A pool as the worker's role.
    pub fn worker_pool(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(10)
            .connect_lazy(&self.worker_url())
            .unwrap()
    }
}

/// Settings that make nobody wait.
pub fn quick() -> Settings {
    Settings {
        tavus: 4,
        maintenance: 1,
        poll: Duration::from_millis(50),
        first_delay: Duration::ZERO,
        ..Settings::default()
    }
}

/// What the test says of a job.
#[derive(Clone, Debug)]
pub enum Answer {
    Done,
    Fails(JobError),
    Panics,
}

pub fn passing(reason: &str) -> Answer {
    Answer::Fails(JobError::Retry {
        after: None,
        reason: reason.to_owned(),
    })
}

/// An attempt that waits for the test's answer.
pub struct Call {
    pub job: Job,
    pub answer: oneshot::Sender<Answer>,
}

impl Call {
    pub fn n(&self) -> i64 {
        self.job
            .payload
            .get("n")
            .and_then(serde_json::Value::as_i64)
            .unwrap()
    }

    pub fn says(self, answer: Answer) {
        // The worker may have dropped the job: then nobody hears it.
        let _ = self.answer.send(answer);
    }

    /// Waits until the worker drops it.
    pub async fn is_dropped(&mut self) {
        soon("the end of an attempt", self.answer.closed()).await;
    }
}

struct Script {
    calls: mpsc::UnboundedSender<Call>,
    given_up: mpsc::UnboundedSender<Job>,
}

impl Perform for Script {
    fn perform<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), JobError>> {
        let (answer, heard) = oneshot::channel();
        let job = job.clone();
        self.calls.send(Call { job, answer }).unwrap();
        Box::pin(async {
            match heard.await {
                Ok(Answer::Done) => Ok(()),
                Ok(Answer::Fails(error)) => Err(error),
                Ok(Answer::Panics) => panic!("on request"),
                // The test is over.
                Err(_) => std::future::pending().await,
            }
        })
    }

    fn given_up<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, ()> {
        let _ = self.given_up.send(job.clone());
        Box::pin(std::future::ready(()))
    }
}

/// A worker of which the test hears everything.
pub struct Worker {
    pub calls: mpsc::UnboundedReceiver<Call>,
    pub given_up: mpsc::UnboundedReceiver<Job>,
    pub stopping: CancellationToken,
    pub metrics: Metrics,
    ended: JoinHandle<usize>,
}

impl Worker {
    fn start(pool: PgPool, listen: Option<PgConnectOptions>, settings: Settings, patience: Duration) -> Self {
        let (calls, heard) = mpsc::unbounded_channel();
        let (given_up, burials) = mpsc::unbounded_channel();
        let (stopping, metrics) = (CancellationToken::new(), Metrics::default());
        let script = Arc::new(Script { calls, given_up });
        let runner = Runner::new(settings, pool, script, metrics.jobs().clone(), stopping.clone());
        let runner = match listen {
            Some(listen) => runner.listening_at(listen),
            None => runner.without_wakeups(),
        };
        Self {
            calls: heard,
            given_up: burials,
            stopping: stopping.clone(),
            metrics,
            ended: tokio::spawn(runner.run(patience)),
        }
    }

    pub async fn call(&mut self) -> Call {
        soon("a job", self.calls.recv()).await.unwrap()
    }

    /// How many jobs it had to cut off.
    pub async fn stopped(self) -> usize {
        self.stopping.cancel();
        soon("the end of a worker", self.ended).await.unwrap()
    }

    /// A value of its metrics; 0 where it was never counted.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.metrics.render().unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0.0, |value| value.trim().parse().unwrap())
    }

    pub fn outcomes(&self, kind: &str, outcome: &str) -> f64 {
        self.metric(&format!(
            "parley_worker_job_attempts_total{{queue=\"tavus\",kind=\"{kind}\",outcome=\"{outcome}\"}} "
        ))
    }

    /// Waits until its metrics say so.
    pub async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let asking = async {
            while !condition(self) {
                tokio::task::yield_now().await;
            }
        };
        soon(what, asking).await;
    }

    pub async fn until_listening(&self, is_listening: bool) {
        let value = f64::from(u8::from(is_listening));
        self.until("a change of the connection that listens", |worker| {
            worker.metric("parley_worker_job_wakeups_connected ") == value
        })
        .await;
    }
}

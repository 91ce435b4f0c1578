//! `docs/operations.md` names every setting, metric, queue, kind of job and schedule, and none that there is not.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use edge_worker::Config;
use edge_worker::jobs::{KINDS, Queue};
use edge_worker::telemetry::{Metrics, QueueCount};
use sqlx::PgPool;
use support::database::Database;

const PAGE: &str = include_str!("../../docs/operations.md");

/// What is below a headline.
fn section(headline: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("{headline}\n")).unwrap();
    let level = headline.split(' ').next().unwrap();
    rest.split(&format!("\n{level} ")).next().unwrap()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The rows of the first table below a headline of columns, without their backticks.
fn table(columns: &str) -> Vec<Vec<String>> {
    let (_, rest) = PAGE.split_once(&format!("{columns}\n")).unwrap();
    let rows = rest.lines().skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().replace('`', "")).collect()
    })
    .collect()
}

#[test]
fn page_has_every_setting_that_is_read_and_no_other() {
    let read = RefCell::new(BTreeSet::new());
    // What is set decides what is read besides: once nothing is, and once everything.
    for value in [None, Some("https://a.example")] {
        let _ = Config::from_env(|name| {
            read.borrow_mut().insert(name.to_owned());
            value.map(str::to_owned)
        });
    }
    let named: BTreeSet<String> = quoted(section("## Settings"))
        .filter(|word| word.contains('_') && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
        .map(str::to_owned)
        .collect();
    assert_eq!(named, read.into_inner());
}

/// What was never counted is not shown.
fn counted_once() -> Metrics {
    let (metrics, took) = (Metrics::default(), Duration::ZERO);
    metrics.request_answered("GET", "/", 200, took);
    metrics.provider_called("p", "o", "ok", took);
    metrics.connections(1, 1);
    metrics.jobs().attempted("q", "k", "done", took);
    metrics.jobs().counted("q", QueueCount::default());
    metrics.webhooks().told("p", "t", "new");
    metrics.webhooks().acknowledged("p", took);
    metrics
}

#[test]
fn page_has_every_metric_and_no_other() {
    let text = counted_once().render().unwrap();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let made: BTreeSet<&str> = types
        .map(|line| line.split(' ').next().unwrap())
        // Its line ends differently from its type.
        .map(|name| match name {
            "parley_worker_build" => "parley_worker_build_info",
            name => name,
        })
        .collect();
    let rows = table("| metric | labels | |");
    let named: BTreeSet<&str> = rows.iter().map(|row| row[0].trim_end_matches("_total")).collect();
    assert_eq!(named, made);
}

#[test]
fn page_has_every_queue_and_every_kind_of_job() {
    let rows = table("| queue | kind | comes from | does |");
    let kinds: BTreeSet<&str> = rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(kinds, KINDS.into_iter().collect());
    assert_eq!(rows.len(), KINDS.len(), "each once");
    let queues: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(queues, Queue::ALL.map(Queue::as_str).into_iter().collect());
    let hosted = section("### On Supabase");
    for queue in Queue::ALL {
        assert!(hosted.contains(&format!("`parley_{queue}`")), "{queue}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_has_every_schedule_and_every_queue_of_the_database() {
    let database = Database::start().await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    let rows: Vec<(String, String, String, i32)> =
        sqlx::query_as("select name, queue, kind, every_seconds from parley.job_schedules")
            .fetch_all(&pool)
            .await
            .unwrap();
    let kept: BTreeSet<Vec<String>> = rows
        .into_iter()
        .map(|(name, queue, kind, seconds)| vec![name, queue, kind, seconds.to_string()])
        .collect();
    let named: BTreeSet<Vec<String>> = table("| schedule | queue | kind | every seconds |")
        .into_iter()
        .collect();
    assert_eq!(named, kept);
    let queues: Vec<String> = sqlx::query_scalar("select name from parley.job_queues order by name")
        .fetch_all(&pool)
        .await
        .unwrap();
    let mut known = Queue::ALL.map(Queue::as_str);
    known.sort_unstable();
    assert_eq!(queues, known);
    // A kind is done on the queue that the page says.
    for row in table("| queue | kind | comes from | does |") {
        let scheduled = named.iter().find(|schedule| schedule[2] == row[1]);
        assert!(
            scheduled.is_none_or(|schedule| schedule[1] == row[0]),
            "{row:?} {scheduled:?}"
        );
    }
    pool.close().await;
    database.stack.stop().await.unwrap();
}

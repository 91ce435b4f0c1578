//! Poolers before the database: what they lose is found out at start.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use edge_worker::db::Session;
use edge_worker::serve::reach;
use edge_worker::{Config, start};
use sqlx::PgPool;
use support::app::config;
use support::database::Database;
use support::pooler::{Mode, Pooler, prepares_statements};
use tokio_util::sync::CancellationToken;

fn through(pooler: &Pooler) -> Config {
    config(&pooler.url, &[])
}

#[tokio::test(flavor = "multi_thread")]
async fn pooler_is_told_by_what_it_loses_and_not_by_its_address() {
    let database = Database::start().await;
    let direct = config(database.url(), &[]);
    let (pool, session) = reach(&direct.database).await.unwrap();
    assert_eq!(session, Session { is_notified: true });
    pool.close().await;

    let pooler = Pooler::start(database.url(), Mode::Session).await;
    let (pool, session) = reach(&through(&pooler).database).await.unwrap();
    assert_eq!(session, Session { is_notified: true });
    pool.close().await;

    let pooler = Pooler::start(database.url(), Mode::Transaction).await;
    // Others use it meanwhile: there are sessions to be had.
    let others = PgPool::connect(&pooler.url).await.unwrap();
    let busy = others.begin().await.unwrap();
    for _ in 0..3 {
        let error = start(&through(&pooler), CancellationToken::new())
            .await
            .unwrap_err();
        let told = edge_worker::telemetry::chain(&error);
        assert!(
            told.starts_with("WORKER_DB_URL: a pooler in transaction mode is before this database"),
            "{told}"
        );
        assert!(told.contains("prepared statement"), "{told}");
    }
    drop(busy);
    drop(others);

    // One of before 1.21 cannot carry them over, and then there is nothing to try.
    if prepares_statements() {
        let pooler = Pooler::start(database.url(), Mode::TransactionWithStatements).await;
        let (pool, session) = reach(&through(&pooler).database).await.unwrap();
        assert_eq!(session, Session { is_notified: false });
        for number in 0..20 {
            let told: i32 = sqlx::query_scalar("select $1::integer")
                .bind(number)
                .fetch_one(&pool)
                .await
                .unwrap();
            assert_eq!(told, number);
        }
        pool.close().await;
    }
    database.stack.stop().await.unwrap();
}

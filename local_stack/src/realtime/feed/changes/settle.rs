//! Waits until what the WAL tells can be seen.
//!
//! The server sends a transaction when its commit is in the WAL, which is a moment before other sessions see it. A policy that is
//! asked in that moment does not find the row, and the change would be lost.

use std::time::Duration;

use pg_walstream::Xid;
use sqlx::PgConnection;
use tokio::time::Instant;

/// How long the moment can last before something is wrong; then the policies are asked all the same.
const PATIENCE: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(1);

/// The stream leaves the epoch of a transaction's number out: it is the one that brings it closest to the newest number.
const IS_VISIBLE: &str = "select pg_visible_in_snapshot(
        (newest + ((($1 - newest + 2147483648) & 4294967295) - 2147483648))::text::xid8,
        snapshot
    )
    from (select pg_current_snapshot()) as s (snapshot),
        lateral (select pg_snapshot_xmax(snapshot)::text::bigint) as n (newest)";

/// The last transaction that was waited for: its other changes need no question.
#[derive(Default)]
pub(super) struct Settled(Option<Xid>);

impl Settled {
    /// Returns when other sessions see the transaction.
    pub(super) async fn wait(&mut self, connection: &mut PgConnection, xid: Xid) -> sqlx::Result<()> {
        if self.0 == Some(xid) {
            return Ok(());
        }
        let deadline = Instant::now() + PATIENCE;
        while !is_visible(connection, xid).await? {
            if Instant::now() >= deadline {
                tracing::warn!(xid, "a committed transaction is not visible");
                break;
            }
            tokio::time::sleep(STEP).await;
        }
        self.0 = Some(xid);
        Ok(())
    }
}

async fn is_visible(connection: &mut PgConnection, xid: Xid) -> sqlx::Result<bool> {
    sqlx::query_scalar(IS_VISIBLE)
        .bind(i64::from(xid))
        .fetch_one(connection)
        .await
}

#[cfg(test)]
mod tests {
    use super::is_visible;
    use crate::realtime::feed::tests::support::Bench;

    #[tokio::test(flavor = "multi_thread")]
    async fn transaction_is_visible_when_it_has_ended_and_not_before() {
        let bench = Bench::start("select 1;").await;
        let mut writer = bench.connect("postgres").await;
        let mut reader = bench.connect("postgres").await;
        sqlx::query("begin").execute(&mut writer).await.unwrap();
        let xid: i64 = sqlx::query_scalar("select pg_current_xact_id()::text::bigint")
            .fetch_one(&mut writer)
            .await
            .unwrap();
        let xid = u32::try_from(xid).unwrap();
        assert!(!is_visible(&mut reader, xid).await.unwrap());
        // Newer ones that have ended change nothing.
        bench.run("postgres", "create table public.t (n int)").await;
        assert!(!is_visible(&mut reader, xid).await.unwrap());
        sqlx::query("commit").execute(&mut writer).await.unwrap();
        assert!(is_visible(&mut reader, xid).await.unwrap());
        // Half the numbers are in the past, and half in the future.
        assert!(!is_visible(&mut reader, xid + 1_000_000).await.unwrap());
        bench.stop().await;
    }
}

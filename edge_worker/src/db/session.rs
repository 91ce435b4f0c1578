//! Whether the database keeps what a session has, found out by trying. Behind a pooler in transaction mode every transaction may run in
//! another session: prepared statements are gone then, unless the pooler carries them over, and nobody hears a `NOTIFY`.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};

use super::check::CheckError;

/// A step that takes longer has met a database that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a notification may take. It is waited for in full only where none comes.
const HEARING: Duration = Duration::from_secs(5);

/// A pooler may give a session back by chance, the more of them it has.
const ROUNDS: i32 = 5;

/// What a connection keeps from one transaction to the next, besides prepared statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// `LISTEN` hears what others notify.
    pub is_notified: bool,
}

/// Tries it, on connections of its own: those of a pool would not say why none came about.
///
/// # Errors
///
/// [`CheckError::Unreachable`]; [`CheckError::NoSession`] where prepared statements get lost.
pub async fn session(pool: &PgPool) -> Result<Session, CheckError> {
    let options = pool.connect_options();
    let mut mine = within(PgConnection::connect_with(&options)).await?;
    let mut other = within(PgConnection::connect_with(&options)).await?;
    for round in 0..ROUNDS {
        keeps_statements(&mut mine, &mut other, round).await?;
    }
    let is_notified = is_notified(&options, &mut other).await?;
    // Whoever hangs up without a word leaves an error in the log of the server.
    let _ = within(mine.close()).await;
    let _ = within(other.close()).await;
    Ok(Session { is_notified })
}

/// A statement is prepared; another connection keeps the session busy in which that was, where there are several; the statement runs again.
/// Where there is one for both, its name is taken for the other connection.
async fn keeps_statements(
    mine: &mut PgConnection,
    other: &mut PgConnection,
    round: i32,
) -> Result<(), CheckError> {
    let statement = "select $1::integer";
    let ask = async |connection: &mut PgConnection| {
        within(
            sqlx::query_scalar::<_, i32>(statement)
                .bind(round)
                .fetch_one(connection),
        )
        .await
    };
    ask(mine).await?;
    let mut busy = within(other.begin()).await?;
    ask(&mut busy).await?;
    ask(mine).await?;
    within(busy.rollback()).await
}

async fn is_notified(options: &PgConnectOptions, other: &mut PgConnection) -> Result<bool, CheckError> {
    let channel = format!("parley_session_{:016x}", rand::random::<u64>());
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options.clone());
    let mut listener = within(PgListener::connect_with(&pool)).await?;
    within(listener.listen(&channel)).await?;
    let notify = sqlx::query("select pg_notify($1, '')").bind(&channel);
    within(notify.execute(other)).await?;
    Ok(tokio::time::timeout(HEARING, listener.try_recv())
        .await
        .is_ok_and(|heard| matches!(heard, Ok(Some(_)))))
}

async fn within<T>(asked: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, CheckError> {
    tokio::time::timeout(PATIENCE, asked)
        .await
        .unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
        .map_err(CheckError::of)
}

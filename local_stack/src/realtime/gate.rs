//! Asks the policies on `realtime.messages` what a caller may do on a private topic, as Supabase does: with rows that are tried
//! and rolled back.

use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

use crate::identity::Caller;
use crate::postgres::Address;

/// Probes take about a millisecond.
const CONNECTIONS: u32 = 10;

const CHECK_VIOLATION: &str = "23514";
const INSUFFICIENT_PRIVILEGE: &str = "42501";
const QUERY_CANCELED: &str = "57014";

/// What a topic is used for; policies tell them apart by the column `extension`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extension {
    Broadcast,
    Presence,
}

impl Extension {
    fn name(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::Presence => "presence",
        }
    }
}

/// What a caller may hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) broadcast: bool,
    /// Unknown as long as nobody asked.
    pub(super) presence: Option<bool>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProbeError {
    /// `realtime.messages` has no partition for today.
    #[error("there is no partition for today")]
    MissingPartition,
    /// A policy took too long.
    #[error("a policy took too long: {0}")]
    Canceled(#[source] sqlx::Error),
    /// A policy failed, or the role of the token is none.
    #[error("a policy failed: {0}")]
    Policy(#[source] sqlx::Error),
    /// All connections are busy.
    #[error("no connection is free")]
    PoolExhausted,
    /// The database is not there.
    #[error("the database did not answer: {0}")]
    Unreachable(#[source] sqlx::Error),
}

impl From<sqlx::Error> for ProbeError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        match (&error, code.as_deref()) {
            (sqlx::Error::PoolTimedOut, _) => Self::PoolExhausted,
            (_, Some(CHECK_VIOLATION)) => Self::MissingPartition,
            (_, Some(QUERY_CANCELED)) => Self::Canceled(error),
            (_, Some(_)) => Self::Policy(error),
            (_, None) => Self::Unreachable(error),
        }
    }
}

/// The way to the policies.
pub(super) struct Gate {
    pool: PgPool,
}

impl Gate {
    /// Connects as a superuser when the first question comes: the rows are tried without and with policies.
    pub(super) fn new(address: Address) -> Self {
        Self {
            pool: address.pool("supabase_admin", CONNECTIONS),
        }
    }

    /// What the caller may hear on a topic (without the prefix): a row for each extension is put in past the policies, and the
    /// caller looks which of them there are.
    pub(super) async fn read(
        &self,
        caller: &Caller,
        topic: &str,
        with_presence: bool,
    ) -> Result<Reading, ProbeError> {
        let (broadcast, presence) = (Uuid::new_v4(), Uuid::new_v4());
        let mut ids = vec![broadcast];
        let mut extensions = vec![Extension::Broadcast.name()];
        if with_presence {
            ids.push(presence);
            extensions.push(Extension::Presence.name());
        }
        let mut tx = self.begin().await?;
        sqlx::query(
            "insert into realtime.messages (id, topic, extension, inserted_at, updated_at)
            select p.id, $1, p.extension, now() at time zone 'UTC', now() at time zone 'UTC'
            from unnest($2::uuid[], $3::text[]) as p (id, extension)",
        )
        .bind(topic)
        .bind(&ids)
        .bind(&extensions)
        .execute(&mut *tx)
        .await?;
        caller.assume(&mut tx, &[("realtime.topic", topic)]).await?;
        let seen: Vec<Uuid> = sqlx::query_scalar("select id from realtime.messages where id = any($1)")
            .bind(&ids)
            .fetch_all(&mut *tx)
            .await
            .or_else(without_privilege)?;
        tx.rollback().await?;
        Ok(Reading {
            broadcast: seen.contains(&broadcast),
            presence: with_presence.then(|| seen.contains(&presence)),
        })
    }

    /// Whether the caller may send on a topic (without the prefix): the caller tries to put a row in.
    pub(super) async fn write(
        &self,
        caller: &Caller,
        topic: &str,
        extension: Extension,
    ) -> Result<bool, ProbeError> {
        let mut tx = self.begin().await?;
        caller.assume(&mut tx, &[("realtime.topic", topic)]).await?;
        let tried = sqlx::query(
            "insert into realtime.messages (topic, extension, inserted_at, updated_at)
            values ($1, $2, now() at time zone 'UTC', now() at time zone 'UTC')",
        )
        .bind(topic)
        .bind(extension.name())
        .execute(&mut *tx)
        .await;
        tx.rollback().await?;
        match tried {
            Ok(_) => Ok(true),
            Err(error) if has_code(&error, INSUFFICIENT_PRIVILEGE) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives back every connection.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, ProbeError> {
        let mut tx = self.pool.begin().await?;
        // A policy that never ends must not keep the connection.
        sqlx::query("set local statement_timeout = '5s'")
            .execute(&mut *tx)
            .await?;
        Ok(tx)
    }
}

/// A role without any grant on the table sees nothing.
fn without_privilege(error: sqlx::Error) -> Result<Vec<Uuid>, sqlx::Error> {
    if has_code(&error, INSUFFICIENT_PRIVILEGE) {
        Ok(Vec::new())
    } else {
        Err(error)
    }
}

fn has_code(error: &sqlx::Error, code: &str) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.code())
        .is_some_and(|found| found == code)
}

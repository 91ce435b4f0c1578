//! A place of its own for every test: a schema, or a whole database where a test changes what all share.

use std::panic::AssertUnwindSafe;

use crate::error::Error;
use crate::session::{Row, Session};
use crate::settings::Settings;

/// `counter_drift` and `repair_counters` look at the tables of everybody, so no other test may drop tables, or write wrong counters
/// on purpose, while they run. The number is arbitrary; it is the key of an advisory lock.
const EVERYBODY: &str = "7316914201";

/// Where a test works.
#[derive(Debug)]
pub struct Place {
    /// A session as role postgres; short names mean the place's own schema.
    pub session: Session,
    /// The name of the schema.
    pub schema: String,
    settings: Settings,
}

impl Place {
    /// Another session like the first one.
    ///
    /// # Errors
    ///
    /// [`Error::Connection`] when the server does not answer.
    pub async fn session(&self) -> Result<Session, Error> {
        open(&self.settings.url, &self.schema).await
    }

    /// A session as superuser.
    ///
    /// # Errors
    ///
    /// [`Error::Connection`] when the server does not answer.
    pub async fn admin(&self) -> Result<Session, Error> {
        open(&self.settings.admin_url, &self.schema).await
    }

    /// What `counter_drift` says of the tables of this place: `child`, `parent`, `counter`, `key`, `stored`, `actual`.
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub async fn drift(&mut self) -> Result<Vec<Row>, Error> {
        let sql = format!(
            "select drift.* from parley.counter_drift() as drift join pg_class as c on c.oid = drift.parent
             where c.relnamespace = '{}'::regnamespace order by drift.parent, drift.counter, drift.key",
            self.schema
        );
        self.shared(&sql).await
    }

    /// Runs a statement while nobody drops tables or writes wrong counters on purpose.
    async fn shared(&mut self, sql: &str) -> Result<Vec<Row>, Error> {
        self.session
            .run(&format!("select pg_advisory_lock_shared({EVERYBODY})"))
            .await?;
        let outcome = self.session.rows(sql).await;
        self.session
            .run(&format!("select pg_advisory_unlock_shared({EVERYBODY})"))
            .await?;
        outcome
    }

    /// Keeps every other test from looking at all tables until [`Place::unlock_everybody`].
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub async fn lock_everybody(&mut self) -> Result<(), Error> {
        self.session
            .run(&format!("select pg_advisory_lock({EVERYBODY})"))
            .await
    }

    /// Ends [`Place::lock_everybody`].
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub async fn unlock_everybody(&mut self) -> Result<(), Error> {
        self.session
            .run(&format!("select pg_advisory_unlock({EVERYBODY})"))
            .await
    }

    async fn enter(settings: Settings) -> Result<Self, Error> {
        let schema = format!("test_{}", uuid::Uuid::new_v4().simple());
        let mut session = Session::open(&settings.url).await?;
        session.run(&format!("create schema {schema}")).await?;
        session
            .run(&format!("set search_path = {schema}, public"))
            .await?;
        Ok(Self {
            session,
            schema,
            settings,
        })
    }

    /// A fresh session drops the schema: the test's own may be in the middle of anything.
    async fn leave(self) -> Result<(), Error> {
        drop(self.session);
        let mut session = Session::open(&self.settings.url).await?;
        session.run("set client_min_messages = warning").await?;
        session
            .run(&format!("select pg_advisory_lock({EVERYBODY})"))
            .await?;
        // Ends the aggregates first: dropped tables would leave their functions in the portable kernel.
        session
            .run(&format!(
                "select parley.stop_maintaining(kept.parent, kept.target) from parley.aggregates as kept
                 where kept.parent in (select oid from pg_class where relnamespace = '{0}'::regnamespace)
                     and kept.child in (select oid from pg_class);
                 drop schema {0} cascade",
                self.schema
            ))
            .await?;
        session.close().await
    }
}

async fn open(url: &str, schema: &str) -> Result<Session, Error> {
    let mut session = Session::open(url).await?;
    session
        .run(&format!("set search_path = {schema}, public"))
        .await?;
    Ok(session)
}

/// Runs a test in a schema of its own, and drops the schema whether the test passes, fails or panics.
///
/// # Errors
///
/// What the test returned, or why there was no place for it.
pub fn in_schema<E: From<Error>>(test: impl AsyncFnOnce(&mut Place) -> Result<(), E>) -> Result<(), E> {
    let settings = Settings::find()?;
    let runtime = runtime()?;
    let mut place = runtime.block_on(Place::enter(settings))?;
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(test(&mut place))));
    let left = runtime.block_on(place.leave());
    match outcome {
        Ok(outcome) => outcome.and(left.map_err(E::from)),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Runs a test in a new, empty database, which the test gets the URL of, and drops the database afterwards.
///
/// # Errors
///
/// What the test returned, or why there was no database for it.
pub fn in_database<E: From<Error>>(test: impl AsyncFnOnce(&str) -> Result<(), E>) -> Result<(), E> {
    let settings = Settings::find()?;
    let runtime = runtime()?;
    let name = format!("test_{}", uuid::Uuid::new_v4().simple());
    let (server, _) = settings.url.rsplit_once('/').unwrap_or((&settings.url, ""));
    let url = format!("{server}/{name}");
    runtime.block_on(on(
        &settings.url,
        &format!("create database {name} template template0"),
    ))?;
    // As on Supabase, where the kernel finds the schema and may have the extension.
    let (admin_server, _) = settings
        .admin_url
        .rsplit_once('/')
        .unwrap_or((&settings.admin_url, ""));
    runtime.block_on(on(
        &format!("{admin_server}/{name}"),
        "create schema extensions authorization postgres; create extension vector with schema extensions",
    ))?;
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(test(&url))));
    let dropped = runtime.block_on(on(&settings.url, &format!("drop database {name} with (force)")));
    match outcome {
        Ok(outcome) => outcome.and(dropped.map_err(E::from)),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

async fn on(url: &str, sql: &str) -> Result<(), Error> {
    let mut session = Session::open(url).await?;
    session.run(sql).await?;
    session.close().await
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Error::Runtime)
}

//! A connection of the pool, and a transaction on it.
//!
//! `tokio-postgres` and not the driver of the rest of the stack, for two reasons: parameters go as text without a type, so that Postgres
//! takes the type that fits their place as it does for PostgREST; and statements are sent one after the other without waiting for
//! answers, so that a whole transaction is one round trip.

use std::collections::HashMap;
use std::error::Error as StdError;

use bytes::BytesMut;
use futures_util::future;
use postgrest_sql::{DatabaseError, Error, Statement};
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, NoTls, Row};

/// As many texts of statements are remembered on a connection.
const MOST_STATEMENTS: usize = 200;

/// Sets all that is local to a transaction, in the order of the arrays.
const SETTINGS: &str = "select pg_catalog.set_config(s.name, s.value, true) from rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) as s (name, value)";

/// A connection that is logged in as `authenticator`.
pub(super) struct Connection {
    client: Client,
    settings: tokio_postgres::Statement,
    /// What was run before: a text that comes a second time is prepared.
    statements: HashMap<String, Option<tokio_postgres::Statement>>,
    /// Which reading of the database the prepared statements are of. Their parameters have the types of that time.
    generation: u64,
}

/// What a transaction is made of.
pub(super) struct Transaction<'a> {
    /// `begin ...`
    pub(super) begin: String,
    pub(super) names: Vec<String>,
    pub(super) values: Vec<String>,
    /// A call before the statement.
    pub(super) before: Option<String>,
    pub(super) statement: &'a Statement,
    /// `commit` or `rollback`, sent along; without, the transaction is left open.
    pub(super) end: Option<&'a str>,
}

/// Why something did not go well.
pub(super) enum Failure {
    /// Postgres refused it.
    Refused(DatabaseError),
    /// The connection is of no use any more.
    Broken(Error),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(reported) = error.as_db_error() else {
            let broken = Error::new(503, "PGRST001", "Database client error. Retrying the connection.");
            return Self::Broken(broken.with_details(error.to_string()));
        };
        Self::Refused(DatabaseError {
            sqlstate: reported.code().code().to_owned(),
            message: reported.message().to_owned(),
            detail: reported.detail().map(str::to_owned),
            hint: reported.hint().map(str::to_owned),
        })
    }
}

impl Connection {
    pub(super) async fn open(config: &tokio_postgres::Config) -> Result<Self, tokio_postgres::Error> {
        let (client, driver) = config.connect(NoTls).await?;
        tokio::spawn(async move {
            // Whoever waits for an answer is told too.
            if let Err(error) = driver.await {
                tracing::debug!(%error, "a connection of the REST API ended");
            }
        });
        let settings = client.prepare(SETTINGS).await?;
        Ok(Self {
            client,
            settings,
            statements: HashMap::new(),
            generation: 0,
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Forgets what was prepared before the database was read the last time.
    pub(super) fn renew(&mut self, generation: u64) {
        if self.generation != generation || self.statements.len() > MOST_STATEMENTS {
            self.statements.clear();
            self.generation = generation;
        }
    }

    /// Runs it all, sent at once. Of several errors the first is the reason of the others.
    pub(super) async fn run(&mut self, transaction: &Transaction<'_>) -> Result<Vec<Row>, Failure> {
        let parameters: [&(dyn ToSql + Sync); 2] = [&transaction.names, &transaction.values];
        let begin = self.client.batch_execute(&transaction.begin);
        let settings = self.client.query(&self.settings, &parameters);
        let before = async {
            match &transaction.before {
                Some(sql) => self.client.batch_execute(sql).await,
                None => Ok(()),
            }
        };
        let known = self.statements.get(&transaction.statement.sql).cloned();
        if let Some(None) = known {
            // The types of its parameters are asked for, so this cannot be sent along with what comes after.
            let (begun, set, done, prepared) = future::join4(
                begin,
                settings,
                before,
                self.client.prepare(&transaction.statement.sql),
            )
            .await;
            begun?;
            set?;
            done?;
            let prepared = prepared?;
            let main = query(&self.client, transaction.statement, Some(&prepared));
            let (rows, ended) = future::join(main, end(&self.client, transaction.end)).await;
            self.statements
                .insert(transaction.statement.sql.clone(), Some(prepared));
            let rows = rows?;
            ended?;
            return Ok(rows);
        }
        let prepared = known.flatten();
        let main = query(&self.client, transaction.statement, prepared.as_ref());
        let (begun, set, done, rows, ended) =
            future::join5(begin, settings, before, main, end(&self.client, transaction.end)).await;
        begun?;
        set?;
        done?;
        let rows = rows?;
        ended?;
        if prepared.is_none() {
            self.statements.insert(transaction.statement.sql.clone(), None);
        }
        Ok(rows)
    }

    /// One more statement of an open transaction.
    pub(super) async fn query(&self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        Ok(query(&self.client, statement, None).await?)
    }

    /// Ends an open transaction.
    pub(super) async fn end(&self, sql: &str) -> Result<(), Failure> {
        Ok(self.client.batch_execute(sql).await?)
    }
}

async fn end(client: &Client, sql: Option<&str>) -> Result<(), tokio_postgres::Error> {
    match sql {
        Some(sql) => client.batch_execute(sql).await,
        None => Ok(()),
    }
}

async fn query(
    client: &Client,
    statement: &Statement,
    prepared: Option<&tokio_postgres::Statement>,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let texts: Vec<Text<'_>> = statement
        .parameters
        .iter()
        .map(|value| Text(value.as_deref()))
        .collect();
    match prepared {
        Some(prepared) => {
            let values: Vec<&(dyn ToSql + Sync)> =
                texts.iter().map(|text| text as &(dyn ToSql + Sync)).collect();
            client.query(prepared, &values).await
        }
        None => {
            let values: Vec<(&(dyn ToSql + Sync), Type)> = texts
                .iter()
                .map(|text| (text as &(dyn ToSql + Sync), Type::UNKNOWN))
                .collect();
            client.query_typed(&statement.sql, &values).await
        }
    }
}

/// The text form of a value of whatever type.
#[derive(Debug)]
struct Text<'a>(Option<&'a str>);

impl ToSql for Text<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        let Some(text) = self.0 else {
            return Ok(IsNull::Yes);
        };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// A column whose binary form is its text: text and json.
pub(super) struct Characters(pub(super) String);

impl<'a> FromSql<'a> for Characters {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(std::str::from_utf8(raw)?.to_owned()))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::TEXT | Type::JSON | Type::VARCHAR | Type::UNKNOWN)
    }
}

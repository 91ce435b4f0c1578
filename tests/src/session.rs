//! One connection that speaks plain SQL and hands every value back as text, so that a test reads like psql.

use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgRow};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _, ValueRef as _};

use crate::error::{Error, Refusal};

/// The columns of one row, as text; null is `None`.
pub type Row = Vec<Option<String>>;

/// A connection to the database.
#[derive(Debug)]
pub struct Session {
    connection: PgConnection,
}

impl Session {
    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// [`Error::Connection`] when the server does not answer or refuses.
    pub async fn open(url: &str) -> Result<Self, Error> {
        let options: PgConnectOptions = url.parse().map_err(Error::Connection)?;
        let connection = options
            .disable_statement_logging()
            .connect()
            .await
            .map_err(Error::Connection)?;
        Ok(Self { connection })
    }

    /// Runs statements, separated by semicolons, and throws their rows away. Several are one transaction.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with the database's answer, [`Error::Connection`] when there is none.
    pub async fn run(&mut self, sql: &str) -> Result<(), Error> {
        self.rows(sql).await.map(drop)
    }

    /// The rows of statements.
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub async fn rows(&mut self, sql: &str) -> Result<Vec<Row>, Error> {
        let rows = self
            .connection
            .fetch_all(sqlx::raw_sql(sql))
            .await
            .map_err(|error| explain(error, sql))?;
        rows.iter().map(text_row).collect()
    }

    /// The one value of the one row of a statement.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]; [`Error::Shape`] when there is not exactly one row of one column.
    pub async fn value(&mut self, sql: &str) -> Result<Option<String>, Error> {
        let mut rows = self.rows(sql).await?;
        match (rows.pop(), rows.is_empty()) {
            (Some(mut row), true) if row.len() == 1 => Ok(row.pop().flatten()),
            (last, _) => Err(Error::Shape {
                expected: "one row of one column",
                got: format!("{} rows", rows.len() + usize::from(last.is_some())),
                statement: sql.to_owned(),
            }),
        }
    }

    /// The one value of a statement that never answers null.
    ///
    /// # Errors
    ///
    /// As [`Session::value`]; [`Error::Shape`] for null.
    pub async fn text(&mut self, sql: &str) -> Result<String, Error> {
        let value = self.value(sql).await?;
        value.ok_or_else(|| Error::Shape {
            expected: "a value",
            got: "null".to_owned(),
            statement: sql.to_owned(),
        })
    }

    /// How the database refuses a statement.
    ///
    /// # Errors
    ///
    /// [`Error::NotRefused`] when it does not, [`Error::Connection`] when it does not answer.
    pub async fn refusal(&mut self, sql: &str) -> Result<Refusal, Error> {
        match self.rows(sql).await {
            Ok(_) => Err(Error::NotRefused(sql.to_owned())),
            Err(Error::Refused { refusal, .. }) => Ok(refusal),
            Err(error) => Err(error),
        }
    }

    /// The rows of a statement, or how the database refused it.
    ///
    /// # Errors
    ///
    /// [`Error::Connection`] when the database does not answer.
    pub async fn outcome(&mut self, sql: &str) -> Result<Result<Vec<Row>, Refusal>, Error> {
        match self.rows(sql).await {
            Ok(rows) => Ok(Ok(rows)),
            Err(Error::Refused { refusal, .. }) => Ok(Err(refusal)),
            Err(error) => Err(error),
        }
    }

    /// Sends lines to a `copy ... from stdin`.
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub async fn copy(&mut self, sql: &str, lines: &str) -> Result<(), Error> {
        let refused = |error| explain(error, sql);
        let mut copy = self.connection.copy_in_raw(sql).await.map_err(refused)?;
        copy.send(lines.as_bytes()).await.map_err(refused)?;
        copy.finish().await.map_err(refused).map(drop)
    }

    /// The server's process of this connection.
    ///
    /// # Errors
    ///
    /// As [`Session::value`].
    pub async fn backend(&mut self) -> Result<String, Error> {
        self.text("select pg_backend_pid()").await
    }

    /// Says goodbye to the server.
    ///
    /// # Errors
    ///
    /// [`Error::Connection`] when it is gone already.
    pub async fn close(self) -> Result<(), Error> {
        self.connection.close().await.map_err(Error::Connection)
    }
}

/// The simple protocol sends every value as text.
fn text_row(row: &PgRow) -> Result<Row, Error> {
    (0..row.len())
        .map(|column| {
            let value = row.try_get_raw(column).map_err(Error::Connection)?;
            if value.is_null() {
                return Ok(None);
            }
            value
                .as_str()
                .map(|text| Some(text.to_owned()))
                .map_err(|error| Error::Connection(sqlx::Error::Decode(error)))
        })
        .collect()
}

fn explain(error: sqlx::Error, sql: &str) -> Error {
    let answer = match &error {
        sqlx::Error::Database(answer) => answer.try_downcast_ref::<PgDatabaseError>(),
        _ => None,
    };
    match answer {
        Some(answer) => Error::Refused {
            refusal: Refusal {
                code: answer.code().to_owned(),
                message: answer.message().to_owned(),
                detail: answer.detail().map(str::to_owned),
                hint: answer.hint().map(str::to_owned),
            },
            statement: sql.to_owned(),
        },
        None => Error::Connection(error),
    }
}

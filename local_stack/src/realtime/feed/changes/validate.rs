//! Checks a request against the catalogue when a client subscribes, so that no change can fail on it later.

use sqlx::PgConnection;

use super::catalogue::{Column, Table};
use super::error::SubscribeError;
use super::filter::{Filter, Operator};
use super::request::Wanted;
use crate::realtime::feed::publications::CHANGES;

/// More values than this make an `in` too costly for every change.
const MOST_ITEMS: i64 = 100;

const TABLES: &str = "select c.oid::bigint
    from pg_catalog.pg_publication_tables p
    join pg_catalog.pg_namespace n on n.nspname = p.schemaname
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
    where p.pubname = $1 and $2 in (p.schemaname, '*') and $3 in (p.tablename, '*')";

const HAS_OPERATOR: &str = "select exists (
        select from pg_catalog.pg_operator
        where oprname = $1 and oprleft::bigint = $2 and ($1 = '~~' or oprright = oprleft)
    )";

/// Checks one request. A wildcard has to fit every table that it covers now.
pub(super) async fn validate(
    connection: &mut PgConnection,
    wanted: &Wanted,
    role: &str,
) -> Result<(), SubscribeError> {
    let database = |error: sqlx::Error| SubscribeError::database(wanted, &error);
    let tables: Vec<i64> = sqlx::query_scalar(TABLES)
        .bind(CHANGES)
        .bind(&wanted.schema)
        .bind(&wanted.table)
        .fetch_all(&mut *connection)
        .await
        .map_err(database)?;
    if tables.is_empty() {
        return Err(SubscribeError::not_published(wanted));
    }
    for oid in tables {
        // Dropped between the two questions.
        let Some(table) = Table::read(connection, oid).await.map_err(database)? else {
            continue;
        };
        fits(connection, wanted, &table, role).await?;
    }
    Ok(())
}

async fn fits(
    connection: &mut PgConnection,
    wanted: &Wanted,
    table: &Table,
    role: &str,
) -> Result<(), SubscribeError> {
    let readable = table
        .readable(connection, role)
        .await
        .map_err(|error| SubscribeError::database(wanted, &error))?;
    for filter in &wanted.filters {
        let column = table
            .columns
            .iter()
            .find(|column| column.name == filter.column && readable.contains(&column.name))
            .ok_or_else(|| {
                SubscribeError::raised(wanted, &format!("invalid column for filter {}", filter.column))
            })?;
        check(connection, filter, column)
            .await
            .map_err(|problem| match problem {
                Problem::Raised(message) => SubscribeError::raised(wanted, &message),
                Problem::Database(error) => SubscribeError::database(wanted, &error),
            })?;
    }
    for name in wanted.select.iter().flatten() {
        if !readable.contains(name) {
            return Err(SubscribeError::raised(
                wanted,
                &format!("invalid column for select {name}"),
            ));
        }
    }
    Ok(())
}

enum Problem {
    Raised(String),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

async fn check(connection: &mut PgConnection, filter: &Filter, column: &Column) -> Result<(), Problem> {
    let name = filter.operator.name();
    match filter.operator {
        Operator::In => check_items(connection, filter, column).await,
        Operator::Is => check_word(filter, column),
        Operator::Like | Operator::Ilike => needs_operator(connection, "~~", name, column).await,
        Operator::Match | Operator::Imatch => {
            let symbol = if filter.operator == Operator::Match {
                "~"
            } else {
                "~*"
            };
            needs_operator(connection, symbol, name, column).await?;
            sqlx::query("select '' ~ $1")
                .bind(&filter.value)
                .execute(connection)
                .await
                .map_err(|error| match error.as_database_error() {
                    Some(said) => Problem::Raised(format!(
                        "invalid regular expression for {name} filter: {}",
                        said.message()
                    )),
                    None => Problem::Database(error),
                })?;
            Ok(())
        }
        _ => {
            // The condition itself, so that a type without the operator is refused now as well.
            let statement = format!("select {}", filter.condition(&column.sql_type, "$1"));
            sqlx::query(&statement)
                .bind(&filter.value)
                .execute(connection)
                .await?;
            Ok(())
        }
    }
}

async fn check_items(connection: &mut PgConnection, filter: &Filter, column: &Column) -> Result<(), Problem> {
    let statement = format!("select cardinality($1::text::{}[])::bigint", column.sql_type);
    let count: i64 = sqlx::query_scalar(&statement)
        .bind(&filter.value)
        .fetch_one(&mut *connection)
        .await?;
    if count > MOST_ITEMS {
        return Err(Problem::Raised(format!(
            "too many values for `in` filter. Maximum {MOST_ITEMS}"
        )));
    }
    Ok(())
}

fn check_word(filter: &Filter, column: &Column) -> Result<(), Problem> {
    match filter.value.as_str() {
        "null" => Ok(()),
        "true" | "false" | "unknown" if column.type_oid == 16 => Ok(()),
        "true" | "false" | "unknown" => Err(Problem::Raised(format!(
            "is {} filter requires a boolean column, got {}",
            filter.value, column.type_name
        ))),
        _ => Err(Problem::Raised(
            "invalid value for is filter: must be null, true, false, or unknown".to_owned(),
        )),
    }
}

async fn needs_operator(
    connection: &mut PgConnection,
    symbol: &str,
    name: &str,
    column: &Column,
) -> Result<(), Problem> {
    let has_operator: bool = sqlx::query_scalar(HAS_OPERATOR)
        .bind(symbol)
        .bind(i64::from(column.type_oid))
        .fetch_one(connection)
        .await?;
    if has_operator {
        return Ok(());
    }
    Err(Problem::Raised(format!(
        "operator {name} requires a text-compatible column type, got {}",
        column.type_name
    )))
}

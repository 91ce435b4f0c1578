//! Who may see a row: the policies decide.
//!
//! Cost: one round trip to assume the caller and one to select, for every change and every distinct pair of role and claims
//! among those whose filters let the change through; so changes × distinct claims, as on Supabase. A filter that names the room
//! keeps that small; a table that everybody follows without a filter does not scale, here or there, and wants Broadcast.

use sqlx::{Connection as _, PgConnection};

use super::catalogue::Known;
use super::change::{Cell, Change};
use super::registry::Rights;

/// A policy that takes longer says no.
const PATIENCE: &str = "3s";

/// All of it lasts until the transaction ends. The role comes last: it may not be allowed to set what comes before.
const ASSUME: &str =
    "select set_config('request.jwt.claims', $1, true), set_config('statement_timeout', $2, true),
    set_config('role', $3, true)";

/// Asks for each of the callers whether a select by primary key finds the row. The row may have changed since, or be gone: then
/// it is the row as it is now that decides, and a row that is gone is seen by nobody.
pub(super) async fn ask(
    connection: &mut PgConnection,
    known: &Known,
    change: &Change,
    callers: &[&Rights],
) -> sqlx::Result<Vec<bool>> {
    let Some((statement, key)) = statement(known, change) else {
        return Ok(vec![false; callers.len()]);
    };
    let mut answers = Vec::with_capacity(callers.len());
    let mut remaining = callers.iter();
    while answers.len() < callers.len() {
        // Whatever a policy did while it was asked is undone with the transaction.
        let mut transaction = connection.begin().await?;
        let mut is_sound = true;
        while is_sound && let Some(caller) = remaining.next() {
            let answer = may_see(&mut transaction, &statement, &key, caller).await;
            is_sound = answer.is_ok();
            answers.push(answer.unwrap_or_else(|error| {
                tracing::warn!(%error, role = caller.role, "a policy failed, so the change is not shown");
                false
            }));
        }
        transaction.rollback().await?;
    }
    Ok(answers)
}

/// The statement, which is the same for every row of a table, and the key of the row.
fn statement<'a>(known: &Known, change: &'a Change) -> Option<(String, Vec<&'a str>)> {
    let mut conditions = Vec::new();
    let mut key = Vec::new();
    for (place, cell) in change.new.as_deref()?.iter().enumerate() {
        let Some(column) = known.column(place).filter(|column| column.is_key) else {
            continue;
        };
        let Cell::Text(text) = cell else { return None };
        key.push(&**text);
        conditions.push(format!(
            "{} = ${}::text::{}",
            quote(&column.name),
            key.len(),
            column.sql_type
        ));
    }
    let table = &known.table.sql_name;
    let conditions = conditions.join(" and ");
    let statement = format!("select exists (select from {table} where {conditions})");
    (!key.is_empty()).then_some((statement, key))
}

async fn may_see(
    connection: &mut PgConnection,
    statement: &str,
    key: &[&str],
    caller: &Rights,
) -> sqlx::Result<bool> {
    sqlx::query(ASSUME)
        .bind(&caller.claims)
        .bind(PATIENCE)
        .bind(&caller.role)
        .execute(&mut *connection)
        .await?;
    let mut query = sqlx::query_scalar(statement);
    for value in key {
        query = query.bind(*value);
    }
    query.fetch_one(connection).await
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

//! A plan, run in a transaction of its caller.

use postgrest_sql::{Error, Plan, Request, Response, Row, TransactionEnd};
use serde_json::Value;

use super::connection::{Characters, Connection, Failure, Transaction};
use super::identity::Identity;
use super::schema::Schema;
use super::service::Rest;

const ISOLATION: &str = "default_transaction_isolation";

/// Runs a plan and gives its answer.
pub(super) async fn run(
    rest: &Rest,
    schema: &Schema,
    plan: &Plan,
    request: &Request<'_>,
    identity: &Identity,
) -> Result<Response, Error> {
    let mut lent = rest.pool().take().await?;
    lent.connection.renew(schema.generation);
    let result = transact(&mut lent.connection, schema, plan, request, identity).await;
    match result {
        Ok(response) => {
            lent.give_back();
            response
        }
        Err(Failure::Refused(error)) => {
            // After a refusal the transaction is open still, or was ended by what had been sent along: ending it again does no harm.
            if lent.connection.end("rollback").await.is_ok() {
                lent.give_back();
            }
            Err(error.into_error(identity.is_known()))
        }
        Err(Failure::Broken(error)) => Err(error),
    }
}

/// The answer, or a refusal that is none of the database; the transaction has ended then.
async fn transact(
    connection: &mut Connection,
    schema: &Schema,
    plan: &Plan,
    request: &Request<'_>,
    identity: &Identity,
) -> Result<Result<Response, Error>, Failure> {
    let ending = match plan.end {
        TransactionEnd::Commit => "commit",
        // What is checked at the end is to be checked all the same.
        TransactionEnd::Rollback => "set constraints all immediate; rollback",
    };
    let is_one_trip = !plan.is_conditional && plan.count.is_none();
    let (names, values) = settings(schema, plan, request, identity);
    let transaction = Transaction {
        begin: begin(schema, plan, identity),
        names,
        values,
        before: schema
            .settings
            .pre_request
            .as_ref()
            .map(|name| format!("select {}()", qualified(name))),
        statement: &plan.statement,
        end: is_one_trip.then_some(ending),
    };
    let rows = connection.run(&transaction).await?;
    if plan.is_explain {
        if !is_one_trip {
            connection.end(ending).await?;
        }
        let lines: Result<Vec<String>, _> = rows
            .iter()
            .map(|row| row.try_get(0).map(|Characters(line)| line))
            .collect();
        return Ok(Ok(plan.explained(&lines?)));
    }
    let row = match rows.first() {
        Some(row) => read(row)?,
        None => Row::default(),
    };
    if is_one_trip {
        return Ok(plan.answer(row, None));
    }
    if let Err(error) = plan.check(&row) {
        connection.end("rollback").await?;
        return Ok(Err(error));
    }
    let guess = match &plan.count {
        Some(explain) => connection
            .query(&explain.statement)
            .await?
            .first()
            .map(guess)
            .transpose()?
            .flatten(),
        None => None,
    };
    connection.end(ending).await?;
    Ok(plan.answer(row, guess))
}

fn read(row: &tokio_postgres::Row) -> Result<Row, tokio_postgres::Error> {
    let text = |place: usize| {
        row.try_get::<_, Option<Characters>>(place)
            .map(|text| text.map(|Characters(text)| text))
    };
    Ok(Row {
        total: row.try_get(0)?,
        rows: row.try_get(1)?,
        body: text(2)?.unwrap_or_default(),
        headers: text(3)?,
        status: text(4)?,
        inserted: row.try_get(5)?,
    })
}

/// How many rows a plan expects.
fn guess(row: &tokio_postgres::Row) -> Result<Option<i64>, tokio_postgres::Error> {
    let Characters(text) = row.try_get(0)?;
    let plan: Value = serde_json::from_str(&text).unwrap_or_default();
    Ok(plan.pointer("/0/Plan/Plan Rows").and_then(Value::as_i64))
}

fn begin(schema: &Schema, plan: &Plan, identity: &Identity) -> String {
    let of_role = || {
        schema
            .roles
            .get(&identity.role)?
            .get(ISOLATION)
            .map(String::as_str)
    };
    let level = match plan.isolation.as_deref().or_else(of_role) {
        Some("serializable") => "serializable",
        Some("repeatable read") => "repeatable read",
        _ => "read committed",
    };
    let mode = if plan.is_read_only {
        "read only"
    } else {
        "read write"
    };
    format!("begin isolation level {level} {mode}")
}

/// The settings of the transaction. Those of the role come before the role itself: it may not be allowed to set them.
fn settings(
    schema: &Schema,
    plan: &Plan,
    request: &Request<'_>,
    identity: &Identity,
) -> (Vec<String>, Vec<String>) {
    let path: Vec<String> = [&plan.schema]
        .into_iter()
        .chain(&schema.settings.extra_search_path)
        .map(|name| quoted(name))
        .collect();
    let mut all = vec![("search_path".to_owned(), path.join(", "))];
    let of_role = schema.roles.get(&identity.role).into_iter().flatten();
    all.extend(
        of_role
            .filter(|(name, _)| *name != ISOLATION && *name != "search_path")
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    let mut set = |name: &str, value: String| all.push((name.to_owned(), value));
    set("role", identity.role.clone());
    set(
        "request.jwt.claims",
        Value::Object(identity.claims.clone()).to_string(),
    );
    set("request.method", request.method.to_owned());
    set("request.path", request.path.to_owned());
    let shown = request.headers.iter().filter(|(name, _)| name != "cookie");
    set("request.headers", Value::from_iter(shown.cloned()).to_string());
    set("request.cookies", Value::from_iter(cookies(request)).to_string());
    if let Some(zone) = &plan.timezone {
        set("timezone", zone.clone());
    }
    all.extend(plan.settings.iter().cloned());
    all.into_iter().unzip()
}

fn cookies(request: &Request<'_>) -> Vec<(String, String)> {
    let headers = request.headers.iter().filter(|(name, _)| name == "cookie");
    headers
        .flat_map(|(_, value)| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name that may have its schema before a dot.
fn qualified(name: &str) -> String {
    let parts: Vec<String> = name
        .splitn(2, '.')
        .map(|part| quoted(part.trim().trim_matches('"')))
        .collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_part_by_part() {
        assert_eq!(qualified("auth.check"), "\"auth\".\"check\"");
        assert_eq!(qualified("it's \"mine\""), "\"it's \"\"mine\"");
    }

    #[test]
    fn cookies_are_pairs() {
        let headers = [("cookie".to_owned(), "a=1; b=x=y".to_owned())];
        let request = Request {
            method: "GET",
            path: "/",
            query: "",
            headers: &headers,
            body: b"",
        };
        assert_eq!(
            cookies(&request),
            [("a".into(), "1".into()), ("b".into(), "x=y".into())]
        );
    }
}

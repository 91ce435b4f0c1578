//! The statement timeouts of the API roles. A role that is switched to does not bring its settings along; PostgREST reads them
//! from the catalogue and applies them to each request, and Postrust wants to be told.

use std::collections::HashMap;

use postrust_core::config::RoleSettings;
use sqlx::PgPool;

/// `statement_timeout` of each role that has one, in the form Postrust takes.
pub(super) async fn read(admin: &PgPool) -> Result<HashMap<String, RoleSettings>, sqlx::Error> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select r.rolname::text, split_part(setting, '=', 2)
         from pg_catalog.pg_db_role_setting as s
         join pg_catalog.pg_roles as r on r.oid = s.setrole
         cross join unnest(s.setconfig) as setting
         where s.setdatabase = 0 and setting like 'statement_timeout=%'",
    )
    .fetch_all(admin)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(role, value)| {
            let mut settings = RoleSettings::default();
            settings.statement_timeout = Some(milliseconds(&value)?);
            Some((role, settings))
        })
        .collect())
}

/// Postgres's spelling of a time: a number, in milliseconds when it has no unit.
fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn every_unit_of_postgres_is_read() {
        assert_eq!(milliseconds("3s"), Some(3_000));
        assert_eq!(milliseconds("8000"), Some(8_000));
        assert_eq!(milliseconds("250 ms"), Some(250));
        assert_eq!(milliseconds("2min"), Some(120_000));
        assert_eq!(milliseconds("soon"), None);
    }
}

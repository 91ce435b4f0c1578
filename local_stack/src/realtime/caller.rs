//! Whose rights a statement runs with.

use serde_json::Value;
use sqlx::PgConnection;

/// Whose rights a probe or a read runs with.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) role: String,
    /// The whole payload of the token.
    pub(crate) claims: Value,
}

impl Caller {
    /// Gives the transaction the rights of the caller, until it ends. The role comes last: it may not set what comes before.
    pub(crate) async fn assume(&self, tx: &mut PgConnection, topic: Option<&str>) -> sqlx::Result<()> {
        let claim = |name: &str| self.claims.get(name).and_then(Value::as_str).unwrap_or_default();
        sqlx::query(
            "select set_config('request.jwt.claims', $1, true), set_config('request.jwt.claim.sub', $2, true),
                set_config('request.jwt.claim.role', $3, true), set_config('request.headers', '{}', true),
                set_config('realtime.topic', $4, true)",
        )
        .bind(self.claims.to_string())
        .bind(claim("sub"))
        .bind(&self.role)
        .bind(topic.unwrap_or_default())
        .execute(&mut *tx)
        .await?;
        sqlx::query("select set_config('role', $1, true)")
            .bind(&self.role)
            .execute(tx)
            .await?;
        Ok(())
    }
}

//! Whose rights a question to the database is asked with.

use serde_json::Value;
use sqlx::PgConnection;

/// The role and the claims of a checked token.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The database role.
    pub(crate) role: String,
    /// The whole payload of the token.
    pub(crate) claims: Value,
}

impl Caller {
    /// Makes the rest of the transaction run with this caller's rights, as policies see them. Every setting ends with the
    /// transaction; the role comes last, because it may not be allowed to do what this does.
    pub(crate) async fn assume(&self, tx: &mut PgConnection, topic: Option<&str>) -> sqlx::Result<()> {
        let subject = self.claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        sqlx::query(
            "select set_config('request.jwt.claims', $1, true),
                set_config('request.jwt.claim.sub', $2, true),
                set_config('request.jwt.claim.role', $3, true),
                set_config('request.headers', '{}', true),
                set_config('realtime.topic', $4, true),
                set_config('role', $3, true)",
        )
        .bind(self.claims.to_string())
        .bind(subject)
        .bind(&self.role)
        .bind(topic.unwrap_or_default())
        .execute(tx)
        .await?;
        Ok(())
    }
}

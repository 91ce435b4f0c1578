//! Whose rights a question to the database is asked with.

use serde_json::{Value, json};
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
    /// A service itself, for what is decided already.
    pub(crate) fn service() -> Self {
        Self {
            role: "service_role".to_owned(),
            claims: json!({ "role": "service_role" }),
        }
    }

    /// Whom the token names: the id of a user, unless it is a key.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.claims.get("sub").and_then(Value::as_str)
    }

    /// Makes the rest of the transaction run with this caller's rights, as policies see them, with `settings` of the service that asks
    /// besides. Every setting ends with the transaction; the role comes last, because it may not be allowed to do what this does.
    pub(crate) async fn assume(&self, tx: &mut PgConnection, settings: &[(&str, &str)]) -> sqlx::Result<()> {
        let claims = self.claims.to_string();
        let own = [
            ("request.jwt.claims", claims.as_str()),
            ("request.jwt.claim.sub", self.subject().unwrap_or_default()),
            ("request.jwt.claim.role", &self.role),
            ("request.headers", "{}"),
        ];
        let (names, values): (Vec<&str>, Vec<&str>) = own
            .into_iter()
            .chain(settings.iter().copied())
            .chain([("role", self.role.as_str())])
            .unzip();
        // A scan of a function gives its rows in their order.
        sqlx::query(
            "select set_config(name, value, true) from unnest($1::text[], $2::text[]) as s (name, value)",
        )
        .bind(names)
        .bind(values)
        .execute(tx)
        .await?;
        Ok(())
    }
}

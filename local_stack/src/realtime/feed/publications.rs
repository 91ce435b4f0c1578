//! Which publications the feed follows.

use std::time::Duration;

use sqlx::PgPool;

/// Rows of `realtime.messages`. The Realtime server makes it where it is missing, and so does the feed.
const MESSAGES: &str = "supabase_realtime_messages_publication";
/// The project's own. A migration may drop it and make it anew, so the feed never makes it.
pub(super) const CHANGES: &str = "supabase_realtime";

/// How often is looked whether a missing publication has come, while one is missing.
const LOOK: Duration = Duration::from_millis(500);

/// What a session can follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Publications {
    has_changes: bool,
}

impl Publications {
    /// Makes the publication of `realtime.messages` unless it is there and holds that table alone, and looks for the other: a
    /// name that does not exist would end the stream at the first row.
    pub(super) async fn prepare(admin: &PgPool) -> sqlx::Result<Self> {
        let mut transaction = admin.begin().await?;
        let tables: Option<Vec<String>> = sqlx::query_scalar(
            "select array(
                select format('%s.%s', nspname, relname)
                from pg_publication_rel r
                join pg_class c on c.oid = r.prrelid
                join pg_namespace n on n.oid = c.relnamespace
                where r.prpubid = p.oid
            )
            from pg_publication p
            where p.pubname = $1",
        )
        .bind(MESSAGES)
        .fetch_optional(&mut *transaction)
        .await?;
        if tables.as_deref() != Some(&["realtime.messages".to_owned()]) {
            if tables.is_some() {
                let statement = format!("drop publication {MESSAGES}");
                sqlx::query(&statement).execute(&mut *transaction).await?;
            }
            let statement = format!("create publication {MESSAGES} for table realtime.messages");
            sqlx::query(&statement).execute(&mut *transaction).await?;
        }
        let has_changes = exists(&mut transaction).await?;
        transaction.commit().await?;
        Ok(Self { has_changes })
    }

    pub(super) fn has_changes(&self) -> bool {
        self.has_changes
    }

    /// As the option `publication_names` of pgoutput wants them.
    pub(super) fn names(&self) -> String {
        if self.has_changes {
            format!("\"{MESSAGES}\",\"{CHANGES}\"")
        } else {
            format!("\"{MESSAGES}\"")
        }
    }

    /// Ends when a publication has come that this session does not follow. Nothing is asked while none is missing.
    pub(super) async fn grown(&self, admin: &PgPool) {
        if self.has_changes {
            std::future::pending::<()>().await;
        }
        loop {
            tokio::time::sleep(LOOK).await;
            let found = match admin.acquire().await {
                Ok(mut connection) => exists(&mut connection).await,
                Err(error) => Err(error),
            };
            match found {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, "could not look for the publication {CHANGES}"),
            }
        }
    }
}

async fn exists(connection: &mut sqlx::PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("select exists (select from pg_publication where pubname = $1)")
        .bind(CHANGES)
        .fetch_one(connection)
        .await
}

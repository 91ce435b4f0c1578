//! Requests through SQL as PostgREST makes them: begin, role and claims by `set_config`, the call, commit.

use sqlx::{Connection as _, PgConnection, PgTransaction};
use uuid::Uuid;

/// Whose rights a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A signed-in user of EchoRoom.
    Person(Uuid),
    /// The backend of EchoRoom's specification, which has the service key.
    Backend(Uuid),
}

/// Begins the transaction of a request.
pub(crate) async fn begin(
    connection: &mut PgConnection,
    caller: Caller,
) -> Result<PgTransaction<'_>, sqlx::Error> {
    let (schema, role, person) = match caller {
        Caller::Person(person) => ("echoroom", "authenticated", person),
        Caller::Backend(person) => ("bench_seed", "service_role", person),
    };
    let claims = format!(r#"{{"sub":"{person}","role":"{role}","aud":"authenticated","is_anonymous":true}}"#);
    let mut transaction = connection.begin().await?;
    sqlx::query(
        "select set_config('search_path', $1, true), set_config('role', $2, true), set_config('request.jwt.claims', $3, true),
             set_config('request.method', 'POST', true), set_config('request.path', '/rpc', true)",
    )
    .bind(schema)
    .bind(role)
    .bind(claims)
    .execute(&mut *transaction)
    .await?;
    Ok(transaction)
}

/// The whole request.
pub(crate) async fn request<T>(
    connection: &mut PgConnection,
    caller: Caller,
    call: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
) -> Result<T, sqlx::Error> {
    let mut transaction = begin(connection, caller).await?;
    let answer = call(&mut transaction).await?;
    transaction.commit().await?;
    Ok(answer)
}

/// A call that does nothing.
pub(crate) async fn nothing(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("select 1").execute(connection).await.map(drop)
}

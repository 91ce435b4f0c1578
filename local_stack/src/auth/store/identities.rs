//! How a user can be known: one identity for an address, one for a number.

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::error::AuthError;
use super::super::user::Identity;

/// What the identity of an address says; a sign-up puts the same into the user's metadata.
pub(in super::super) fn email_data(user_id: Uuid, email: &str, is_verified: bool) -> Value {
    json!({ "sub": user_id, "email": email, "email_verified": is_verified, "phone_verified": false })
}

/// The identity that goes with an address; a second one for the same user takes the first one's place.
pub(in super::super) async fn put_email(
    database: &mut PgConnection,
    user_id: Uuid,
    email: &str,
    is_verified: bool,
) -> Result<(), AuthError> {
    put(
        database,
        user_id,
        "email",
        email_data(user_id, email, is_verified),
    )
    .await
}

/// The same for a number.
pub(in super::super) async fn put_phone(
    database: &mut PgConnection,
    user_id: Uuid,
    phone: &str,
    is_verified: bool,
) -> Result<(), AuthError> {
    let data =
        json!({ "sub": user_id, "phone": phone, "email_verified": false, "phone_verified": is_verified });
    put(database, user_id, "phone", data).await
}

async fn put(
    database: &mut PgConnection,
    user_id: Uuid,
    provider: &str,
    data: Value,
) -> Result<(), AuthError> {
    sqlx::query(
        "insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
         values ($1, $2, $3, $4, now(), now(), now())
         on conflict (provider_id, provider) do update
         set identity_data = auth.identities.identity_data || excluded.identity_data, updated_at = now()",
    )
    .bind(user_id.to_string())
    .bind(user_id)
    .bind(data)
    .bind(provider)
    .execute(&mut *database)
    .await?;
    sync_providers(database, user_id).await
}

/// Writes into the user's metadata which identities there are, the oldest first.
pub(in super::super) async fn sync_providers(
    database: &mut PgConnection,
    user_id: Uuid,
) -> Result<(), AuthError> {
    sqlx::query(
        "update auth.users as u
         set raw_app_meta_data = coalesce(u.raw_app_meta_data, '{}') || jsonb_build_object(
            'provider', i.providers[1], 'providers', to_jsonb(i.providers))
         from (
            select array_agg(provider order by created_at, provider) as providers
            from auth.identities where user_id = $1
         ) as i
         where u.id = $1 and i.providers is not null",
    )
    .bind(user_id)
    .execute(database)
    .await?;
    Ok(())
}

pub(in super::super) async fn of(
    database: &mut PgConnection,
    user_id: Uuid,
) -> Result<Vec<Identity>, AuthError> {
    Ok(sqlx::query_as(
        "select id, provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at, email
         from auth.identities
         where user_id = $1
         order by created_at, provider",
    )
    .bind(user_id)
    .fetch_all(database)
    .await?)
}

/// Takes an identity away, and the address or number with it.
pub(in super::super) async fn remove(
    database: &mut PgConnection,
    identity: &Identity,
) -> Result<(), AuthError> {
    sqlx::query("delete from auth.identities where id = $1")
        .bind(identity.id)
        .execute(&mut *database)
        .await?;
    let statement = if identity.provider == "phone" {
        "update auth.users set phone = null, phone_confirmed_at = null, updated_at = now() where id = $1"
    } else {
        "update auth.users set email = null, email_confirmed_at = null, updated_at = now() where id = $1"
    };
    sqlx::query(statement)
        .bind(identity.user_id)
        .execute(&mut *database)
        .await?;
    sync_providers(database, identity.user_id).await
}

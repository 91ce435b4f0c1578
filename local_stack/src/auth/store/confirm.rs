//! What is true of a user once a code was shown.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::error::AuthError;
use super::super::user::{User, filled, merged};
use super::identities;
use super::users::{self, Changes};

/// The address is the user's.
pub(in super::super) async fn email(database: &mut PgConnection, user: &User) -> Result<User, AuthError> {
    let changes = Changes {
        confirms_email: true,
        is_anonymous: Some(false),
        user_metadata: Some(merged(&user.user_metadata(), &json!({ "email_verified": true }))),
        ..Changes::default()
    };
    if let Some(address) = user.email() {
        identities::put_email(database, user.id, address, true).await?;
    }
    users::change(database, user.id, changes).await
}

/// The number is the user's.
pub(in super::super) async fn phone(database: &mut PgConnection, user: &User) -> Result<User, AuthError> {
    let changes = Changes {
        confirms_phone: true,
        is_anonymous: Some(false),
        ..Changes::default()
    };
    if let Some(number) = user.phone() {
        identities::put_phone(database, user.id, number, true).await?;
    }
    users::change(database, user.id, changes).await
}

/// The address that the user wanted takes the place of the old one.
pub(in super::super) async fn email_change(
    database: &mut PgConnection,
    user: &User,
    address: &str,
) -> Result<User, AuthError> {
    let own = identities::email_data(user.id, address, true);
    let changes = Changes {
        email: Some(address.to_owned()),
        confirms_email: true,
        is_anonymous: Some(false),
        user_metadata: Some(merged(&user.user_metadata(), &own)),
        ..Changes::default()
    };
    users::change(database, user.id, changes).await?;
    identities::put_email(database, user.id, address, true).await?;
    sqlx::query(
        "update auth.users set email_change = '', email_change_token_new = '', email_change_token_current = '',
            email_change_confirm_status = 0
         where id = $1",
    )
    .bind(user.id)
    .execute(&mut *database)
    .await?;
    users::again(database, user.id).await
}

/// One of the two addresses of a change has said yes.
pub(in super::super) async fn half_of_email_change(
    database: &mut PgConnection,
    user_id: Uuid,
) -> Result<(), AuthError> {
    sqlx::query("update auth.users set email_change_confirm_status = 1, updated_at = now() where id = $1")
        .bind(user_id)
        .execute(database)
        .await?;
    Ok(())
}

/// The number that the user wanted takes the place of the old one.
pub(in super::super) async fn phone_change(
    database: &mut PgConnection,
    user: &User,
    number: &str,
) -> Result<User, AuthError> {
    let Some(number) = filled(Some(number)) else {
        return Ok(user.clone());
    };
    let changes = Changes {
        phone: Some(number.to_owned()),
        confirms_phone: true,
        is_anonymous: Some(false),
        ..Changes::default()
    };
    users::change(database, user.id, changes).await?;
    identities::put_phone(database, user.id, number, true).await?;
    sqlx::query("update auth.users set phone_change = '', phone_change_token = '' where id = $1")
        .bind(user.id)
        .execute(&mut *database)
        .await?;
    users::again(database, user.id).await
}

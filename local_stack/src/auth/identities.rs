//! `/user/identities`: where `[auth] enable_manual_linking` allows it, an identity can be taken away as long as there is another.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::caller::{Admin, Caller, IdentityId};
use super::error::AuthError;
use super::service::Auth;
use super::store::identities;

pub(super) async fn unlink(
    State(auth): State<Auth>,
    caller: Caller,
    IdentityId(id): IdentityId,
) -> Result<Json<Value>, AuthError> {
    require_linking(&auth)?;
    let mut transaction = auth.pool.begin().await?;
    let all = identities::of(&mut transaction, caller.user.id).await?;
    if all.len() <= 1 {
        return Err(AuthError::SingleIdentity);
    }
    let identity = all
        .iter()
        .find(|identity| identity.id == id)
        .ok_or(AuthError::IdentityNotFound)?;
    identities::remove(&mut transaction, identity).await?;
    transaction.commit().await?;
    Ok(Json(json!({})))
}

/// An identity of another provider is never linked: there is none.
pub(super) async fn link(State(auth): State<Auth>, _: Caller) -> Result<Json<Value>, AuthError> {
    require_linking(&auth)?;
    Err(no_provider().await)
}

/// `/authorize`: of other providers none is enabled.
pub(super) async fn no_provider() -> AuthError {
    AuthError::invalid("Unsupported provider: provider is not enabled")
}

/// `/sso`: single sign-on is never enabled.
pub(super) async fn no_saml() -> AuthError {
    AuthError::SamlDisabled
}

/// `/admin/oauth`: this service signs nobody in at other sites.
pub(super) async fn no_oauth_server(_: Admin) -> AuthError {
    AuthError::OAuthServerDisabled
}

fn require_linking(auth: &Auth) -> Result<(), AuthError> {
    if auth.settings.enable_manual_linking {
        Ok(())
    } else {
        Err(AuthError::ManualLinkingDisabled)
    }
}

//! The routes, by their place below `/auth/v1`.

use axum::Router;
use axum::middleware;
use axum::routing::{any, delete, get, post};

use super::service::Auth;
use super::{
    admin, error, factors, identities, info, invite, logout, mail, otp, reauthenticate, recover, resend,
    signup, token, update, verify,
};

/// All of them; errors are written in the version of the API that the client asked for.
pub(crate) fn router(auth: Auth) -> Router {
    let user = Router::new()
        .route("/user", get(update::show).put(update::handle))
        .route("/user/identities/authorize", get(identities::link))
        .route("/user/identities/{identity_id}", delete(identities::unlink))
        .route("/reauthenticate", get(reauthenticate::handle))
        .route("/logout", post(logout::handle))
        .route("/factors", post(factors::enroll))
        .route("/factors/{factor_id}", delete(factors::unenroll))
        .route("/factors/{factor_id}/challenge", post(factors::challenge))
        .route("/factors/{factor_id}/verify", post(factors::verify));
    let admin = Router::new()
        .route("/invite", post(invite::handle))
        .route("/admin/oauth/{*path}", any(identities::no_oauth_server))
        .route("/admin/generate_link", post(admin::generate_link))
        .route("/admin/users", get(admin::list).post(admin::create))
        .route(
            "/admin/users/{user_id}",
            get(admin::show).put(admin::update).delete(admin::delete),
        )
        .route("/admin/users/{user_id}/factors", get(admin::list_factors))
        .route(
            "/admin/users/{user_id}/factors/{factor_id}",
            delete(admin::delete_factor).put(admin::update_factor),
        );
    Router::new()
        .route("/signup", post(signup::handle))
        .route("/token", post(token::handle))
        .route("/otp", post(otp::handle))
        .route("/magiclink", post(otp::handle))
        .route("/recover", post(recover::handle))
        .route("/resend", post(resend::handle))
        .route("/verify", get(verify::follow).post(verify::handle))
        .route("/settings", get(info::settings))
        .route("/health", get(info::health))
        .route("/.well-known/jwks.json", get(info::jwks))
        .route("/authorize", get(identities::no_provider))
        .route("/sso", any(identities::no_saml))
        .merge(user)
        .merge(admin)
        .fallback(info::unknown)
        .with_state(auth)
        .layer(middleware::from_fn(error::render))
}

/// The box of what would have been sent, below `/_mail`.
pub(crate) fn mailbox(auth: &Auth) -> Router {
    mail::router(auth.mailbox.clone())
}

//! The routes, by their place below `/auth/v1`.

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};

use super::service::Auth;
use super::{admin, error, info, logout, signup, token, update};

/// All of them; errors are written in the version of the API that the client asked for.
pub(crate) fn router(auth: Auth) -> Router {
    Router::new()
        .route("/signup", post(signup::handle))
        .route("/token", post(token::handle))
        .route("/user", get(update::show).put(update::handle))
        .route("/logout", post(logout::handle))
        .route("/settings", get(info::settings))
        .route("/health", get(info::health))
        .route("/.well-known/jwks.json", get(info::jwks))
        .route("/admin/users", get(admin::list).post(admin::create))
        .route(
            "/admin/users/{id}",
            get(admin::show).put(admin::update).delete(admin::delete),
        )
        .fallback(info::unknown)
        .with_state(auth)
        .layer(middleware::from_fn(error::render))
}

//! `GET /openapi.json`: the description of all routes, made from the handlers.

use axum::routing::get;
use axum::{Json, Router};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr, Server};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Parley worker",
        description = "Webhooks in, provider APIs out, and the REST routes of the apps. Tables and functions of the apps are Supabase's API, not this one."
    ),
    tags(
        (name = "operations", description = "For whoever runs the worker"),
        (name = "webhooks", description = "For providers"),
        (name = "echoroom", description = "EchoRoom's routes, as whoever calls"),
        (name = "domo", description = "Domo's routes, as whoever calls, and its agents' tools"),
    ),
    modifiers(&Callers)
)]
struct Description;

/// How callers show who they are.
struct Callers;

impl Modify for Callers {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "The token of Supabase Auth; visitors send the publishable key.",
            ))
            .build();
        let signature = ApiKeyValue::with_description(
            "x-tavus-signature",
            "HMAC-SHA256 of the raw body with the shared secret, in hexadecimal digits.",
        );
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("tavus", SecurityScheme::ApiKey(ApiKey::Header(signature)));
    }
}

/// The part that does not come from a handler.
pub(crate) fn document() -> Document {
    Description::openapi()
}

/// What the handlers leave out and a valid description has.
fn completed(mut document: Document) -> Document {
    let here = Server::builder()
        .url("/")
        .description(Some("Where this description comes from"));
    document.servers = Some(vec![here.build()]);
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        // Whoever asks for no key says so.
        operation.security.get_or_insert_default();
        for (status, response) in &mut operation.responses.responses {
            if let RefOr::T(response) = response
                && response.description.is_empty()
            {
                response.description = meaning(status).to_owned();
            }
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
    ]
    .into_iter()
    .flatten()
}

fn meaning(status: &str) -> &'static str {
    match status {
        "201" => "It is made",
        "202" => "It is on its way",
        "204" => "It is done",
        "400" => "The request is not as described",
        "401" => "It is not from whom it should be",
        "404" => "There is no such thing",
        "413" => "It is larger than what is read",
        "415" => "It is not JSON",
        "503" => "Not now; come back after `Retry-After`",
        "default" => "A refusal or a failure: `details` has its word",
        _ => "Done",
    }
}

/// The route.
pub(crate) fn router(document: Document) -> Router {
    let document = completed(document);
    Router::new().route("/openapi.json", get(async move || Json(document)))
}

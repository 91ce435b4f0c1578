//! `/_mail`: the box as a page, and `/_mail/messages` as JSON. Both are for the machine that the stack runs on, and no page of another
//! origin can read them.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::response::{Html, IntoResponse, Json};
use axum::routing::get;
use axum::{Router, http::HeaderValue};
use serde::Deserialize;
use serde_json::json;

use super::mailbox::{Mailbox, Message};

const HEAD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Mail of the local stack</title>\
    <style>body{font:1rem/1.5 system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}\
    article{border-top:1px solid;padding:.5rem 0}code{font-size:1.2rem}</style><h1>Mail of the local stack</h1>";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Filter {
    to: Option<String>,
}

/// The routes, below `/_mail`.
pub(in super::super) fn router(mailbox: Arc<Mailbox>) -> Router {
    Router::new()
        .route("/", get(show))
        .route("/messages", get(list).delete(clear))
        .with_state(mailbox)
}

async fn list(State(mailbox): State<Arc<Mailbox>>, Query(filter): Query<Filter>) -> impl IntoResponse {
    let messages = mailbox.list(filter.to.as_deref());
    (
        [(CACHE_CONTROL, "no-store")],
        Json(json!({ "messages": messages })),
    )
}

async fn clear(State(mailbox): State<Arc<Mailbox>>) -> StatusCode {
    mailbox.clear();
    StatusCode::NO_CONTENT
}

async fn show(State(mailbox): State<Arc<Mailbox>>, Query(filter): Query<Filter>) -> impl IntoResponse {
    let messages = mailbox.list(filter.to.as_deref());
    let mut page = HEAD.to_owned();
    if messages.is_empty() {
        page.push_str("<p>Nothing was sent since the stack started.</p>");
    }
    for message in &messages {
        page.push_str(&article(message));
    }
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'");
    (
        [
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (CONTENT_SECURITY_POLICY, policy),
        ],
        Html(page),
    )
}

fn article(message: &Message) -> String {
    let mut html = String::new();
    // Writing to a text cannot fail.
    let _ = write!(
        html,
        "<article><h2>{}</h2><p>To {}, {}</p><p><code>{}</code></p>",
        escaped(&message.subject),
        escaped(&message.to),
        message.created_at.format("%F %T UTC"),
        escaped(&message.code),
    );
    if let Some(link) = &message.link {
        let link = escaped(link);
        let _ = write!(html, "<p><a href=\"{link}\">{link}</a></p>");
    }
    html.push_str("</article>");
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

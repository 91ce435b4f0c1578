//! The room: a page in place of a call, where a person can say something and leave.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::happen;
use super::server::Shared;

/// A person's words are a part of a page: they are escaped.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The page.
pub(super) async fn page(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    let Some(found) = shared.world(|world| world.conversation(&id).cloned()) else {
        return (StatusCode::NOT_FOUND, "There is no such room.").into_response();
    };
    // As with the real one, whoever comes too late finds no room, and nothing of what was said there.
    let (status, lines, controls): (_, String, _) = if found.is_active() {
        let lines = found
            .said
            .iter()
            .map(|(who, what)| format!("<p><b>{who}</b>: {}</p>", escaped(what)));
        let controls = r#"<form method="post" action="say"><input name="text" autofocus required maxlength="500"><button>Say</button></form>
<form method="post" action="leave"><button>Leave</button></form>"#;
        (StatusCode::OK, lines.collect(), controls)
    } else {
        (
            StatusCode::GONE,
            String::new(),
            "<p>This conversation has ended.</p>",
        )
    };
    let page = Html(format!(
        r#"<!doctype html><meta charset="utf-8"><base href="/rooms/{id}/"><title>Simulated room</title>
<h1>A simulated room</h1><p>In place of a call with the avatar. Nothing is sent anywhere.</p>{lines}{controls}"#
    ));
    (status, page).into_response()
}

/// The form.
#[derive(Debug, Deserialize)]
pub(super) struct Said {
    text: String,
}

/// Somebody says something, and the avatar answers.
pub(super) async fn say(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Form(said): Form<Said>,
) -> Redirect {
    shared.world(|world| {
        if let Some(conversation) = world.conversation(&id).filter(|found| found.is_active()) {
            let answer = format!("You said: {}", said.text);
            conversation.said.push(("user", said.text));
            conversation.said.push(("assistant", answer));
        }
    });
    Redirect::to(&format!("/rooms/{id}"))
}

/// The last participant leaves, which ends the conversation.
pub(super) async fn leave(State(shared): State<Shared>, Path(id): Path<String>) -> Redirect {
    happen::ended(&shared, &id, "participant_left_timeout reached");
    Redirect::to(&format!("/rooms/{id}"))
}

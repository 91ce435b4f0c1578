//! `POST /v1/speech-to-text`.

use axum::Json;
use axum::extract::State;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::listen::Listener;
use super::refusal::Refusal;
use super::server::Shared;
use super::source;
use super::transcript::{Granularity, speak};
use crate::simulators::misbehaviour::About;

/// What is asked for.
#[derive(Debug, Default)]
struct Form {
    model: Option<String>,
    language: Option<String>,
    granularity: Option<String>,
    /// By the field that each came in.
    urls: Vec<(String, String)>,
    file: Option<Listener>,
}

pub(super) async fn transcribe(
    State(shared): State<Shared>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let mut about = json!({});
    let mut response = match answer(&shared, &headers, form, &mut about).await {
        Ok(transcript) => Json(transcript).into_response(),
        Err(refusal) => refusal.into_response(),
    };
    response.extensions_mut().insert(About(about));
    response
}

async fn answer(
    shared: &Shared,
    headers: &HeaderMap,
    form: Result<Multipart, MultipartRejection>,
    about: &mut Value,
) -> Result<Value, Refusal> {
    let shown = headers.get("xi-api-key").map(|key| key.as_bytes());
    if shown != Some(shared.api_key.expose().as_bytes()) {
        return Err(Refusal::WrongKey);
    }
    let form = form.map_err(|_| Refusal::Field("model_id", "Field required".to_owned()))?;
    let form = read(form).await?;
    *about = json!({
        "model_id": form.model,
        "language_code": form.language,
        "source_field": form.urls.first().map(|(field, _)| field),
        "source_url": form.urls.first().map(|(_, url)| url),
        "has_file": form.file.is_some(),
    });
    match form.model.as_deref() {
        None => return Err(Refusal::Field("model_id", "Field required".to_owned())),
        Some("scribe_v1" | "scribe_v2") => {}
        Some(model) => {
            let text = format!("A model with model ID {model} does not exist.");
            return Err(Refusal::Source("invalid_model_id", text));
        }
    }
    let granularity = match form.granularity.as_deref() {
        None | Some("word") => Granularity::Word,
        Some("none") => Granularity::None,
        Some("character") => Granularity::Character,
        Some(_) => {
            let text = "Input should be 'none', 'word' or 'character'".to_owned();
            return Err(Refusal::Field("timestamps_granularity", text));
        }
    };
    let listener = match (form.file, form.urls.as_slice()) {
        (Some(file), []) => file,
        (None, [(_, url)]) => source::fetch(&shared.client, url).await?,
        _ => {
            let text = "Exactly one of file, source_url and cloud_storage_url must be given.";
            return Err(Refusal::Source("invalid_request", text.to_owned()));
        }
    };
    if listener.size() == 0 {
        return Err(Refusal::Source("empty_file", "The file is empty.".to_owned()));
    }
    let sentences = listener.sentences();
    let id = hex::encode(Sha256::digest(sentences.join("\n")));
    let id = id.get(..20).unwrap_or_default().to_owned();
    let language = form.language.as_deref().unwrap_or("eng");
    Ok(json!(speak(&sentences, granularity, language, id)))
}

/// Unknown fields are taken and ignored, as there are many.
async fn read(mut multipart: Multipart) -> Result<Form, Refusal> {
    let broken = |_| Refusal::Field("file", "There was an error parsing the body".to_owned());
    let mut form = Form::default();
    while let Some(mut field) = multipart.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let mut listener = Listener::default();
            while let Some(chunk) = field.chunk().await.map_err(broken)? {
                listener.hear(&chunk);
            }
            form.file = Some(listener);
            continue;
        }
        let text = field.text().await.map_err(broken)?;
        match name.as_str() {
            "model_id" => form.model = Some(text),
            "language_code" => form.language = Some(text),
            "timestamps_granularity" => form.granularity = Some(text),
            "cloud_storage_url" | "source_url" => form.urls.push((name, text)),
            "webhook" if text == "true" => {
                let text = "This simulator answers at once and sends no webhooks.".to_owned();
                return Err(Refusal::Source("webhooks_not_simulated", text));
            }
            _ => {}
        }
    }
    Ok(form)
}

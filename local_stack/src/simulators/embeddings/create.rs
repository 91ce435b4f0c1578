//! `POST /v1/embeddings`.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::input::{Asked, Request};
use super::refusal::Refusal;
use super::server::Shared;
use super::vector;
use crate::simulators::misbehaviour::{About, FaultKind, Spoiled};

pub(super) async fn create(
    State(shared): State<Shared>,
    spoiled: Option<Extension<Spoiled>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fault = spoiled.map(|Extension(Spoiled(kind))| kind);
    let mut about = json!({});
    let mut response = match answer(&shared, fault, &headers, &body, &mut about) {
        Ok(body) => Json(body).into_response(),
        Err(refusal) => refusal.into_response(),
    };
    response.extensions_mut().insert(About(about));
    response
}

fn answer(
    shared: &Shared,
    fault: Option<FaultKind>,
    headers: &HeaderMap,
    body: &[u8],
    about: &mut Value,
) -> Result<Value, Refusal> {
    let expected = format!("Bearer {}", shared.api_key.expose());
    if headers.get(header::AUTHORIZATION).map(|value| value.as_bytes()) != Some(expected.as_bytes()) {
        return Err(Refusal::WrongKey);
    }
    let request = Request::read(body)?;
    let asked = request.check()?;
    *about = json!({
        "model": request.model,
        "inputs": asked.texts.len(),
        "tokens": asked.tokens,
        "dimensions": asked.dimensions,
    });
    let mut data = vectors(&asked, fault.as_ref());
    match fault {
        // A rotation, so that even two are in another order.
        Some(FaultKind::OutOfOrder) => data.rotate_left(1),
        Some(FaultKind::Missing) => {
            data.pop();
        }
        _ => {}
    }
    Ok(json!({
        "object": "list",
        "model": request.model,
        "data": data,
        "usage": { "prompt_tokens": asked.tokens, "total_tokens": asked.tokens },
    }))
}

fn vectors(asked: &Asked, fault: Option<&FaultKind>) -> Vec<Value> {
    let dimensions = match fault {
        Some(FaultKind::WrongDimension { dimensions }) => *dimensions,
        _ => asked.dimensions,
    };
    let texts = asked.texts.iter().enumerate();
    texts
        .map(|(index, text)| {
            let vector = vector::of(text, dimensions);
            let embedding = if asked.is_base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
                json!(BASE64_STANDARD.encode(bytes))
            } else {
                json!(vector)
            };
            json!({ "object": "embedding", "index": index, "embedding": embedding })
        })
        .collect()
}

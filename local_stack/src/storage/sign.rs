//! Making signed URLs. Whoever may read may sign a download, whoever may write may sign an upload.

use std::collections::HashSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};

use super::core::{Core, Shared};
use super::download::Place;
use super::error::StorageError;
use super::signed_url::{Claims, Scope};
use super::upload::{Target, probe, wants_upsert};
use super::{json, key};

/// How long an upload may wait, in seconds; Supabase's two hours.
const UPLOAD_SECONDS: i64 = 7200;

const MOST: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct One {
    expires_in: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Many {
    expires_in: i64,
    paths: Vec<String>,
}

/// `POST /object/sign/{bucket}/{name}`.
pub(super) async fn one(
    State(core): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let wish: One = json::parse(&body)?;
    let url = format!("{bucket}/{name}");
    let place = Place::new(bucket, name, caller, "storage.object.sign")?;
    place.find(&core).await?;
    Ok(Json(
        json!({ "signedURL": download(&core, url, wish.expires_in)? }),
    ))
}

/// `POST /object/sign/{bucket}`: a URL or an error for each of the names.
pub(super) async fn many(
    State(core): State<Shared>,
    Path(bucket): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let wish: Many = json::parse(&body)?;
    if wish.paths.is_empty() || wish.paths.len() > MOST {
        return Err(StorageError::invalid(format!(
            "body/paths must have 1 to {MOST} items"
        )));
    }
    let mut tx = core.begin_as(&caller, "storage.object.sign_many").await?;
    let found: Vec<String> =
        sqlx::query_scalar("select name from storage.objects where bucket_id = $1 and name = any ($2)")
            .bind(&bucket)
            .bind(&wish.paths)
            .fetch_all(&mut *tx)
            .await?;
    let found: HashSet<String> = found.into_iter().collect();
    let mut answers = Vec::with_capacity(wish.paths.len());
    for path in wish.paths {
        answers.push(if found.contains(&path) {
            let url = download(&core, format!("{bucket}/{path}"), wish.expires_in)?;
            json!({ "error": null, "path": path, "signedURL": url })
        } else {
            let error = "Either the object does not exist or you do not have access to it";
            json!({ "error": error, "path": path, "signedURL": null })
        });
    }
    Ok(Json(Value::Array(answers)))
}

/// `POST /object/upload/sign/{bucket}/{name}`.
pub(super) async fn upload(
    State(core): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    key::check(&name)?;
    let url = format!("{bucket}/{name}");
    let target = Target {
        owner: caller.subject().map(str::to_owned),
        bucket,
        name,
        caller,
        is_upsert: wants_upsert(&headers),
        operation: "storage.object.sign_upload_url",
    };
    probe(&core, &target, &target.row("1".to_owned(), json!({}), None)).await?;
    let now = Utc::now().timestamp();
    let token = core.signer.sign(&Claims {
        url: url.clone(),
        scope: Scope::Upload,
        owner: target.owner,
        upsert: Some(target.is_upsert),
        iat: now,
        exp: now + UPLOAD_SECONDS,
    })?;
    Ok(Json(
        json!({ "url": format!("/object/upload/sign/{url}?token={token}"), "token": token }),
    ))
}

fn download(core: &Core, url: String, seconds: i64) -> Result<String, StorageError> {
    if seconds < 1 {
        return Err(StorageError::invalid("body/expiresIn must be >= 1"));
    }
    let now = Utc::now().timestamp();
    let exp = now
        .checked_add(seconds)
        .ok_or_else(|| StorageError::invalid("body/expiresIn is too far away"))?;
    let token = core.signer.sign(&Claims {
        url: url.clone(),
        scope: Scope::Download,
        owner: None,
        upsert: None,
        iat: now,
        exp,
    })?;
    Ok(format!("/object/sign/{url}?token={token}"))
}

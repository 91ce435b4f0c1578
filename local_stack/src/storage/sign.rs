//! Making signed URLs. Whoever may read may sign a download, whoever may write may sign an upload.

use std::collections::HashSet;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use chrono::Utc;
use serde_json::{Value, json};

use super::core::{Core, Shared};
use super::download::Place;
use super::error::StorageError;
use super::fields::{Body, Fields};
use super::key;
use super::signed_url::{Claims, Scope};
use super::upload::{Target, probe, wants_upsert};

/// How long an upload may wait, in seconds; Supabase's two hours.
const UPLOAD_SECONDS: i64 = 7200;

const MOST: usize = 1000;

/// `POST /object/sign/{bucket}/{name}`.
pub(super) async fn one(
    State(core): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
    headers: HeaderMap,
    Body(fields): Body,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let seconds = seconds(&fields)?;
    let url = format!("{bucket}/{name}");
    let place = Place::new(bucket, name, caller, "storage.object.sign")?;
    place.find(&core).await?;
    Ok(Json(json!({ "signedURL": download(&core, url, seconds)? })))
}

/// `POST /object/sign/{bucket}`: a URL or an error for each of the names.
pub(super) async fn many(
    State(core): State<Shared>,
    Path(bucket): Path<String>,
    headers: HeaderMap,
    Body(fields): Body,
) -> Result<Json<Value>, StorageError> {
    let caller = core.caller(&headers)?;
    let seconds = seconds(&fields)?;
    let paths = fields.required("paths", fields.texts("paths")?)?;
    if paths.is_empty() {
        return Err(StorageError::invalid(
            "body/paths must NOT have fewer than 1 items",
        ));
    }
    if paths.len() > MOST {
        let text = format!("body/paths must NOT have more than {MOST} items");
        return Err(StorageError::invalid(text));
    }
    let mut tx = core.begin_as(&caller, "storage.object.sign_many").await?;
    let found: Vec<String> =
        sqlx::query_scalar("select name from storage.objects where bucket_id = $1 and name = any ($2)")
            .bind(&bucket)
            .bind(&paths)
            .fetch_all(&mut *tx)
            .await?;
    let found: HashSet<String> = found.into_iter().collect();
    let mut answers = Vec::with_capacity(paths.len());
    for path in paths {
        answers.push(if found.contains(&path) {
            let url = download(&core, format!("{bucket}/{path}"), seconds)?;
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

/// How long a URL is to be good.
fn seconds(fields: &Fields) -> Result<i64, StorageError> {
    fields.required("expiresIn", fields.integer("expiresIn", 1)?)
}

fn download(core: &Core, url: String, seconds: i64) -> Result<String, StorageError> {
    let now = Utc::now().timestamp();
    let exp = now
        .checked_add(seconds)
        .ok_or(StorageError::InvalidParameter("expiresIn"))?;
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

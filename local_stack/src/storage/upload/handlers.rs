//! The routes that take a file.

use std::time::Duration;

use axum::Json;
use axum::body::BodyDataStream;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use chrono::Utc;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::receive::{Received, receive};
use super::{Target, commit};
use crate::identity::Caller;
use crate::storage::core::Shared;
use crate::storage::error::StorageError;
use crate::storage::fields::Query;
use crate::storage::signed_url::Scope;

/// How long the rest of a refused upload is read and thrown away.
const DRAIN: Duration = Duration::from_secs(30);

/// `POST /object/{bucket}/{name}`: a new object, or with `x-upsert` any.
pub(in crate::storage) async fn create(
    State(core): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
    request: Request,
) -> Result<Json<Value>, StorageError> {
    let is_upsert = wants_upsert(request.headers());
    by_caller(core, bucket, name, is_upsert, "storage.object.upload", request).await
}

/// `PUT /object/{bucket}/{name}`: whatever was there before.
pub(in crate::storage) async fn replace(
    State(core): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
    request: Request,
) -> Result<Json<Value>, StorageError> {
    by_caller(core, bucket, name, true, "storage.object.upload_update", request).await
}

async fn by_caller(
    core: Shared,
    bucket: String,
    name: String,
    is_upsert: bool,
    operation: &'static str,
    request: Request,
) -> Result<Json<Value>, StorageError> {
    let target = core.caller(request.headers()).map(|caller| Target {
        owner: caller.subject().map(str::to_owned),
        bucket,
        name,
        caller,
        is_upsert,
        operation,
    });
    let (id, key) = take(&core, target, request).await?;
    Ok(Json(json!({ "Id": id, "Key": key })))
}

/// `PUT /object/upload/sign/{bucket}/{name}`: whoever signed it was allowed to; whoever has the token need not be anybody.
pub(in crate::storage) async fn to_signed_url(
    State(core): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
    Query(fields): Query,
    request: Request,
) -> Result<Json<Value>, StorageError> {
    let url = format!("{bucket}/{name}");
    let now = Utc::now().timestamp();
    let target = fields
        .required_text("token")
        .and_then(|token| core.signer.verify(&token, Scope::Upload, &url, now))
        .map(|claims| Target {
            bucket,
            name,
            caller: Caller::service(),
            owner: claims.owner,
            is_upsert: claims.upsert.unwrap_or(false),
            operation: "storage.object.upload_signed",
        });
    let (_, key) = take(&core, target, request).await?;
    Ok(Json(json!({ "Key": key })))
}

pub(in crate::storage) fn wants_upsert(headers: &HeaderMap) -> bool {
    headers.get("x-upsert").is_some_and(|value| value == "true")
}

/// Reads the whole request whatever comes of it: a client that is still sending would see a broken connection and not the refusal.
async fn take(
    core: &Shared,
    target: Result<Target, StorageError>,
    request: Request,
) -> Result<(Uuid, String), StorageError> {
    let (parts, body) = request.into_parts();
    let mut stream = body.into_data_stream();
    let taken = async {
        let target = target?;
        let received = receive(core, &target, &parts.headers, &mut stream).await?;
        Ok((target, received))
    };
    let (target, received) = match taken.await {
        Ok(taken) => taken,
        Err(error) => {
            drain(stream).await;
            return Err(error);
        }
    };
    settle(core, target, received).await
}

/// Gives a whole file its place and its row. Returns the id of the row and the whole name.
pub(in crate::storage) async fn settle(
    core: &Shared,
    target: Target,
    received: Received,
) -> Result<(Uuid, String), StorageError> {
    let key = format!("{}/{}", target.bucket, target.name);
    let version = core.files.place(received.draft)?;
    let row = target.row(version.to_string(), received.metadata, received.user_metadata);
    let id = commit(core, target, row).await?;
    Ok((id, key))
}

/// Reads what a client is still sending, and throws it away.
pub(in crate::storage) async fn drain(mut stream: BodyDataStream) {
    let reading = async { while let Some(Ok(_)) = stream.next().await {} };
    if tokio::time::timeout(DRAIN, reading).await.is_err() {
        tracing::debug!("a refused upload was cut off");
    }
}

//! The routes.

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{patch, post};
use futures_util::StreamExt as _;
use uuid::Uuid;

use super::error::{ResumableError, VERSION};
use super::metadata::Metadata;
use super::request::{allowed, check_version, is_part, location, target, text};
use super::upload::Upload;
use crate::storage::core::{Core, Shared};
use crate::storage::upload::{Entrance, Target, drain};

const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

/// Whoever has a signed URL goes below `sign` and shows its token.
pub(in crate::storage) fn router() -> Router<Shared> {
    let below = Router::new()
        .route("/", post(create))
        .route("/sign", post(create))
        .route("/sign/", post(create))
        .route("/{id}", patch(proceed).head(look).delete(terminate))
        .route("/sign/{id}", patch(proceed).head(look).delete(terminate));
    Router::new()
        .route("/upload/resumable/", post(create))
        .nest("/upload/resumable", below)
}

/// `POST`: a new upload, and its first part where the request brings one.
async fn create(State(core): State<Shared>, request: Request) -> Result<Response, ResumableError> {
    let (parts, body) = request.into_parts();
    let id = match begin(&core, &parts).await {
        Ok(id) => id,
        Err(error) => return refuse(error, body).await,
    };
    let body = if is_part(&parts.headers) {
        body
    } else {
        Body::empty()
    };
    let mut response = receive(core, id, 0, None, body).await?;
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(&location(&parts, id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn begin(core: &Shared, parts: &Parts) -> Result<Uuid, ResumableError> {
    check_version(&parts.headers)?;
    let metadata = Metadata::read(text(&parts.headers, "upload-metadata").unwrap_or_default())?;
    let target = target(core, parts, metadata.bucket, metadata.name)?;
    let length = text(&parts.headers, LENGTH.as_str())
        .and_then(|length| length.parse().ok())
        .ok_or(ResumableError::Length)?;
    let entrance = Entrance::open(core, &target, Some(length)).await?;
    entrance.check_size()?;
    entrance.admit(&metadata.told).await?;
    core.uploads.begin(core, target, metadata.told, length).await
}

/// Reads what comes all the same: a client that is still sending would see a broken connection and not the refusal.
async fn refuse(error: ResumableError, body: Body) -> Result<Response, ResumableError> {
    drain(body.into_data_stream()).await;
    Err(error)
}

/// `PATCH`: the next part. Whoever sends it must still be allowed to write the object, and be the one who began.
async fn proceed(
    State(core): State<Shared>,
    Path(id): Path<Uuid>,
    request: Request,
) -> Result<Response, ResumableError> {
    let (parts, body) = request.into_parts();
    match next_part(&core, &parts, id).await {
        Ok((offset, target)) => receive(core, id, offset, Some(target), body).await,
        Err(error) => refuse(error, body).await,
    }
}

async fn next_part(core: &Core, parts: &Parts, id: Uuid) -> Result<(u64, Target), ResumableError> {
    check_version(&parts.headers)?;
    if !is_part(&parts.headers) {
        return Err(ResumableError::ContentType);
    }
    let offset = text(&parts.headers, OFFSET.as_str())
        .and_then(|offset| offset.parse().ok())
        .ok_or(ResumableError::NoOffset)?;
    let upload = core.uploads.hold(id).await?;
    let target = allowed(core, parts, &upload)?;
    Ok((offset, target))
}

/// Takes a part in. It goes on when the client has left: whatever arrived counts.
async fn receive(
    core: Shared,
    id: Uuid,
    offset: u64,
    target: Option<Target>,
    body: Body,
) -> Result<Response, ResumableError> {
    let task = tokio::spawn(async move {
        let mut stream = body.into_data_stream();
        let taken = accept(&core, id, offset, target, &mut stream).await;
        if taken.is_err() {
            drain(stream).await;
        }
        taken
    });
    task.await
        .unwrap_or_else(|error| Err(std::io::Error::other(error).into()))
}

async fn accept(
    core: &Shared,
    id: Uuid,
    offset: u64,
    target: Option<Target>,
    stream: &mut BodyDataStream,
) -> Result<Response, ResumableError> {
    let mut upload = core.uploads.hold(id).await?;
    if upload.offset() != offset {
        return Err(ResumableError::Offset);
    }
    if let Some(target) = target {
        let entrance = Entrance::open(core, &target, Some(upload.length)).await?;
        entrance.admit(&upload.told).await?;
        upload.target = target;
    }
    upload.rewind().await?;
    let taken = take(&mut upload, stream).await;
    let finished = upload.finish(core).await;
    if finished.is_err() && upload.is_whole() {
        core.uploads.forget(id);
    }
    taken.and(finished)?;
    Ok(state(StatusCode::NO_CONTENT, &upload))
}

/// Until the part ends, or its client is gone.
async fn take(upload: &mut Upload, stream: &mut BodyDataStream) -> Result<(), ResumableError> {
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(chunk) => upload.write(&chunk).await?,
            Err(error) => {
                tracing::debug!(%error, "a part of an upload broke off");
                break;
            }
        }
    }
    Ok(())
}

/// `HEAD`: how much is here.
async fn look(
    State(core): State<Shared>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, ResumableError> {
    check_version(&headers)?;
    let upload = core.uploads.hold(id).await?;
    let mut response = state(StatusCode::OK, &upload);
    response.headers_mut().insert(LENGTH, upload.length.into());
    Ok(response)
}

/// `DELETE`: it is not to become an object.
async fn terminate(
    State(core): State<Shared>,
    Path(id): Path<Uuid>,
    request: Request,
) -> Result<Response, ResumableError> {
    let (parts, _) = request.into_parts();
    check_version(&parts.headers)?;
    let upload = core.uploads.hold(id).await?;
    allowed(&core, &parts, &upload)?;
    if upload.is_whole() {
        return Err(ResumableError::Completed);
    }
    core.uploads.forget(id);
    Ok((StatusCode::NO_CONTENT, [VERSION]).into_response())
}

fn state(status: StatusCode, upload: &Upload) -> Response {
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let offset = (OFFSET, HeaderValue::from(upload.offset()));
    let mut response = (status, [VERSION, no_store, offset]).into_response();
    let expires = upload.expires.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let (false, Ok(expires)) = (upload.is_whole(), HeaderValue::from_str(&expires)) {
        response.headers_mut().insert(EXPIRES, expires);
    }
    response
}

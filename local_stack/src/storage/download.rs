//! Reading a file: as somebody, from a public bucket, or with a signed URL.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tower_http::services::ServeFile;

use super::core::{Core, Shared};
use super::error::StorageError;
use super::fields::{Fields, Query};
use super::objects::{self, Object};
use super::signed_url::Scope;
use super::{bucket, caller, key};
use crate::identity::Caller;

/// A file goes when its row is replaced. Then the next one is looked for, this often.
const TRIES: u32 = 5;

/// What JavaScript's `encodeURIComponent` changes.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// How the file is to be shown.
struct Wish {
    /// The name under which a browser keeps it.
    download: Option<String>,
    /// When the URL expires, in seconds since 1970.
    expires: Option<i64>,
}

impl Wish {
    fn read(fields: &Fields) -> Result<Self, StorageError> {
        let download = fields.text("download")?;
        Ok(Self {
            download,
            expires: None,
        })
    }
}

/// `GET /object/{bucket}/{name}`: a stranger may ask, and sees public buckets.
pub(super) async fn open(
    State(core): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
    Query(fields): Query,
    request: Parts,
) -> Result<Response, StorageError> {
    let wish = Wish::read(&fields)?;
    let caller = caller::optional(&core.verifier, &request.headers);
    let reader = reader(&core, &bucket, caller).await?;
    let place = Place::new(bucket, name, reader, "object.get_authenticated")?;
    serve(&core, &place, &wish, &request).await
}

/// `GET /object/authenticated/{bucket}/{name}`.
pub(super) async fn authenticated(
    State(core): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
    Query(fields): Query,
    request: Parts,
) -> Result<Response, StorageError> {
    let wish = Wish::read(&fields)?;
    let caller = core.caller(&request.headers)?;
    let reader = reader(&core, &bucket, Some(caller)).await?;
    let place = Place::new(bucket, name, reader, "storage.object.get_authenticated")?;
    serve(&core, &place, &wish, &request).await
}

/// `GET /object/public/{bucket}/{name}`: a bucket that is not public is not there.
pub(super) async fn public(
    State(core): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
    Query(fields): Query,
    request: Parts,
) -> Result<Response, StorageError> {
    let wish = Wish::read(&fields)?;
    let reader = reader(&core, &bucket, None).await?;
    let place = Place::new(bucket, name, reader, "storage.object.get_public")?;
    serve(&core, &place, &wish, &request).await
}

/// `GET /object/sign/{bucket}/{name}`: whoever has the token.
pub(super) async fn signed(
    State(core): State<Shared>,
    Path((bucket, name)): Path<(String, String)>,
    Query(fields): Query,
    request: Parts,
) -> Result<Response, StorageError> {
    let mut wish = Wish::read(&fields)?;
    let token = fields.required_text("token")?;
    let url = format!("{bucket}/{name}");
    let now = Utc::now().timestamp();
    let claims = core.signer.verify(&token, Scope::Download, &url, now)?;
    wish.expires = Some(claims.exp);
    let place = Place::new(bucket, name, Caller::service(), "storage.object.get_signed")?;
    serve(&core, &place, &wish, &request).await
}

/// With whose rights a bucket is read: everybody reads a public one, and its policies take no part.
pub(super) async fn reader(
    core: &Core,
    bucket: &str,
    caller: Option<Caller>,
) -> Result<Caller, StorageError> {
    let mut tx = core.begin().await?;
    let bucket = bucket::find(&mut tx, bucket).await?;
    match caller {
        _ if bucket.public => Ok(Caller::service()),
        Some(caller) => Ok(caller),
        None => Err(StorageError::NoSuchBucket),
    }
}

/// Which object, and who looks.
pub(super) struct Place {
    bucket: String,
    name: String,
    reader: Caller,
    operation: &'static str,
}

impl Place {
    pub(super) fn new(
        bucket: String,
        name: String,
        reader: Caller,
        operation: &'static str,
    ) -> Result<Self, StorageError> {
        key::check(&name)?;
        Ok(Self {
            bucket,
            name,
            reader,
            operation,
        })
    }

    pub(super) async fn find(&self, core: &Core) -> Result<Object, StorageError> {
        let mut tx = core.begin_as(&self.reader, self.operation).await?;
        let found = objects::find(&mut tx, &self.bucket, &self.name).await?;
        found.ok_or(StorageError::NoSuchKey)
    }
}

/// The file, or the part of it that was asked for.
async fn serve(core: &Core, place: &Place, wish: &Wish, request: &Parts) -> Result<Response, StorageError> {
    for _ in 0..TRIES {
        let object = place.find(core).await?;
        let path = object
            .version
            .as_deref()
            .and_then(|version| core.files.path(version));
        let Some(path) = path else { break };
        if is_known(&request.headers, &object) {
            let mut response = StatusCode::NOT_MODIFIED.into_response();
            describe(response.headers_mut(), &object, wish);
            return Ok(response);
        }
        let response = ServeFile::new(path).try_call(plain(request)).await?;
        match response.status() {
            StatusCode::NOT_FOUND => {}
            StatusCode::RANGE_NOT_SATISFIABLE => return Err(StorageError::InvalidRange),
            _ => {
                let mut response = response.map(Body::new);
                describe(response.headers_mut(), &object, wish);
                return Ok(response);
            }
        }
    }
    Err(StorageError::NoFile)
}

/// The request as far as the file is concerned. A range that S3 would not understand is none, so the whole file comes.
fn plain(request: &Parts) -> axum::http::Request<()> {
    let mut plain = axum::http::Request::new(());
    if request.method == Method::HEAD {
        *plain.method_mut() = Method::HEAD;
    }
    for name in [
        header::RANGE,
        header::IF_MODIFIED_SINCE,
        header::IF_UNMODIFIED_SINCE,
    ] {
        if let Some(value) = request.headers.get(&name)
            && (name != header::RANGE || value.to_str().is_ok_and(is_one_range))
        {
            plain.headers_mut().insert(name, value.clone());
        }
    }
    plain
}

fn is_one_range(text: &str) -> bool {
    let ends = text
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'));
    ends.is_some_and(|(from, to)| {
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        is_number(from) && is_number(to) && !(from.is_empty() && to.is_empty())
    })
}

/// Whether the client has it already.
fn is_known(headers: &HeaderMap, object: &Object) -> bool {
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let tag = object.text("eTag");
    known.is_some_and(|known| known.split(',').any(|known| Some(known.trim()) == tag))
}

/// The headers that the row decides.
fn describe(headers: &mut HeaderMap, object: &Object, wish: &Wish) {
    let kind = match object.text("mimetype") {
        // A page from here would be a page of the project.
        Some(kind) if kind.contains("text/html") => "text/plain",
        Some(kind) => kind,
        None => "application/octet-stream",
    };
    set(headers, header::CONTENT_TYPE, kind);
    set(headers, HeaderName::from_static("x-robots-tag"), "none");
    if let Some(tag) = object.text("eTag") {
        set(headers, header::ETAG, tag);
    }
    let until = wish
        .expires
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    match until {
        Some(until) => set(
            headers,
            header::EXPIRES,
            &until.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        ),
        None => set(
            headers,
            header::CACHE_CONTROL,
            object.text("cacheControl").unwrap_or("no-cache"),
        ),
    }
    match wish.download.as_deref() {
        None => {}
        Some("") => set(headers, header::CONTENT_DISPOSITION, "attachment;"),
        Some(name) => {
            let name = utf8_percent_encode(name, COMPONENT);
            let value = format!("attachment; filename={name}; filename*=UTF-8''{name}");
            set(headers, header::CONTENT_DISPOSITION, &value);
        }
    }
}

/// A text that is no header is left out: somebody may have written it into the row by hand.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::is_one_range;

    #[test]
    fn only_one_range_of_bytes_is_understood() {
        for text in ["bytes=0-4", "bytes=5-", "bytes=-3"] {
            assert!(is_one_range(text), "{text}");
        }
        for text in ["bytes=-", "bytes=0-1,3-4", "items=0-1", "bytes=a-b", "bytes=1"] {
            assert!(!is_one_range(text), "{text}");
        }
    }
}

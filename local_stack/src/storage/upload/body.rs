//! The two forms of an upload: the file as the body, or a form with the file in it.

use axum::body::BodyDataStream;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use multer::{Field, Multipart};
use serde_json::Value;

use crate::storage::error::StorageError;

/// What a form may say besides the file.
const LONGEST_TEXT: usize = 1024 * 1024;

/// What is said about a file.
#[derive(Clone, Debug, Default)]
pub(in crate::storage) struct Told {
    pub(in crate::storage) mime: Option<String>,
    pub(in crate::storage) cache_control: Option<String>,
    pub(in crate::storage) user_metadata: Option<Value>,
}

impl Told {
    /// From the headers of a request whose body is the file.
    pub(super) fn by_headers(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            mime: text(header::CONTENT_TYPE.as_str()).map(str::to_owned),
            cache_control: text(header::CACHE_CONTROL.as_str()).map(str::to_owned),
            user_metadata: header_metadata(headers),
        }
    }

    /// Takes note of a field of a form.
    async fn by_field(&mut self, mut field: Field<'_>) -> Result<(), StorageError> {
        let name = field.name().unwrap_or_default().to_owned();
        let mut bytes = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(|error| broken(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LONGEST_TEXT {
                return Err(StorageError::TooLarge("user_metadata"));
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match name.as_str() {
            "cacheControl" => self.cache_control = Some(format!("max-age={text}")),
            "contentType" => self.mime = Some(text),
            "metadata" | "userMetadata" => self.user_metadata = serde_json::from_str(&text).ok(),
            _ => {}
        }
        Ok(())
    }
}

/// What a header says of a file, JSON in base64. Anything else says nothing.
pub(in crate::storage) fn header_metadata(headers: &HeaderMap) -> Option<Value> {
    let bytes = BASE64_STANDARD.decode(headers.get("x-metadata")?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// A form, when that is what the request has.
pub(super) fn form<'a>(
    headers: &HeaderMap,
    stream: &'a mut BodyDataStream,
) -> Result<Form<'a>, StorageError> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(|error| broken(&error))?;
    Ok(Form(Multipart::new(stream, boundary)))
}

pub(super) fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/form-data"))
}

/// A form that is being read.
pub(super) struct Form<'a>(Multipart<'a>);

impl<'a> Form<'a> {
    /// Reads up to the file. `None` when there is none.
    pub(super) async fn file(&mut self, told: &mut Told) -> Result<Option<Field<'a>>, StorageError> {
        while let Some(field) = self.0.next_field().await.map_err(|error| broken(&error))? {
            // The client library gives the file a name and its field none.
            if field.file_name().is_some() || field.name().is_none_or(str::is_empty) {
                let mime = field.content_type().map(ToString::to_string);
                told.mime = told.mime.take().or(mime);
                return Ok(Some(field));
            }
            told.by_field(field).await?;
        }
        Ok(None)
    }

    /// What comes after the file.
    pub(super) async fn rest(&mut self, told: &mut Told) -> Result<(), StorageError> {
        while let Some(field) = self.0.next_field().await.map_err(|error| broken(&error))? {
            told.by_field(field).await?;
        }
        Ok(())
    }
}

/// Where the bytes of the file come from.
pub(super) enum Source<'a, 'form> {
    Body(&'a mut BodyDataStream),
    Field(&'a mut Field<'form>),
}

impl Source<'_, '_> {
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, StorageError> {
        match self {
            Self::Body(stream) => stream.next().await.transpose().map_err(|error| broken(&error)),
            Self::Field(field) => field.chunk().await.map_err(|error| broken(&error)),
        }
    }
}

/// A body that ended too soon or is no form. The client has gone or is at fault.
fn broken(error: &dyn std::error::Error) -> StorageError {
    tracing::debug!(%error, "an upload broke off");
    StorageError::invalid("No content provided")
}

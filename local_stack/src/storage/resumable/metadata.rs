//! The header `Upload-Metadata`: names, each with a value in base64.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::error::ResumableError;
use crate::storage::error::StorageError;
use crate::storage::upload::Told;

/// What a new upload says of itself.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) bucket: String,
    pub(super) name: String,
    pub(super) told: Told,
}

impl Metadata {
    pub(super) fn read(header: &str) -> Result<Self, ResumableError> {
        let mut values = pairs(header)?;
        let mut required = |name: &'static str| {
            let value = values.remove(name).filter(|value| !value.is_empty());
            value.ok_or(StorageError::InvalidParameter(name))
        };
        let (bucket, name) = (required("bucketName")?, required("objectName")?);
        // As a form has it: seconds, and anything else says nothing.
        let seconds = values
            .get("cacheControl")
            .filter(|text| text.parse::<i64>().is_ok());
        let told = Told {
            mime: values.get("contentType").cloned(),
            cache_control: seconds.map(|seconds| format!("max-age={seconds}")),
            user_metadata: values
                .get("metadata")
                .and_then(|text| serde_json::from_str(text).ok()),
        };
        Ok(Self { bucket, name, told })
    }
}

fn pairs(header: &str) -> Result<HashMap<String, String>, ResumableError> {
    let mut values = HashMap::new();
    for pair in header.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let bytes = BASE64_STANDARD
            .decode(value.trim())
            .map_err(|_| ResumableError::Metadata)?;
        let text = String::from_utf8(bytes).map_err(|_| ResumableError::Metadata)?;
        values.insert(name.to_owned(), text);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn header(values: &[(&str, &str)]) -> String {
        let pairs = values
            .iter()
            .map(|(name, value)| format!("{name} {}", BASE64_STANDARD.encode(value)));
        pairs.collect::<Vec<_>>().join(",")
    }

    #[test]
    fn names_and_values_are_read() {
        let all = header(&[
            ("bucketName", "b"),
            ("objectName", "a/ü.txt"),
            ("contentType", "text/plain"),
            ("cacheControl", "60"),
            ("metadata", "{\"a\":1}"),
            ("empty", ""),
        ]);
        let metadata = Metadata::read(&format!("{all}, bare")).unwrap();
        assert_eq!(
            (metadata.bucket.as_str(), metadata.name.as_str()),
            ("b", "a/ü.txt")
        );
        assert_eq!(metadata.told.mime.as_deref(), Some("text/plain"));
        assert_eq!(metadata.told.cache_control.as_deref(), Some("max-age=60"));
        assert_eq!(metadata.told.user_metadata, Some(json!({ "a": 1 })));
    }

    #[test]
    fn what_is_missing_or_broken_is_refused() {
        for text in [
            String::new(),
            header(&[("bucketName", "b")]),
            header(&[("bucketName", ""), ("objectName", "a")]),
            "bucketName ???,objectName YQ==".to_owned(),
            "bucketName /w==,objectName YQ==".to_owned(),
        ] {
            assert!(Metadata::read(&text).is_err(), "{text}");
        }
    }
}

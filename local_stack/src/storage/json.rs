//! The bodies that are JSON.

use serde::de::DeserializeOwned;

use super::error::StorageError;

/// What a body says.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, StorageError> {
    serde_json::from_slice(body).map_err(|error| StorageError::invalid(format!("body: {error}")))
}

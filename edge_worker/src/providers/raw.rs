//! What a provider sent, kept as it was.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// JSON of others. Its `Debug` form says nothing of it: people's words and keys of third parties are in there.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Raw(pub Value);

impl fmt::Debug for Raw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Raw(..)")
    }
}

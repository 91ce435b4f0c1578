//! Uploads, from the first check to the row.

mod body;
mod commit;
mod handlers;
mod receive;

pub(super) use body::{Told, header_metadata};
pub(super) use commit::{commit, probe};
pub(super) use handlers::{create, drain, replace, settle, to_signed_url, wants_upsert};
pub(super) use receive::{Content, Entrance};

use super::objects::NewObject;
use crate::identity::Caller;

/// What somebody wants to write where.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) bucket: String,
    pub(super) name: String,
    /// With whose rights.
    pub(super) caller: Caller,
    /// Whom it will belong to.
    pub(super) owner: Option<String>,
    pub(super) is_upsert: bool,
    /// What policies are told that this is.
    pub(super) operation: &'static str,
}

impl Target {
    /// The row for it.
    pub(super) fn row(
        &self,
        version: String,
        metadata: serde_json::Value,
        user_metadata: Option<serde_json::Value>,
    ) -> NewObject {
        NewObject {
            id: uuid::Uuid::new_v4(),
            bucket: self.bucket.clone(),
            name: self.name.clone(),
            owner: self.owner.clone(),
            version,
            metadata,
            user_metadata,
        }
    }
}

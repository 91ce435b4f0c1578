//! Finding a conversation as the caller.

use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::api::{Caller, DataApi, Refused};
use crate::error::ApiError;
use crate::providers::tavus::ConversationId;

/// These columns of a conversation, by Tavus' id or the row's; `None` where the caller sees no such row, and `not_an_id` for what is
/// neither.
pub(in crate::api) async fn find<T: DeserializeOwned>(
    data: &DataApi,
    caller: &Caller,
    id: &str,
    columns: &'static str,
    not_an_id: ApiError,
) -> Result<Option<T>, Refused> {
    let rows = data.table("conversations").select(columns);
    let rows = match Uuid::try_parse(id) {
        Ok(id) => rows.eq("id", id.to_string()),
        Err(_) => {
            let id = ConversationId::parse(id).ok_or(not_an_id)?;
            rows.eq("conversation_id", id.as_str())
        }
    };
    Ok(data.send(caller, "get_conversation", rows).await?.first()?)
}

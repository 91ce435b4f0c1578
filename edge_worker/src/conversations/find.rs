//! Finding the call of an attempt whose answer was lost: Tavus' list has the callback addresses, and ours is the same whenever
//! it is made.

use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::{AppName, ConversationError, Conversations};
use crate::providers::tavus::wire::{Conversation, ConversationStatus, PageQuery};

/// Rows a page.
const PAGE_ROWS: u32 = 100;

/// The plans of Tavus end far below as many calls at a time.
const MOST_PAGES: u32 = 50;

impl Conversations {
    /// The running call with the callback address of this conversation.
    pub(super) async fn find(
        &self,
        app: AppName,
        id: Uuid,
    ) -> Result<Option<Conversation>, ConversationError> {
        let tavus = self.tavus()?;
        for number in 1..=MOST_PAGES {
            let query = PageQuery {
                number,
                limit: PAGE_ROWS,
            };
            let page = tavus
                .conversations(query, Some(&ConversationStatus::Active))
                .await?;
            let rows_of_page = page.page_rows;
            if let Some(found) = page
                .rows
                .into_iter()
                .find(|call| self.owner(call) == Some((app, id)))
            {
                return Ok(Some(found));
            }
            if rows_of_page == 0 {
                break;
            }
        }
        Ok(None)
    }

    /// Whose call this is, by the token in its callback address.
    pub(super) fn owner(&self, call: &Conversation) -> Option<(AppName, Uuid)> {
        let address = call.callback_url.as_ref()?.expose_secret();
        self.callbacks().verify(address.rsplit('/').next()?)
    }
}

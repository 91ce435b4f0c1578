//! Tavus' list of running calls. It has their callback addresses, and that of a conversation is the same whenever it is made:
//! so the call of an attempt whose answer was lost is found again.

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
        for number in 1..=MOST_PAGES {
            let Some(rows) = self.running(number).await? else {
                break;
            };
            let found = rows.into_iter().find(|call| self.owner(call) == Some((app, id)));
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// All running calls of conversations of this app.
    pub(super) async fn running_of(
        &self,
        app: AppName,
    ) -> Result<Vec<(Uuid, Conversation)>, ConversationError> {
        let mut found = Vec::new();
        for number in 1..=MOST_PAGES {
            let Some(rows) = self.running(number).await? else {
                break;
            };
            found.extend(rows.into_iter().filter_map(|call| {
                let (of, id) = self.owner(&call)?;
                (of == app).then_some((id, call))
            }));
        }
        Ok(found)
    }

    /// One page of running calls; `None` behind the last.
    async fn running(&self, number: u32) -> Result<Option<Vec<Conversation>>, ConversationError> {
        let query = PageQuery {
            number,
            limit: PAGE_ROWS,
        };
        let running = Some(&ConversationStatus::Active);
        let page = self.tavus()?.conversations(query, running).await?;
        Ok((page.page_rows > 0).then_some(page.rows))
    }

    /// Whose call this is, by the token in its callback address.
    fn owner(&self, call: &Conversation) -> Option<(AppName, Uuid)> {
        let address = call.callback_url.as_ref()?;
        self.callbacks().owner(address.expose_secret())
    }
}

//! The box itself. It is in memory: the codes in it are worth nothing after a while.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde::Serialize;

/// The oldest go first.
const KEPT: usize = 500;

/// How a message would have gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum Channel {
    Email,
    Sms,
}

/// One message.
#[derive(Clone, Debug, Serialize)]
pub(in super::super) struct Message {
    /// Counts from one; the newest has the highest.
    pub(in super::super) id: u64,
    pub(in super::super) channel: Channel,
    /// The address, or the number without its plus.
    pub(in super::super) to: String,
    /// What it is about, as `type` of `verifyOtp` names it.
    #[serde(rename = "type")]
    pub(in super::super) kind: &'static str,
    pub(in super::super) subject: String,
    pub(in super::super) text: String,
    /// The one-time code.
    pub(in super::super) code: String,
    /// What `verifyOtp` takes instead of the address and the code.
    pub(in super::super) token_hash: String,
    /// What one would click.
    pub(in super::super) link: Option<String>,
    pub(in super::super) created_at: DateTime<Utc>,
}

/// All of them.
#[derive(Debug, Default)]
pub(in super::super) struct Mailbox {
    messages: Mutex<VecDeque<Message>>,
    count: AtomicU64,
}

impl Mailbox {
    /// Puts a message in, and numbers it.
    pub(in super::super) fn put(&self, mut message: Message) {
        let mut messages = self.messages.lock();
        message.id = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if messages.len() >= KEPT {
            messages.pop_front();
        }
        messages.push_back(message);
    }

    /// The newest first; to one address or number when that is named.
    pub(super) fn list(&self, to: Option<&str>) -> Vec<Message> {
        let messages = self.messages.lock();
        let found = messages.iter().rev();
        found
            .filter(|message| to.is_none_or(|to| message.to.eq_ignore_ascii_case(to)))
            .cloned()
            .collect()
    }

    pub(super) fn clear(&self) {
        self.messages.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(to: &str) -> Message {
        Message {
            id: 0,
            channel: Channel::Email,
            to: to.to_owned(),
            kind: "magiclink",
            subject: String::new(),
            text: String::new(),
            code: String::new(),
            token_hash: String::new(),
            link: None,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn newest_comes_first_and_the_oldest_go() {
        let mailbox = Mailbox::default();
        for number in 0..=KEPT {
            mailbox.put(message(if number % 2 == 0 {
                "a@example.com"
            } else {
                "b@example.com"
            }));
        }
        let all = mailbox.list(None);
        assert_eq!((all.len(), all[0].id, all[KEPT - 1].id), (KEPT, 501, 2));
        let of_b = mailbox.list(Some("B@example.com"));
        assert!(of_b.iter().all(|message| message.to == "b@example.com"));
        assert_eq!(of_b.len(), KEPT / 2);
        mailbox.clear();
        assert!(mailbox.list(None).is_empty());
    }
}

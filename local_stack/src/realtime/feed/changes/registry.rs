//! Who is subscribed to what.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::change::Kind;
use super::request::{ANY, Wanted};
use crate::identity::Caller;

/// Takes the changes of one subscription. Its calls must not block: they hold up every other subscriber.
pub(crate) trait ChangeSink: Send + Sync + 'static {
    /// `data` is the JSON of one change, for the requests with these numbers.
    fn change(&self, ids: Vec<i64>, data: Arc<str>);

    /// The subscription was ended from this side, and this is what to tell the client.
    fn lost(&self, reason: Arc<str>) {
        tracing::warn!(%reason, "a subscription to changes was lost");
    }
}

/// What a policy sees of a caller. Callers with equal rights are asked for once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Rights {
    pub(super) role: String,
    /// The JSON of the claims.
    pub(super) claims: String,
}

impl From<&Caller> for Rights {
    fn from(caller: &Caller) -> Self {
        Self {
            role: caller.role.clone(),
            claims: caller.claims.to_string(),
        }
    }
}

/// One subscription: the requests of one channel.
pub(super) struct Subscriber {
    pub(super) rights: Arc<Rights>,
    pub(super) wanted: Arc<[Wanted]>,
    pub(super) sink: Arc<dyn ChangeSink>,
}

/// A request that a change fits, and who made it.
pub(super) struct Candidate {
    /// Of the subscription.
    pub(super) key: u64,
    pub(super) rights: Arc<Rights>,
    pub(super) wanted: Arc<[Wanted]>,
    /// Which of them.
    pub(super) index: usize,
    pub(super) sink: Arc<dyn ChangeSink>,
}

impl Candidate {
    pub(super) fn request(&self) -> Option<&Wanted> {
        self.wanted.get(self.index)
    }
}

#[derive(Default)]
struct Entries {
    next: u64,
    subscribers: HashMap<u64, Subscriber>,
    /// How many requests name a schema and a table; both may be `*`. It answers for every row whether anybody asks.
    counts: HashMap<String, HashMap<String, usize>>,
}

impl Entries {
    fn count(&mut self, wanted: &[Wanted], change: impl Fn(usize) -> usize) {
        for request in wanted {
            let tables = self.counts.entry(request.schema.clone()).or_default();
            let count = tables.entry(request.table.clone()).or_default();
            *count = change(*count);
            if *count == 0 {
                tables.remove(&request.table);
                if tables.is_empty() {
                    self.counts.remove(&request.schema);
                }
            }
        }
    }

    fn remove(&mut self, key: u64) -> Option<Subscriber> {
        let subscriber = self.subscribers.remove(&key)?;
        self.count(&subscriber.wanted, |count| count.saturating_sub(1));
        Some(subscriber)
    }
}

/// All subscriptions. The lock is held for moments only, and never across a wait.
#[derive(Default)]
pub(in crate::realtime::feed) struct Registry(RwLock<Entries>);

impl Registry {
    pub(super) fn add(self: &Arc<Self>, subscriber: Subscriber) -> ChangeSubscription {
        let ids = subscriber.wanted.iter().map(|wanted| wanted.id).collect();
        let mut entries = self.write();
        entries.next += 1;
        let key = entries.next;
        entries.count(&Arc::clone(&subscriber.wanted), |count| count + 1);
        entries.subscribers.insert(key, subscriber);
        ChangeSubscription {
            ids,
            key,
            registry: Arc::clone(self),
        }
    }

    /// Whether anybody asks for a table.
    pub(in crate::realtime::feed) fn is_wanted(&self, schema: &str, table: &str) -> bool {
        let entries = self.read();
        [schema, ANY].iter().any(|schema| {
            entries
                .counts
                .get(*schema)
                .is_some_and(|tables| tables.contains_key(table) || tables.contains_key(ANY))
        })
    }

    /// The requests that a change fits, filters aside.
    pub(super) fn candidates(&self, kind: Kind, schema: &str, table: &str) -> Vec<Candidate> {
        let entries = self.read();
        let mut candidates = Vec::new();
        for (key, subscriber) in &entries.subscribers {
            for (index, wanted) in subscriber.wanted.iter().enumerate() {
                if wanted.fits(kind, schema, table) {
                    candidates.push(Candidate {
                        key: *key,
                        rights: Arc::clone(&subscriber.rights),
                        wanted: Arc::clone(&subscriber.wanted),
                        index,
                        sink: Arc::clone(&subscriber.sink),
                    });
                }
            }
        }
        candidates
    }

    /// Ends every subscription that a change would have gone to.
    pub(in crate::realtime::feed) fn lose(&self, kind: Kind, schema: &str, table: &str, reason: &Arc<str>) {
        for candidate in self.candidates(kind, schema, table) {
            let removed = self.write().remove(candidate.key);
            if let Some(subscriber) = removed {
                subscriber.sink.lost(Arc::clone(reason));
            }
        }
    }

    // Nothing that can panic runs while the lock is held, so a poisoned lock still guards whole data.
    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A subscription; dropping it ends it.
pub(crate) struct ChangeSubscription {
    /// One for each request, in their order.
    pub(crate) ids: Vec<i64>,
    key: u64,
    registry: Arc<Registry>,
}

impl ChangeSubscription {
    /// From now on the policies see this caller.
    pub(crate) fn update_caller(&self, caller: &Caller) {
        if let Some(subscriber) = self.registry.write().subscribers.get_mut(&self.key) {
            subscriber.rights = Arc::new(Rights::from(caller));
        }
    }
}

impl Drop for ChangeSubscription {
    fn drop(&mut self) {
        let removed = self.registry.write().remove(self.key);
        // The sink goes after the lock: it is somebody else's code.
        drop(removed);
    }
}

//! What was acknowledged in all, and whether it was there once.

use std::fmt;

use crate::error::Error;
use crate::webhooks::tables::{Receiver, Verdict};

/// What one receiver acknowledged.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    deliveries: u64,
    events: usize,
}

/// What both acknowledged.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    ours: Count,
    peer: Count,
}

impl Tally {
    /// Adds a turn; an error when anything was lost or doubled in it.
    pub(crate) fn add(
        &mut self,
        receiver: Receiver,
        deliveries: u64,
        events: usize,
        verdict: Verdict,
    ) -> Result<(), Error> {
        if verdict != Verdict::default() {
            let Verdict { lost, doubled } = verdict;
            return Err(Error::Webhooks(format!(
                "of {events} acknowledged events of {receiver:?}, {lost} were lost and {doubled} doubled"
            )));
        }
        let count = match receiver {
            Receiver::Ours => &mut self.ours,
            Receiver::Peer => &mut self.peer,
        };
        count.deliveries += deliveries;
        count.events += events;
        Ok(())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ours, peer } = self;
        write!(
            f,
            "every acknowledged event was looked for afterwards, with its effect and its broadcast: 0 lost, 0 doubled, of {} \
             events in {} deliveries to ours and {} in {} to the peer",
            ours.events, ours.deliveries, peer.events, peer.deliveries
        )
    }
}

//! What is still to be sent, and what was acknowledged: shared by the senders of one turn.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::Range;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use uuid::Uuid;

use crate::error::Error;
use crate::webhooks::events::{Kind, Script};

/// One delivery in so many is of an event that was sent before, and may still be under way.
const REPEATED: f64 = 0.1;
/// Among so many of the latest.
const RECENT: usize = 64;
/// The calls take turns in groups of so many: Tavus sends the events of one call one after the other, of many calls at once.
const SIDE_BY_SIDE: usize = 64;

/// A call at Tavus that is known to the receiver.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The receiver's id.
    pub(crate) id: Uuid,
    /// Tavus' id.
    pub(crate) conversation_id: String,
    /// In the address of its callbacks.
    pub(crate) token: String,
}

/// One callback.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery {
    call: usize,
    /// Which event.
    pub(crate) kind: Kind,
}

/// What one turn measured.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// Of every delivery that was answered in the measured time, how long its answer took, in nanoseconds.
    pub(crate) answers: Vec<u64>,
    /// How many deliveries were acknowledged, measured or not.
    pub(crate) acknowledged: u64,
}

/// The turn.
#[derive(Debug)]
pub(crate) struct Post<'a> {
    script: &'a Script,
    calls: Vec<Call>,
    measured: Range<u64>,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    left: VecDeque<Delivery>,
    recent: VecDeque<Delivery>,
    random: StdRng,
    samples: Samples,
}

impl<'a> Post<'a> {
    /// All events of the calls, in such an order that neighbours are of different calls.
    pub(crate) fn new(script: &'a Script, calls: Vec<Call>, measured: Range<u64>, seed: u64) -> Self {
        let numbers: Vec<usize> = (0..calls.len()).collect();
        let left = numbers
            .chunks(SIDE_BY_SIDE)
            .flat_map(|group| {
                script
                    .kinds()
                    .flat_map(move |kind| group.iter().map(move |call| Delivery { call: *call, kind }))
            })
            .collect();
        let state = State {
            left,
            recent: VecDeque::new(),
            random: StdRng::seed_from_u64(seed),
            samples: Samples::default(),
        };
        Self {
            script,
            calls,
            measured,
            state: RefCell::new(state),
        }
    }

    /// The next one, or one of the last ones again.
    pub(crate) fn next(&self) -> Result<Delivery, Error> {
        let state = &mut *self.state.borrow_mut();
        if state.random.random_bool(REPEATED) && !state.recent.is_empty() {
            let place = state.random.random_range(0..state.recent.len());
            return state.recent.get(place).copied().ok_or(Error::TooShort);
        }
        let delivery = state.left.pop_front().ok_or(Error::Unprepared(
            "the receiver was faster than the suite webhooks thought possible: there are too few conversations",
        ))?;
        if state.recent.len() == RECENT {
            state.recent.pop_front();
        }
        state.recent.push_back(delivery);
        Ok(delivery)
    }

    /// The call of a delivery, and the body.
    pub(crate) fn write(&self, delivery: Delivery) -> Option<(&Call, String)> {
        let call = self.calls.get(delivery.call)?;
        let body = self
            .script
            .body(delivery.kind, &call.conversation_id, &call.token);
        Some((call, body))
    }

    /// It was acknowledged; whether the turn is over.
    pub(crate) fn acknowledge(&self, began: u64, answered: u64) -> bool {
        let samples = &mut self.state.borrow_mut().samples;
        samples.acknowledged += 1;
        if self.measured.contains(&answered) {
            samples.answers.push(answered.saturating_sub(began));
        }
        answered >= self.measured.end
    }

    /// When all senders have their last answer: what was measured, and every event that was sent, so also acknowledged.
    pub(crate) fn close(self) -> (Samples, Vec<(Uuid, Kind)>) {
        let state = self.state.into_inner();
        let left: std::collections::HashSet<(usize, Kind)> = state
            .left
            .iter()
            .map(|delivery| (delivery.call, delivery.kind))
            .collect();
        let sent = self
            .calls
            .iter()
            .enumerate()
            .flat_map(|(number, call)| self.script.kinds().map(move |kind| (number, call.id, kind)))
            .filter(|(number, _, kind)| !left.contains(&(*number, *kind)))
            .map(|(_, id, kind)| (id, kind))
            .collect();
        (state.samples, sent)
    }
}

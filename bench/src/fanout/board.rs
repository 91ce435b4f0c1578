//! Who was told what, and when: every message in flight, and every socket that it has to reach.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::clock::now;
use crate::error::Error;

/// After so long a message that has not reached every socket counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(20);

/// Which message: who spoke, and the how manieth of theirs it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    /// The speaker.
    pub(crate) speaker: usize,
    /// From 0, without gaps.
    pub(crate) index: u64,
}

impl Id {
    /// The text of this message.
    pub(crate) fn text(self, sentence: &str) -> String {
        format!("{}.{} {sentence}", self.speaker, self.index)
    }

    /// Of a message with this text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (speaker, index) = text.split_once(' ')?.0.split_once('.')?;
        Some(Self {
            speaker: speaker.parse().ok()?,
            index: index.parse().ok()?,
        })
    }
}

/// A message that has not yet reached every socket.
#[derive(Debug)]
struct Flight {
    began: u64,
    committing: u64,
    left: usize,
}

/// What one turn measured, in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// From sending the commit until a socket had the message: one for each message and socket.
    pub(crate) after_commit: Vec<u64>,
    /// From the first thing that the sender sent: one for each message and socket.
    pub(crate) after_call: Vec<u64>,
    /// From there until the sender had its answer: one for each message.
    pub(crate) calls: Vec<u64>,
    /// How many deliveries fell into the measured time.
    pub(crate) deliveries: u64,
}

#[derive(Debug, Default)]
struct State {
    flights: HashMap<Id, Flight>,
    measured: Range<u64>,
    samples: Samples,
    fault: Option<String>,
}

/// Shared by speakers and listeners.
#[derive(Debug)]
pub(crate) struct Board {
    sockets: usize,
    patience: Duration,
    /// One permit for each further message that may be in flight.
    room: Semaphore,
    state: Mutex<State>,
}

impl Board {
    /// For so many listeners.
    pub(crate) fn new(sockets: usize) -> Self {
        Self {
            sockets,
            patience: LOST_AFTER,
            room: Semaphore::new(0),
            state: Mutex::default(),
        }
    }

    /// Begins a turn with at most `in_flight` messages under way; what happens in `measured` counts.
    pub(crate) fn open(&self, measured: Range<u64>, in_flight: usize) {
        let mut state = self.state();
        state.measured = measured;
        state.samples = Samples::default();
        self.room.add_permits(in_flight);
    }

    /// Ends a turn: waits until everything has arrived.
    pub(crate) async fn close(&self, in_flight: usize) -> Result<Samples, Error> {
        self.take(in_flight).await?;
        Ok(std::mem::take(&mut self.state().samples))
    }

    /// Waits until one more message may be sent.
    pub(crate) async fn wait(&self) -> Result<(), Error> {
        self.take(1).await
    }

    async fn take(&self, permits: usize) -> Result<(), Error> {
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        match tokio::time::timeout(self.patience, self.room.acquire_many(permits)).await {
            Ok(Ok(taken)) => {
                taken.forget();
                Ok(())
            }
            // Closed: there was a fault.
            Ok(Err(_)) => Err(Error::Fanout(self.state().fault.clone().unwrap_or_default())),
            Err(_) => Err(Error::Fanout(self.lost())),
        }
    }

    fn lost(&self) -> String {
        let state = self.state();
        let oldest = state.flights.iter().min_by_key(|(_, flight)| flight.began);
        oldest.map_or_else(
            || "no message is under way, and none may be sent".to_owned(),
            |(id, flight)| {
                format!(
                    "lost: message {} of speaker {} did not reach {} of {} sockets in {:?}; {} messages are under way",
                    id.index,
                    id.speaker,
                    flight.left,
                    self.sockets,
                    self.patience,
                    state.flights.len()
                )
            },
        )
    }

    /// A message whose sender began at `began` is about to be committed (or simply sent: then `committing` is the same).
    pub(crate) fn launch(&self, id: Id, began: u64, committing: u64) {
        let left = self.sockets;
        self.state().flights.insert(
            id,
            Flight {
                began,
                committing,
                left,
            },
        );
    }

    /// The sender of a message has its answer.
    pub(crate) fn answered(&self, began: u64) {
        let at = now();
        let mut state = self.state();
        if state.measured.contains(&began) {
            state.samples.calls.push(at.saturating_sub(began));
        }
    }

    /// A message is parsed in the hand of one listener. `committing` is when its commit was sent, where only the server knows that.
    pub(crate) fn deliver(&self, id: Id, committing: Option<u64>) {
        let at = now();
        let mut guard = self.state();
        let state = &mut *guard;
        let Entry::Occupied(mut entry) = state.flights.entry(id) else {
            drop(guard);
            self.fault(format!("speaker {} never sent message {}", id.speaker, id.index));
            return;
        };
        let flight = entry.get_mut();
        flight.left -= 1;
        if state.measured.contains(&flight.began) {
            let committing = committing.unwrap_or(flight.committing);
            state.samples.after_commit.push(at.saturating_sub(committing));
            state.samples.after_call.push(at.saturating_sub(flight.began));
        }
        if state.measured.contains(&at) {
            state.samples.deliveries += 1;
        }
        if flight.left == 0 {
            entry.remove();
            self.room.add_permits(1);
        }
    }

    /// Ends the run.
    pub(crate) fn fault(&self, what: String) {
        self.state().fault.get_or_insert(what);
        self.room.close();
    }

    /// A panic elsewhere ends the run anyway.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one listener has heard so far.
#[derive(Debug, Default)]
pub(crate) struct Hand {
    heard: HashMap<usize, u64>,
    seq: Option<i64>,
}

impl Hand {
    /// Takes the next message; an error when it is not the speaker's next one, or not the next one of the room's stream.
    pub(crate) fn take(&mut self, id: Id, seq: Option<i64>) -> Result<(), String> {
        let expected = self.heard.entry(id.speaker).or_default();
        if id.index != *expected {
            let what = if id.index < *expected {
                "doubled or out of order"
            } else {
                "lost or out of order"
            };
            return Err(format!(
                "{what}: a socket got message {} of speaker {} where {expected} was due",
                id.index, id.speaker
            ));
        }
        *expected += 1;
        if let Some(seq) = seq {
            if let Some(last) = self.seq
                && seq != last + 1
            {
                return Err(format!(
                    "out of order: a socket got number {seq} of the room after {last}"
                ));
            }
            self.seq = Some(seq);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(speaker: usize, index: u64) -> Id {
        Id { speaker, index }
    }

    #[test]
    fn text_names_its_message() {
        assert_eq!(Id::parse(&id(3, 17).text("What was said.")), Some(id(3, 17)));
        assert_eq!(Id::parse("3.x What"), None);
    }

    #[test]
    fn hand_takes_each_speakers_messages_once_and_in_order() {
        let mut hand = Hand::default();
        for next in [id(0, 0), id(1, 0), id(0, 1)] {
            hand.take(next, None).unwrap();
        }
        assert!(hand.take(id(0, 1), None).unwrap_err().starts_with("doubled"));
        assert!(hand.take(id(1, 2), None).unwrap_err().starts_with("lost"));
    }

    #[test]
    fn hand_takes_the_rooms_numbers_without_gaps() {
        let mut hand = Hand::default();
        hand.take(id(0, 0), Some(41)).unwrap();
        hand.take(id(1, 0), None).unwrap();
        hand.take(id(0, 1), Some(42)).unwrap();
        assert!(hand.take(id(0, 2), Some(44)).is_err());
    }

    #[tokio::test]
    async fn turn_ends_when_every_socket_has_every_message() {
        let board = Board::new(2);
        let began = now();
        board.open(began..u64::MAX, 1);
        board.wait().await.unwrap();
        board.launch(id(0, 0), began, began);
        board.deliver(id(0, 0), None);
        board.deliver(id(0, 0), Some(began + 1));
        let samples = board.close(1).await.unwrap();
        assert_eq!((samples.after_commit.len(), samples.deliveries), (2, 2));
        assert!(samples.calls.is_empty());
    }

    #[tokio::test]
    async fn message_that_misses_a_socket_is_lost() {
        let mut board = Board::new(2);
        board.patience = Duration::from_millis(1);
        board.open(0..1, 1);
        board.wait().await.unwrap();
        board.launch(id(0, 0), 0, 0);
        board.deliver(id(0, 0), None);
        let error = board.close(1).await.unwrap_err().to_string();
        assert!(error.contains("did not reach 1 of 2 sockets"), "{error}");
    }

    #[tokio::test]
    async fn message_that_nobody_sent_ends_the_run() {
        let board = Board::new(1);
        board.open(0..1, 1);
        board.deliver(id(0, 7), None);
        let error = board.wait().await.unwrap_err().to_string();
        assert!(error.contains("never sent message 7"), "{error}");
    }
}

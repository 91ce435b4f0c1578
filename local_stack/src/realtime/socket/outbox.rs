//! The bounded queue in front of a socket. Putting something in never waits: who is too slow loses the connection, and nobody
//! else notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::ws::Message;
use tokio::sync::{mpsc, watch};

/// Why a connection ends from this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// Its queue is full: it is cut off at once.
    Slow,
    /// It was silent for too long, has no channel, or asked for too much; what is queued still goes out.
    Disconnect,
    /// The stack stops; what is queued still goes out.
    Stop,
}

/// The way in. Clones share the queue.
#[derive(Clone, Debug)]
pub(crate) struct Outbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sender: mpsc::Sender<Message>,
    queued: Arc<AtomicUsize>,
    most_bytes: usize,
    closing: watch::Sender<Option<Closing>>,
}

/// Waits until a watched value is like that, or nobody can change it any more. Holds no lock afterwards.
pub(super) async fn told<T>(watched: &mut watch::Receiver<T>, is_it: impl FnMut(&T) -> bool) {
    let _ = watched.wait_for(is_it).await;
}

/// The way out.
pub(super) struct Queue {
    receiver: mpsc::Receiver<Message>,
    queued: Arc<AtomicUsize>,
    pub(super) closing: watch::Receiver<Option<Closing>>,
}

impl Outbox {
    /// A queue of so many frames and bytes.
    pub(super) fn new(frames: usize, most_bytes: usize) -> (Self, Queue) {
        let (sender, receiver) = mpsc::channel(frames);
        let closing = watch::Sender::new(None);
        let queued = Arc::new(AtomicUsize::new(0));
        let queue = Queue {
            receiver,
            queued: queued.clone(),
            closing: closing.subscribe(),
        };
        let inner = Inner {
            sender,
            queued,
            most_bytes,
            closing,
        };
        (Self(Arc::new(inner)), queue)
    }

    /// Queues a frame, or ends the connection when there is no room for it.
    pub(crate) fn push(&self, message: Message) {
        let bytes = size(&message);
        let before = self.0.queued.fetch_add(bytes, Ordering::Relaxed);
        // A single frame always fits, however large it is.
        let is_too_much = before > 0 && before.saturating_add(bytes) > self.0.most_bytes;
        // After the writer is gone nobody needs the frame.
        if is_too_much
            || matches!(
                self.0.sender.try_send(message),
                Err(mpsc::error::TrySendError::Full(_))
            )
        {
            self.close(Closing::Slow);
        }
    }

    /// Ends the connection. Being slow wins over the other reasons: it must not wait for a peer that reads nothing.
    pub(crate) fn close(&self, reason: Closing) {
        self.0.closing.send_if_modified(|closing| {
            let is_news = closing.is_none() || (reason == Closing::Slow && *closing != Some(reason));
            if is_news {
                *closing = Some(reason);
            }
            is_news
        });
    }

    /// Tells when the connection is to end, and why.
    pub(super) fn closing(&self) -> watch::Receiver<Option<Closing>> {
        self.0.closing.subscribe()
    }
}

impl Queue {
    /// Waits for frames and takes all there are, up to `most`; 0 when nobody can send any more.
    pub(super) async fn take(&mut self, batch: &mut Vec<Message>, most: usize) -> usize {
        let count = self.receiver.recv_many(batch, most).await;
        self.forget(batch);
        count
    }

    /// Takes what is there without waiting.
    pub(super) fn drain(&mut self, batch: &mut Vec<Message>) {
        while let Ok(message) = self.receiver.try_recv() {
            batch.push(message);
        }
        self.forget(batch);
    }

    fn forget(&self, batch: &[Message]) {
        let bytes = batch.iter().map(size).sum();
        self.queued.fetch_sub(bytes, Ordering::Relaxed);
    }
}

fn size(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
        _ => 0,
    }
}

#[cfg(test)]
impl Outbox {
    /// A queue whose other end is taken by hand.
    pub(crate) fn for_test(frames: usize, most_bytes: usize) -> (Self, TestQueue) {
        let (outbox, queue) = Self::new(frames, most_bytes);
        (outbox, TestQueue(queue))
    }
}

/// What a test reads from instead of a socket.
#[cfg(test)]
pub(crate) struct TestQueue(Queue);

#[cfg(test)]
impl TestQueue {
    pub(crate) fn drain(&mut self) -> Vec<Message> {
        let mut batch = Vec::new();
        self.0.drain(&mut batch);
        batch
    }

    pub(crate) fn closing(&self) -> Option<Closing> {
        *self.0.closing.borrow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: usize) -> Message {
        Message::Text("x".repeat(bytes).into())
    }

    #[test]
    fn full_queue_ends_the_connection_and_never_waits() {
        let (outbox, mut queue) = Outbox::for_test(2, 1_000);
        outbox.push(frame(1));
        outbox.push(frame(1));
        assert_eq!(queue.closing(), None);
        outbox.push(frame(1));
        assert_eq!(queue.closing(), Some(Closing::Slow));
        assert_eq!(queue.drain().len(), 2);
    }

    #[test]
    fn too_many_bytes_end_it_too_but_one_large_frame_does_not() {
        let (outbox, mut queue) = Outbox::for_test(10, 100);
        outbox.push(frame(200));
        assert_eq!((queue.closing(), queue.drain().len()), (None, 1));
        outbox.push(frame(60));
        outbox.push(frame(40));
        assert_eq!((queue.closing(), queue.drain().len()), (None, 2));
        outbox.push(frame(60));
        outbox.push(frame(41));
        assert_eq!(queue.closing(), Some(Closing::Slow));
    }

    #[test]
    fn first_reason_stays_unless_the_peer_turns_out_to_be_slow() {
        let (outbox, queue) = Outbox::for_test(1, 100);
        outbox.close(Closing::Disconnect);
        outbox.close(Closing::Stop);
        assert_eq!(queue.closing(), Some(Closing::Disconnect));
        outbox.close(Closing::Slow);
        assert_eq!(queue.closing(), Some(Closing::Slow));
    }
}

//! Writes what is queued for a socket, as many frames at a time as there are.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::SinkExt as _;
use futures_util::stream::SplitSink;

use super::outbox::{Closing, Queue, told};

/// One write to the operating system for up to so many frames.
const BATCH: usize = 256;

/// How long a peer may take to receive the last frames.
const FAREWELL: Duration = Duration::from_secs(1);

/// Writes until the connection ends or is to end.
pub(super) async fn write(mut sink: SplitSink<WebSocket, Message>, mut queue: Queue) {
    let mut closing = queue.closing.clone();
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            biased;
            () = told(&mut closing, Option::is_some) => break,
            count = queue.take(&mut batch, BATCH) => {
                if count == 0 {
                    break;
                }
            }
        }
        tokio::select! {
            biased;
            written = send(&mut sink, &mut batch) => {
                if written.is_err() {
                    return;
                }
            }
            // A peer that reads nothing would keep this waiting for ever.
            () = told(&mut closing, |reason| *reason == Some(Closing::Slow)) => return,
        }
    }
    let reason = *closing.borrow();
    if reason == Some(Closing::Slow) {
        return;
    }
    queue.drain(&mut batch);
    let code = match reason {
        Some(Closing::Stop) => close_code::AWAY,
        _ => close_code::NORMAL,
    };
    batch.push(Message::Close(Some(CloseFrame {
        code,
        reason: "".into(),
    })));
    // Whoever is not there any more does not need them.
    let _ = tokio::time::timeout(FAREWELL, send(&mut sink, &mut batch)).await;
}

async fn send(sink: &mut SplitSink<WebSocket, Message>, batch: &mut Vec<Message>) -> Result<(), axum::Error> {
    for message in batch.drain(..) {
        sink.feed(message).await?;
    }
    sink.flush().await
}

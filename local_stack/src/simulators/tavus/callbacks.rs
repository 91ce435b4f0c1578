//! Sending callbacks: those of one conversation one after the other, in the order they were given.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

use super::world::World;

/// How long the receiver may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// One attempt of a callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// Of which conversation.
    pub conversation_id: String,
    /// Its `event_type`; `None` where the body has none.
    pub event_type: Option<String>,
    /// The answer; `None` when there was none.
    pub status: Option<u16>,
}

#[derive(Debug)]
struct Letter {
    address: String,
    body: Vec<u8>,
    is_late: bool,
}

/// All that is to be sent.
#[derive(Debug)]
pub(super) struct Callbacks {
    http: reqwest::Client,
    world: Arc<Mutex<World>>,
    queues: Mutex<HashMap<String, mpsc::UnboundedSender<Letter>>>,
    waiting: watch::Sender<usize>,
    tasks: TaskTracker,
}

impl Callbacks {
    pub(super) fn new(world: Arc<Mutex<World>>) -> Result<Arc<Self>, reqwest::Error> {
        // A receiver that redirects has failed.
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Arc::new(Self {
            http,
            world,
            queues: Mutex::default(),
            waiting: watch::Sender::new(0),
            tasks: TaskTracker::new(),
        }))
    }

    pub(super) fn send(self: &Arc<Self>, conversation: &str, address: &str, body: Vec<u8>, is_late: bool) {
        self.waiting.send_modify(|waiting| *waiting += 1);
        let letter = Letter {
            address: address.to_owned(),
            body,
            is_late,
        };
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.entry(conversation.to_owned()).or_insert_with(|| {
            let (queue, letters) = mpsc::unbounded_channel();
            let (callbacks, conversation) = (self.clone(), conversation.to_owned());
            self.tasks
                .spawn(async move { callbacks.deliver_all(conversation, letters).await });
            queue
        });
        if queue.send(letter).is_err() {
            self.waiting.send_modify(|waiting| *waiting -= 1);
        }
    }

    async fn deliver_all(&self, conversation: String, mut letters: mpsc::UnboundedReceiver<Letter>) {
        while let Some(letter) = letters.recv().await {
            self.deliver(&conversation, letter).await;
            self.waiting.send_modify(|waiting| *waiting -= 1);
        }
    }

    async fn deliver(&self, conversation: &str, letter: Letter) {
        let (delay, retries) = {
            let world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
            (
                Duration::from_millis(world.behaviour.delay_ms),
                world.behaviour.retries,
            )
        };
        if letter.is_late {
            tokio::time::sleep(delay).await;
        }
        let parsed: Option<Value> = serde_json::from_slice(&letter.body).ok();
        let event_type = parsed.and_then(|body| body.get("event_type")?.as_str().map(str::to_owned));
        for attempt in 0..=retries {
            if attempt > 0 {
                tokio::time::sleep(delay).await;
            }
            let sent = self
                .http
                .post(&letter.address)
                .header(CONTENT_TYPE, "application/json")
                .body(letter.body.clone())
                .send()
                .await;
            let status = sent.ok().map(|answer| answer.status());
            let delivery = Delivery {
                conversation_id: conversation.to_owned(),
                event_type: event_type.clone(),
                status: status.map(|status| status.as_u16()),
            };
            let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
            world.deliveries.push(delivery);
            // What the receiver calls wrong stays wrong.
            if status.is_some_and(|status| status.is_success() || (status.is_client_error() && status != 429))
            {
                return;
            }
        }
    }

    /// How many are not done with.
    pub(super) fn waiting(&self) -> usize {
        *self.waiting.borrow()
    }

    /// Until every callback was delivered or given up.
    pub(super) async fn settled(&self) {
        let mut waiting = self.waiting.subscribe();
        // The sender lives as long as this.
        let _ = waiting.wait_for(|waiting| *waiting == 0).await;
    }

    /// Sends nothing more.
    pub(super) fn stop(&self) {
        self.tasks.close();
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

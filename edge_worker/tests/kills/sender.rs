//! A sender as Tavus may be one: it repeats what was not acknowledged, for as long as it takes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use hmac::{Hmac, Mac as _};
use rand::seq::IndexedRandom as _;
use reqwest::StatusCode;
use sha2::Sha256;
use tokio::sync::watch;
use uuid::Uuid;

use crate::calls::{Call, Event};
use crate::worker::SECRET;

/// How soon a delivery is repeated.
const PAUSE: Duration = Duration::from_millis(20);

/// Sends to the workers that there are at the moment.
#[derive(Clone)]
pub struct Sender {
    client: reqwest::Client,
    workers: Arc<Mutex<Vec<String>>>,
    acknowledged: watch::Sender<usize>,
    interrupted: Arc<AtomicUsize>,
}

impl Sender {
    pub fn new() -> Self {
        Self {
            client: reqwest::Client::new(),
            workers: Arc::default(),
            acknowledged: watch::Sender::new(0),
            interrupted: Arc::default(),
        }
    }

    /// From now on these are there.
    pub fn turn_to(&self, workers: Vec<String>) {
        *self.workers.lock().unwrap() = workers;
    }

    /// How many deliveries were acknowledged since the last reset.
    pub fn acknowledged(&self) -> watch::Receiver<usize> {
        self.acknowledged.subscribe()
    }

    /// How many deliveries since the last reset have met a worker that died or a database that was away.
    pub fn interrupted(&self) -> usize {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Counts anew.
    pub fn reset(&self) {
        self.acknowledged.send_replace(0);
        self.interrupted.store(0, Ordering::Relaxed);
    }

    /// Sends all events of the calls at once, until each copy of each is acknowledged.
    pub async fn send(&self, calls: &[Call]) {
        join_all(calls.iter().map(|call| self.tell(call))).await;
    }

    async fn tell(&self, call: &Call) {
        let path = format!("/webhooks/tavus/{}", token(call.id));
        let (first, rest) = call.events.split_first().unwrap();
        if call.is_ordered {
            self.deliver(&path, first).await;
            join_all(rest.iter().map(|event| self.deliver(&path, event))).await;
        } else {
            join_all(call.events.iter().map(|event| self.deliver(&path, event))).await;
        }
    }

    async fn deliver(&self, path: &str, event: &Event) {
        join_all((0..event.copies).map(|_| self.deliver_once(path, event))).await;
    }

    async fn deliver_once(&self, path: &str, event: &Event) {
        loop {
            let worker = self.workers.lock().unwrap().choose(&mut rand::rng()).cloned();
            if let Some(worker) = worker {
                let request = self.client.post(worker + path).json(&event.body);
                match request.send().await.map(|answer| answer.status()) {
                    Ok(StatusCode::OK) => break,
                    // The database is away, or the worker goes away.
                    Ok(StatusCode::SERVICE_UNAVAILABLE) | Err(_) => {
                        self.interrupted.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(status) => panic!("{status} for {}", event.body),
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.acknowledged.send_modify(|count| *count += 1);
    }
}

fn token(conversation: Uuid) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("parley tavus callback\0echoroom\0{conversation}").as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("echoroom.{}.{signature}", conversation.simple())
}

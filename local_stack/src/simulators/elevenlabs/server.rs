//! The routes, the port, and the handle for tests in the same process.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::post;

use super::refusal::refuse;
use super::transcribe;
use crate::error::Error;
use crate::secret::Secret;
use crate::simulators::misbehaviour::{Book, Fault, Seen, Watched, control, watch};
use crate::simulators::port::Port;

/// What the routes share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) api_key: Secret,
    pub(super) client: reqwest::Client,
}

/// A running simulator. Stop it with [`ElevenLabsSimulator::stop`]; when it is dropped it stops as well, and is not waited for.
#[derive(Debug)]
pub struct ElevenLabsSimulator {
    port: Port,
    api_key: Secret,
    book: Arc<Book>,
}

impl ElevenLabsSimulator {
    /// The key of a stack that nobody gave another.
    pub const DEVELOPMENT_KEY: &str = "elevenlabs-simulator-key";

    /// Starts one on loopback; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// [`Error::PortInUse`] or [`Error::System`] when nobody can listen there.
    pub async fn start(port: u16, api_key: Secret) -> Result<Self, Error> {
        let book = Arc::new(Book::default());
        let shared = Shared {
            api_key: api_key.clone(),
            client: reqwest::Client::new(),
        };
        let api = Router::new()
            .route("/v1/speech-to-text", post(transcribe::transcribe))
            .layer(DefaultBodyLimit::disable())
            .layer(from_fn_with_state(watch(book.clone(), refuse), Watched::pass))
            .with_state(shared);
        let routes = api.merge(control(book.clone(), false));
        let port = Port::serve(port, "PARLEY_ELEVENLABS_PORT", routes).await?;
        Ok(Self { port, api_key, book })
    }

    /// `ELEVENLABS_BASE_URL`.
    pub fn base_url(&self) -> &str {
        self.port.base_url()
    }

    /// `ELEVENLABS_API_KEY`.
    pub fn api_key(&self) -> &Secret {
        &self.api_key
    }

    /// Lets the next requests that fit go wrong.
    pub fn fail(&self, fault: Fault) {
        self.book.add(fault);
    }

    /// Every request until now, in the order of the answers.
    pub fn requests(&self) -> Vec<Seen> {
        self.book.seen()
    }

    /// Stops, and waits for it.
    pub async fn stop(self) {
        self.port.stop().await;
    }
}

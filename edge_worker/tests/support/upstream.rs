//! A PostgREST that answers what it is told, remembers what it was asked, and counts its connections.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use tokio::net::{TcpListener, TcpStream};

/// What it was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    /// Path and query as they came.
    pub target: String,
    pub headers: HeaderMap,
    pub body: String,
}

/// What it answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This status, these headers, this body.
    Says(u16, Vec<(&'static str, String)>, String),
    /// Nothing, for ever.
    Hangs,
    /// It announces more than it sends.
    BreaksOff,
}

#[derive(Clone)]
pub struct Upstream {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    answer: Arc<Mutex<Answer>>,
    connections: Arc<Mutex<u32>>,
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            asked: Arc::default(),
            answer: Arc::new(Mutex::new(Answer::ok())),
            connections: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(upstream.clone());
        let counted = Counted(listener, upstream.connections.clone());
        tokio::spawn(async move { axum::serve(counted, router).await.unwrap() });
        upstream
    }

    pub fn says(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// What it was asked since the last time.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    pub fn connections(&self) -> u32 {
        *self.connections.lock().unwrap()
    }
}

impl Answer {
    /// An empty list.
    pub fn ok() -> Self {
        Self::json(200, "[]")
    }

    pub fn json(status: u16, body: &str) -> Self {
        let headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
        Self::Says(status, headers, body.to_owned())
    }
}

async fn answer(State(upstream): State<Upstream>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let asked = Asked {
        method: parts.method,
        target: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    upstream.asked.lock().unwrap().push(asked);
    let answer = upstream.answer.lock().unwrap().clone();
    let (status, headers, body) = match answer {
        Answer::Says(status, headers, body) => (status, headers, Body::from(body)),
        Answer::Hangs => std::future::pending().await,
        Answer::BreaksOff => {
            let broken = std::io::Error::other("broken off");
            let parts = [Ok("[".to_owned()), Err(broken)];
            (
                200,
                Vec::new(),
                Body::from_stream(futures_util::stream::iter(parts)),
            )
        }
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(body).unwrap()
}

struct Counted(TcpListener, Arc<Mutex<u32>>);

impl axum::serve::Listener for Counted {
    type Io = TcpStream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (TcpStream, Self::Addr) {
        let accepted = axum::serve::Listener::accept(&mut self.0).await;
        *self.1.lock().unwrap() += 1;
        accepted
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

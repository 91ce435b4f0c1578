//! Storage, ElevenLabs and an embeddings API in one server, which answers well unless it is told otherwise.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use edge_worker::knowledge::embed_lexically;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub const ELEVENLABS_KEY: &str = "el-key-0123456789";
pub const EMBEDDINGS_KEY: &str = "em-key-0123456789";
pub const STORAGE_KEY: &str = "sb_secret_0123456789";
pub const SIGNED: &str = "s1gned-t0ken";

pub const TRANSCRIBE: &str = "/v1/speech-to-text";
pub const EMBED: &str = "/openai/embeddings";
pub const SIGN: &str = "/storage/v1/object/sign/";

#[derive(Clone)]
pub enum Fault {
    /// Status, `Retry-After`, body.
    Says(u16, Option<&'static str>, String),
    Drops,
    /// Answers well, once it is let go.
    Holds(Arc<Semaphore>),
    /// Answers well, with its body changed.
    Changes(fn(&mut Value)),
}

#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub body: String,
}

#[derive(Default)]
struct Inside {
    faults: VecDeque<(&'static str, Fault)>,
    asked: Vec<Asked>,
    files: HashMap<String, Vec<u8>>,
}

#[derive(Clone)]
pub struct Fakes {
    pub url: String,
    inside: Arc<Mutex<Inside>>,
}

impl Fakes {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fakes = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            inside: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(fakes.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        fakes
    }

    /// What is in the bucket, or what is said in the video.
    pub fn file(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.inside
            .lock()
            .unwrap()
            .files
            .insert(path.to_owned(), bytes.into());
    }

    /// The next request below this path.
    pub fn fail(&self, path: &'static str, fault: Fault) {
        self.inside.lock().unwrap().faults.push_back((path, fault));
    }

    /// The next request waits; `add_permits(1)` lets it go.
    pub fn hold(&self, path: &'static str) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.fail(path, Fault::Holds(gate.clone()));
        gate
    }

    pub fn asked(&self, path: &str) -> Vec<Asked> {
        let inside = self.inside.lock().unwrap();
        inside
            .asked
            .iter()
            .filter(|asked| asked.path.starts_with(path))
            .cloned()
            .collect()
    }

    pub async fn until_asked(&self, path: &str, times: usize) {
        crate::scene::soon("a request", async {
            while self.asked(path).len() < times {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// The texts that somebody paid for.
    pub fn embedded(&self) -> Vec<String> {
        let texts = |asked: Asked| texts(&serde_json::from_str(&asked.body).unwrap());
        self.asked(EMBED).into_iter().flat_map(texts).collect()
    }

    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SUPABASE_URL", self.url.clone()),
            ("SUPABASE_SECRET_KEY", STORAGE_KEY.to_owned()),
            ("ELEVENLABS_BASE_URL", self.url.clone()),
            ("ELEVENLABS_API_KEY", ELEVENLABS_KEY.to_owned()),
            ("EMBEDDINGS_BASE_URL", format!("{}/openai", self.url)),
            ("EMBEDDINGS_API_KEY", EMBEDDINGS_KEY.to_owned()),
        ]
    }
}

fn texts(body: &Value) -> Vec<String> {
    serde_json::from_value(body.get("input").cloned().unwrap()).unwrap()
}

/// Two words a second.
pub fn transcript(text: &str) -> Value {
    let mut words = Vec::new();
    for (place, word) in text.split_inclusive(' ').enumerate() {
        let start = place as f64 / 2.0;
        words.push(json!({ "text": word.trim(), "start": start, "end": start + 0.4, "type": "word", "logprob": -0.1 }));
        words.push(json!({ "text": " ", "start": start + 0.4, "end": start + 0.5, "type": "spacing" }));
    }
    json!({ "language_code": "en", "text": text, "words": words })
}

async fn answer(State(fakes): State<Fakes>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path().to_owned();
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
            .to_owned()
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    let fault = {
        let mut inside = fakes.inside.lock().unwrap();
        inside.asked.push(Asked {
            path: path.clone(),
            body: body.clone(),
        });
        let place = inside.faults.iter().position(|(of, _)| path.starts_with(of));
        place
            .and_then(|place| inside.faults.remove(place))
            .map(|(_, fault)| fault)
    };
    let mut change: Option<fn(&mut Value)> = None;
    match fault {
        Some(Fault::Says(status, wait, text)) => {
            let mut response = Response::builder().status(status);
            if let Some(wait) = wait {
                response = response.header("retry-after", wait);
            }
            return response.body(Body::from(text)).unwrap();
        }
        Some(Fault::Drops) => {
            let parts = [Ok("[".to_owned()), Err(std::io::Error::other("broken off"))];
            return Response::new(Body::from_stream(futures_util::stream::iter(parts)));
        }
        Some(Fault::Holds(gate)) => gate.acquire().await.unwrap().forget(),
        Some(Fault::Changes(by)) => change = Some(by),
        None => {}
    }
    let missing = || {
        let body = json!({ "statusCode": "404", "error": "not_found", "message": "Object not found" });
        Response::builder()
            .status(400)
            .body(Body::from(body.to_string()))
            .unwrap()
    };
    let file = |path: &str| fakes.inside.lock().unwrap().files.get(path).cloned();
    let mut said = if let Some(file_path) = path.strip_prefix("/storage/v1/object/sign/demo-videos/") {
        assert_eq!(header("authorization"), format!("Bearer {STORAGE_KEY}"));
        if file(file_path).is_none() {
            return missing();
        }
        json!({ "signedURL": format!("/object/sign/demo-videos/{file_path}?token={SIGNED}") })
    } else if let Some(file_path) = path.strip_prefix("/storage/v1/object/authenticated/demo-documents/") {
        assert_eq!(header("apikey"), STORAGE_KEY);
        let Some(bytes) = file(file_path) else {
            return missing();
        };
        return Response::new(Body::from(bytes));
    } else if path == TRANSCRIBE {
        assert_eq!(header("xi-api-key"), ELEVENLABS_KEY);
        let begin = format!("{}/storage/v1/object/sign/demo-videos/", fakes.url);
        let from = body.find(&begin).unwrap() + begin.len();
        let file_path = body[from..].split(&format!("?token={SIGNED}")).next().unwrap();
        transcript(&String::from_utf8(file(file_path).unwrap()).unwrap())
    } else if path == EMBED {
        assert_eq!(header("authorization"), format!("Bearer {EMBEDDINGS_KEY}"));
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body.get("dimensions"), Some(&json!(1536)));
        let texts = texts(&body);
        if texts.iter().any(|text| text.contains("REFUSED")) {
            let body = json!({ "error": { "message": "no such text", "type": "invalid_request_error" } });
            return Response::builder()
                .status(400)
                .body(Body::from(body.to_string()))
                .unwrap();
        }
        let rows = texts.iter().enumerate().rev();
        json!({ "data": rows.map(|(index, text)| json!({ "index": index, "embedding": embed_lexically(text) })).collect::<Vec<_>>() })
    } else {
        panic!("nobody asks for {path}");
    };
    if let Some(change) = change {
        change(&mut said);
    }
    Response::new(Body::from(said.to_string()))
}

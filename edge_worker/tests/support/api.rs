//! The worker in this process on a real stack, and people who call it over HTTP.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

use std::str::FromStr as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edge_worker::app::{self, App};
use edge_worker::serve::serve_until;
use edge_worker::{Config, db};
use hmac::{Hmac, Mac as _};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::Sha256;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::database::Database;

/// Signs callback tokens in tests.
pub const WORKER_SECRET: &str = "w0rker-secret-w0rker-secret-w0rker-secret";

/// What the worker's role logs in with in tests.
pub const PASSWORD: &str = "p4ssword-of-the-worker";

/// A stack, and a worker on it.
pub struct Api {
    pub database: Database,
    pub worker: Worker,
}

/// A worker that serves in this process.
pub struct Worker {
    pub url: String,
    pub app: App,
    pub http: Client,
    /// Everything that it answered.
    told: Arc<Mutex<String>>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

/// Somebody with a token.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: Uuid,
    pub token: String,
}

impl Api {
    pub async fn start(changes: &[(&str, &str)]) -> Self {
        let database = Database::start().await;
        let worker = Worker::start(&settings(&database).await, changes).await;
        Self { database, worker }
    }

    /// One more worker on the same stack.
    pub async fn another(&self, changes: &[(&str, &str)]) -> Worker {
        Worker::start(&settings(&self.database).await, changes).await
    }

    /// One more, with something changed that no setting changes.
    pub async fn another_with(&self, change: impl FnOnce(&mut App, &Config)) -> Worker {
        Worker::start_with(&read(&settings(&self.database).await, &[]), change).await
    }

    /// Rows by Supabase's own way, as somebody.
    pub async fn rows(&self, token: &str, query: &str) -> Value {
        let endpoints = self.database.stack.endpoints();
        let request = self
            .worker
            .http
            .get(format!("{}/rest/v1/{query}", endpoints.api_url))
            .header("apikey", &endpoints.publishable_key)
            .header("accept-profile", "echoroom")
            .bearer_auth(token);
        Reply::of(request).await.body
    }

    pub async fn stop(self) {
        self.worker.stop().await;
        self.database.stack.stop().await.unwrap();
    }

    /// Somebody without an account, signed in.
    pub async fn person(&self) -> Person {
        let endpoints = self.database.stack.endpoints();
        let answer = self
            .worker
            .http
            .post(format!("{}/auth/v1/signup", endpoints.api_url))
            .header("apikey", &endpoints.publishable_key)
            .json(&json!({}))
            .send()
            .await
            .unwrap();
        let session: Value = answer.json().await.unwrap();
        let token = session["access_token"].as_str().unwrap().to_owned();
        let id = session["user"]["id"].as_str().unwrap().parse().unwrap();
        Person { id, token }
    }

    /// A token of somebody that was good an hour ago.
    pub fn expired(&self, person: &Person) -> String {
        let claims = json!({ "sub": person.id, "role": "authenticated", "iat": 1, "exp": 3600 });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!(
            "{}.{}",
            encode(&json!({ "alg": "HS256", "typ": "JWT" })),
            encode(&claims)
        );
        let secret = &self.database.stack.endpoints().jwt_secret;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    /// An RPC by Supabase's own way, as somebody.
    pub async fn rpc(&self, token: &str, function: &str, arguments: Value) -> Reply {
        let endpoints = self.database.stack.endpoints();
        let request = self
            .worker
            .http
            .post(format!("{}/rest/v1/rpc/{function}", endpoints.api_url))
            .header("apikey", &endpoints.publishable_key)
            .header("content-profile", "echoroom")
            .bearer_auth(token)
            .json(&arguments);
        Reply::of(request).await
    }

    /// A room of a mood with this person in it; its id.
    pub async fn room(&self, person: &Person, mood: &str) -> String {
        let made = self
            .worker
            .post(&person.token, "/api/sessions", json!({ "category": mood }))
            .await;
        assert_eq!(made.status, 201, "{made:?}");
        let id = made.body["id"].as_str().unwrap().to_owned();
        self.join(person, &id, mood).await;
        id
    }

    pub async fn join(&self, person: &Person, room: &str, mood: &str) {
        let seat = json!({ "session_id": room, "mood": mood });
        let joined = self.worker.post(&person.token, "/api/participants", seat).await;
        assert!(matches!(joined.status, 200 | 201), "{joined:?}");
    }
}

/// The environment of a worker on that stack, with the simulator of Tavus.
async fn settings(database: &Database) -> Vec<(String, String)> {
    let endpoints = database.stack.endpoints();
    // The statement holds a secret, which a test looks for in the log.
    let admin = PgConnectOptions::from_str(&endpoints.admin_db_url).unwrap();
    let mut admin = admin.disable_statement_logging().connect().await.unwrap();
    sqlx::query(&format!("alter role parley_worker with password '{PASSWORD}'"))
        .execute(&mut admin)
        .await
        .unwrap();
    let mut own: url::Url = endpoints.db_url.parse().unwrap();
    own.set_username("parley_worker").unwrap();
    own.set_password(Some(PASSWORD)).unwrap();
    let mut all = endpoints.variables();
    // A worker that the stack itself may run has others.
    all.retain(|(name, _)| *name != "SUPABASE_DB_URL" && !name.starts_with("WORKER_"));
    let own = [
        ("SUPABASE_DB_URL", own.as_str()),
        ("WORKER_DB_URL", own.as_str()),
        ("WORKER_SECRET", WORKER_SECRET),
        ("WORKER_LISTEN", "127.0.0.1:0"),
    ];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    all.into_iter().chain(own).map(owned).collect()
}

fn read(settings: &[(String, String)], changes: &[(&str, &str)]) -> Config {
    Config::from_env(|name| {
        let changed = changes.iter().find(|(key, _)| *key == name);
        let set = settings.iter().find(|(key, _)| key == name);
        changed
            .map(|(_, value)| (*value).to_owned())
            .or_else(|| set.map(|(_, value)| value.clone()))
    })
    .unwrap()
}

impl Worker {
    pub async fn start(settings: &[(String, String)], changes: &[(&str, &str)]) -> Self {
        Self::start_with(&read(settings, changes), |_, _| ()).await
    }

    /// With something changed that no setting changes.
    pub async fn start_with(config: &Config, change: impl FnOnce(&mut App, &Config)) -> Self {
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let pool = db::connect(&config.database).unwrap();
        let mut app = App::new(config, pool, address, CancellationToken::new()).unwrap();
        change(&mut app, config);
        let serving = serve_until(
            listener,
            app::router(app.clone()),
            app.stopping.clone(),
            Duration::from_secs(60),
        );
        tokio::spawn(serving);
        Self {
            url: format!("http://{address}"),
            app,
            http: Client::new(),
            told: Arc::default(),
        }
    }

    pub async fn stop(&self) {
        self.app.stopping.cancel();
        self.app.pool.close().await;
    }

    pub fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match token {
            "" => request,
            token => request.bearer_auth(token),
        }
    }

    pub async fn send(&self, request: RequestBuilder) -> Reply {
        let reply = Reply::of(request).await;
        let told = format!("{:?} {}\n", reply.headers, reply.body);
        self.told.lock().unwrap().push_str(&told);
        reply
    }

    pub async fn get(&self, token: &str, path: &str) -> Reply {
        self.send(self.request(Method::GET, path, token)).await
    }

    pub async fn delete(&self, token: &str, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path, token)).await
    }

    pub async fn post(&self, token: &str, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path, token).json(&body))
            .await
    }

    pub async fn put(&self, token: &str, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::PUT, path, token).json(&body))
            .await
    }

    /// How many requests are being answered, this one among them.
    pub async fn in_flight(&self) -> u32 {
        let metrics = self.get("", "/metrics").await.body;
        let name = "parley_worker_http_requests_in_flight ";
        let line = metrics
            .as_str()
            .unwrap()
            .lines()
            .find_map(|line| line.strip_prefix(name));
        line.unwrap().parse().unwrap()
    }

    /// Everything that it answered so far.
    pub fn told(&self) -> String {
        self.told.lock().unwrap().clone()
    }
}

impl Reply {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self {
            status,
            headers,
            body,
        }
    }

    /// The status and the stable word of a refusal, whose body has PostgREST's form.
    pub fn refusal(&self) -> (u16, &str) {
        let has = |name: &str| self.body.get(name).is_some();
        let is_whole = ["code", "message", "details", "hint"].into_iter().all(has);
        assert!(is_whole, "{self:?}");
        let word = self.body["details"].as_str().or(self.body["code"].as_str());
        (self.status, word.unwrap_or_default())
    }
}

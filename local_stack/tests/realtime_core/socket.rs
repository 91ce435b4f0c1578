//! A client of `/realtime/v1` that sends and reads frames as they are.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use local_stack::Stack;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Whatever takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A frame of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub join_ref: Value,
    pub reference: Value,
    pub topic: String,
    pub event: String,
    pub payload: Value,
}

impl Frame {
    pub fn status(&self) -> &str {
        self.payload["status"].as_str().unwrap_or_default()
    }

    pub fn response(&self) -> &Value {
        &self.payload["response"]
    }
}

/// A connection of version 2.0.0.
pub struct Socket {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    count: u32,
}

/// The address of the socket with these parameters.
pub fn address(stack: &Stack, query: &str) -> String {
    let base = stack.endpoints().api_url.replacen("http", "ws", 1);
    format!("{base}/realtime/v1/websocket?{query}")
}

/// Status and body of a refused handshake.
pub async fn refusal(stack: &Stack, query: &str) -> (u16, Value) {
    match connect_async(address(stack, query)).await.unwrap_err() {
        Error::Http(response) => {
            let body = response.body().clone().unwrap_or_default();
            (
                response.status().as_u16(),
                serde_json::from_slice(&body).unwrap_or_default(),
            )
        }
        other => panic!("no answer: {other}"),
    }
}

/// A token of a role that is good for `seconds` more.
pub fn token(stack: &Stack, role: &str, subject: &str, seconds: i64) -> String {
    let exp = chrono::Utc::now().timestamp() + seconds;
    sign(stack, &json!({ "role": role, "sub": subject, "exp": exp }))
}

pub fn sign(stack: &Stack, claims: &Value) -> String {
    let key = EncodingKey::from_secret(stack.endpoints().jwt_secret.as_bytes());
    encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

impl Socket {
    pub async fn open(stack: &Stack) -> Self {
        Self::open_with(stack, &stack.endpoints().publishable_key).await
    }

    pub async fn open_with(stack: &Stack, key: &str) -> Self {
        let (stream, _) = connect_async(address(stack, &format!("vsn=2.0.0&apikey={key}")))
            .await
            .unwrap();
        Self { stream, count: 0 }
    }

    pub async fn send_raw(&mut self, message: Message) {
        self.stream.send(message).await.unwrap();
    }

    /// Sends a message; its reference is returned.
    pub async fn send(&mut self, join_ref: &str, topic: &str, event: &str, payload: Value) -> String {
        self.count += 1;
        let reference = self.count.to_string();
        let frame = json!([join_ref, reference, topic, event, payload]);
        self.send_raw(Message::text(frame.to_string())).await;
        reference
    }

    /// The next frame; `None` when the connection has ended.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            match message.expect("nothing came") {
                Some(Ok(Message::Text(text))) => return Some(array(&text)),
                Some(Ok(Message::Binary(bytes))) => return Some(user_broadcast(&bytes)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Skips to the first frame of this event.
    pub async fn until(&mut self, event: &str) -> Frame {
        loop {
            let frame = self.next().await.expect("the connection ended");
            if frame.event == event {
                return frame;
            }
        }
    }

    /// Skips to the answer to a message.
    pub async fn answer(&mut self, reference: &str) -> Frame {
        loop {
            let frame = self.until("phx_reply").await;
            if frame.reference == json!(reference) {
                return frame;
            }
        }
    }

    /// Sends a message and skips to its answer.
    pub async fn ask(&mut self, join_ref: &str, topic: &str, event: &str, payload: Value) -> Frame {
        let reference = self.send(join_ref, topic, event, payload).await;
        self.answer(&reference).await
    }

    /// Joins with a config, and an access token if there is one; the answer.
    pub async fn join(&mut self, topic: &str, config: Value, token: Option<&str>) -> Frame {
        self.count += 1;
        let reference = self.count.to_string();
        let mut payload = json!({ "config": config });
        if let Some(token) = token {
            payload["access_token"] = token.into();
        }
        let frame = json!([reference, reference, topic, "phx_join", payload]);
        self.send_raw(Message::text(frame.to_string())).await;
        self.answer(&reference).await
    }

    /// Joins, which has to work; the number of the join.
    pub async fn joined(&mut self, topic: &str, config: Value) -> String {
        let answer = self.join(topic, config, None).await;
        assert_eq!(answer.status(), "ok", "{answer:?}");
        answer.join_ref.as_str().unwrap().to_owned()
    }

    /// The reason of a join that has to be refused.
    pub async fn refused(&mut self, topic: &str, config: Value, token: Option<&str>) -> String {
        let answer = self.join(topic, config, token).await;
        assert_eq!(answer.status(), "error", "{answer:?}");
        answer.response()["reason"].as_str().unwrap().to_owned()
    }

    /// Everything that was sent before now: an answer comes after it.
    pub async fn so_far(&mut self) -> Vec<Frame> {
        let reference = self.send("", "phoenix", "heartbeat", json!({})).await;
        let mut frames = Vec::new();
        loop {
            let frame = self.next().await.expect("the connection ended");
            if frame.event == "phx_reply" && frame.reference == json!(reference) {
                assert_eq!((frame.status(), frame.topic.as_str()), ("ok", "phoenix"));
                return frames;
            }
            frames.push(frame);
        }
    }
}

/// The payloads of the broadcasts among frames.
pub fn broadcasts(frames: &[Frame]) -> Vec<&Value> {
    frames
        .iter()
        .filter(|frame| frame.event == "broadcast")
        .map(|frame| &frame.payload["payload"])
        .collect()
}

/// A binary broadcast as realtime-js sends it.
pub fn user_push(
    join_ref: &str,
    reference: &str,
    topic: &str,
    event: &str,
    json: bool,
    payload: &[u8],
) -> Message {
    let names = [join_ref, reference, topic, event, ""];
    let mut frame = vec![3];
    frame.extend(names.map(|name| u8::try_from(name.len()).unwrap()));
    frame.push(u8::from(json));
    names.iter().for_each(|name| frame.extend(name.as_bytes()));
    frame.extend(payload);
    Message::binary(frame)
}

fn array(text: &str) -> Frame {
    let frame: Value = serde_json::from_str(text).unwrap();
    Frame {
        join_ref: frame[0].clone(),
        reference: frame[1].clone(),
        topic: frame[2].as_str().unwrap().to_owned(),
        event: frame[3].as_str().unwrap().to_owned(),
        payload: frame[4].clone(),
    }
}

/// Bytes become a list of numbers.
fn user_broadcast(bytes: &[u8]) -> Frame {
    assert_eq!(bytes[0], 4);
    let mut rest = &bytes[5..];
    let mut name = |length: u8| {
        let (name, after) = rest.split_at(usize::from(length));
        rest = after;
        String::from_utf8(name.to_vec()).unwrap()
    };
    let (topic, event, metadata) = (name(bytes[1]), name(bytes[2]), name(bytes[3]));
    let payload: Value = if bytes[4] == 1 {
        serde_json::from_slice(rest).unwrap()
    } else {
        json!(rest)
    };
    let mut envelope = json!({ "type": "broadcast", "event": event, "payload": payload });
    if !metadata.is_empty() {
        envelope["meta"] = serde_json::from_str(&metadata).unwrap();
    }
    Frame {
        join_ref: Value::Null,
        reference: Value::Null,
        topic,
        event: "broadcast".to_owned(),
        payload: envelope,
    }
}

//! Our side: Phoenix channels as Realtime speaks them and realtime-js asks for by default, version 2.0.0. Text frames are arrays
//! `[join_ref, ref, topic, event, payload]`; broadcasts are binary frames of kind 3 (to the server) and 4 (from it).

use std::borrow::Cow;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::endpoints::Api;
use crate::error::Error;
use crate::fanout::socket::{Heard, Socket, Spoken, connect};

const JOIN_REF: &str = "1";
const PUSH: u8 = 3;
const BROADCAST: u8 = 4;
const JSON: u8 = 1;
/// The kind, the lengths of topic, event and metadata, the encoding.
const HEADER: usize = 5;
/// What the database broadcasts.
const STORED: &[u8] = b"receiveMessage";

/// join_ref, ref and topic do not matter here: a socket has one channel.
#[derive(Deserialize)]
struct Frame<'a>(
    IgnoredAny,
    IgnoredAny,
    IgnoredAny,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] &'a RawValue,
);

/// The payload of `phx_reply` and `system`.
#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// Connects with the secret key and joins a private channel. The first one waits until the database's broadcasts come through.
pub(crate) async fn join(api: &Api, topic: &str, waits_for_stream: bool) -> Result<Socket, Error> {
    let host = api.url.trim_start_matches("http://");
    let path = format!("/realtime/v1/websocket?apikey={}&vsn=2.0.0", api.key);
    let mut socket = connect(host, &path).await?;
    let config = json!({
        "config": {
            "broadcast": { "ack": false, "self": true, "replication_ready": waits_for_stream },
            "presence": { "enabled": false, "key": "" },
            "postgres_changes": [],
            "private": true,
        },
        "access_token": api.key,
    });
    let join = json!([
        JOIN_REF,
        JOIN_REF,
        format!("realtime:{topic}"),
        "phx_join",
        config
    ]);
    let doing = "joining a channel";
    socket
        .send(Message::text(join.to_string()))
        .await
        .map_err(Error::socket(doing))?;
    let mut awaited = if waits_for_stream {
        vec!["phx_reply", "system"]
    } else {
        vec!["phx_reply"]
    };
    while !awaited.is_empty() {
        let frame = socket
            .next()
            .await
            .ok_or_else(|| Error::Fanout("the server closed a socket that joined".to_owned()))?
            .map_err(Error::socket(doing))?;
        if let Message::Text(text) = frame {
            let event = accepted(&text).map_err(Error::Fanout)?;
            awaited.retain(|awaited| *awaited != event);
        }
    }
    Ok(socket)
}

/// The event of a frame that says nothing bad.
fn accepted(text: &str) -> Result<Cow<'_, str>, String> {
    let Frame(.., event, payload) =
        serde_json::from_str(text).map_err(|error| format!("{error} in the frame {text}"))?;
    let is_good = match event.as_ref() {
        "phx_reply" | "system" => {
            serde_json::from_str::<Status<'_>>(payload.get()).is_ok_and(|answer| answer.status == "ok")
        }
        "phx_close" | "phx_error" | "broadcast" => false,
        _ => true,
    };
    if is_good {
        Ok(event)
    } else {
        Err(format!("the server said {text}"))
    }
}

/// A text frame of a joined channel: broadcasts do not come in these.
pub(crate) fn read_text(text: &str) -> Result<Heard, String> {
    accepted(text).map(|_| Heard::Nothing)
}

/// A binary frame: kind 4.
pub(crate) fn read_binary(frame: &[u8]) -> Result<Heard, String> {
    let broken = || format!("a binary frame of {} bytes cannot be read", frame.len());
    let (&[BROADCAST, topic, event, meta, JSON], rest) =
        frame.split_first_chunk::<HEADER>().ok_or_else(broken)?
    else {
        return Err(broken());
    };
    let (_, rest) = rest.split_at_checked(topic.into()).ok_or_else(broken)?;
    let (event, rest) = rest.split_at_checked(event.into()).ok_or_else(broken)?;
    let (meta, payload) = rest.split_at_checked(meta.into()).ok_or_else(broken)?;
    let spoken: Spoken<'_> = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
    if event == STORED {
        let meta: Meta<'_> = serde_json::from_slice(meta)
            .map_err(|error| format!("a broadcast of the database without meta.id: {error}"))?;
        if meta.id.is_empty() || spoken.seq.is_none() {
            return Err("a broadcast of the database without meta.id or seq".to_owned());
        }
    }
    spoken.heard()
}

/// What keeps a connection open.
pub(crate) fn heartbeat() -> Message {
    Message::text(r#"[null,"0","phoenix","heartbeat",{}]"#)
}

/// A client's broadcast with the fields of a chat message, so that it is as long as one of the database. The names are shorter than 256.
pub(crate) fn push(topic: &str, text: &str) -> Message {
    let topic = format!("realtime:{topic}");
    let event = "said";
    let payload = json!({
        "id": "6f1c4cd4-8f5e-4c0e-9d3f-0f8f4c1f1d53", "user_id": "6f1c4cd4-8f5e-4c0e-9d3f-0f8f4c1f1d53", "sender": "Resident", "text": text,
        "type": "text", "timestamp": "2026-01-01T00:00:00.000000Z", "reactions": [], "reply_to": null, "client_id": null,
    });
    let length = |text: &str| u8::try_from(text.len()).unwrap_or_default();
    let mut frame = vec![PUSH, length(JOIN_REF), 0, length(&topic), length(event), 0, JSON];
    for part in [JOIN_REF, &topic, event, &payload.to_string()] {
        frame.extend_from_slice(part.as_bytes());
    }
    Message::Binary(Bytes::from(frame))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fanout::board::Id;

    fn broadcast(event: &str, meta: &str, payload: &str) -> Vec<u8> {
        let lengths = [2, event.len(), meta.len()].map(|length| u8::try_from(length).unwrap());
        [
            &[BROADCAST][..],
            &lengths,
            &[JSON],
            b"ab",
            event.as_bytes(),
            meta.as_bytes(),
            payload.as_bytes(),
        ]
        .concat()
    }

    #[test]
    fn broadcast_of_the_database_is_read_with_its_number() {
        let frame = broadcast(
            "receiveMessage",
            r#"{"id":"x"}"#,
            r#"{"text":"3.7 hello","seq":12,"reactions":[]}"#,
        );
        let id = Id { speaker: 3, index: 7 };
        assert_eq!(
            read_binary(&frame),
            Ok(Heard::Message {
                id,
                seq: Some(12),
                committing: None
            })
        );
        for length in 0..frame.len() {
            assert!(read_binary(&frame[..length]).is_err());
        }
    }

    #[test]
    fn broadcast_of_the_database_needs_its_id_and_number() {
        let payload = r#"{"text":"3.7 hello","seq":12}"#;
        assert!(read_binary(&broadcast("receiveMessage", "", payload)).is_err());
        assert!(
            read_binary(&broadcast(
                "receiveMessage",
                r#"{"id":"x"}"#,
                r#"{"text":"3.7 hello"}"#
            ))
            .is_err()
        );
        assert!(read_binary(&broadcast("said", "", r#"{"text":"3.7 hello"}"#)).is_ok());
    }

    #[test]
    fn refusals_and_closed_channels_are_faults() {
        assert!(read_text(r#"[null,"0","phoenix","phx_reply",{"status":"ok","response":{}}]"#).is_ok());
        assert!(read_text(r#"[null,"0","phoenix","phx_reply",{"status":"error","response":{}}]"#).is_err());
        assert!(read_text(r#"["1",null,"realtime:ab","phx_close",{}]"#).is_err());
        assert!(read_text("nothing").is_err());
    }
}

//! The peer's side: Socket.IO 5 over Engine.IO 4, by WebSocket from the first byte.

use std::borrow::Cow;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::error::Error;
use crate::fanout::socket::{Heard, Socket, Spoken, connect};

#[derive(Deserialize)]
struct Event<'a>(#[serde(borrow)] Cow<'a, str>, #[serde(borrow)] Spoken<'a>);

/// Connects to the default namespace.
pub(crate) async fn open(port: u16) -> Result<Socket, Error> {
    let mut socket = connect(
        &format!("127.0.0.1:{port}"),
        "/socket.io/?EIO=4&transport=websocket",
    )
    .await?;
    expect(&mut socket, "0").await?;
    send(&mut socket, Message::text("40")).await?;
    expect(&mut socket, "40").await?;
    Ok(socket)
}

/// Connects, and joins the room of a session.
pub(crate) async fn join(port: u16, session: Uuid) -> Result<Socket, Error> {
    let mut socket = open(port).await?;
    let event = json!(["joinRoom", { "session_id": session }]);
    send(&mut socket, Message::text(format!("420{event}"))).await?;
    expect(&mut socket, "430").await?;
    Ok(socket)
}

async fn send(socket: &mut Socket, frame: Message) -> Result<(), Error> {
    socket.send(frame).await.map_err(Error::socket("asking the peer"))
}

/// The next frame must begin like this.
async fn expect(socket: &mut Socket, prefix: &str) -> Result<(), Error> {
    let frame = socket
        .next()
        .await
        .ok_or_else(|| Error::Fanout("the peer closed a socket".to_owned()))?
        .map_err(Error::socket("hearing the peer"))?;
    match frame {
        Message::Text(text) if text.starts_with(prefix) => Ok(()),
        frame => Err(Error::Fanout(format!("the peer said {frame:?}"))),
    }
}

/// A chat message, as the specification's clients send it, by the event of that name; it will be answered.
pub(crate) fn push(event: &str, session: Uuid, person: Uuid, text: &str) -> Message {
    let message: Value = json!([event, { "session_id": session, "sender": "Resident", "text": text, "user_id": person, "type": "text" }]);
    Message::text(format!("421{message}"))
}

/// The answer to a ping of Engine.IO.
pub(crate) fn pong() -> Message {
    Message::text("3")
}

/// Any frame after the opening.
pub(crate) fn read_text(text: &str) -> Result<Heard, String> {
    if let Some(event) = text.strip_prefix("42") {
        let Event(name, spoken) =
            serde_json::from_str(event).map_err(|error| format!("{error} in the frame {text}"))?;
        return if name == "receiveMessage" {
            spoken.heard()
        } else {
            Err(format!("the peer sent the event {name}"))
        };
    }
    match text {
        "2" => Ok(Heard::Ping),
        _ if text.starts_with("431[{") => Ok(Heard::Answer),
        _ => Err(format!("the peer said {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fanout::board::Id;

    #[test]
    fn message_is_read_with_the_time_of_its_commit() {
        let id = Id { speaker: 8, index: 0 };
        assert_eq!(
            read_text(r#"42["receiveMessage",{"id":"x","text":"8.0 hello","committing":12345678901234}]"#),
            Ok(Heard::Message {
                id,
                seq: None,
                committing: Some(12_345_678_901_234)
            })
        );
    }

    #[test]
    fn failures_of_the_peer_are_faults() {
        assert_eq!(read_text(r#"431[{"id":"x"}]"#), Ok(Heard::Answer));
        assert_eq!(read_text("2"), Ok(Heard::Ping));
        for frame in ["431[null]", "1", "41", r#"42["other",{"text":"8.0 hello"}]"#] {
            assert!(read_text(frame).is_err(), "{frame}");
        }
    }
}

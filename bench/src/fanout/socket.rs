//! One WebSocket: connected, and then served by a task until its owner lets go of it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::error::Error;
use crate::fanout::board::{Board, Hand, Id};
use crate::fanout::{realtime, socketio};

/// A connected socket.
pub(crate) type Socket = WebSocketStream<TcpStream>;

/// What realtime-js does.
const HEARTBEAT: Duration = Duration::from_secs(25);
/// The frames are small, and there are a thousand sockets.
const READ_BUFFER: usize = 8 * 1024;

/// What is spoken on a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protocol {
    /// Phoenix channels as Realtime speaks them, version 2.0.0.
    Realtime,
    /// Socket.IO 5 over Engine.IO 4.
    SocketIo,
}

/// The payload of a chat message, in either protocol. The rest of it is parsed and thrown away.
#[derive(Deserialize)]
pub(crate) struct Spoken<'a> {
    /// Begins with the [`Id`].
    #[serde(borrow)]
    pub(crate) text: Cow<'a, str>,
    /// The number in the room's stream, where the message comes from our database.
    pub(crate) seq: Option<i64>,
    /// When the peer sent the commit, on the clock of [`super::clock::now`].
    pub(crate) committing: Option<u64>,
}

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A chat message.
    Message {
        /// Which.
        id: Id,
        /// Its number in the room's stream.
        seq: Option<i64>,
        /// When its commit was sent, if the sender does not know.
        committing: Option<u64>,
    },
    /// The answer to what this socket asked.
    Answer,
    /// The server wants to know whether somebody is there.
    Ping,
    /// Nothing that matters here.
    Nothing,
}

impl Protocol {
    /// Parses a frame; an error when it is one that should not come.
    fn read(self, frame: &Message) -> Result<Heard, String> {
        match (self, frame) {
            (Self::Realtime, Message::Binary(bytes)) => realtime::read_binary(bytes),
            (Self::Realtime, Message::Text(text)) => realtime::read_text(text),
            (Self::SocketIo, Message::Text(text)) => socketio::read_text(text),
            (_, Message::Ping(_) | Message::Pong(_)) => Ok(Heard::Nothing),
            (_, frame) => Err(format!("a frame that nobody expects: {frame:?}")),
        }
    }
}

impl Spoken<'_> {
    /// As a frame's content.
    pub(crate) fn heard(&self) -> Result<Heard, String> {
        let id = Id::parse(&self.text).ok_or_else(|| format!("a message that nobody sent: {}", self.text))?;
        Ok(Heard::Message {
            id,
            seq: self.seq,
            committing: self.committing,
        })
    }
}

/// Connects to `host`, an address and a port, without TLS.
pub(crate) async fn connect(host: &str, path: &str) -> Result<Socket, Error> {
    let doing = "connecting a socket";
    let io = |source| Error::socket(doing)(SocketError::Io(source));
    let stream = TcpStream::connect(host).await.map_err(io)?;
    stream.set_nodelay(true).map_err(io)?;
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
    let (socket, _) = client_async_with_config(format!("ws://{host}{path}"), stream, Some(config))
        .await
        .map_err(Error::socket(doing))?;
    Ok(socket)
}

/// A socket with its task.
#[derive(Debug)]
pub(crate) struct Seat {
    commands: UnboundedSender<Message>,
    answers: UnboundedReceiver<()>,
    task: JoinHandle<()>,
}

impl Seat {
    /// Lets a task read the socket: messages go to the board.
    pub(crate) fn take(socket: Socket, protocol: Protocol, board: &Arc<Board>) -> Self {
        let (commands, orders) = unbounded_channel();
        let (answer, answers) = unbounded_channel();
        let task = Task {
            protocol,
            board: board.clone(),
            hand: Hand::default(),
            answer,
        };
        Self {
            commands,
            answers,
            task: tokio::spawn(task.run(socket, orders)),
        }
    }

    /// What sends frames on this socket.
    pub(crate) fn commands(&self) -> UnboundedSender<Message> {
        self.commands.clone()
    }

    /// Waits for the answer to a question; `false` when there will be none.
    pub(crate) async fn answer(&mut self) -> bool {
        self.answers.recv().await.is_some()
    }

    /// Closes the socket.
    pub(crate) async fn leave(self) {
        drop(self.commands);
        if let Err(error) = self.task.await {
            eprintln!("fanout: the task of a socket failed: {error}");
        }
    }
}

struct Task {
    protocol: Protocol,
    board: Arc<Board>,
    hand: Hand,
    answer: UnboundedSender<()>,
}

impl Task {
    async fn run(mut self, mut socket: Socket, mut orders: UnboundedReceiver<Message>) {
        if let Err(what) = self.serve(&mut socket, &mut orders).await {
            self.board.fault(what);
        }
        // The server may be the first to go.
        let _ = socket.close(None).await;
    }

    async fn serve(
        &mut self,
        socket: &mut Socket,
        orders: &mut UnboundedReceiver<Message>,
    ) -> Result<(), String> {
        let lost = |error: SocketError| format!("a socket was lost: {error}");
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(frame) => socket.send(frame).await.map_err(lost)?,
                    None => return Ok(()),
                },
                frame = socket.next() => {
                    let frame = frame.ok_or("a socket was closed")?.map_err(lost)?;
                    if self.hear(&frame)? == Heard::Ping {
                        socket.send(socketio::pong()).await.map_err(lost)?;
                    }
                }
                _ = heartbeat.tick() => if matches!(self.protocol, Protocol::Realtime) {
                    socket.send(realtime::heartbeat()).await.map_err(lost)?;
                },
            }
        }
    }

    fn hear(&mut self, frame: &Message) -> Result<Heard, String> {
        let heard = self.protocol.read(frame)?;
        match heard {
            Heard::Message { id, seq, committing } => {
                self.hand.take(id, seq)?;
                self.board.deliver(id, committing);
            }
            // Who did not ask does not listen.
            Heard::Answer => drop(self.answer.send(())),
            Heard::Ping | Heard::Nothing => {}
        }
        Ok(heard)
    }
}

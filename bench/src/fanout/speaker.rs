//! Who sends messages: through our database, to the peer, or straight through Realtime.

use std::sync::Arc;

use sqlx::PgConnection;
use tokio::sync::mpsc::UnboundedSender;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::clock::now;
use crate::echoroom::SENTENCE;
use crate::error::Error;
use crate::fanout::board::{Board, Id};
use crate::fanout::hall::Hall;
use crate::fanout::realtime;
use crate::fanout::socket::Seat;
use crate::fanout::socketio;
use crate::request::{Caller, begin};

/// How a message gets to the room.
pub(crate) enum Way {
    /// `echoroom.send_message` through a database connection; the members take turns, so that none is too fast.
    Database {
        /// As role postgres.
        connection: PgConnection,
        /// Who speaks next.
        turn: usize,
    },
    /// An event of the peer, which stores the message and answers.
    Peer {
        /// Outside the room.
        seat: Seat,
        /// `sendMessage` or `sendMessageInTransaction`.
        event: &'static str,
    },
    /// A broadcast of a client: nothing is stored and nothing answered.
    Broadcast {
        /// A listener's own socket.
        commands: UnboundedSender<Message>,
    },
}

/// Sends one message after the other.
pub(crate) struct Speaker {
    way: Way,
    next: Id,
    hall: Arc<Hall>,
    board: Arc<Board>,
}

impl Speaker {
    /// `number` is no other speaker's.
    pub(crate) fn new(number: usize, way: Way, hall: &Arc<Hall>, board: &Arc<Board>) -> Self {
        Self {
            way,
            next: Id {
                speaker: number,
                index: 0,
            },
            hall: hall.clone(),
            board: board.clone(),
        }
    }

    /// From now on, speaks to the peer by another event.
    pub(crate) fn ask_peer_by(&mut self, name: &'static str) {
        if let Way::Peer { event, .. } = &mut self.way {
            *event = name;
        }
    }

    /// Speaks until `end`, never beyond what the board allows to be under way.
    pub(crate) async fn speak(&mut self, end: u64) -> Result<(), Error> {
        while now() < end {
            self.say().await?;
        }
        Ok(())
    }

    /// One message, as soon as it may be under way.
    pub(crate) async fn say(&mut self) -> Result<(), Error> {
        self.board.wait().await?;
        let id = self.next;
        self.next.index += 1;
        let text = id.text(SENTENCE);
        let began = now();
        match &mut self.way {
            Way::Database { connection, turn } => {
                *turn += 1;
                let caller = Caller::Person(self.hall.member(*turn));
                send_message(connection, caller, self.hall.room, &text, || {
                    self.board.launch(id, began, now());
                })
                .await?;
                self.board.answered(began);
            }
            Way::Peer { seat, event } => {
                let frame = socketio::push(event, self.hall.room, self.hall.member(id.speaker), &text);
                self.board.launch(id, began, began);
                order(&seat.commands(), frame)?;
                if !seat.answer().await {
                    return Err(Error::Fanout("a sender lost the peer".to_owned()));
                }
                self.board.answered(began);
            }
            Way::Broadcast { commands } => {
                let frame = realtime::push(&self.hall.topic, &text);
                self.board.launch(id, began, began);
                order(commands, frame)?;
            }
        }
        Ok(())
    }

    /// Lets go of what only this speaker had.
    pub(crate) async fn leave(self) {
        if let Way::Peer { seat, .. } = self.way {
            seat.leave().await;
        }
    }
}

fn order(commands: &UnboundedSender<Message>, frame: Message) -> Result<(), Error> {
    commands
        .send(frame)
        .map_err(|_| Error::Fanout("a sender lost its socket".to_owned()))
}

/// The request, which tells when it is about to commit.
async fn send_message(
    connection: &mut PgConnection,
    caller: Caller,
    room: Uuid,
    text: &str,
    committing: impl FnOnce(),
) -> Result<(), Error> {
    let request = async {
        let mut transaction = begin(connection, caller).await?;
        sqlx::query("select echoroom.send_message($1, $2)")
            .bind(room)
            .bind(text)
            .fetch_one(&mut *transaction)
            .await?;
        committing();
        transaction.commit().await
    };
    request.await.map_err(Error::database("sending a message"))
}

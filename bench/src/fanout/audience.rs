//! The listeners here and at the peer's, and who speaks to them.

use std::fmt;
use std::sync::Arc;

use futures_util::future::try_join_all;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::clock::now;
use crate::database::Database;
use crate::drive::Pace;
use crate::error::Error;
use crate::fanout::board::{Board, Samples};
use crate::fanout::hall::Hall;
use crate::fanout::socket::{Protocol, Seat};
use crate::fanout::speaker::{Speaker, Way};
use crate::fanout::{realtime, socketio};
use crate::peer::Peer;

/// Who speaks at once where the room is kept as busy as it goes.
const SPEAKERS: usize = 8;
/// How many messages may then be under way.
const IN_FLIGHT: usize = 32;
/// How many sockets join at once.
const JOINING: usize = 16;

/// One way of one variant, which has a turn in each round. A quiet room has one message under way at a time; a busy one as many as the
/// speakers can send, up to 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// `send_message`, quiet.
    Ours,
    /// `send_message`, busy.
    OursBusy,
    /// The peer with the fewest round trips, quiet.
    Peer,
    /// The peer with a commit of its own, quiet: where the time from the commit is measured.
    PeerCommit,
    /// The peer with the fewest round trips, busy.
    PeerBusy,
    /// A client's broadcast, quiet.
    Floor,
    /// A client's broadcast, busy.
    FloorBusy,
}

impl Course {
    /// The order of the first round.
    pub(crate) const ALL: [Self; 7] = [
        Self::Ours,
        Self::PeerCommit,
        Self::Peer,
        Self::Floor,
        Self::OursBusy,
        Self::PeerBusy,
        Self::FloorBusy,
    ];

    fn is_busy(self) -> bool {
        matches!(self, Self::OursBusy | Self::PeerBusy | Self::FloorBusy)
    }
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "ours",
            Self::OursBusy => "ours, busy",
            Self::Peer => "peer",
            Self::PeerCommit => "peer with a commit of its own",
            Self::PeerBusy => "peer, busy",
            Self::Floor => "floor",
            Self::FloorBusy => "floor, busy",
        })
    }
}

/// Listeners, and speakers.
pub(crate) struct Audience {
    here: Side,
    there: Side,
    database: Vec<Speaker>,
    peer: Vec<Speaker>,
    broadcast: Vec<Speaker>,
}

struct Side {
    board: Arc<Board>,
    seats: Vec<Seat>,
}

impl Audience {
    /// So many sockets on the room's private channel, and as many in the peer's room.
    pub(crate) async fn gather(
        database: &Database,
        hall: &Arc<Hall>,
        peer: &Peer,
        sockets: usize,
    ) -> Result<Self, Error> {
        let (api, topic) = (database.api()?, hall.topic.as_str());
        let board = Arc::new(Board::new(sockets));
        // The first one alone: it waits for the stream of the database.
        let first = Seat::take(
            realtime::join(api, topic, true).await?,
            Protocol::Realtime,
            &board,
        );
        let mut seats = vec![first];
        let rest: Vec<Seat> = stream::iter(1..sockets)
            .map(async |_| {
                Ok::<_, Error>(Seat::take(
                    realtime::join(api, topic, false).await?,
                    Protocol::Realtime,
                    &board,
                ))
            })
            .buffer_unordered(JOINING)
            .try_collect()
            .await?;
        seats.extend(rest);
        let here = Side { board, seats };

        let board = Arc::new(Board::new(sockets));
        let seats = stream::iter(0..sockets)
            .map(async |_| {
                let socket = socketio::join(peer.port, hall.room).await?;
                Ok::<_, Error>(Seat::take(socket, Protocol::SocketIo, &board))
            })
            .buffer_unordered(JOINING)
            .try_collect()
            .await?;
        let there = Side { board, seats };

        let mut audience = Self {
            here,
            there,
            database: Vec::new(),
            peer: Vec::new(),
            broadcast: Vec::new(),
        };
        audience.invite(database, hall, peer).await?;
        Ok(audience)
    }

    /// The speakers: those of the database and of the peer are not in the room, those who broadcast have to be.
    async fn invite(&mut self, database: &Database, hall: &Arc<Hall>, peer: &Peer) -> Result<(), Error> {
        for number in 0..SPEAKERS {
            let way = Way::Database {
                connection: database.connect().await?,
                turn: number * hall.members.len() / SPEAKERS,
            };
            self.database
                .push(Speaker::new(number, way, hall, &self.here.board));
            let way = Way::Peer {
                seat: Seat::take(
                    socketio::open(peer.port).await?,
                    Protocol::SocketIo,
                    &self.there.board,
                ),
                event: "sendMessage",
            };
            self.peer
                .push(Speaker::new(SPEAKERS + number, way, hall, &self.there.board));
        }
        for (number, seat) in self.here.seats.iter().take(SPEAKERS).enumerate() {
            let way = Way::Broadcast {
                commands: seat.commands(),
            };
            self.broadcast
                .push(Speaker::new(2 * SPEAKERS + number, way, hall, &self.here.board));
        }
        Ok(())
    }

    /// One turn.
    pub(crate) async fn run(&mut self, course: Course, pace: Pace) -> Result<Samples, Error> {
        let begin = now() + nanoseconds(pace.warm_up);
        let end = begin + nanoseconds(pace.measured);
        let (all, in_flight) = if course.is_busy() {
            (SPEAKERS, IN_FLIGHT)
        } else {
            (1, 1)
        };
        let (speakers, board) = self.speakers(course);
        board.open(begin..end, in_flight);
        try_join_all(speakers.iter_mut().take(all).map(|speaker| speaker.speak(end))).await?;
        board.close(in_flight).await
    }

    fn speakers(&mut self, course: Course) -> (&mut Vec<Speaker>, &Board) {
        match course {
            Course::Ours | Course::OursBusy => (&mut self.database, &self.here.board),
            Course::Floor | Course::FloorBusy => (&mut self.broadcast, &self.here.board),
            Course::Peer | Course::PeerBusy | Course::PeerCommit => {
                let event = if course == Course::PeerCommit {
                    "sendMessageInTransaction"
                } else {
                    "sendMessage"
                };
                for speaker in &mut self.peer {
                    speaker.ask_peer_by(event);
                }
                (&mut self.peer, &self.there.board)
            }
        }
    }

    /// Closes everything. A last message of every speaker comes after anything that may have been doubled.
    pub(crate) async fn part(mut self) -> Result<(), Error> {
        for course in [Course::Ours, Course::Peer, Course::Floor] {
            let (speakers, board) = self.speakers(course);
            for speaker in speakers {
                board.open(0..0, 1);
                speaker.say().await?;
                board.close(1).await?;
            }
        }
        for speaker in self.database.into_iter().chain(self.peer).chain(self.broadcast) {
            speaker.leave().await;
        }
        for seat in self.here.seats.into_iter().chain(self.there.seats) {
            seat.leave().await;
        }
        Ok(())
    }
}

fn nanoseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

//! Suite `fanout`: from the commit of a message to the hands of everybody in the room.
//!
//! Ours is `echoroom.send_message` as PostgREST calls it, its broadcast trigger, and Realtime; the peer is the stack of the
//! specification, Node, Socket.IO and Postgres, as fast as it goes; the floor is a client's broadcast over the same Realtime, which
//! touches no database. All listeners are WebSockets of this process, and parse what they get. A message that is lost, doubled or out of
//! order ends the run.

mod audience;
mod board;
mod figures;
mod hall;
mod realtime;
mod socket;
mod socketio;
mod speaker;
mod triggers;

use std::sync::Arc;

use crate::database::Database;
use crate::drive::{Pace, turns};
use crate::echoroom;
use crate::error::Error;
use crate::fanout::audience::{Audience, Course};
use crate::fanout::figures::Figures;
use crate::fanout::hall::Hall;
use crate::line::{Line, Variant};
use crate::peer::Peer;

pub(crate) use triggers::put_back;

/// Measures everything, with each of these numbers of listeners. Returns what the peer is, too.
pub(crate) async fn measure(
    database: &Database,
    sockets: &[usize],
    pace: Pace,
) -> Result<(Vec<Line>, String), Error> {
    let mut keeper = database.connect().await?;
    echoroom::check_is_there(&mut keeper).await?;
    let kernel = echoroom::kernel(&mut keeper).await?;
    eprintln!("fanout: filling rooms, here and at the peer's");
    echoroom::clear(&mut keeper).await?;
    let hall = Arc::new(Hall::fill(&mut keeper).await?);
    let peer = Peer::start("socketio", database.url(), &[]).await?;
    let versions = peer.versions.clone();
    let lines = all(database, &hall, &peer, kernel, sockets, pace).await;
    peer.stop().await?;
    echoroom::use_kernel(&mut keeper, kernel).await?;
    echoroom::clear(&mut keeper).await?;
    Ok((lines?, versions))
}

async fn all(
    database: &Database,
    hall: &Arc<Hall>,
    peer: &Peer,
    kernel: Variant,
    sockets: &[usize],
    pace: Pace,
) -> Result<Vec<Line>, Error> {
    let mut figures = Figures::new(kernel);
    for sockets in sockets.iter().copied() {
        listen(database, hall, peer, sockets, pace, &mut figures).await?;
    }
    let mut lines = figures.lines();
    lines.extend(triggers::measure(database, hall, pace).await?);
    Ok(lines)
}

/// All rounds with so many sockets here, and as many at the peer's.
async fn listen(
    database: &Database,
    hall: &Arc<Hall>,
    peer: &Peer,
    sockets: usize,
    pace: Pace,
    figures: &mut Figures,
) -> Result<(), Error> {
    eprintln!("fanout: {sockets} sockets join here, and as many at the peer's");
    let mut audience = Audience::gather(database, hall, peer, sockets).await?;
    for round in 0..pace.rounds {
        for course in turns(&Course::ALL, round) {
            let samples = audience.run(course, pace).await?;
            let said = figures.add(course, sockets, pace, samples)?;
            eprintln!("fanout: {sockets} sockets, round {}: {course} {said}", round + 1);
        }
    }
    audience.part().await
}

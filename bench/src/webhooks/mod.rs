//! Suite `webhooks`: from a callback's first byte to its 200, with the event verified, claimed, kept and applied in between.
//!
//! Ours is the worker, as a process of its own, on the kernel that has its turn; the peer is the same receiver on the stack of EchoRoom's
//! specification, Node, Express and Postgres; the floor is an insert of the same row over one prepared statement. After every turn all
//! that was acknowledged is looked for: what is lost or doubled ends the run.

mod events;
mod post;
mod tables;
mod tally;
pub(crate) mod token;
mod turn;

use sqlx::PgConnection;

use crate::database::Database;
use crate::drive::{Pace, turns};
use crate::echoroom;
use crate::error::Error;
use crate::line::{Crowd, Line, Variant};
use crate::peer::Peer;
use crate::quantiles::quantiles;
use crate::webhooks::events::{Script, Size};
use crate::webhooks::tables::Receiver;
use crate::webhooks::tally::Tally;
use crate::webhooks::turn::Senders;
use crate::worker::Worker;

/// Connections that send at once.
const SENDERS: [usize; 4] = [1, 8, 32, 128];
/// Connections of each receiver to the database: the default of both.
const CONNECTIONS: usize = 10;

/// What was measured, and what it rests on.
pub(crate) struct Outcome {
    /// The figures.
    pub(crate) lines: Vec<Line>,
    /// Of what the peer is made.
    pub(crate) peer: String,
    /// How many events were looked for after their acknowledgement, and found once each.
    pub(crate) proof: String,
}

/// Measures everything.
pub(crate) async fn measure(database: &Database, pace: Pace) -> Result<Outcome, Error> {
    let mut keeper = database.connect().await?;
    echoroom::check_is_there(&mut keeper).await?;
    let kernel = echoroom::kernel(&mut keeper).await?;
    let variants = echoroom::variants(database).await?;
    tables::drop_all(&mut keeper).await?;
    tables::build(&mut keeper).await?;
    let outcome = all(database, &mut keeper, &variants, pace).await;
    tables::drop_all(&mut keeper).await?;
    echoroom::use_kernel(&mut keeper, kernel).await?;
    outcome
}

async fn all(
    database: &Database,
    keeper: &mut PgConnection,
    variants: &[Variant],
    pace: Pace,
) -> Result<Outcome, Error> {
    let worker = Worker::start(database, CONNECTIONS, &[]).await?;
    let connections = CONNECTIONS.to_string();
    let settings = [
        ("BENCH_SECRET", token::SECRET),
        ("BENCH_CONNECTIONS", &connections),
    ];
    let peer = Peer::start("webhooks", database.url(), &settings).await?;
    let mut bench = Bench {
        database,
        keeper,
        worker: worker.port,
        peer: peer.port,
        tally: Tally::default(),
    };
    let mut lines = Vec::new();
    for size in Size::ALL {
        for senders in SENDERS {
            let script = Script::of(size);
            let stage = Stage {
                size,
                script,
                senders,
                pace,
            };
            lines.extend(bench.interleave(variants, &stage).await?);
        }
    }
    let versions = peer.versions.clone();
    let Bench { tally, .. } = bench;
    peer.stop().await?;
    worker.stop()?;
    Ok(Outcome {
        lines,
        peer: versions,
        proof: tally.to_string(),
    })
}

/// One size, one number of senders.
struct Stage {
    size: Size,
    script: Script,
    senders: usize,
    pace: Pace,
}

/// Who takes part, and the count of what was looked for.
struct Bench<'a> {
    database: &'a Database,
    keeper: &'a mut PgConnection,
    /// The worker's port.
    worker: u16,
    /// The peer's.
    peer: u16,
    tally: Tally,
}

impl Bench<'_> {
    /// All rounds of one stage.
    async fn interleave(&mut self, variants: &[Variant], stage: &Stage) -> Result<[Line; 3], Error> {
        let crowd = Crowd::Clients(stage.senders);
        let mut lines = stage
            .size
            .kinds_of_line()
            .map(|(what, unit)| Line::new(what, crowd, unit));
        for round in 0..stage.pace.rounds {
            for variant in turns(variants, round) {
                let figures = self.turn(variant, stage, round).await?;
                let mut shown = Vec::new();
                for (line, figure) in lines.iter_mut().zip(figures) {
                    line.push(variant, figure);
                    shown.push(line.unit.show(figure));
                }
                let shown = shown.join(", ");
                eprintln!(
                    "webhooks: {}, {crowd}, round {}: {variant} {shown}",
                    stage.size,
                    round + 1
                );
            }
        }
        Ok(lines)
    }

    /// One turn: deliveries a second, the median and the 99th percentile of their answers.
    async fn turn(&mut self, variant: Variant, stage: &Stage, round: usize) -> Result<[f64; 3], Error> {
        echoroom::use_kernel(self.keeper, variant).await?;
        let count = stage.size.calls(stage.pace);
        let receiver = match variant {
            Variant::Native | Variant::Portable => Some((Receiver::Ours, self.worker)),
            Variant::Peer => Some((Receiver::Peer, self.peer)),
            Variant::Floor => None,
        };
        let (mut senders, calls) = match receiver {
            Some((receiver, port)) => (
                Senders::to_receiver(port, stage.senders).await?,
                tables::open(self.keeper, receiver, count).await?,
            ),
            None => (
                Senders::to_floor(self.database, stage.senders).await?,
                tables::invent(count)?,
            ),
        };
        let seed = u64::try_from(round).unwrap_or_default();
        let post = turn::begin(&stage.script, calls, stage.pace, seed);
        senders.send(&post).await?;
        let (samples, events) = post.close();
        if let Some((receiver, _)) = receiver {
            let verdict = tables::judge(self.keeper, receiver, &events).await?;
            self.tally
                .add(receiver, samples.acknowledged, events.len(), verdict)?;
        }
        tables::sweep(self.keeper).await?;
        let rate = turn::rate(&samples, stage.pace);
        let [median, p99] = quantiles(samples.answers)?;
        Ok([rate, median, p99])
    }
}

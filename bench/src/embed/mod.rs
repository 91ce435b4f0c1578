//! Suite `embed`: from a file that is uploaded, or a note that is added, to chunks that can be searched, without the provider's time.
//!
//! Ours is the worker's release binary with its jobs, on the kernel that has its turn, and all that a stored chunk entails in the
//! database; the peer is the ingest that a team on the stack of Domo's specification would write. Both ask the same stand-ins, which answer
//! at once, for transcripts and files, and make the same embeddings. The floor is an insert of texts and vectors that are there already.
//! After every turn all chunks are looked for: what is lost, doubled, without its embedding or not of the text ends the run.

mod judge;
mod pipeline;
mod provider;
mod tables;
mod texts;

use std::time::{Duration, Instant};

use sqlx::PgConnection;

use crate::database::Database;
use crate::drive::{Pace, turns};
use crate::echoroom;
use crate::embed::judge::Tally;
use crate::embed::pipeline::Pipeline;
use crate::embed::provider::Provider;
use crate::embed::tables::Side;
use crate::embed::texts::{Kind, Texts};
use crate::error::Error;
use crate::line::{Crowd, Line, Unit, Variant};
use crate::peer::Peer;
use crate::wire::Wire;
use crate::worker::Worker;

/// Connections of each side to the database: the default of both.
const CONNECTIONS: usize = 10;

const UNIT: Unit = Unit::PerSecond("chunks");

/// What was measured, and what it rests on.
pub(crate) struct Outcome {
    /// The figures.
    pub(crate) lines: Vec<Line>,
    /// Of what the peer is made.
    pub(crate) peer: String,
    /// What was looked for, and found.
    pub(crate) proof: String,
}

/// Measures everything.
pub(crate) async fn measure(database: &Database, pace: Pace) -> Result<Outcome, Error> {
    let mut keeper = database.connect().await?;
    let kernel = echoroom::kernel(&mut keeper).await?;
    tables::clear(&mut keeper).await?;
    tables::build(&mut keeper).await?;
    let outcome = all(database, &mut keeper, pace).await;
    tables::clear(&mut keeper).await?;
    echoroom::use_kernel(&mut keeper, kernel).await?;
    outcome
}

async fn all(database: &Database, keeper: &mut PgConnection, pace: Pace) -> Result<Outcome, Error> {
    let texts = Texts::new();
    let provider = Provider::start(&texts).await?;
    let url = provider.url.as_str();
    let settings = [
        ("SUPABASE_URL", url),
        ("ELEVENLABS_BASE_URL", url),
        ("ELEVENLABS_API_KEY", "none"),
    ];
    let worker = Worker::start(database, CONNECTIONS, &settings).await?;
    let peer = Peer::start("embed", database.url(), &[("BENCH_PROVIDERS", url)]).await?;
    let mut wire = Wire::open(peer.port).await?;
    let likeness = judge::compare(&mut wire, &texts).await?;
    let mut bench = Bench {
        keeper,
        pipeline: Pipeline::new(&texts, database, wire).await?,
        texts: &texts,
        tally: Tally::default(),
    };
    let variants = echoroom::variants(database).await?;
    let mut lines = Vec::new();
    for kind in Kind::ALL {
        lines.extend(bench.interleave(&variants, kind, pace).await?);
    }
    let proof = format!("{}; {likeness}", bench.tally);
    let versions = peer.versions.clone();
    drop(bench);
    peer.stop().await?;
    worker.stop()?;
    Ok(Outcome {
        lines,
        peer: versions,
        proof,
    })
}

struct Bench<'a> {
    keeper: &'a mut PgConnection,
    pipeline: Pipeline,
    texts: &'a Texts,
    tally: Tally,
}

impl Bench<'_> {
    /// All rounds of one kind of work.
    async fn interleave(&mut self, variants: &[Variant], kind: Kind, pace: Pace) -> Result<Vec<Line>, Error> {
        let mut whole = Line::new(kind.what(), Crowd::Clients(1), UNIT);
        let mut computing = kind
            .computing()
            .map(|what| Line::new(what, Crowd::Clients(1), UNIT));
        for round in 0..pace.rounds {
            for variant in turns(variants, round) {
                echoroom::use_kernel(self.keeper, variant).await?;
                let rate = self.turn(variant, kind, pace.measured).await?;
                whole.push(variant, rate);
                let mut shown = UNIT.show(rate);
                if let Some(line) = &mut computing
                    && let Some(rate) = self.pipeline.compute(variant, kind, self.texts).await?
                {
                    line.push(variant, rate);
                    shown = format!("{shown}, computing alone {}", UNIT.show(rate));
                }
                eprintln!("embed: {kind}, round {}: {variant} {shown}", round + 1);
            }
        }
        Ok(std::iter::once(whole).chain(computing).collect())
    }

    /// Piece of work after piece of work until the time is up, each in a demo of its own: what a demo has once is not made again.
    async fn turn(&mut self, variant: Variant, kind: Kind, measured: Duration) -> Result<f64, Error> {
        // Connections and plans.
        let demo = tables::demo(self.keeper).await?;
        self.pipeline.run(variant, Kind::Talk, self.texts, demo).await?;
        let (mut demos, mut chunks, mut busy) = (Vec::new(), 0, Duration::ZERO);
        while busy < measured {
            let demo = tables::demo(self.keeper).await?;
            demos.push(demo);
            let begin = Instant::now();
            chunks += self.pipeline.run(variant, kind, self.texts, demo).await?;
            busy += begin.elapsed();
        }
        let side = match variant {
            Variant::Native | Variant::Portable => Some(Side::Ours),
            Variant::Peer => Some(Side::Peer),
            Variant::Floor => None,
        };
        if let Some(side) = side {
            for demo in demos {
                let stored = tables::stored(self.keeper, side, demo).await?;
                self.tally.add(side, kind, self.texts, &stored)?;
            }
        }
        tables::sweep(self.keeper).await?;
        Ok(f64::from(chunks) / busy.as_secs_f64())
    }
}

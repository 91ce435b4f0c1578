//! Suite `search`: the five nearest chunks of a demo, among many demos, as its owner asks for them.
//!
//! Two corpora of seeded, clustered embeddings of 1,536 dimensions whose topics all demos share: many small demos, and a few large ones. Ours
//! is `domo.search_knowledge_chunks` on each kernel. The peers search the same rows in the specification's own table: its function with its
//! ivfflat index, and, in a second part, pgvector's HNSW with an iterative scan. The floor is an exact search of that table by its demo's
//! index with nobody's rights checked. Each call is one round trip of a signed-in owner under row level security.

mod contender;
mod corpus;

use sqlx::PgConnection;

use self::contender::{Contender, Peer};
use self::corpus::{Corpus, Query};
use crate::database::Database;
use crate::drive::{Client, Pace, connect, rate, turns};
use crate::echoroom;
use crate::error::Error;
use crate::line::{Crowd, Line, Unit, Variant};
use crate::quantiles::quantiles;

const CLIENTS: usize = 4;

/// The figures, and what was found.
pub(crate) struct Outcome {
    /// For the table.
    pub(crate) lines: Vec<Line>,
    /// Who the peers are.
    pub(crate) peer: String,
    /// Recall, rows, and what the copies cost.
    pub(crate) proof: String,
}

/// Measures everything.
pub(crate) async fn measure(database: &Database, is_quick: bool, pace: Pace) -> Result<Outcome, Error> {
    let mut keeper = database.connect().await?;
    let kernel = echoroom::kernel(&mut keeper).await?;
    let variants = echoroom::variants(database).await?;
    let mut lines = Vec::new();
    let mut proof = Vec::new();
    for corpus in Corpus::both(is_quick) {
        let measured = measure_corpus(
            database,
            &mut keeper,
            &corpus,
            &variants,
            pace,
            &mut lines,
            &mut proof,
        )
        .await;
        corpus::clear(&mut keeper).await?;
        echoroom::use_kernel(&mut keeper, kernel).await?;
        measured?;
    }
    Ok(Outcome {
        lines,
        peer: "the specification's function with its ivfflat index (lists = 100), and pgvector's HNSW with strict_order iterative scan (m = 16, \
               ef_construction = 64, ef_search = 40); the floor is an exact scan of the demo's vectors"
            .to_owned(),
        proof: proof.join("; "),
    })
}

async fn measure_corpus(
    database: &Database,
    keeper: &mut PgConnection,
    corpus: &Corpus,
    variants: &[Variant],
    pace: Pace,
    lines: &mut Vec<Line>,
    proof: &mut Vec<String>,
) -> Result<(), Error> {
    eprintln!(
        "search: filling {} demos of {} chunks, here and at the peers'",
        corpus.demos, corpus.chunks
    );
    let owner = corpus.load(keeper).await?;
    proof.push(corpus.cost_of_copies(keeper).await?);
    let queries = corpus.queries(keeper).await?;
    let strange = corpus.strange_queries(keeper).await?;
    let mut clients = connect(database, CLIENTS).await?;
    for client in &mut clients {
        contender::sign_in(client, owner).await?;
    }
    for peer in [Peer::Specification, Peer::Hnsw] {
        eprintln!("search: building the index of {}", peer.name());
        corpus::index(keeper, peer).await?;
        for variant in variants {
            let contender = Contender {
                variant: *variant,
                peer,
            };
            if *variant != Variant::Floor && (*variant == Variant::Peer || peer == Peer::Specification) {
                echoroom::use_kernel(keeper, *variant).await?;
                for queries in [&queries, &strange] {
                    proof.push(corpus.quality(&mut clients, contender, queries).await?);
                }
            }
        }
        lines.extend(race(keeper, &mut clients, corpus, variants, peer, &queries, pace).await?);
    }
    Ok(())
}

/// Median, 99th percentile and searches a second of one client, and searches a second of four.
async fn race(
    keeper: &mut PgConnection,
    clients: &mut [Client],
    corpus: &Corpus,
    variants: &[Variant],
    peer: Peer,
    queries: &[Query],
    pace: Pace,
) -> Result<Vec<Line>, Error> {
    let what = corpus.what(peer);
    let mut lines = [
        Line::new(what.median, Crowd::Clients(1), Unit::Milliseconds),
        Line::new(what.tail, Crowd::Clients(1), Unit::Milliseconds),
        Line::new(what.rate, Crowd::Clients(1), Unit::PerSecond("searches")),
        Line::new(what.rate, Crowd::Clients(CLIENTS), Unit::PerSecond("searches")),
    ];
    for round in 0..pace.rounds {
        for variant in turns(variants, round) {
            echoroom::use_kernel(keeper, variant).await?;
            let contender = Contender { variant, peer };
            let samples = std::cell::RefCell::new(Vec::new());
            let alone = rate(clients.get_mut(..1).unwrap_or_default(), pace, async |client| {
                let nanoseconds = contender.search(client, queries).await?;
                samples.borrow_mut().push(nanoseconds);
                Ok(1)
            })
            .await?;
            let mut samples = samples.into_inner();
            // The first ones are slower: plans and caches.
            let warm = samples.split_off(samples.len() / 5);
            let [median, tail] = quantiles(warm)?;
            let together = rate(clients, pace, async |client| {
                contender.search(client, queries).await.map(|_| 1)
            })
            .await?;
            eprintln!(
                "search: {}, round {}: {variant} {median:.2} ms, {tail:.2} ms, {alone:.0}/s, {together:.0}/s",
                what.rate,
                round + 1
            );
            for (line, figure) in lines.iter_mut().zip([median, tail, alone, together]) {
                line.push(variant, figure);
            }
        }
    }
    Ok(lines.into())
}

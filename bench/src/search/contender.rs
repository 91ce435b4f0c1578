//! Who searches, and how.

use std::time::Instant;

use rand::Rng as _;
use sqlx::Row as _;
use uuid::Uuid;

use super::corpus::Query;
use crate::drive::Client;
use crate::error::Error;
use crate::line::Variant;
use crate::tables::run;

/// What the specification's table is searched by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// The specification's function, with its ivfflat index, as the planner runs it.
    Specification,
    /// HNSW with an iterative scan.
    Hnsw,
}

impl Peer {
    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Specification => "the specification",
            Self::Hnsw => "HNSW",
        }
    }
}

/// One of those who take turns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contender {
    /// Ours, a peer or the floor.
    pub(crate) variant: Variant,
    /// Which peer.
    pub(crate) peer: Peer,
}

/// Makes a connection that of a signed-in user, for good.
pub(crate) async fn sign_in(client: &mut Client, owner: Uuid) -> Result<(), Error> {
    run(
        &mut client.connection,
        &format!(
            r#"select set_config('request.jwt.claims', '{{"sub":"{owner}","role":"authenticated","aud":"authenticated"}}', false);
            set role authenticated"#
        ),
    )
    .await
}

impl Contender {
    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self.variant {
            Variant::Native => "native",
            Variant::Portable => "portable",
            Variant::Peer => self.peer.name(),
            Variant::Floor => "exact scan",
        }
    }

    /// Above a similarity, where it takes one.
    fn sql(self, above: &str) -> String {
        let query = "$1::real[]::extensions.vector, $2";
        match (self.variant, self.peer) {
            (Variant::Native | Variant::Portable, _) => {
                format!("select * from domo.search_knowledge_chunks({query}, {above}, 5)")
            }
            (Variant::Peer, Peer::Specification) => {
                format!("select * from bench_search.search_knowledge_chunks({query}, {above}, 5)")
            }
            (Variant::Peer, Peer::Hnsw) => format!("select * from bench_search.hnsw({query}, 5)"),
            (Variant::Floor, _) => format!("select * from bench_search.exact({query}, 5)"),
        }
    }

    /// What it finds.
    pub(crate) async fn find(self, client: &mut Client, query: &Query) -> Result<Vec<Uuid>, Error> {
        // Nothing is as similar as 0.3 to a query about something else.
        let above = if query.is_strange { "-1" } else { "0.3" };
        let rows = sqlx::query(&self.sql(above))
            .bind(&query.embedding)
            .bind(query.demo)
            .fetch_all(&mut client.connection)
            .await
            .map_err(Error::database("searching"))?;
        rows.iter()
            .map(|row| row.try_get(0).map_err(Error::database("searching")))
            .collect()
    }

    /// One search for anything; how many nanoseconds it took.
    pub(crate) async fn search(self, client: &mut Client, queries: &[Query]) -> Result<u64, Error> {
        let place = client.random.random_range(0..queries.len().max(1));
        let Some(query) = queries.get(place) else {
            return Err(Error::TooShort);
        };
        let begin = Instant::now();
        self.find(client, query).await?;
        Ok(u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

//! What is searched: the same rows in Domo's table and in the specification's.

use std::time::Instant;

use sqlx::PgConnection;
use uuid::Uuid;

use super::contender::{Contender, Peer};
use crate::drive::Client;
use crate::error::Error;
use crate::tables::run;

const NUMBERS: &str = include_str!("../../sql/search.sql");
const SPECIFICATION: &str = include_str!("../../peers/search.sql");

const QUERIES: usize = 200;
/// How many of them are compared with brute force.
const COMPARED: usize = 100;
/// How many queries there are of topics that the demo does not have.
const STRANGE: usize = 40;

/// Demos of one size.
pub(crate) struct Corpus {
    names: [Names; 2],
    /// How many.
    pub(crate) demos: usize,
    /// Of each.
    pub(crate) chunks: usize,
    /// Different ones within a demo.
    topics: usize,
}

/// What its lines are called.
#[derive(Clone, Copy)]
pub(crate) struct Names {
    pub(crate) median: &'static str,
    pub(crate) tail: &'static str,
    pub(crate) rate: &'static str,
}

/// What is searched for, and in which demo.
#[derive(sqlx::FromRow)]
pub(crate) struct Query {
    pub(crate) demo: Uuid,
    pub(crate) embedding: Vec<f32>,
    /// Of no topic that the demo has.
    pub(crate) is_strange: bool,
    best: Vec<Uuid>,
}

const SMALL: [Names; 2] = [
    Names {
        median: "small demos, specification: p50",
        tail: "small demos, specification: p99",
        rate: "small demos, specification",
    },
    Names {
        median: "small demos, HNSW: p50",
        tail: "small demos, HNSW: p99",
        rate: "small demos, HNSW",
    },
];
const LARGE: [Names; 2] = [
    Names {
        median: "large demos, specification: p50",
        tail: "large demos, specification: p99",
        rate: "large demos, specification",
    },
    Names {
        median: "large demos, HNSW: p50",
        tail: "large demos, HNSW: p99",
        rate: "large demos, HNSW",
    },
];

impl Corpus {
    /// 100 demos of 500 chunks and 10 of 20,000; or a taste of both.
    pub(crate) fn both(is_quick: bool) -> [Self; 2] {
        let sizes = if is_quick {
            [(20, 500, 20), (2, 3000, 60)]
        } else {
            [(100, 500, 20), (10, 20_000, 200)]
        };
        let [small, large] = sizes;
        [(SMALL, small), (LARGE, large)].map(|(names, (demos, chunks, topics))| Self {
            names,
            demos,
            chunks,
            topics,
        })
    }

    /// What the lines with this peer are called.
    pub(crate) fn what(&self, peer: Peer) -> Names {
        let [specification, hnsw] = self.names;
        match peer {
            Peer::Specification => specification,
            Peer::Hnsw => hnsw,
        }
    }

    /// Fills both tables; whose demos they are.
    pub(crate) async fn load(&self, keeper: &mut PgConnection) -> Result<Uuid, Error> {
        clear(keeper).await?;
        run(keeper, NUMBERS).await?;
        run(keeper, SPECIFICATION).await?;
        let owner = Uuid::new_v4();
        let Self {
            demos,
            chunks,
            topics,
            ..
        } = self;
        run(
            keeper,
            &format!(
                "insert into auth.users (id, email) values ('{owner}', 'bench search');
                 insert into domo.demos (id, user_id, name) select md5('bench ' || n)::uuid, '{owner}', 'Demo ' || n from generate_series(1, {demos}) as n;
                 insert into bench_search.demos (id, user_id) select id, user_id from domo.demos where user_id = '{owner}'"
            ),
        )
        .await?;
        for demo in 1..=*demos {
            run(
                keeper,
                &format!(
                    "insert into bench_search.knowledge_chunks (id, demo_id, content, source, vector_embedding)
                     select md5('chunk {demo} ' || i)::uuid, md5('bench {demo}')::uuid, 'What is said as number ' || i, 'Bench',
                         bench_search.embedding({demo} * 37 + i % {topics} * 13, {demo} * 1000003 + i)
                     from generate_series(1, {chunks}) as i;
                     insert into domo.knowledge_chunks (id, demo_id, content, source, vector_embedding)
                     select id, demo_id, content, source, vector_embedding from bench_search.knowledge_chunks where demo_id = md5('bench {demo}')::uuid"
                ),
            )
            .await?;
        }
        run(keeper, "vacuum analyze domo.knowledge_chunks; ").await?;
        // As the worker does each minute.
        while sqlx::query_scalar::<_, i32>("select parley.shelve_nearest()")
            .fetch_one(&mut *keeper)
            .await
            .map_err(Error::database("placing large demos on shelves"))?
            > 0
        {}
        for table in [
            "parley.nearest_halves",
            "parley.nearest_codes",
            "parley.nearest_shelves",
            "bench_search.knowledge_chunks",
        ] {
            run(keeper, &format!("vacuum analyze {table}")).await?;
        }
        Ok(owner)
    }

    /// Inserts of 500 chunks with the kernel's copies and without, each rolled back.
    pub(crate) async fn cost_of_copies(&self, keeper: &mut PgConnection) -> Result<String, Error> {
        let trigger = trigger(keeper).await?;
        let mut figures = [f64::MAX; 2];
        for _ in 0..3 {
            for (figure, firing) in figures.iter_mut().zip(["enable", "disable"]) {
                run(
                    keeper,
                    &format!("begin; alter table domo.knowledge_chunks {firing} trigger {trigger}"),
                )
                .await?;
                let begin = Instant::now();
                run(
                    keeper,
                    "insert into domo.knowledge_chunks (demo_id, content, source, vector_embedding)
                     select demo_id, content, source, vector_embedding from bench_search.knowledge_chunks where demo_id = md5('bench 1')::uuid limit 500",
                )
                .await?;
                *figure = figure.min(begin.elapsed().as_secs_f64() * 1000.0);
                run(keeper, "rollback").await?;
            }
        }
        let [with, without] = figures;
        Ok(format!(
            "{} demos of {} chunks: inserting 500 chunks takes {with:.0} ms with the copies that are searched, {without:.0} ms without",
            self.demos, self.chunks
        ))
    }

    /// Queries about the topics of the demos, none of them a chunk, with their answers by brute force.
    pub(crate) async fn queries(&self, keeper: &mut PgConnection) -> Result<Vec<Query>, Error> {
        let Self { demos, topics, .. } = self;
        sqlx::query_as(&format!(
            "select q.demo, q.v::real[] as embedding, false as is_strange, case when q.n <= {COMPARED} then array(select e.id from bench_search.exact(q.v, q.demo, 5) as e) else '{{}}' end as best
             from (
                 select n, md5('bench ' || d)::uuid as demo, bench_search.embedding(d * 37 + n * 7 % {topics} * 13, 500000003 + n * 31) as v
                 from (select n, 1 + n * 17 % {demos} as d from generate_series(1, {QUERIES}) as n) as x
                 offset 0
             ) as q"
        ))
        .fetch_all(keeper)
        .await
        .map_err(Error::database("making queries"))
    }

    /// Queries about anything but the topics of their demo: nothing is much nearer than the rest.
    pub(crate) async fn strange_queries(&self, keeper: &mut PgConnection) -> Result<Vec<Query>, Error> {
        let demos = self.demos;
        sqlx::query_as(&format!(
            "select q.demo, q.v::real[] as embedding, true as is_strange, array(select e.id from bench_search.exact(q.v, q.demo, 5) as e) as best
             from (
                 select md5('bench ' || d)::uuid as demo, bench_search.embedding(d * 37 + 6 + n * 13, 700000001 + n * 31) as v
                 from (select n, 1 + n * 17 % {demos} as d from generate_series(1, {STRANGE}) as n) as x
                 offset 0
             ) as q"
        ))
        .fetch_all(keeper)
        .await
        .map_err(Error::database("making queries"))
    }

    /// Recall and rows, in a phrase.
    pub(crate) async fn quality(
        &self,
        clients: &mut [Client],
        contender: Contender,
        queries: &[Query],
    ) -> Result<String, Error> {
        let Some(client) = clients.first_mut() else {
            return Err(Error::TooShort);
        };
        let (mut hits, mut wanted, mut fewest) = (0u32, 0u32, usize::MAX);
        for query in queries.iter().filter(|query| !query.best.is_empty()) {
            let found = contender.find(client, query).await?;
            fewest = fewest.min(found.len());
            for best in &query.best {
                wanted += 1;
                hits += u32::from(found.contains(best));
            }
        }
        let recall = f64::from(hits) / f64::from(wanted.max(1));
        let phrase = format!(
            "{} recall@5 {recall:.3}{}, at least {fewest} rows",
            contender.name(),
            if queries.iter().all(|query| query.is_strange) {
                " for queries of no topic of the demo"
            } else {
                ""
            },
        );
        eprintln!("search: {phrase}");
        Ok(phrase)
    }
}

/// The index of one peer in the place of the other's.
pub(crate) async fn index(keeper: &mut PgConnection, peer: Peer) -> Result<(), Error> {
    run(
        keeper,
        "drop index if exists bench_search.knowledge_chunks_vector_embedding_idx",
    )
    .await?;
    run(
        keeper,
        "set maintenance_work_mem = '2GB'; set max_parallel_maintenance_workers = 2",
    )
    .await?;
    let method = match peer {
        Peer::Specification => "ivfflat (vector_embedding extensions.vector_cosine_ops) with (lists = 100)",
        Peer::Hnsw => "hnsw (vector_embedding extensions.vector_cosine_ops)",
    };
    run(keeper, &format!("create index knowledge_chunks_vector_embedding_idx on bench_search.knowledge_chunks using {method}")).await?;
    run(
        keeper,
        "reset maintenance_work_mem; reset max_parallel_maintenance_workers",
    )
    .await?;
    run(keeper, "vacuum analyze bench_search.knowledge_chunks").await
}

async fn trigger(keeper: &mut PgConnection) -> Result<String, Error> {
    sqlx::query_scalar("select tgname::text from pg_trigger where tgrelid = 'domo.knowledge_chunks'::regclass and tgname ~ '^parley_nearest_\\d+_insert$'")
        .fetch_one(keeper)
        .await
        .map_err(Error::database("looking for the kernel's trigger"))
}

/// Leaves nothing behind.
pub(crate) async fn clear(keeper: &mut PgConnection) -> Result<(), Error> {
    run(
        keeper,
        "drop schema if exists bench_search cascade;
         delete from auth.users where email = 'bench search'",
    )
    .await?;
    for table in [
        "domo.knowledge_chunks",
        "domo_private.chunk_words",
        "parley.nearest_halves",
        "parley.nearest_codes",
        "parley.nearest_shelves",
    ] {
        run(keeper, &format!("vacuum {table}")).await?;
    }
    Ok(())
}

//! Who makes chunks: the worker, by its jobs; the peer, by its routes; and, for the floor, an insert of what is there already.

use std::time::{Duration, Instant};

use edge_worker::knowledge::{embed_lexically, of_markdown, of_text};
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::database::Database;
use crate::embed::texts::{Kind, Texts};
use crate::error::Error;
use crate::line::Variant;
use crate::tables::run;
use crate::wire::Wire;

/// How often the counts are looked at while the worker works.
const LOOK: Duration = Duration::from_millis(2);

/// All of them.
#[derive(Debug)]
pub(crate) struct Pipeline {
    /// As service_role.
    client: PgConnection,
    peer: Wire,
    ready: Vec<(Kind, Ready)>,
}

/// Texts and vectors that are there already, the vectors one after the other.
#[derive(Debug)]
struct Ready {
    texts: Vec<String>,
    vectors: Vec<f32>,
}

#[derive(Deserialize)]
struct Made {
    chunks: u32,
}

/// How far the worker is.
#[derive(sqlx::FromRow)]
struct Progress {
    status: Option<String>,
    chunks: i64,
    embedded: i64,
}

impl Pipeline {
    /// With connections of its own.
    pub(crate) async fn new(texts: &Texts, database: &Database, peer: Wire) -> Result<Self, Error> {
        let mut client = database.connect().await?;
        run(&mut client, "set role service_role").await?;
        let ready = Kind::ALL.map(|kind| (kind, ready(kind, texts))).into();
        Ok(Self { client, peer, ready })
    }

    /// All of one piece of work for a demo, until all of it can be searched; how many chunks it is.
    pub(crate) async fn run(
        &mut self,
        variant: Variant,
        kind: Kind,
        texts: &Texts,
        demo: Uuid,
    ) -> Result<u32, Error> {
        match variant {
            Variant::Native | Variant::Portable => self.by_worker(kind, texts, demo).await,
            Variant::Peer => self.by_peer(kind, texts, demo).await,
            Variant::Floor => self.by_insert(kind, demo).await,
        }
    }

    /// Splits and embeds and stores nothing; chunks a second. The floor has nothing to compute.
    pub(crate) async fn compute(
        &mut self,
        variant: Variant,
        kind: Kind,
        texts: &Texts,
    ) -> Result<Option<f64>, Error> {
        let Some(text) = texts.whole(kind) else {
            return Ok(None);
        };
        let begin = Instant::now();
        let chunks = match variant {
            Variant::Native | Variant::Portable => count(&ready(kind, texts).texts),
            Variant::Peer => {
                let body = json!({ "text": text, "isMarkdown": kind == Kind::Document });
                self.ask::<Made>("/compute", &body).await?.chunks
            }
            Variant::Floor => return Ok(None),
        };
        Ok(Some(f64::from(chunks) / begin.elapsed().as_secs_f64()))
    }

    async fn by_worker(&mut self, kind: Kind, texts: &Texts, demo: Uuid) -> Result<u32, Error> {
        let insert = match kind {
            Kind::Talk => {
                "insert into domo.demo_videos (demo_id, title, storage_url, order_index) values ($1, 'Talk', $1 || '/talk.mp4', 0)"
            }
            Kind::Document => {
                "insert into domo.demo_documents (demo_id, title, storage_url) values ($1, 'Manual', $1 || '/manual.md')"
            }
            Kind::Notes => {
                for note in &texts.notes {
                    sqlx::query("select domo.add_knowledge($1, $2, source => 'Notes')")
                        .bind(demo)
                        .bind(note)
                        .execute(&mut self.client)
                        .await
                        .map_err(Error::database("adding a note"))?;
                }
                return self.until_embedded(demo, Some(count(&texts.notes))).await;
            }
            Kind::Batch => {
                sqlx::query("insert into domo.knowledge_chunks (demo_id, content, source) select $1, content, 'Notes' from unnest($2::text[]) as n (content)")
                    .bind(demo)
                    .bind(&texts.notes)
                    .execute(&mut self.client)
                    .await
                    .map_err(Error::database("adding notes"))?;
                return self.until_embedded(demo, Some(count(&texts.notes))).await;
            }
        };
        sqlx::query(insert)
            .bind(demo)
            .execute(&mut self.client)
            .await
            .map_err(Error::database("adding a file"))?;
        self.until_embedded(demo, None).await
    }

    async fn until_embedded(&mut self, demo: Uuid, wanted: Option<u32>) -> Result<u32, Error> {
        loop {
            let Progress {
                status,
                chunks,
                embedded,
            } = sqlx::query_as(
                "select
                     coalesce(
                         (select processing_status from domo.demo_videos where demo_id = $1),
                         (select processing_status from domo.demo_documents where demo_id = $1)
                     ) as status,
                     knowledge_chunk_count as chunks, embedded_chunk_count as embedded
                 from domo.demo_stats where demo_id = $1",
            )
            .bind(demo)
            .fetch_one(&mut self.client)
            .await
            .map_err(Error::database("looking how far the worker is"))?;
            let is_done = match status.as_deref() {
                Some("failed") => return Err(Error::Embed("the worker says that a file failed".to_owned())),
                Some(status) => status == "completed",
                None => wanted.is_none_or(|wanted| chunks == i64::from(wanted)),
            };
            if is_done && chunks > 0 && chunks == embedded {
                return Ok(u32::try_from(chunks).unwrap_or(u32::MAX));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn by_peer(&mut self, kind: Kind, texts: &Texts, demo: Uuid) -> Result<u32, Error> {
        let path = match kind {
            Kind::Talk => "/video",
            Kind::Document => "/document",
            Kind::Notes => {
                for note in &texts.notes {
                    let _: Made = self
                        .ask("/note", &json!({ "demo": demo, "content": note }))
                        .await?;
                }
                return Ok(count(&texts.notes));
            }
            Kind::Batch => {
                let body = json!({ "demo": demo, "contents": texts.notes });
                return Ok(self.ask::<Made>("/notes", &body).await?.chunks);
            }
        };
        let body = json!({ "demo": demo, "path": format!("{demo}/file") });
        Ok(self.ask::<Made>(path, &body).await?.chunks)
    }

    async fn ask<T: for<'de> Deserialize<'de>>(&mut self, path: &str, body: &Value) -> Result<T, Error> {
        ask(&mut self.peer, path, body).await
    }

    async fn by_insert(&mut self, kind: Kind, demo: Uuid) -> Result<u32, Error> {
        let Some((_, ready)) = self.ready.iter().find(|(of, _)| *of == kind) else {
            return Err(Error::TooShort);
        };
        let dimensions = ready.vectors.len() / ready.texts.len().max(1);
        // Notes come one by one.
        let rows = if kind == Kind::Notes { 1 } else { 128 };
        for (texts, vectors) in ready
            .texts
            .chunks(rows)
            .zip(ready.vectors.chunks(rows * dimensions))
        {
            sqlx::query(
                "insert into bench_embed.floor_chunks (demo_id, content, vector_embedding)
                 select $1, t.content, $3[(t.n - 1) * $4 + 1 : t.n * $4]::extensions.vector from unnest($2::text[]) with ordinality as t (content, n)",
            )
            .bind(demo)
            .bind(texts)
            .bind(vectors)
            .bind(i32::try_from(dimensions).unwrap_or_default())
            .execute(&mut self.client)
            .await
            .map_err(Error::database("inserting chunks"))?;
        }
        Ok(count(&ready.texts))
    }
}

/// Asks the peer.
pub(crate) async fn ask<T: for<'de> Deserialize<'de>>(
    peer: &mut Wire,
    path: &str,
    body: &Value,
) -> Result<T, Error> {
    let (status, answer) = peer.ask(path, body.to_string()).await?;
    if status != StatusCode::OK {
        return Err(Error::Embed(format!("the peer answered {status} to {path}")));
    }
    serde_json::from_slice(&answer)
        .map_err(|error| Error::Embed(format!("the peer's answer to {path}: {error}")))
}

/// Splits and embeds as the worker does.
fn ready(kind: Kind, texts: &Texts) -> Ready {
    let of = |chunks: Vec<edge_worker::knowledge::Chunk<'_>>| {
        chunks.into_iter().map(|chunk| chunk.text.to_owned()).collect()
    };
    let texts: Vec<String> = match kind {
        Kind::Talk => of(of_text(&texts.talk)),
        Kind::Document => of(of_markdown(&texts.document)),
        Kind::Notes | Kind::Batch => texts.notes.clone(),
    };
    let vectors = texts.iter().flat_map(|text| embed_lexically(text)).collect();
    Ready { texts, vectors }
}

fn count(texts: &[String]) -> u32 {
    u32::try_from(texts.len()).unwrap_or(u32::MAX)
}

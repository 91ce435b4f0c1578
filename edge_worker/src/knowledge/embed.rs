//! Chunks to embeddings.

use uuid::Uuid;

use super::{EmbedError, Knowledge, KnowledgeError};
use crate::db;
use crate::db::knowledge::Waiting;

/// Chunks in one request and one transaction: what is lost when a worker dies in between.
const BATCH: i32 = 128;

impl Knowledge {
    /// Embeds every chunk of a demo that waits for it, in batches, each stored in a transaction of its own where the text is still the one
    /// that was embedded. How many.
    ///
    /// # Errors
    ///
    /// What is stored stays stored. [`KnowledgeError::RefusedTexts`] where single texts were refused.
    pub async fn embed_demo(&self, demo: Uuid) -> Result<usize, KnowledgeError> {
        let (mut stored, mut after) = (0, None);
        let mut refused: Option<(usize, EmbedError)> = None;
        loop {
            let waiting =
                db::knowledge::waiting(&self.pool, demo, self.embedder.model(), after, BATCH).await?;
            let Some(last) = waiting.last() else {
                break;
            };
            // What is refused, or changes meanwhile, is not met again here: the change has enqueued the job again.
            after = Some(last.id);
            // One text keeps only itself: where some of a batch are refused, its halves are asked for, and so on.
            let mut parts = vec![waiting.as_slice()];
            while let Some(part) = parts.pop() {
                match (self.embed_batch(demo, part).await, part) {
                    (Ok(count), _) => stored += count,
                    (Err(KnowledgeError::Embed(error)), [chunk]) if error.is_of_a_text() => {
                        tracing::warn!(chunk = %chunk.id, "the text of a chunk was refused");
                        refused = Some((refused.map_or(1, |(count, _)| count + 1), error));
                    }
                    (Err(KnowledgeError::Embed(error)), _) if error.is_of_a_text() => {
                        let (first, second) = part.split_at(part.len() / 2);
                        parts.extend([second, first]);
                    }
                    (Err(error), _) => return Err(error),
                }
            }
            // What came meanwhile has enqueued the job again as well.
            if i32::try_from(waiting.len()).is_ok_and(|count| count < BATCH) {
                break;
            }
        }
        match refused {
            None => Ok(stored),
            Some((texts, source)) => Err(KnowledgeError::RefusedTexts { texts, source }),
        }
    }

    async fn embed_batch(&self, demo: Uuid, waiting: &[Waiting]) -> Result<usize, KnowledgeError> {
        // The same text is paid for once.
        let mut texts: Vec<String> = Vec::with_capacity(waiting.len());
        let mut places = std::collections::HashMap::with_capacity(waiting.len());
        for chunk in waiting {
            places.entry(chunk.digest.as_str()).or_insert_with(|| {
                texts.push(chunk.content.clone());
                texts.len() - 1
            });
        }
        let vectors = self.embedder.embed(&texts).await?;
        let vector = |chunk: &Waiting| vectors.get(*places.get(chunk.digest.as_str())?);
        let all: Vec<f32> = waiting.iter().filter_map(vector).flatten().copied().collect();
        let stored = db::knowledge::store(&self.pool, demo, self.embedder.model(), waiting, &all).await?;
        Ok(usize::try_from(stored).unwrap_or_default())
    }
}

//! Knowledge: what a demo's agent knows, made of videos and documents. A file becomes text, the text chunks, the chunks embeddings.
//!
//! [`Knowledge`] does it for jobs; the rules of what is stored when are in the database (`domo_private.ingest_*`, `embed_*`).
//! [`Embedder`] is for whoever has a text to embed.

mod chunks;
mod documents;
mod embed;
mod embedder;
mod error;
mod ingest;
mod lexical;
mod transcript;

pub use chunks::{Chunk, OVERLAP_CHARS, SIZE_CHARS, of_markdown, of_text};
pub use documents::{DocumentError, Format, Reader, answer as read_document, text_of};
pub use embedder::{EmbedError, Embedder};
pub use error::KnowledgeError;
pub use ingest::{File, Knowledge};
pub use lexical::{MODEL as LEXICAL_MODEL, embed as embed_lexically};
pub use transcript::Timed;

/// What the database keeps of an embedding.
pub const DIMENSIONS: usize = 1536;

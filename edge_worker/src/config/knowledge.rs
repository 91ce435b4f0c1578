//! The settings of the providers that make knowledge of files. Both may be left out: without a key the one is off, and the other
//! is replaced by what is built in.

use secrecy::SecretString;
use url::Url;

use super::read::Reader;

/// How to reach ElevenLabs.
#[derive(Clone, Debug)]
pub struct ElevenLabs {
    /// `ELEVENLABS_API_KEY`.
    pub api_key: SecretString,
    /// `ELEVENLABS_BASE_URL`, without `/v1`.
    pub base_url: Url,
}

/// How to reach an embeddings API of OpenAI's form.
#[derive(Clone, Debug)]
pub struct Embeddings {
    /// `EMBEDDINGS_API_KEY`.
    pub api_key: SecretString,
    /// `EMBEDDINGS_BASE_URL`, with `/v1`.
    pub base_url: Url,
    /// `EMBEDDINGS_MODEL`.
    pub model: String,
}

pub(super) fn elevenlabs(reader: &mut Reader<'_>) -> Option<ElevenLabs> {
    let api_key = key(reader, "ELEVENLABS_API_KEY");
    let base_url = address(reader, "ELEVENLABS_BASE_URL", "https://api.elevenlabs.io");
    Some(ElevenLabs {
        api_key: api_key?,
        base_url: base_url?,
    })
}

pub(super) fn embeddings(reader: &mut Reader<'_>) -> Option<Embeddings> {
    const MODEL: &str = "EMBEDDINGS_MODEL";
    let api_key = key(reader, "EMBEDDINGS_API_KEY");
    let base_url = address(reader, "EMBEDDINGS_BASE_URL", "https://api.openai.com/v1");
    let model = reader
        .text(MODEL)
        .unwrap_or_else(|| "text-embedding-3-small".to_owned());
    // It is noted with every chunk, in a column of that length.
    if model.chars().count() > 100 {
        reader.problem(MODEL, "it has more than 100 characters");
    }
    Some(Embeddings {
        api_key: api_key?,
        base_url: base_url?,
        model,
    })
}

fn key(reader: &mut Reader<'_>, name: &'static str) -> Option<SecretString> {
    let key = reader.text(name)?;
    Some(reader.header(name, key))
}

fn address(reader: &mut Reader<'_>, name: &'static str, default: &str) -> Option<Url> {
    let text = reader.text(name).unwrap_or_else(|| default.to_owned());
    reader.web_address(name, &text)
}

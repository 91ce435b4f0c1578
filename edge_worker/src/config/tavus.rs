//! The settings of the provider Tavus.

use secrecy::SecretString;
use url::Url;

use super::read::Reader;
use crate::webhooks::SigningSecret;

const KEY: &str = "TAVUS_API_KEY";
const BASE_URL: &str = "TAVUS_BASE_URL";
const WEBHOOK_SECRET: &str = "TAVUS_WEBHOOK_SECRET";
const TOOL_SECRET: &str = "TAVUS_TOOL_SECRET";

/// A shorter one could be guessed.
const LEAST_CHARACTERS: usize = 16;

/// Where Tavus is unless told otherwise.
const DEFAULT_BASE_URL: &str = "https://tavusapi.com";

/// A deployment without Tavus says so, because a forgotten key must not look like one.
const OFF: &str = "off";

/// How to reach Tavus.
#[derive(Clone, Debug)]
pub struct Tavus {
    /// `TAVUS_API_KEY`.
    pub api_key: SecretString,
    /// `TAVUS_BASE_URL`, without `/v2`.
    pub base_url: Url,
    /// `TAVUS_WEBHOOK_SECRET`: signatures of callbacks are verified where it is set and they are there.
    pub webhook_secret: Option<SigningSecret>,
    /// `TAVUS_TOOL_SECRET`: what Tavus signs calls of tools with. Without it none is answered.
    pub tool_secret: Option<SecretString>,
}

pub(super) fn is_off(reader: &Reader<'_>) -> bool {
    reader.text(KEY).as_deref() == Some(OFF)
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Tavus> {
    let Some(api_key) = reader.text(KEY) else {
        reader.problem(KEY, "it is not set; a deployment without Tavus sets it to `off`");
        return None;
    };
    if is_off(reader) {
        return None;
    }
    let api_key = reader.header(KEY, api_key);
    let address = reader
        .text(BASE_URL)
        .unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
    let base_url = reader.web_address(BASE_URL, &address);
    let webhook_secret = reader.text(WEBHOOK_SECRET).and_then(|text| {
        let secret = SigningSecret::parse(&text);
        if secret.is_none() {
            reader.problem(
                WEBHOOK_SECRET,
                "it is not `whsec_` and the base64 of 24 to 64 bytes",
            );
        }
        secret
    });
    let tool_secret = reader.text(TOOL_SECRET);
    if tool_secret
        .as_ref()
        .is_some_and(|secret| secret.chars().count() < LEAST_CHARACTERS)
    {
        reader.problem(TOOL_SECRET, "it has fewer than 16 characters");
    }
    Some(Tavus {
        tool_secret: tool_secret.map(Into::into),
        api_key,
        base_url: base_url?,
        webhook_secret,
    })
}

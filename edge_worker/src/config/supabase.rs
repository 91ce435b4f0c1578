//! What the worker knows of its Supabase project. Names as Supabase gives them, with the older ones as fallbacks.

use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::read::Reader;

/// The path of the public keys below the address of a project.
const JWKS_PATH: &str = "auth/v1/.well-known/jwks.json";

/// The project.
#[derive(Clone, Debug)]
pub struct Supabase {
    /// `SUPABASE_URL`.
    pub url: Url,
    /// `SUPABASE_PUBLISHABLE_KEYS`, `SUPABASE_PUBLISHABLE_KEY` or `SUPABASE_ANON_KEY`: goes along with the token of a caller.
    pub publishable_key: SecretString,
    /// `SUPABASE_SECRET_KEYS`, `SUPABASE_SECRET_KEY` or `SUPABASE_SERVICE_ROLE_KEY`.
    pub secret_key: SecretString,
    /// What the tokens of callers are checked with.
    pub jwks: Jwks,
    /// `SUPABASE_JWT_SECRET` or `JWT_SECRET`: only for projects that still sign with a shared secret.
    pub jwt_secret: Option<SecretString>,
}

/// Where the public keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Jwks {
    /// `SUPABASE_JWKS`: here they are, as the list of keys.
    Inline(Vec<Value>),
    /// `SUPABASE_JWKS_URL`, by default the project's own.
    Address(Url),
}

/// `None` only where a problem was noted.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Supabase> {
    let url = match reader.text("SUPABASE_URL") {
        Some(text) => reader.web_address("SUPABASE_URL", &text),
        None => {
            reader.missing(&["SUPABASE_URL"]);
            None
        }
    };
    let publishable_key = key(
        reader,
        "SUPABASE_PUBLISHABLE_KEYS",
        &["SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY"],
    );
    let secret_key = key(
        reader,
        "SUPABASE_SECRET_KEYS",
        &["SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"],
    );
    let jwks = jwks(reader, url.as_ref());
    let jwt_secret = reader.first(&["SUPABASE_JWT_SECRET", "JWT_SECRET"]);
    Some(Supabase {
        url: url?,
        publishable_key: publishable_key?,
        secret_key: secret_key?,
        jwks: jwks?,
        jwt_secret: jwt_secret.map(|(_, value)| value.into()),
    })
}

/// The plural form is `{"default": "...", ...}`, and wins.
fn key(reader: &mut Reader<'_>, plural: &'static str, singular: &[&'static str]) -> Option<SecretString> {
    let Some(text) = reader.text(plural) else {
        let Some((name, text)) = reader.first(singular) else {
            reader.missing(singular);
            return None;
        };
        return Some(reader.header(name, text));
    };
    let default = serde_json::from_str::<Value>(&text)
        .ok()
        .and_then(|keys| keys.get("default")?.as_str().map(str::to_owned))
        .filter(|key| !key.is_empty());
    if default.is_none() {
        reader.problem(plural, "it is not a JSON object with a key named `default`");
    }
    default.map(|text| reader.header(plural, text))
}

fn jwks(reader: &mut Reader<'_>, project: Option<&Url>) -> Option<Jwks> {
    if let Some(text) = reader.text("SUPABASE_JWKS") {
        let keys = serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|value| match value {
                Value::Array(keys) => Some(keys),
                Value::Object(mut map) => match map.remove("keys") {
                    Some(Value::Array(keys)) => Some(keys),
                    _ => None,
                },
                _ => None,
            });
        if keys.is_none() {
            reader.problem(
                "SUPABASE_JWKS",
                "it is neither {\"keys\": [...]} nor a list of keys",
            );
        }
        return keys.map(Jwks::Inline);
    }
    if let Some(text) = reader.text("SUPABASE_JWKS_URL") {
        return reader.web_address("SUPABASE_JWKS_URL", &text).map(Jwks::Address);
    }
    let mut address = project?.clone();
    address
        .path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(JWKS_PATH.split('/'));
    Some(Jwks::Address(address))
}

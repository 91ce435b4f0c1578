//! Which web pages may call the routes of the apps from a browser.

use url::Url;

use super::read::Reader;

const NAME: &str = "WORKER_CORS_ORIGINS";

/// Every page.
const ANY: &str = "*";

/// `WORKER_CORS_ORIGINS`: none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Whether no page may.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a page of this origin may, as browsers write it.
    pub fn allow(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == ANY || allowed == origin)
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Origins {
    let text = reader.text(NAME).unwrap_or_default();
    let mut origins = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match origin(part) {
            Some(origin) => origins.push(origin),
            None => reader.problem(NAME, "an entry is neither `*` nor like https://app.example"),
        }
    }
    Origins(origins)
}

/// The spelling of browsers: no slash at the end, no default port. Pages inside of apps have schemes of their own.
fn origin(text: &str) -> Option<String> {
    if text == ANY {
        return Some(text.to_owned());
    }
    let url = Url::parse(text).ok()?;
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if !has_host || !is_bare || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    match url.scheme() {
        "http" | "https" => Some(url.origin().ascii_serialization()),
        _ => Some(text.trim_end_matches('/').to_owned()),
    }
}

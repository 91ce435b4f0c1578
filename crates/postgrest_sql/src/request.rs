//! A request as the API sees it.

/// A request, below the root of the API.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET` and its kin, in capitals.
    pub method: &'a str,
    /// The path after the root, still percent-encoded: `/films` or `/rpc/search`.
    pub path: &'a str,
    /// The query without its question mark, still percent-encoded.
    pub query: &'a str,
    /// Names in lower case.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

impl Request<'_> {
    /// The first header of this name, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

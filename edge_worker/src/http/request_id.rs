//! The id under which a request is found in the logs.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// Longer ids of others are not taken over: they would end up in every log line.
const LONGEST: usize = 64;

/// Given by the proxy in front where it is sane, otherwise made here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// Header of requests and answers.
    pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    /// The id of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        let given = headers
            .get(Self::HEADER)
            .and_then(|value| value.to_str().ok())
            .filter(|text| is_sane(text));
        Self(given.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For the header of the answer.
    pub fn header_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

fn is_sane(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:=".contains(&byte);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(given: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(RequestId::HEADER, given.parse().unwrap());
        RequestId::of(&headers).0
    }

    #[test]
    fn sane_id_is_kept_and_any_other_replaced() {
        assert_eq!(id_for("01HZX.a-b_c"), "01HZX.a-b_c");
        for bad in ["", "a b", "{\"a\":1}", &"x".repeat(65)] {
            let id = id_for(bad);
            assert!(Uuid::parse_str(&id).is_ok(), "{bad} became {id}");
        }
    }
}

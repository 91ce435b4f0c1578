//! What clients send.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Version, binary};

/// The number of a message, chosen by the client. It comes back as it came: most clients send a text, some a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Reference {
    Text(String),
    Number(serde_json::Number),
}

/// A frame of a client.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// The `reference` of the join that the message belongs to.
    pub(crate) join_ref: Option<Reference>,
    pub(crate) reference: Option<Reference>,
    /// With the prefix `realtime:`.
    pub(crate) topic: String,
    pub(crate) event: String,
    pub(crate) body: Body,
}

/// The payload in the forms that it comes in.
#[derive(Debug)]
pub(crate) enum Body {
    /// Any JSON.
    Json(Box<RawValue>),
    /// The bytes of a binary push.
    Binary(Bytes),
    /// A broadcast whose event and payload stand apart, so that the server need not read the payload.
    User { event: String, payload: UserBody },
}

/// The payload of such a broadcast.
#[derive(Debug)]
pub(crate) enum UserBody {
    /// JSON, checked.
    Json(Box<RawValue>),
    /// Anything.
    Binary(Bytes),
}

/// A frame that means nothing. Like Supabase, the server drops it and says nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the frame is not the JSON of this version: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the frame has no {0}")]
    Missing(&'static str),
    #[error("the binary frame is cut short")]
    Short,
    #[error("kind {0} of binary frame is unknown")]
    Kind(u8),
    #[error("a name in the binary frame is not UTF-8")]
    Name(#[from] std::str::Utf8Error),
}

/// The object of version 1.0.0. A field that is there may still be null.
#[derive(Deserialize)]
struct Object<'a> {
    topic: String,
    event: String,
    #[serde(borrow)]
    payload: &'a RawValue,
    #[serde(default, rename = "ref")]
    reference: Option<Reference>,
    #[serde(default)]
    join_ref: Option<Reference>,
}

impl Incoming {
    /// Reads a text frame.
    pub(crate) fn from_text(version: Version, text: &str) -> Result<Self, Malformed> {
        match version {
            Version::V1 => {
                let object: Object<'_> = serde_json::from_str(text)?;
                Ok(Self {
                    join_ref: object.join_ref,
                    reference: object.reference,
                    topic: object.topic,
                    event: object.event,
                    body: Body::Json(object.payload.to_owned()),
                })
            }
            Version::V2 => Self::from_array(text),
        }
    }

    /// Reads a binary frame; version 1.0.0 has none and takes it for text.
    pub(crate) fn from_binary(version: Version, bytes: &Bytes) -> Result<Self, Malformed> {
        match version {
            Version::V1 => Self::from_text(version, std::str::from_utf8(bytes)?),
            Version::V2 => binary::parse(bytes),
        }
    }

    /// More than five elements are allowed, as in Phoenix.
    fn from_array(text: &str) -> Result<Self, Malformed> {
        let elements: Vec<&RawValue> = serde_json::from_str(text)?;
        let element = |index: usize, name: &'static str| {
            elements
                .get(index)
                .map(|value| value.get())
                .ok_or(Malformed::Missing(name))
        };
        Ok(Self {
            join_ref: serde_json::from_str(element(0, "join_ref")?)?,
            reference: serde_json::from_str(element(1, "ref")?)?,
            topic: serde_json::from_str(element(2, "topic")?)?,
            event: serde_json::from_str(element(3, "event")?)?,
            body: Body::Json(
                elements
                    .get(4)
                    .map(|value| (*value).to_owned())
                    .ok_or(Malformed::Missing("payload"))?,
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Reference {
        Reference::Text(text.to_owned())
    }

    #[test]
    fn object_and_array_say_the_same() {
        let one = Incoming::from_text(
            Version::V1,
            r#"{"topic":"realtime:a","event":"phx_join","payload":{"x":[1, 2]},"ref":"1","join_ref":"1"}"#,
        );
        let two = Incoming::from_text(Version::V2, r#"["1","1","realtime:a","phx_join",{"x":[1, 2]}]"#);
        for frame in [one.unwrap(), two.unwrap()] {
            assert_eq!(
                (frame.topic.as_str(), frame.event.as_str()),
                ("realtime:a", "phx_join")
            );
            assert_eq!(
                (frame.join_ref, frame.reference),
                (Some(text("1")), Some(text("1")))
            );
            assert!(matches!(frame.body, Body::Json(raw) if raw.get() == r#"{"x":[1, 2]}"#));
        }
    }

    #[test]
    fn references_may_be_missing_null_or_numbers() {
        let frame = Incoming::from_text(Version::V1, r#"{"topic":"t","event":"e","payload":null}"#).unwrap();
        assert_eq!((frame.join_ref, frame.reference), (None, None));
        let frame = Incoming::from_text(Version::V2, r#"[null,7,"phoenix","heartbeat",{},"more"]"#).unwrap();
        assert_eq!(frame.join_ref, None);
        assert_eq!(serde_json::to_string(&frame.reference).unwrap(), "7");
    }

    #[test]
    fn what_is_not_a_frame_is_refused() {
        let deep = "[".repeat(1_000_000);
        for (version, frame) in [
            (Version::V1, ""),
            (Version::V1, "null"),
            (Version::V1, "[]"),
            (Version::V1, r#"{"topic":"t","event":"e"}"#),
            (Version::V1, r#"{"topic":1,"event":"e","payload":{}}"#),
            (Version::V2, "{}"),
            (Version::V2, "[]"),
            (Version::V2, r#"["1","1","t","e"]"#),
            (Version::V2, r#"[{},"1","t","e",{}]"#),
            (Version::V2, r#"["1","1","t",null,{}]"#),
            (Version::V2, r#"["1","1","t","e",{]"#),
            (Version::V2, deep.as_str()),
        ] {
            assert!(Incoming::from_text(version, frame).is_err());
        }
    }
}

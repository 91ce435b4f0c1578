//! Ids of Tavus. They become a part of addresses, so what could leave its segment of a path is none.

use std::fmt;

/// Longer than any that was seen (`c` and 17 characters).
const LONGEST: usize = 128;

fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_plain)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// `None` unless it is 1 to 128 letters, digits, `-` and `_`.
            pub fn parse(text: &str) -> Option<Self> {
                is_id(text).then(|| Self(text.to_owned()))
            }

            /// Its text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A conversation, like `c123456`.
    ConversationId
}
id! {
    /// A persona, by its newer name a PAL.
    PersonaId
}
id! {
    /// A replica, by its newer name a face.
    ReplicaId
}

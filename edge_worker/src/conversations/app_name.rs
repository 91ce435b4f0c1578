//! Which app a conversation belongs to.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An app with conversations. Each has the same `tavus_*` functions in its private schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppName {
    /// EchoRoom: the avatar of a room.
    Echoroom,
    /// Domo: the agent of a demo.
    Domo,
}

impl AppName {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Echoroom, Self::Domo];

    /// Its name: in callback tokens, in jobs, and its schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Echoroom => "echoroom",
            Self::Domo => "domo",
        }
    }

    /// `None` for a name that no app has.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|app| app.as_str() == name)
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_the_same_in_json_and_in_text() {
        for app in AppName::ALL {
            assert_eq!(AppName::parse(app.as_str()), Some(app));
            assert_eq!(serde_json::to_value(app).unwrap(), app.as_str());
        }
        assert_eq!(AppName::parse("Echoroom"), None);
    }
}

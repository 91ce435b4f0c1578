//! Which serialisation a client asked for.

/// The two versions of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `1.0.0`: JSON objects.
    V1,
    /// `2.0.0`: JSON arrays, and binary frames for broadcasts.
    V2,
}

impl Version {
    /// Reads the parameter `vsn`; without one it is 1.0.0.
    pub(crate) fn parse(vsn: Option<&str>) -> Option<Self> {
        match vsn {
            None => Some(Self::V1),
            Some(text) if text.starts_with("1.0.") => Some(Self::V1),
            Some(text) if text.starts_with("2.0.") => Some(Self::V2),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn both_versions_and_nothing_else_are_spoken() {
        assert_eq!(Version::parse(None), Some(Version::V1));
        assert_eq!(Version::parse(Some("1.0.0")), Some(Version::V1));
        assert_eq!(Version::parse(Some("2.0.0")), Some(Version::V2));
        assert_eq!(Version::parse(Some("3.0.0")), None);
        assert_eq!(Version::parse(Some("")), None);
    }
}

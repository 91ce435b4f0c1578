//! What a path and a method ask for.

use percent_encoding::percent_decode_str;

use crate::error::Error;

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Root,
    Relation(String),
    Function(String),
}

impl Resource {
    pub(super) fn parse(path: &str) -> Result<Self, Error> {
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let parts: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(decoded)
            .collect();
        match parts.as_slice() {
            [] => Ok(Self::Root),
            [relation] => Ok(Self::Relation(relation.clone())),
            [rpc, function] if rpc == "rpc" => Ok(Self::Function(function.clone())),
            _ => Err(Error::new(
                404,
                "PGRST125",
                "Invalid path specified in request URL",
            )),
        }
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Read,
    Mutate(Change),
    Call {
        is_read: bool,
    },
    /// The description of the whole API.
    Describe,
    /// What may be done.
    Info,
}

/// How rows change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Insert,
    Update,
    Upsert,
    Delete,
}

impl Action {
    pub(super) fn of(resource: &Resource, method: &str) -> Result<Self, Error> {
        match (resource, method) {
            (_, "OPTIONS") => Ok(Self::Info),
            (Resource::Root, "GET" | "HEAD") => Ok(Self::Describe),
            (Resource::Relation(_), "GET" | "HEAD") => Ok(Self::Read),
            (Resource::Relation(_), "POST") => Ok(Self::Mutate(Change::Insert)),
            (Resource::Relation(_), "PATCH") => Ok(Self::Mutate(Change::Update)),
            (Resource::Relation(_), "PUT") => Ok(Self::Mutate(Change::Upsert)),
            (Resource::Relation(_), "DELETE") => Ok(Self::Mutate(Change::Delete)),
            (Resource::Function(_), "GET" | "HEAD") => Ok(Self::Call { is_read: true }),
            (Resource::Function(_), "POST") => Ok(Self::Call { is_read: false }),
            (Resource::Function(_), _) => Err(Error::new(
                405,
                "PGRST101",
                format!("Cannot use the {method} method on RPC"),
            )),
            _ => Err(Error::new(
                405,
                "PGRST117",
                format!("Unsupported HTTP method: {method}"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_relations_and_functions() {
        assert_eq!(Resource::parse("/").unwrap(), Resource::Root);
        assert_eq!(
            Resource::parse("/a%20b").unwrap(),
            Resource::Relation("a b".into())
        );
        assert_eq!(Resource::parse("/rpc/f").unwrap(), Resource::Function("f".into()));
        assert_eq!(Resource::parse("/a/b").unwrap_err().code, "PGRST125");
    }

    #[test]
    fn methods_that_mean_nothing_are_refused() {
        let function = Resource::Function("f".into());
        assert_eq!(Action::of(&function, "PATCH").unwrap_err().code, "PGRST101");
        let relation = Resource::Relation("r".into());
        assert_eq!(Action::of(&relation, "TRACE").unwrap_err().code, "PGRST117");
        assert_eq!(Action::of(&Resource::Root, "POST").unwrap_err().status, 405);
    }
}

//! The two generations of names. Inside the simulator everything has its old one.

use serde_json::{Map, Value};

use super::behaviour::Naming;

const PAIRS: [(&str, &str); 7] = [
    ("persona_id", "pal_id"),
    ("persona_name", "pal_name"),
    ("replica_id", "face_id"),
    ("replica_name", "face_name"),
    ("replica_type", "face_type"),
    ("default_replica_id", "default_face_id"),
    ("default_replica_name", "default_face_name"),
];

/// Renames the fields of an object that goes out.
pub(super) fn outgoing(naming: Naming, row: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for (name, value) in row {
        let newer = PAIRS.iter().find(|(old, _)| old == name).map(|(_, new)| *new);
        match (naming, newer) {
            (Naming::New, Some(newer)) => {
                out.insert(newer.to_owned(), value.clone());
            }
            (Naming::Both, Some(newer)) => {
                out.insert(name.clone(), value.clone());
                out.insert(newer.to_owned(), value.clone());
            }
            _ => {
                out.insert(name.clone(), value.clone());
            }
        }
    }
    out
}

/// Renames the fields of an object that comes in; both generations are taken.
pub(super) fn incoming(row: Map<String, Value>) -> Map<String, Value> {
    row.into_iter()
        .map(|(name, value)| {
            let older = PAIRS.iter().find(|(_, new)| *new == name).map(|(old, _)| *old);
            (older.map_or(name, str::to_owned), value)
        })
        .collect()
}

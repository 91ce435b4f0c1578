//! Who is present on a topic, in the form that Phoenix gives it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The presences by the member that tracks them. Several members may share a key.
#[derive(Default)]
pub(super) struct Presences(BTreeMap<u64, Presence>);

#[derive(Clone, Debug)]
struct Presence {
    key: String,
    /// With its `phx_ref`.
    meta: Map<String, Value>,
}

/// What changed.
#[derive(Default)]
pub(super) struct Diff {
    joined: Option<Presence>,
    left: Option<Presence>,
}

impl Presences {
    /// Adds or changes the presence of a member. A change is a leave and a join whose `phx_ref_prev` names what left.
    pub(super) fn track(&mut self, member: u64, key: &str, mut meta: Map<String, Value>) -> Diff {
        let left = self.0.remove(&member);
        meta.insert("phx_ref".to_owned(), new_reference().into());
        // A client may have sent back what it once received.
        meta.remove("phx_ref_prev");
        if let Some(before) = left.as_ref().and_then(|left| left.meta.get("phx_ref")) {
            meta.insert("phx_ref_prev".to_owned(), before.clone());
        }
        let joined = Presence {
            key: key.to_owned(),
            meta,
        };
        self.0.insert(member, joined.clone());
        Diff {
            joined: Some(joined),
            left,
        }
    }

    /// Removes the presence of a member, if it has one.
    pub(super) fn untrack(&mut self, member: u64) -> Option<Diff> {
        let left = self.0.remove(&member)?;
        Some(Diff {
            joined: None,
            left: Some(left),
        })
    }

    /// `{key: {metas: [...]}}`.
    pub(super) fn all(&self) -> Value {
        grouped(self.0.values())
    }
}

impl Diff {
    /// `{joins: {...}, leaves: {...}}`.
    pub(super) fn to_json(&self) -> String {
        json!({ "joins": grouped(self.joined.iter()), "leaves": grouped(self.left.iter()) }).to_string()
    }
}

fn grouped<'a>(presences: impl Iterator<Item = &'a Presence>) -> Value {
    let mut groups: BTreeMap<&str, Vec<&Map<String, Value>>> = BTreeMap::new();
    for presence in presences {
        groups.entry(&presence.key).or_default().push(&presence.meta);
    }
    groups
        .into_iter()
        .map(|(key, metas)| (key.to_owned(), json!({ "metas": metas })))
        .collect::<Map<String, Value>>()
        .into()
}

/// Unique for ever, so that a client that comes back to a restarted stack takes nothing old for new.
fn new_reference() -> String {
    Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(name: &str) -> Map<String, Value> {
        Map::from_iter([("name".to_owned(), name.into())])
    }

    fn json_of(diff: &Diff) -> Value {
        serde_json::from_str(&diff.to_json()).unwrap()
    }

    #[test]
    fn members_with_one_key_are_metas_of_it() {
        let mut presences = Presences::default();
        presences.track(1, "ada", meta("phone"));
        presences.track(2, "ada", meta("desk"));
        presences.track(3, "bob", meta("bob"));
        let all = presences.all();
        let names: Vec<_> = all["ada"]["metas"]
            .as_array()
            .unwrap()
            .iter()
            .map(|meta| &meta["name"])
            .collect();
        assert_eq!(names, ["phone", "desk"]);
        let diff = json_of(&presences.untrack(1).unwrap());
        assert_eq!(diff["leaves"]["ada"]["metas"][0]["name"], "phone");
        assert_eq!(diff["joins"], json!({}));
        assert_eq!(presences.all()["ada"]["metas"].as_array().unwrap().len(), 1);
        assert!(presences.untrack(1).is_none());
    }

    #[test]
    fn change_leaves_the_old_and_names_it() {
        let mut presences = Presences::default();
        let first = json_of(&presences.track(1, "ada", meta("away")));
        let old = &first["joins"]["ada"]["metas"][0];
        assert!(old["phx_ref"].is_string() && old.get("phx_ref_prev").is_none());
        let mut sent_back = meta("here");
        sent_back.insert("phx_ref_prev".to_owned(), "made up".into());
        let second = json_of(&presences.track(1, "ada", sent_back));
        assert_eq!(&second["leaves"]["ada"]["metas"][0], old);
        let new = &second["joins"]["ada"]["metas"][0];
        assert_eq!(
            (&new["name"], &new["phx_ref_prev"]),
            (&json!("here"), &old["phx_ref"])
        );
        assert_ne!(new["phx_ref"], old["phx_ref"]);
        let third = json_of(&presences.track(2, "bob", meta("x")));
        assert_eq!(third["leaves"], json!({}));
    }
}

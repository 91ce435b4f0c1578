//! What the kinds of jobs mean.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::conversations::AppName;

/// A job that this worker knows how to do, with what it needs for it. All of them may be done again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Make the call of a conversation.
    StartConversation {
        /// Whose.
        app: AppName,
        /// Our id.
        conversation: Uuid,
    },
    /// End it.
    EndConversation {
        /// Whose.
        app: AppName,
        /// Our id.
        conversation: Uuid,
        /// What is noted.
        reason: String,
    },
    /// Destroy what the provider keeps of a call whose row is gone.
    EraseCall(String),
    /// Ask Tavus for events that never arrived.
    Reconcile(AppName),
    /// Make chunks of what is said in a video.
    TranscribeVideo(Uuid),
    /// Make chunks of a document.
    ReadDocument(Uuid),
    /// Make the embeddings of a demo's chunks.
    EmbedKnowledge(Uuid),
    /// Remove the files that an erased demo left in the storage: all below this path.
    RemoveFiles(String),
    /// Have the database do one of its sweeps, of this name.
    RunMaintenance(String),
}

/// Why a job is none.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It may be for a newer worker.
    #[error("this worker knows no such kind of job")]
    UnknownKind,
    /// The payload is not what the kind needs.
    #[error("the payload is not usable")]
    Payload(#[source] serde_json::Error),
}

/// Every kind, for the labels of metrics.
pub const KINDS: [&str; 9] = [
    "start_conversation",
    "end_conversation",
    "erase_call",
    "reconcile",
    "transcribe_video",
    "read_document",
    "embed_knowledge",
    "remove_files",
    "run_maintenance",
];

#[derive(Deserialize)]
struct OfConversation {
    app: AppName,
    conversation: Uuid,
    #[serde(default = "requested")]
    reason: String,
}

#[derive(Deserialize)]
struct OfApp {
    app: AppName,
}

#[derive(Deserialize)]
struct OfCall {
    call: String,
}

#[derive(Deserialize)]
struct OfPath {
    path: String,
}

#[derive(Deserialize)]
struct OfName {
    name: String,
}

#[derive(Deserialize)]
struct OfVideo {
    video: Uuid,
}

#[derive(Deserialize)]
struct OfDocument {
    document: Uuid,
}

#[derive(Deserialize)]
struct OfDemo {
    demo: Uuid,
}

fn requested() -> String {
    "requested".to_owned()
}

impl Work {
    /// Reads a job.
    ///
    /// # Errors
    ///
    /// [`Unusable`]: then it never will be one, for this worker.
    pub fn parse(kind: &str, payload: &Value) -> Result<Self, Unusable> {
        Ok(match kind {
            "start_conversation" => {
                let OfConversation {
                    app, conversation, ..
                } = read(payload)?;
                Self::StartConversation { app, conversation }
            }
            "end_conversation" => {
                let OfConversation {
                    app,
                    conversation,
                    reason,
                } = read(payload)?;
                Self::EndConversation {
                    app,
                    conversation,
                    reason,
                }
            }
            "erase_call" => Self::EraseCall(read::<OfCall>(payload)?.call),
            "reconcile" => Self::Reconcile(read::<OfApp>(payload)?.app),
            "transcribe_video" => Self::TranscribeVideo(read::<OfVideo>(payload)?.video),
            "read_document" => Self::ReadDocument(read::<OfDocument>(payload)?.document),
            "embed_knowledge" => Self::EmbedKnowledge(read::<OfDemo>(payload)?.demo),
            "remove_files" => Self::RemoveFiles(read::<OfPath>(payload)?.path),
            "run_maintenance" => Self::RunMaintenance(read::<OfName>(payload)?.name),
            _ => return Err(Unusable::UnknownKind),
        })
    }

    /// The kind as a word of a fixed set, whatever somebody enqueued.
    pub fn label(kind: &str) -> &'static str {
        KINDS
            .into_iter()
            .find(|known| *known == kind)
            .unwrap_or("unknown")
    }
}

fn read<T: DeserializeOwned>(payload: &Value) -> Result<T, Unusable> {
    T::deserialize(payload).map_err(Unusable::Payload)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_is_read_and_has_its_own_label() {
        let id = Uuid::new_v4();
        let payload = json!({
            "app": "echoroom", "conversation": id, "video": id, "document": id, "demo": id, "call": "c1", "path": "p/", "name": "n",
            "of_a_newer_release": 1
        });
        for kind in KINDS {
            Work::parse(kind, &payload).unwrap();
            assert_eq!(Work::label(kind), kind);
        }
        assert_eq!(Work::label("mine"), "unknown");
        assert_eq!(
            Work::parse("end_conversation", &payload).unwrap(),
            Work::EndConversation {
                app: AppName::Echoroom,
                conversation: id,
                reason: "requested".to_owned()
            }
        );
        assert_eq!(
            Work::parse("run_maintenance", &payload).unwrap(),
            Work::RunMaintenance("n".to_owned())
        );
    }

    #[test]
    fn what_is_no_job_is_unusable() {
        for (kind, payload) in [
            ("start_conversation", json!({ "app": "echoroom" })),
            (
                "start_conversation",
                json!({ "app": "echoroom", "conversation": "x" }),
            ),
            ("end_conversation", json!([])),
            ("reconcile", json!({ "app": "Echoroom" })),
            ("run_maintenance", json!(null)),
            ("run_maintenance", json!({ "name": 7 })),
            ("remove_files", json!({})),
            ("erase_call", json!({ "call": null })),
            ("transcribe_video", json!({ "app": "domo" })),
            ("embed_knowledge", json!({ "demo": "x" })),
        ] {
            let refused = Work::parse(kind, &payload);
            assert!(matches!(refused, Err(Unusable::Payload(_))), "{kind} {payload}");
        }
        assert!(matches!(Work::parse("", &json!({})), Err(Unusable::UnknownKind)));
    }
}

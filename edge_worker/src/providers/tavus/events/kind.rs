//! What happened.

use serde_json::Value;

use super::interaction::Interaction;
use super::shutdown::ShutdownReason;
use super::transcript::Transcript;
use crate::providers::tavus::ReplicaId;

/// Every event that is known. Both generations of names end in the same variant.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// `system.replica_joined`, `system.pal_joined`: the replica is ready in the room. Both may be sent for one joining.
    ReplicaJoined {
        /// Who.
        replica_id: Option<ReplicaId>,
    },
    /// `system.replica_present`: it still is.
    ReplicaPresent,
    /// `system.shutdown`: the conversation is over.
    Shutdown {
        /// Who was there.
        replica_id: Option<ReplicaId>,
        /// Why.
        reason: ShutdownReason,
    },
    /// `application.transcription_ready`.
    TranscriptionReady {
        /// Who was there.
        replica_id: Option<ReplicaId>,
        /// What was said.
        transcript: Transcript,
    },
    /// `application.recording_ready`.
    RecordingReady(Recording),
    /// `application.recording_copy_failed`.
    RecordingCopyFailed {
        /// Why.
        error_message: Option<String>,
    },
    /// `application.perception_analysis`, `conversation.perception_analysis`: what the camera saw, as a long text.
    PerceptionAnalysis {
        /// The text.
        analysis: String,
    },
    /// `application.perception_unavailable`: there will be no analysis.
    PerceptionUnavailable {
        /// Why.
        reason: Option<String>,
    },
    /// `application.post_call_action_executed`.
    PostCallActionExecuted(PostCallAction),
    /// `application.memory_consolidation`.
    MemoryConsolidation,
    /// `application.raven_memory_evidence`.
    MemoryEvidence,
    /// `canvas.interaction`. Its form is not documented.
    CanvasInteraction,
    /// `conversation.*`: the room's own events, where somebody forwards them.
    Interaction(Interaction),
    /// The training of a replica went on. No envelope.
    ReplicaTraining(Training),
    /// The generation of a video went on. No envelope.
    Video(Video),
    /// The reading of a document went on. No envelope, or the fields are below `properties`.
    Document(Document),
    /// A type that is new to us, or a known one without what makes it one. Keep it, and answer 200.
    Unknown,
}

/// Where a recording is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// The bucket.
    pub bucket_name: Option<String>,
    /// The key in it.
    pub s3_key: Option<String>,
    /// Its length.
    pub duration_seconds: Option<f64>,
    /// `s3`, `gcs` or `azure_blob`; newer.
    pub storage_provider: Option<String>,
    /// Its address there; newer.
    pub storage_uri: Option<String>,
}

/// What was done after a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PostCallAction {
    /// The tool.
    pub tool_id: Option<String>,
    /// Its name.
    pub tool_name: Option<String>,
    /// How it ended.
    pub status: Option<String>,
    /// What it was given; JSON inside a text is unpacked.
    pub request_body: Option<Value>,
    /// What came back.
    pub response: Option<Value>,
}

/// The state of a training.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Training {
    /// Of whom.
    pub replica_id: ReplicaId,
    /// `ready` or `error`; the resource says `completed` instead of `ready`.
    pub status: String,
    /// What went wrong.
    pub error_message: Option<String>,
}

/// The state of a video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Video {
    /// Which.
    pub video_id: String,
    /// `ready` or `error`.
    pub status: Option<String>,
    /// Where it can be fetched.
    pub download_url: Option<String>,
    /// Where it can be watched.
    pub hosted_url: Option<String>,
    /// What went wrong.
    pub error_details: Option<String>,
}

/// The state of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Which.
    pub document_id: String,
    /// `started`, `processing`, `ready`, `error` or `recrawling`.
    pub status: Option<String>,
    /// A code such as `file_empty`.
    pub error_message: Option<String>,
}

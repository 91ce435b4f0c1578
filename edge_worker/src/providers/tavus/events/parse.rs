//! From a type and its fields to what happened.

use serde_json::Value;

use super::interaction::Interaction;
use super::kind::{Document, EventKind, PostCallAction, Recording, Training, Video};
use super::shutdown::ShutdownReason;
use super::transcript::Transcript;
use crate::providers::fields::Fields;
use crate::providers::json;
use crate::providers::tavus::ReplicaId;

/// `fields` are those of the envelope.
pub(super) fn kind(event_type: &str, fields: Fields<'_>) -> EventKind {
    let properties = fields.child("properties");
    let kind = match event_type {
        "" => bare(fields).or_else(|| bare(properties)),
        "system.replica_joined" | "system.pal_joined" | "system.face_joined" => {
            Some(EventKind::ReplicaJoined {
                replica_id: replica(properties),
            })
        }
        "system.replica_present" | "system.pal_present" => Some(EventKind::ReplicaPresent),
        "system.shutdown" => Some(shutdown(properties)),
        _ => event_type
            .split_once('.')
            .and_then(|(family, name)| match family {
                "application" => application(name, properties),
                "conversation" if name == "perception_analysis" => application(name, properties),
                "conversation" => Interaction::read(name, properties).map(EventKind::Interaction),
                "canvas" if name == "interaction" => Some(EventKind::CanvasInteraction),
                "document" => document(fields).or_else(|| document(properties)),
                _ => None,
            }),
    };
    kind.unwrap_or(EventKind::Unknown)
}

fn shutdown(properties: Fields<'_>) -> EventKind {
    let reason = properties.text(&["shutdown_reason", "reason"]);
    EventKind::Shutdown {
        replica_id: replica(properties),
        reason: ShutdownReason::parse(reason.unwrap_or_default()),
    }
}

fn application(name: &str, properties: Fields<'_>) -> Option<EventKind> {
    Some(match name {
        // One without a transcript must not pass for the one that a conversation has.
        "transcription_ready" => EventKind::TranscriptionReady {
            replica_id: replica(properties),
            transcript: Transcript::read(properties.list("transcript")?),
        },
        "recording_ready" => EventKind::RecordingReady(Recording {
            bucket_name: properties.owned(&["bucket_name"]),
            s3_key: properties.owned(&["s3_key"]),
            duration_seconds: properties.number("duration"),
            storage_provider: properties.owned(&["storage_provider"]),
            storage_uri: properties.owned(&["storage_uri"]),
        }),
        "recording_copy_failed" => EventKind::RecordingCopyFailed {
            error_message: properties.owned(&["error_message"]),
        },
        "perception_analysis" => EventKind::PerceptionAnalysis {
            analysis: properties.owned(&["analysis"])?,
        },
        "perception_unavailable" => EventKind::PerceptionUnavailable {
            reason: properties.owned(&["reason"]),
        },
        "post_call_action_executed" => EventKind::PostCallActionExecuted(PostCallAction {
            tool_id: properties.owned(&["tool_id"]),
            tool_name: properties.owned(&["tool_name"]),
            status: properties.owned(&["status"]),
            request_body: properties.child("request").value(&["body"]).map(unpacked),
            response: properties.value(&["response"]).cloned(),
        }),
        "memory_consolidation" => EventKind::MemoryConsolidation,
        "raven_memory_evidence" => EventKind::MemoryEvidence,
        _ => return None,
    })
}

/// Callbacks without an envelope are known by the id that they carry. Videos name their replica too, so they come first.
fn bare(fields: Fields<'_>) -> Option<EventKind> {
    video(fields)
        .or_else(|| document(fields))
        .or_else(|| training(fields))
}

fn video(fields: Fields<'_>) -> Option<EventKind> {
    Some(EventKind::Video(Video {
        video_id: fields.owned(&["video_id"])?,
        status: fields.owned(&["status"]),
        download_url: fields.owned(&["download_url"]),
        hosted_url: fields.owned(&["hosted_url"]),
        error_details: fields.owned(&["error_details"]),
    }))
}

fn document(fields: Fields<'_>) -> Option<EventKind> {
    Some(EventKind::Document(Document {
        document_id: fields.owned(&["document_id"])?,
        status: fields.owned(&["status"]),
        error_message: fields.owned(&["error_message"]),
    }))
}

fn training(fields: Fields<'_>) -> Option<EventKind> {
    if fields.has("conversation_id") {
        return None;
    }
    Some(EventKind::ReplicaTraining(Training {
        replica_id: replica(fields)?,
        status: fields.owned(&["status"])?,
        error_message: fields.owned(&["error_message"]),
    }))
}

fn replica(fields: Fields<'_>) -> Option<ReplicaId> {
    fields.text(&["replica_id", "face_id"]).and_then(ReplicaId::parse)
}

/// Tavus sends some JSON inside a text; what is no JSON stays the text it is.
pub(super) fn unpacked(value: &Value) -> Value {
    let inner = value
        .as_str()
        .and_then(|text| json::read::<Value>(text.as_bytes()).ok())
        .filter(|inner| inner.is_object() || inner.is_array());
    inner.unwrap_or_else(|| value.clone())
}

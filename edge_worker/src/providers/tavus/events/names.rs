//! The types of events that are known, in both generations of names: what may become a label of a counter.

const NAMES: [&str; 32] = [
    "application.memory_consolidation",
    "application.perception_analysis",
    "application.perception_unavailable",
    "application.post_call_action_executed",
    "application.raven_memory_evidence",
    "application.recording_copy_failed",
    "application.recording_ready",
    "application.transcription_ready",
    "canvas.interaction",
    "conversation.joined",
    "conversation.left",
    "conversation.objective.activated",
    "conversation.objective.completed",
    "conversation.objective.pending",
    "conversation.perception_analysis",
    "conversation.perception_tool_call",
    "conversation.replica.started_speaking",
    "conversation.replica.stopped_speaking",
    "conversation.started_speaking",
    "conversation.stopped_speaking",
    "conversation.tool_call",
    "conversation.tool_result",
    "conversation.user.started_speaking",
    "conversation.user.stopped_speaking",
    "conversation.utterance",
    "conversation.utterance.streaming",
    "system.face_joined",
    "system.pal_joined",
    "system.pal_present",
    "system.replica_joined",
    "system.replica_present",
    "system.shutdown",
];

/// The type itself where it is known, and `other` for every other one.
pub fn label(event_type: &str) -> &'static str {
    NAMES
        .binary_search(&event_type)
        .ok()
        .and_then(|at| NAMES.get(at))
        .copied()
        .unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        assert!(NAMES.is_sorted());
        for name in NAMES {
            assert_eq!(label(name), name);
            assert_eq!(label(&format!("{name}x")), "other");
        }
        assert_eq!(label(""), "other");
    }
}

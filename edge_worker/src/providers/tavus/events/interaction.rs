//! Events of the room. Tavus sends them to the browsers in it, which may forward them.

use serde_json::{Map, Value};

use super::parse::unpacked;
use crate::providers::fields::Fields;

/// What happened in the room.
#[derive(Clone, Debug, PartialEq)]
pub enum Interaction {
    /// `conversation.utterance`: somebody said something.
    Utterance {
        /// Who.
        speaker: Speaker,
        /// All of it; for the replica also what it did not get to say.
        speech: String,
        /// Whether it was cut off.
        is_interrupted: bool,
    },
    /// `conversation.utterance.streaming`: the beginning of it.
    UtteranceSoFar {
        /// Who.
        speaker: Speaker,
        /// All until now.
        speech: String,
        /// Whether nothing follows.
        is_final: bool,
    },
    /// `conversation.tool_call`.
    ToolCall {
        /// The tool.
        name: String,
        /// What it is given; JSON inside a text is unpacked.
        arguments: Value,
        /// For the answer.
        tool_call_id: Option<String>,
    },
    /// `conversation.perception_tool_call`: something seen or heard calls a tool.
    PerceptionToolCall {
        /// The tool.
        name: String,
        /// `vision` or `audio`.
        modality: Option<String>,
        /// What it is given; JSON inside a text is unpacked.
        arguments: Value,
    },
    /// `conversation.started_speaking`, or its older form with the speaker in the name.
    StartedSpeaking {
        /// Who.
        speaker: Speaker,
    },
    /// `conversation.stopped_speaking`, or its older form.
    StoppedSpeaking {
        /// Who.
        speaker: Speaker,
        /// How long they spoke.
        duration_seconds: Option<f64>,
        /// Whether they were cut off.
        is_interrupted: bool,
    },
    /// `conversation.objective.activated`, `.pending`, `.completed`.
    Objective {
        /// How far it is.
        phase: ObjectivePhase,
        /// Which.
        name: String,
        /// What was found out.
        output_variables: Map<String, Value>,
    },
    /// `conversation.joined`.
    Joined,
    /// `conversation.left`.
    Left,
}

/// Who speaks in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// A person.
    User,
    /// The replica, by its newer name the PAL.
    Replica,
    /// A word that is new to us, or none.
    Other(String),
}

impl Speaker {
    fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "user" => Self::User,
            "replica" | "pal" | "face" | "assistant" => Self::Replica,
            _ => Self::Other(text.to_owned()),
        }
    }
}

/// How far an objective is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectivePhase {
    /// It is being followed.
    Activated,
    /// It waits.
    Pending,
    /// It is reached.
    Completed,
}

impl Interaction {
    /// `name` is the event type behind `conversation.`. `None` for one that is not known or lacks what makes it one.
    pub(super) fn read(name: &str, properties: Fields<'_>) -> Option<Self> {
        let speaker = || Speaker::parse(properties.text(&["role"]).unwrap_or_default());
        let is_interrupted = properties
            .flag(&["interrupted", "is_interrupted"])
            .unwrap_or(false);
        let stopped = |speaker| Self::StoppedSpeaking {
            speaker,
            duration_seconds: properties.number("duration"),
            is_interrupted,
        };
        Some(match name {
            "utterance" => Self::Utterance {
                speaker: speaker(),
                speech: properties.owned(&["speech"])?,
                is_interrupted,
            },
            "utterance.streaming" => Self::UtteranceSoFar {
                speaker: speaker(),
                speech: properties.owned(&["speech"]).unwrap_or_default(),
                is_final: properties.flag(&["final"]).unwrap_or(false),
            },
            "tool_call" => Self::ToolCall {
                name: properties.owned(&["name"])?,
                arguments: arguments(properties),
                tool_call_id: properties.owned(&["tool_call_id"]),
            },
            "perception_tool_call" => Self::PerceptionToolCall {
                name: properties.owned(&["name"])?,
                modality: properties.owned(&["modality"]),
                arguments: arguments(properties),
            },
            "started_speaking" => Self::StartedSpeaking { speaker: speaker() },
            "stopped_speaking" => stopped(speaker()),
            "joined" => Self::Joined,
            "left" => Self::Left,
            _ => match name.split_once('.')? {
                ("objective", phase) => Self::objective(phase, properties)?,
                (who, "started_speaking") => Self::StartedSpeaking {
                    speaker: Speaker::parse(who),
                },
                (who, "stopped_speaking") => stopped(Speaker::parse(who)),
                _ => return None,
            },
        })
    }

    fn objective(phase: &str, properties: Fields<'_>) -> Option<Self> {
        let phase = match phase {
            "activated" => ObjectivePhase::Activated,
            "pending" => ObjectivePhase::Pending,
            "completed" => ObjectivePhase::Completed,
            _ => return None,
        };
        let variables = properties.value(&["output_variables"]);
        Some(Self::Objective {
            phase,
            name: properties.owned(&["objective_name"])?,
            output_variables: variables.and_then(Value::as_object).cloned().unwrap_or_default(),
        })
    }
}

fn arguments(properties: Fields<'_>) -> Value {
    properties.value(&["arguments"]).map_or(Value::Null, unpacked)
}

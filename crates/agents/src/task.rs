//! What an agent is to do.

use ox_models::{ContentPart, Message, ModelRef, ModelScope};
use ox_types::Json;
use serde_json::Map;

/// Most rounds with tools that a task may have.
pub const MAX_ITERATIONS: u32 = 99;

/// How an agent works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The model's own tool calls.
    #[default]
    FunctionCalling,
    /// Calls are read out of what the model writes.
    ReAct,
    /// A plan first, then its steps, then the answer.
    PlanExecute,
}

impl Strategy {
    /// Every strategy.
    pub const ALL: [Self; 3] = [Self::FunctionCalling, Self::ReAct, Self::PlanExecute];

    /// The name in DSL files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FunctionCalling => "function_calling",
            Self::ReAct => "ReAct",
            Self::PlanExecute => "plan_execute",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str().eq_ignore_ascii_case(text))
    }
}

/// A task for an agent.
#[derive(Clone, Debug)]
pub struct Task {
    pub strategy: Strategy,
    pub scope: ModelScope,
    pub model: ModelRef,
    pub parameters: Map<String, Json>,
    pub stop: Vec<String>,
    /// Who the agent is and how it works.
    pub instruction: String,
    pub query: String,
    /// Files of the question.
    pub media: Vec<ContentPart>,
    /// The conversation before, oldest first.
    pub history: Vec<Message>,
    /// Rounds with tools; one more without them follows.
    pub max_iterations: u32,
    /// `ReAct`: a template of the app's own instead of ours.
    pub react_prompt: Option<String>,
}

impl Task {
    /// Rounds with tools, within what is allowed.
    #[must_use]
    pub fn iterations(&self) -> u32 {
        self.max_iterations.min(MAX_ITERATIONS)
    }

    /// The question with its files.
    pub(crate) fn question(&self) -> Message {
        let mut message = Message::user(self.query.clone());
        message.content.extend(self.media.iter().cloned());
        message
    }

    /// The instruction as a message, if there is one.
    pub(crate) fn system(&self) -> Option<Message> {
        (!self.instruction.trim().is_empty()).then(|| Message::system(self.instruction.clone()))
    }
}

//! What an agent tells while it works.

use std::pin::Pin;

use futures::Stream;
use ox_models::{Usage, WindowFit};
use ox_types::{File, Json};

use crate::{Approval, Error};

/// What happens, as it happens. Dropping it stops the agent.
pub type AgentStream = Pin<Box<dyn Stream<Item = Result<AgentEvent, Error>> + Send>>;

/// Something happened.
#[derive(Clone, Debug)]
pub enum AgentEvent {
    /// A round begins: the model is asked.
    RoundStarted {
        round: u32,
    },
    /// A piece of the answer.
    Text(String),
    /// A piece of what the model says beside the answer.
    Thinking(String),
    /// The model has spoken.
    Thought(Box<Thought>),
    CallStarted(Box<AskedCall>),
    CallFinished(Box<CallOutcome>),
    /// Everything of the round is done.
    RoundFinished {
        round: u32,
    },
    /// The whole answer, where it did not come in pieces of text; `was_shown`: as thinking.
    Answer {
        text: String,
        was_shown: bool,
    },
    /// The last event.
    Finished(Box<Finished>),
}

/// What the model said in a round.
#[derive(Clone, Debug, Default)]
pub struct Thought {
    pub round: u32,
    pub text: String,
    /// What it asks for.
    pub calls: Vec<AskedCall>,
    pub usage: Usage,
    /// What it was asked, as logs show it.
    pub prompt: Json,
    /// What was cut so that it fits into the model's window.
    pub window: Option<WindowFit>,
    /// It holds the answer, in a form that is told apart from thoughts (`ReAct`).
    pub is_answer: bool,
}

/// A call of a tool that the model asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AskedCall {
    pub id: String,
    pub name: String,
    /// For people; the name of an unknown tool.
    pub label: String,
    /// Who has the tool; empty for unknown ones.
    pub provider: String,
    /// As the model gave them: an object, or the text that should have been one.
    pub arguments: Json,
}

/// How a call went.
#[derive(Clone, Debug, Default)]
pub struct CallOutcome {
    pub call: AskedCall,
    /// What the model is told.
    pub observation: String,
    /// What went wrong; the model is told so.
    pub error: Option<String>,
    pub files: Vec<File>,
    /// Sources that were found.
    pub resources: Vec<Json>,
    /// What models behind the tool cost.
    pub usage: Option<Usage>,
    pub seconds: f64,
    /// What a person was asked about it.
    pub approval: Option<Approval>,
}

/// How the work ended.
#[derive(Clone, Debug, Default)]
pub struct Finished {
    pub answer: String,
    /// Of the agent's own model calls and of what tools told.
    pub usage: Usage,
    pub rounds: u32,
}

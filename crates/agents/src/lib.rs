//! Agents: a model works on a task in rounds, with tools, until it answers.
//!
//! Three strategies share one worker: `function_calling` (the model's own tool calls), `ReAct` (the calls are read
//! out of the text) and `plan_execute` of ours (a plan, its steps one by one, an answer). Everything that happens is
//! an [`AgentEvent`]; [`Strategies`] tells the events to agent nodes, `app::chat` to agent apps.
//! What this crate is not: it knows no database, no HTTP and no provider; models and tools are ports.
//! Invariants: rounds, calls of a round, and the text that one call adds to a prompt are bounded; what a tool says
//! wrong goes back to the model, never ends the run; a model chooses only what it was offered (unknown tools and
//! parameters that somebody fixed are refused or ignored); what needs a person's approval is not called without it;
//! dropping the stream stops the work at once.

mod approval;
mod declarations;
mod error;
mod event;
mod function_calling;
mod plan;
mod port;
mod react;
mod taint;
mod task;
mod toolbox;
mod worker;

pub use approval::{Approval, ApprovalPort, Approver, Decision, NobodyAsked, Question, Rules, Verdict};
pub use declarations::{declarations, provider as declared_provider};
pub use error::Error;
pub use event::{AgentEvent, AgentStream, AskedCall, CallOutcome, Finished, Thought};
pub use port::Strategies;
pub use react::{Action, Parser, Piece};
pub use taint::{Provenance, Taint};
pub use task::{MAX_ITERATIONS, Strategy, Task};
pub use toolbox::{Toolbox, WantedTool};
pub use worker::run;

//! The workflow engine: schedules the nodes of a graph, holds variables, streams answers.
//!
//! Pure: it names no node kind, database, HTTP framework or vendor. One actor task per run owns all
//! state and handles one message at a time; nodes are futures that stream chunks back to it; retries
//! and time limits are timer messages; there are no locks. Containers are child frames of the same
//! run: one cancellation tree, one step budget, one time budget.
//! Events leave through an [`EventSink`], which makes them durable; a node with a side effect runs
//! only after the sink has confirmed its start.

mod container;
mod coordinator;
mod event;
mod limits;
mod node;
mod pool;
mod recovery;
mod run;
mod state;
mod usage;
mod workflow;

pub use container::{ContainerPlan, ItemError, IterationPlan, LoopLogic, LoopPlan};
pub use event::{
    EventSink, FrameRef, NodeInfo, NodeResult, PauseReason, RunEvent, RunEventKind, RunOutcome, SinkClosed, StopCause,
};
pub use limits::Limits;
pub use node::{
    BuildError, BuiltNode, Chunk, ChunkSender, Effect, Marker, Node, NodeClass, NodeContext, NodeFactory, NodeFailure,
    NodeOutput, ResponsePart, RunInfo, Selector, Usage, UserKind,
};
pub use pool::Pool;
pub use recovery::{ArrayTypes, FinishedNode, InterruptedNode, Interruption, Recovery};
pub use run::{RunHandle, RunStart, StartError, resume, shown_text, start, stop_recorded};
pub use workflow::{CompileError, Workflow};

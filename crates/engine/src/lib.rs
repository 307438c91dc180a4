//! The workflow engine: schedules the nodes of a graph, holds variables, streams answers.
//!
//! Pure: it names no node kind, database, HTTP framework or vendor. One actor task per run owns all
//! state and handles one message at a time; nodes are futures that stream chunks back to it; retries
//! and time limits are timer messages; there are no locks. Containers are child frames of the same
//! run: one cancellation tree, one step budget, one time budget.
//! Events leave through an [`EventSink`], which makes them durable; a node with a side effect runs
//! only after the sink has confirmed its start.

mod event;
mod node;
mod pool;

pub use event::{EventSink, FrameRef, NodeInfo, RunEvent, RunEventKind, RunOutcome, SinkClosed};
pub use node::{
    BuildError, BuiltNode, ContainerPlan, Effect, Node, NodeClass, NodeContext, NodeFactory, NodeFailure, NodeOutput,
    ChunkSender, ResponsePart, RunInfo, Selector, UserKind, Usage,
};
pub use pool::Pool;

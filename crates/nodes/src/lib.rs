//! Every node kind, one file each, and the registry that the engine builds nodes from.
//!
//! A kind reads its configuration once ([`kind::NodeKind::build`]) and then executes without state:
//! what one execution needs is in its context, what it may use of the world is in [`Ports`].
//! Retries, fail branches, default values, time budgets and containers are the engine's business.
//! What this crate is not: it opens no connection, database or file by itself; everything goes
//! through a port. Invariants: kinds are unique, each has a default configuration that builds, and
//! an unknown kind fails by name only when it is reached.

mod arguments;
mod calls;
pub mod condition;
mod config;
mod kind;
mod kinds;
mod media;
mod memory;
mod model;
mod ports;
mod python;
mod reasoning;
mod registry;
mod repair;
mod template;
#[cfg(test)]
mod testing;
mod unstructured;

pub use kind::NodeKind;
pub use kinds::human_input;
pub use ports::{
    Absent, AgentInvocation, AgentPort, CallError, CallLog, CallMessage, CallStream, DatasourceCall, DatasourcePort,
    EgressPort, FilePort, FoundSegment, HistoryMessage, HistoryPort, IndexPort, IndexRequest, KeywordWeight, Limits,
    MetadataCondition, MetadataFilter, MultimodalFormat, MultipleRetrieval, NoHistory, ParameterForm, PortError, Ports,
    RerankingModel, RetrievalMode, RetrievalModel, RetrievalPort, RetrievalQuery, Retrieved, SegmentPlace,
    ToolDeclaration, ToolInvocation, ToolName, ToolParameter, ToolPort, TriggerPort, VectorWeight, Weights, caller,
};
pub use registry::{KINDS, Registry};
pub use unstructured::Unstructured;

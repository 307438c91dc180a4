//! What the engine knows of a node: the port between `engine` and the `nodes` crate.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_types::{AppId, ConversationId, Json, NodeRunId, RunId, TaskId, TenantId, Value, WorkflowId};
use tokio_util::sync::CancellationToken;

use crate::Pool;

/// Path to a variable: node id (or `sys`, `env`, `conversation`), name, then keys.
pub type Selector = Vec<String>;

/// Builds the runnable form of nodes. The only thing the engine knows about node kinds.
pub trait NodeFactory: Send + Sync {
    /// Checks the configuration and builds the node. An unknown kind is not an error here:
    /// it builds a node that fails by name when it is reached.
    ///
    /// # Errors
    /// When the node's configuration cannot be read; the run fails before it starts.
    fn build(&self, spec: &NodeSpec) -> Result<BuiltNode, BuildError>;
}

/// A node's configuration is not usable.
#[derive(Clone, Debug, thiserror::Error)]
#[error("node {node_id} ({kind}): {why}")]
pub struct BuildError {
    pub node_id: String,
    pub kind: String,
    pub why: String,
}

/// How a node takes part in scheduling (engine reference §6.2, DSL reference §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeClass {
    Root,
    Executable,
    Branch,
    Response,
    Container,
}

/// Whether an execution that was interrupted may simply be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// No one outside can tell that it ran.
    Pure,
    /// Calls out, but repeating the call is harmless (a model call, a GET).
    Repeatable,
    /// Changes something outside: the start is durable before it runs and it is not repeated.
    SideEffect,
}

/// One part of what a response node shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponsePart {
    Text(String),
    Variable(Selector),
}

/// A node ready to run, with what the scheduler must know beforehand.
pub struct BuiltNode {
    pub class: NodeClass,
    pub effect: Effect,
    /// Honours `retry_config`.
    pub retryable: bool,
    /// What a response node streams; empty for others.
    pub response: Vec<ResponsePart>,
    /// Variables this node assigns (they hold back a response that reads them).
    pub assigns: Vec<Selector>,
    /// Selectors (`[node id, name]`) this node streams into while it runs.
    pub streams: Vec<Selector>,
    pub container: Option<ContainerPlan>,
    pub runner: Arc<dyn Node>,
}

/// How a container drives its child frames. The engine runs frames, the plan says what they mean.
/// `Iteration` and `Loop` hold typed configuration; see DSL reference §8.20 and §8.21.
#[derive(Clone, Debug)]
pub enum ContainerPlan {
    Iteration { start_node_id: String, config: Json },
    Loop { start_node_id: String, config: Json },
}

/// One kind of work. Stateless: everything of one execution is in the context.
#[async_trait]
pub trait Node: Send + Sync {
    /// Executes the node once.
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>>;
}

/// What an execution may use.
pub struct NodeContext {
    pub run: Arc<RunInfo>,
    pub node: Arc<NodeSpec>,
    /// Stable over retries; also the idempotency key of outgoing calls.
    pub node_run_id: NodeRunId,
    /// 0 on the first attempt.
    pub attempt: u32,
    /// A snapshot: cheap to hold, never changes.
    pub pool: Pool,
    pub chunks: ChunkSender,
    pub cancel: CancellationToken,
}

/// Who and what a run belongs to.
#[derive(Clone, Debug)]
pub struct RunInfo {
    pub run_id: RunId,
    pub task_id: TaskId,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub workflow_id: WorkflowId,
    pub conversation_id: Option<ConversationId>,
    /// Account or end user id.
    pub user_id: String,
    pub user_kind: UserKind,
    /// `service-api`, `web-app`, `debugger`, `explore`, …
    pub invoke_from: String,
    /// Workflows called as tools of one another.
    pub call_depth: u32,
}

/// Kind of the user who started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserKind {
    Account,
    EndUser,
}

impl UserKind {
    /// The wire name (`created_by_role`).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::EndUser => "end_user",
        }
    }
}

/// Where a running node sends its partial output. Bounded: a slow reader slows the node down.
#[derive(Clone)]
pub struct ChunkSender {
    pub(crate) inner: tokio::sync::mpsc::Sender<crate::event::ChunkMessage>,
    pub(crate) token: u64,
}

impl ChunkSender {
    /// Sends a piece of text into `[node id, name]`; the last one has `is_final`.
    pub async fn text(&self, name: &str, text: String, is_final: bool) {
        self.send(crate::event::Chunk::Text { name: name.to_owned(), text, is_final }).await;
    }

    /// Sends a piece of reasoning, shown beside the answer.
    pub async fn reasoning(&self, text: String, is_final: bool) {
        self.send(crate::event::Chunk::Reasoning { text, is_final }).await;
    }

    /// Tells about something the node did (agent log, retriever resources), passed on as it is.
    pub async fn note(&self, kind: &'static str, data: Json) {
        self.send(crate::event::Chunk::Note { kind, data }).await;
    }

    async fn send(&self, chunk: crate::event::Chunk) {
        // A closed run has nobody left to tell.
        let _ = self.inner.send(crate::event::ChunkMessage { token: self.token, chunk }).await;
    }
}

/// Tokens and money of model calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub total_tokens: u64,
    /// Decimal text, as on the wire.
    pub total_price: String,
    pub currency: String,
}

/// Result of an execution that worked.
#[derive(Clone, Debug, Default)]
pub struct NodeOutput {
    /// What the node worked on, for the trace.
    pub inputs: IndexMap<String, Value>,
    pub process_data: IndexMap<String, Value>,
    /// Stored in the pool under the node's id.
    pub outputs: IndexMap<String, Value>,
    /// The branch taken; `None` means `source`.
    pub handle: Option<String>,
    pub metadata: BTreeMap<String, Json>,
    pub usage: Option<Usage>,
    /// Variables outside the node that it wrote (assigners): selector and new value.
    pub updates: Vec<(Selector, Value)>,
}

/// Result of an execution that did not work.
#[derive(Clone, Debug, Default)]
pub struct NodeFailure {
    pub error: String,
    /// Class name as the compatible API shows it.
    pub error_type: String,
    pub inputs: IndexMap<String, Value>,
    pub process_data: IndexMap<String, Value>,
    pub outputs: IndexMap<String, Value>,
    pub metadata: BTreeMap<String, Json>,
    pub usage: Option<Usage>,
    /// A retry may help; false stops the retry policy at once (cancelled, limit).
    pub retry_useless: bool,
}

impl NodeFailure {
    /// A failure with its class name and text.
    pub fn new(error_type: impl Into<String>, error: impl Into<String>) -> Box<Self> {
        Box::new(Self { error: error.into(), error_type: error_type.into(), ..Self::default() })
    }
}

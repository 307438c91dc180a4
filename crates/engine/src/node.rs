//! What the engine knows of a node: the port between `engine` and the `nodes` crate.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_types::{AppId, ConversationId, Json, NodeRunId, RunId, TaskId, TenantId, Value, WorkflowId};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{ContainerPlan, FrameRef, Pool, run::Message};

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
    /// Changes something outside, once for each `node_run_id`: the start is durable before it runs, and it may be run
    /// again under the same id.
    Idempotent,
    /// Changes something outside: the start is durable before it runs and it is not repeated.
    SideEffect,
}

impl Effect {
    /// Whether the start must be durable before the node does anything.
    #[must_use]
    pub const fn needs_record(self) -> bool {
        matches!(self, Self::Idempotent | Self::SideEffect)
    }
}

/// One part of what a response node shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponsePart {
    Text(String),
    Variable(Selector),
}

/// A node that only marks a place in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// Where a container's child graph begins (`iteration-start`, `loop-start`): it is not run,
    /// counts no step and shows no event.
    ContainerStart,
    /// Ends the loop around it after the round in which it runs (`loop-end`).
    LoopEnd,
}

/// A node ready to run, with what the scheduler must know beforehand.
pub struct BuiltNode {
    pub class: NodeClass,
    pub effect: Effect,
    /// Honours `retry_config`.
    pub retryable: bool,
    pub marker: Option<Marker>,
    /// How long one attempt may take; `None`: the run's own limit for nodes.
    pub timeout: Option<Duration>,
    /// What a response node streams; empty for others.
    pub response: Vec<ResponsePart>,
    /// Variables this node assigns (they hold back a response that reads them).
    pub assigns: Vec<Selector>,
    /// Selectors (`[node id, name]`) this node streams into while it runs.
    pub streams: Vec<Selector>,
    pub container: Option<ContainerPlan>,
    /// Never called for containers: the engine drives them by their plan.
    pub runner: Arc<dyn Node>,
}

impl BuiltNode {
    /// A node of a class; the rest is set by struct update or afterwards.
    #[must_use]
    pub fn new(class: NodeClass, effect: Effect, runner: Arc<dyn Node>) -> Self {
        Self {
            class,
            effect,
            retryable: false,
            marker: None,
            timeout: None,
            response: Vec::new(),
            assigns: Vec::new(),
            streams: Vec::new(),
            container: None,
            runner,
        }
    }

    /// A container driven by the engine.
    #[must_use]
    pub fn container(plan: ContainerPlan) -> Self {
        Self { container: Some(plan), ..Self::new(NodeClass::Container, Effect::Pure, Arc::new(Nothing)) }
    }

    /// The beginning of a container's child graph.
    #[must_use]
    pub fn container_start() -> Self {
        Self {
            marker: Some(Marker::ContainerStart),
            ..Self::new(NodeClass::Executable, Effect::Pure, Arc::new(Nothing))
        }
    }

    /// The end of the loop around it.
    #[must_use]
    pub fn loop_end() -> Self {
        Self { marker: Some(Marker::LoopEnd), ..Self::new(NodeClass::Executable, Effect::Pure, Arc::new(Nothing)) }
    }
}

/// A node without work or outputs.
struct Nothing;

#[async_trait]
impl Node for Nothing {
    async fn run(&self, _cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        Ok(NodeOutput::default())
    }
}

/// One kind of work. Stateless: everything of one execution is in the context.
///
/// The run polls the future itself once, so that a node that never waits costs no task; only a
/// node that waits gets one. Work of more than about a millisecond therefore belongs into
/// `spawn_blocking`. A stopped run drops the future at its next await.
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
    /// Where in containers this execution is.
    pub frame: FrameRef,
    /// A snapshot: cheap to hold, never changes.
    pub pool: Pool,
    pub chunks: ChunkSender,
    /// What came of the thing outside that this execution paused for; `None` the first time.
    pub answer: Option<Arc<Json>>,
    /// Cancelled when the run is stopped, or this attempt ran out of time. The future is dropped
    /// then as well; the token is for work that outlives a dropped future.
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

/// A partial output of a running node.
#[derive(Clone, Debug, PartialEq)]
pub enum Chunk {
    Text { name: String, text: String, is_final: bool },
    Reasoning { text: String, is_final: bool },
    Note { kind: &'static str, data: Json },
}

/// Where a running node sends its partial output. Bounded: a slow reader slows the node down.
#[derive(Clone)]
pub struct ChunkSender {
    target: ChunkTarget,
}

#[derive(Clone)]
enum ChunkTarget {
    Run { inner: mpsc::Sender<Message>, token: u64, attempt: u32 },
    Channel(mpsc::Sender<Chunk>),
}

impl ChunkSender {
    pub(crate) fn of_run(inner: mpsc::Sender<Message>, token: u64, attempt: u32) -> Self {
        Self { target: ChunkTarget::Run { inner, token, attempt } }
    }

    /// A sender outside a run, for executing a single node.
    #[must_use]
    pub fn channel(capacity: usize) -> (Self, mpsc::Receiver<Chunk>) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        (Self { target: ChunkTarget::Channel(sender) }, receiver)
    }

    /// Sends a piece of text into `[node id, name]`; the last one has `is_final`.
    pub async fn text(&self, name: &str, text: String, is_final: bool) {
        self.send(Chunk::Text { name: name.to_owned(), text, is_final }).await;
    }

    /// Sends a piece of reasoning, shown beside the answer.
    pub async fn reasoning(&self, text: String, is_final: bool) {
        self.send(Chunk::Reasoning { text, is_final }).await;
    }

    /// Tells about something the node did (agent log, retriever resources), passed on as it is.
    pub async fn note(&self, kind: &'static str, data: Json) {
        self.send(Chunk::Note { kind, data }).await;
    }

    async fn send(&self, chunk: Chunk) {
        // A closed run has nobody left to tell.
        match &self.target {
            ChunkTarget::Run { inner, token, attempt } => {
                let _ = inner.send(Message::Chunk { token: *token, attempt: *attempt, chunk }).await;
            }
            ChunkTarget::Channel(inner) => {
                let _ = inner.send(chunk).await;
            }
        }
    }
}

/// Tokens and money of model calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Variables outside the node that it wrote (assigners): selector of two parts and new value.
    pub updates: Vec<(Selector, Value)>,
    /// The node waits for something outside (a form): the run pauses for this reason once the nodes
    /// that run have ended, and the node runs again, as the same execution, when it is resumed.
    /// The other fields are ignored then.
    pub pause: Option<Json>,
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

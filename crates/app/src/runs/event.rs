//! What a caller sees of a run: the events of a stream, still without a wire form.
//!
//! JSON values are kept as text: they are written once, for the record and for the wire alike.

use std::sync::Arc;

use ox_types::{ConversationId, Json, MessageId, NodeRunId, RunId, RunStatus, TaskId, WorkflowId};
use serde::Serialize;

/// JSON as text, shared.
pub type JsonText = Arc<str>;

/// The five kinds of apps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AppMode {
    Completion,
    Chat,
    AgentChat,
    AdvancedChat,
    Workflow,
}

impl AppMode {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completion => "completion",
            Self::Chat => "chat",
            Self::AgentChat => "agent-chat",
            Self::AdvancedChat => "advanced-chat",
            Self::Workflow => "workflow",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Completion, Self::Chat, Self::AgentChat, Self::AdvancedChat, Self::Workflow]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }

    /// Has conversations.
    #[must_use]
    pub const fn is_chat(self) -> bool {
        matches!(self, Self::Chat | Self::AgentChat | Self::AdvancedChat)
    }

    /// Runs a graph.
    #[must_use]
    pub const fn is_graph(self) -> bool {
        matches!(self, Self::AdvancedChat | Self::Workflow)
    }
}

/// Where a request came from; decides what is listed where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvokeFrom {
    ServiceApi,
    WebApp,
    Debugger,
    Explore,
    /// A webhook, a schedule or the event of a plugin.
    Trigger,
    /// A document of a knowledge pipeline.
    Published,
}

impl InvokeFrom {
    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServiceApi => "service-api",
            Self::WebApp => "web-app",
            Self::Debugger => "debugger",
            Self::Explore => "explore",
            Self::Trigger => "trigger",
            Self::Published => "published",
        }
    }

    /// Reads the name; unknown ones are taken for the Service API.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let all = [Self::WebApp, Self::Debugger, Self::Explore, Self::Trigger, Self::Published];
        all.into_iter().find(|from| from.as_str() == text).unwrap_or(Self::ServiceApi)
    }
}

/// Who asked for the run, as `created_by` shows it.
#[derive(Clone, Debug)]
pub enum RunUser {
    EndUser { id: uuid::Uuid, session_id: Arc<str> },
    Account { id: uuid::Uuid, name: Arc<str>, email: Arc<str> },
}

impl RunUser {
    /// Id of the account or end user.
    #[must_use]
    pub const fn id(&self) -> uuid::Uuid {
        match self {
            Self::EndUser { id, .. } | Self::Account { id, .. } => *id,
        }
    }

    /// `sys.user_id`: the caller's own name of the end user, or the account id.
    #[must_use]
    pub fn sys_user_id(&self) -> String {
        match self {
            Self::EndUser { session_id, .. } => session_id.to_string(),
            Self::Account { id, .. } => id.to_string(),
        }
    }

    /// `end_user` or `account`.
    #[must_use]
    pub const fn role(&self) -> &'static str {
        match self {
            Self::EndUser { .. } => "end_user",
            Self::Account { .. } => "account",
        }
    }

    /// `created_by` of a finished run.
    #[must_use]
    pub fn created_by(&self) -> Json {
        match self {
            Self::EndUser { id, session_id } => serde_json::json!({"id": id, "user": &**session_id}),
            Self::Account { id, name, email } => serde_json::json!({"id": id, "name": &**name, "email": &**email}),
        }
    }
}

/// What is the same in every event of a stream.
#[derive(Clone, Debug)]
pub struct StreamHead {
    pub mode: AppMode,
    pub invoke_from: InvokeFrom,
    pub task_id: TaskId,
    pub run_id: Option<RunId>,
    pub workflow_id: Option<WorkflowId>,
    pub conversation_id: Option<ConversationId>,
    pub message_id: Option<MessageId>,
    /// Unix seconds: creation of the message, or of the run.
    pub created_at: i64,
    pub user: RunUser,
}

/// One event of a stream with its number, from 1.
#[derive(Clone, Debug)]
pub struct StreamEvent {
    pub number: u64,
    /// Unix seconds.
    pub at: i64,
    pub body: StreamBody,
}

/// Which node execution an event tells of, shared.
pub type NodeView = Arc<NodeFacts>;

#[derive(Clone, Debug)]
pub struct NodeFacts {
    pub id: NodeRunId,
    pub node: Arc<ox_dsl::graph::NodeSpec>,
    pub created_at: i64,
    pub iteration_id: Option<Arc<str>>,
    pub loop_id: Option<Arc<str>>,
}

/// A finished attempt.
#[derive(Clone, Debug)]
pub struct NodeDone {
    pub inputs: JsonText,
    pub process_data: JsonText,
    pub outputs: JsonText,
    pub status: &'static str,
    pub error: Option<String>,
    pub elapsed_seconds: f64,
    /// JSON object or `null`.
    pub metadata: JsonText,
    pub finished_at: i64,
    /// JSON list of the files in the outputs.
    pub files: JsonText,
    pub total_tokens: u64,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct RunDone {
    pub status: RunStatus,
    pub outputs: JsonText,
    pub error: Option<String>,
    pub elapsed_seconds: f64,
    pub total_tokens: u64,
    pub total_steps: u32,
    pub exceptions_count: u32,
    pub finished_at: i64,
    pub files: JsonText,
}

/// How far a run was when it began to wait.
#[derive(Clone, Debug, Default)]
pub struct RunPause {
    /// As they are shown.
    pub reasons: Vec<Json>,
    pub outputs: JsonText,
    /// What a chat has said so far.
    pub answer: Arc<str>,
    pub elapsed_seconds: f64,
    pub total_tokens: u64,
    pub total_steps: u32,
}

/// `message_end.metadata`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MessageMetadata {
    pub annotation_reply: Option<Json>,
    pub retriever_resources: Vec<Json>,
    pub usage: ox_models::Usage,
    /// Who answered, where that is not the model of the app; as in the process data of nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<Json>,
    /// What was left out of the history for the model's window; as in the process data of nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window: Option<Json>,
}

/// A file of an answer.
#[derive(Clone, Debug)]
pub struct ShownFile {
    pub id: uuid::Uuid,
    pub kind: &'static str,
    pub belongs_to: &'static str,
    pub url: Arc<str>,
}

// Thousands of runs keep some hundred events each: what is rare and large is behind a pointer.
const _: () = assert!(size_of::<StreamEvent>() <= 64, "an event of a stream has become too large");

/// What happened.
#[derive(Clone, Debug)]
pub enum StreamBody {
    WorkflowStarted {
        inputs: JsonText,
        /// The run goes on after a pause.
        resumed: bool,
    },
    NodeStarted(NodeView),
    NodeFinished(NodeView, Arc<NodeDone>),
    NodeRetry {
        node: NodeView,
        done: Arc<NodeDone>,
        retry_index: u32,
    },
    ContainerStarted {
        node: NodeView,
        inputs: JsonText,
        length: Option<u32>,
    },
    ContainerNext {
        node: NodeView,
        index: u32,
    },
    ContainerFinished {
        node: NodeView,
        done: Arc<NodeDone>,
        steps: u32,
    },
    /// A piece of the answer: `message` or `text_chunk`.
    Text {
        text: Arc<str>,
        selector: Option<Arc<[String]>>,
    },
    /// What an agent says beside its answer; shown like it.
    Thinking(Arc<str>),
    /// A round of an agent, as far as it has come.
    Thought(Arc<ox_db::model::AgentThought>),
    /// A file of the message that was made.
    MessageFile(Arc<ShownFile>),
    /// The whole answer anew, after the text was changed or the run was resumed.
    TextReplace {
        text: Arc<str>,
        reason: &'static str,
    },
    Reasoning {
        node_id: Arc<str>,
        text: Arc<str>,
        is_final: bool,
    },
    /// Agent logs and other node notes, passed on as they are.
    Note {
        node: NodeView,
        kind: &'static str,
        data: Arc<Json>,
    },
    MessageEnd {
        answer: Arc<str>,
        metadata: Arc<MessageMetadata>,
        files: JsonText,
    },
    WorkflowFinished(Arc<RunDone>),
    /// Somebody is asked: `human_input_required`.
    HumanInputRequired(Arc<Json>),
    WorkflowPaused(Arc<RunPause>),
    /// Somebody is asked whether an agent may call a tool, or has answered: `tool_approval_required`,
    /// `tool_approval_answered`.
    ToolApproval {
        event: &'static str,
        data: Arc<Json>,
    },
    /// A piece of the answer as speech (base64 of MP3), or the end of it: the last event of all.
    Spoken {
        audio: Arc<str>,
        is_end: bool,
    },
    /// The last event of a stream that failed.
    Error {
        code: std::borrow::Cow<'static, str>,
        status: u16,
        message: Box<str>,
    },
}

impl StreamBody {
    /// Whether nothing may follow. `message_end` comes last only where no graph is run;
    /// the hub is told the end explicitly.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(self, Self::Error { .. })
    }
}

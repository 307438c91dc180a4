//! Runs fixtures through the engine with the real nodes, what reaches outside being scripted.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use indexmap::IndexMap;
use ox_dsl::{
    document::{AppDocument, Body, WorkflowBody},
    graph::{Graph, NodeSpec},
};
use ox_engine::{
    BuildError, BuiltNode, EventSink, Limits, Node, NodeContext, NodeFactory, NodeFailure, NodeOutput, Pool, RunEvent,
    RunEventKind, RunInfo, RunOutcome, RunStart, SinkClosed, UserKind, Workflow,
};
use ox_models::{
    ChatDelta, ChatRequest, ChatStream, CompletionRequest, EmbeddingRequest, EmbeddingResult, ErrorClass, Message,
    ModelError, ModelKind, ModelRef, ModelRuntime, ModelScope, ModelSpec, Ranked, RerankRequest, ToolSpec, Usage,
};
use ox_net::{Egress, Policy};
use ox_nodes::{FilePort, NoHistory, PortError, Ports, Registry};
use ox_types::{AppId, ConversationId, File, Json, RunId, RunStatus, TaskId, TenantId, Value, ValueType, WorkflowId};
use tokio_util::task::TaskTracker;

type ModelAnswer = Result<Vec<String>, String>;

/// What a run is given.
#[derive(Clone, Default)]
pub struct Given {
    inputs: Json,
    query: Option<String>,
    models: HashMap<String, ModelAnswer>,
    nodes: HashMap<String, Json>,
    scripts: HashMap<String, String>,
    tools: Option<Json>,
    first_code: Option<Json>,
    code_from_file: bool,
}

impl Given {
    pub fn inputs(inputs: Json) -> Self {
        Self { inputs, ..Self::default() }
    }

    pub fn query(query: &str) -> Self {
        Self { inputs: serde_json::json!({}), query: Some(query.into()), ..Self::default() }
    }

    /// An llm node's answer, one chunk per word.
    pub fn llm(self, node: &str, text: &str) -> Self {
        self.with_model(node, Ok(words(text)))
    }

    pub fn llm_pieces(self, node: &str, pieces: &[&str]) -> Self {
        self.with_model(node, Ok(pieces.iter().map(|piece| (*piece).to_owned()).collect()))
    }

    pub fn llm_error(self, node: &str, text: &str) -> Self {
        self.with_model(node, Err(text.to_owned()))
    }

    fn with_model(mut self, node: &str, answer: ModelAnswer) -> Self {
        self.models.insert(node.to_owned(), answer);
        self
    }

    /// Outputs of a node that is not run.
    pub fn node(mut self, node: &str, outputs: Json) -> Self {
        self.nodes.insert(node.to_owned(), outputs);
        self
    }

    /// JavaScript in place of a node's code.
    pub fn javascript(mut self, node: &str, code: &str) -> Self {
        self.scripts.insert(node.to_owned(), code.to_owned());
        self
    }

    /// Outputs of every tool.
    pub fn tools(mut self, outputs: Json) -> Self {
        self.tools = Some(outputs);
        self
    }

    /// Outputs of every code node.
    pub fn first_code(mut self, outputs: Json) -> Self {
        self.first_code = Some(outputs);
        self
    }

    /// Code nodes return the one text that stands in their code.
    pub fn code_from_file(mut self) -> Self {
        self.code_from_file = true;
        self
    }
}

/// Splits on single spaces; every word but the first keeps its space.
fn words(text: &str) -> Vec<String> {
    text.split(' ').enumerate().map(|(at, word)| if at == 0 { word.to_owned() } else { format!(" {word}") }).collect()
}

/// A fixture, read.
pub struct Fixture {
    body: WorkflowBody,
}

impl Fixture {
    /// Reads a fixture; nothing when the shared folder is absent.
    pub fn load(name: &str) -> Option<Self> {
        let shared = std::env::var("OXIDIFY_SHARED")
            .map_or_else(|_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
        let folder = shared.join("fixtures/dsl");
        if !folder.is_dir() {
            eprintln!("skipped: {} is absent", folder.display());
            return None;
        }
        let text = std::fs::read_to_string(folder.join(format!("{name}.yml"))).unwrap();
        let Body::Workflow(body) = AppDocument::parse(&text).unwrap().body().unwrap() else { panic!("{name}") };
        Some(Self { body })
    }

    /// Runs it.
    pub async fn run(&self, given: &Given, workers: usize) -> Transcript {
        let graph = Arc::new(Graph::parse(&self.body.graph).unwrap());
        let factory = Scripted { given: given.clone() };
        let workflow = Workflow::compile(Arc::clone(&graph), &factory).unwrap();
        let sink = Arc::new(Recording::default());
        let tracker = TaskTracker::new();
        let start = RunStart {
            info: info(),
            pool: self.pool(given, &graph),
            root: None,
            limits: Limits { workers, ..Limits::default() },
            sink: Arc::clone(&sink) as Arc<dyn EventSink>,
            tracker,
        };
        let outcome = ox_engine::start(workflow, start).unwrap().wait().await;
        let events = std::mem::take(&mut *sink.0.lock().unwrap());
        Transcript::new(outcome, &events)
    }

    fn pool(&self, given: &Given, graph: &Graph) -> Pool {
        let mut pool = Pool::new();
        let variables =
            [("env", &self.body.environment_variables), ("conversation", &self.body.conversation_variables)];
        for (scope, variables) in variables {
            pool.set_all(scope, variables.iter().map(|variable| (variable.name.clone(), variable.value.clone())));
        }
        pool.set("sys", "files", Value::array_of(ValueType::ArrayFile, Vec::new()));
        if let Some(query) = &given.query {
            pool.set("sys", "query", query.as_str());
        }
        let start = graph.nodes.iter().find(|node| node.kind == "start").unwrap();
        let inputs = given.inputs.as_object().unwrap();
        pool.set_all(&start.id, inputs.iter().map(|(name, value)| (name.clone(), Value::from_json(value))));
        pool
    }
}

fn info() -> RunInfo {
    RunInfo {
        run_id: RunId::new(),
        task_id: TaskId::new(),
        tenant_id: TenantId::new(),
        app_id: AppId::new(),
        workflow_id: WorkflowId::new(),
        conversation_id: Some(ConversationId::new()),
        user_id: "u".into(),
        user_kind: UserKind::EndUser,
        invoke_from: "debugger".into(),
        call_depth: 0,
    }
}

/// The real registry, with what a test gives in place of the world.
struct Scripted {
    given: Given,
}

impl Scripted {
    fn fixed(&self, spec: &NodeSpec) -> Option<Json> {
        if let Some(outputs) = self.given.nodes.get(&spec.id) {
            return Some(outputs.clone());
        }
        match spec.kind.as_str() {
            "tool" => self.given.tools.clone(),
            "code" if self.given.code_from_file => {
                let code = spec.data["code"].as_str().unwrap();
                let text = code.split('"').find(|piece| piece.starts_with("Code ")).unwrap();
                Some(serde_json::json!({"result": text}))
            }
            "code" => self.given.first_code.clone(),
            _ => None,
        }
    }
}

impl NodeFactory for Scripted {
    fn build(&self, spec: &NodeSpec) -> Result<BuiltNode, BuildError> {
        let answer = self.given.models.get(&spec.id).cloned();
        let answer = answer.unwrap_or_else(|| Ok(words("This is a mocked LLM response")));
        let registry = Registry::new(ports(answer));
        if let Some(code) = self.given.scripts.get(&spec.id) {
            let mut spec = spec.clone();
            spec.data["code"] = code.as_str().into();
            spec.data["code_language"] = "javascript".into();
            return registry.build(&spec);
        }
        let mut built = registry.build(spec)?;
        if let Some(outputs) = self.fixed(spec) {
            built.runner = Arc::new(Fixed(outputs));
        }
        Ok(built)
    }
}

struct Fixed(Json);

#[async_trait]
impl Node for Fixed {
    async fn run(&self, _cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let outputs: IndexMap<String, Value> =
            self.0.as_object().unwrap().iter().map(|(name, value)| (name.clone(), Value::from_json(value))).collect();
        Ok(NodeOutput { outputs, ..NodeOutput::default() })
    }
}

fn ports(answer: ModelAnswer) -> Ports {
    Ports {
        models: Arc::new(Model(answer)),
        http: Egress::new(Policy::default()),
        code: Arc::new(ox_sandbox::QuickJs::default()),
        files: Arc::new(NoFiles),
        history: Arc::new(NoHistory),
        limits: ox_nodes::Limits::default(),
    }
}

struct NoFiles;

#[async_trait]
impl FilePort for NoFiles {
    async fn read(&self, _: &RunInfo, _: &File) -> Result<Bytes, PortError> {
        Err(PortError("no files here".into()))
    }
    async fn save(&self, _: &RunInfo, _: &str, _: &str, _: Bytes) -> Result<File, PortError> {
        Err(PortError("no files here".into()))
    }
    async fn url(&self, _: &RunInfo, _: &File) -> Result<String, PortError> {
        Err(PortError("no files here".into()))
    }
}

struct Model(ModelAnswer);

#[async_trait]
impl ModelRuntime for Model {
    async fn chat(&self, _: &ModelScope, _: &ModelRef, _: ChatRequest) -> Result<ChatStream, ModelError> {
        let pieces = match &self.0 {
            Ok(pieces) => pieces.clone(),
            Err(text) => return Err(ModelError::new(ErrorClass::Overloaded, "mock", text.clone())),
        };
        let mut deltas: Vec<Result<ChatDelta, ModelError>> =
            pieces.into_iter().map(|text| Ok(ChatDelta { text, ..ChatDelta::default() })).collect();
        let usage = Some(Usage::priced(10, 5, None));
        deltas.push(Ok(ChatDelta { finish_reason: Some("stop".into()), usage, ..ChatDelta::default() }));
        // Other nodes get their turn between two pieces.
        Ok(futures::stream::iter(deltas)
            .then(|delta| async {
                tokio::task::yield_now().await;
                delta
            })
            .boxed())
    }
    async fn completion(&self, _: &ModelScope, _: &ModelRef, _: CompletionRequest) -> Result<ChatStream, ModelError> {
        Err(ModelError::new(ErrorClass::Unsupported, "mock", ""))
    }
    async fn embed(&self, _: &ModelScope, _: &ModelRef, _: EmbeddingRequest) -> Result<EmbeddingResult, ModelError> {
        Err(ModelError::new(ErrorClass::Unsupported, "mock", ""))
    }
    async fn rerank(&self, _: &ModelScope, _: &ModelRef, _: RerankRequest) -> Result<Vec<Ranked>, ModelError> {
        Err(ModelError::new(ErrorClass::Unsupported, "mock", ""))
    }
    async fn describe(&self, _: &ModelScope, _: &ModelRef, _: ModelKind) -> Option<Arc<ModelSpec>> {
        None
    }
    fn count_tokens(&self, _: &ModelRef, messages: &[Message], _: &[ToolSpec]) -> u64 {
        messages.len() as u64
    }
}

#[derive(Default)]
struct Recording(Mutex<Vec<RunEvent>>);

#[async_trait]
impl EventSink for Recording {
    async fn emit(&self, event: RunEvent) -> Result<(), SinkClosed> {
        self.0.lock().unwrap().push(event);
        Ok(())
    }
    async fn barrier(&self) -> Result<(), SinkClosed> {
        Ok(())
    }
}

/// The events of a run under the names of `EXPECTED.md`.
pub struct Transcript {
    pub outcome: RunOutcome,
    pub lines: Vec<String>,
    pub chunks: Vec<String>,
    selectors: Vec<Vec<String>>,
    started: Vec<String>,
    ended: Vec<String>,
}

impl Transcript {
    fn new(outcome: RunOutcome, events: &[RunEvent]) -> Self {
        let (lines, chunks, selectors) = (Vec::new(), Vec::new(), Vec::new());
        let mut transcript = Self { outcome, lines, chunks, selectors, started: Vec::new(), ended: Vec::new() };
        for (at, event) in events.iter().enumerate() {
            assert_eq!(event.sequence, at as u64 + 1);
            transcript.add(&event.kind);
        }
        transcript
    }

    fn add(&mut self, kind: &RunEventKind) {
        let line = match kind {
            RunEventKind::RunStarted => "GraphRunStarted".to_owned(),
            RunEventKind::RunFinished(outcome) => match outcome.status {
                RunStatus::Succeeded => "GraphRunSucceeded".to_owned(),
                RunStatus::Failed => "GraphRunFailed".to_owned(),
                other => format!("GraphRun {other}"),
            },
            RunEventKind::NodeStarted(node) => {
                self.started.push(node.node_run_id.to_string());
                format!("NRS {}", node.node.kind)
            }
            RunEventKind::NodeFinished(node, result) => {
                self.ended.push(node.node_run_id.to_string());
                match result.status {
                    ox_types::NodeStatus::Succeeded => format!("NRE {}", node.node.kind),
                    other => format!("NR {other} {}", node.node.kind),
                }
            }
            RunEventKind::Chunk { text, selector, .. } => {
                self.chunks.push(text.clone());
                self.selectors.push(selector.clone());
                format!("NRC {text}")
            }
            RunEventKind::ContainerStarted { node, .. } => container(&node.node.kind, "Started"),
            RunEventKind::ContainerNext { node, .. } => container(&node.node.kind, "Next"),
            RunEventKind::ContainerFinished { node, .. } => container(&node.node.kind, "Succeeded"),
            other => format!("{other:?}"),
        };
        self.lines.push(line);
    }

    pub fn status(&self) -> RunStatus {
        self.outcome.status
    }

    pub fn outputs(&self) -> Json {
        Value::object(self.outcome.outputs.clone()).to_json()
    }

    pub fn answer(&self) -> String {
        assert_eq!(self.status(), RunStatus::Succeeded, "{:?}", self.outcome.error);
        self.outputs()["answer"].as_str().unwrap().to_owned()
    }

    pub fn chunks_of(&self, selector: &[&str]) -> Vec<&str> {
        let both = self.selectors.iter().zip(&self.chunks);
        both.filter(|(of, _)| of.as_slice() == selector).map(|(_, text)| text.as_str()).collect()
    }

    /// What holds for every run.
    pub fn check_invariants(&self) {
        assert_eq!(self.lines.first().map(String::as_str), Some("GraphRunStarted"));
        assert!(self.lines.last().unwrap().starts_with("GraphRun"));
        let started: HashSet<&String> = self.started.iter().collect();
        let ended: HashSet<&String> = self.ended.iter().collect();
        assert_eq!(started, ended);
        assert_eq!((started.len(), ended.len()), (self.started.len(), self.ended.len()));
    }
}

fn container(kind: &str, what: &str) -> String {
    if kind == "loop" { format!("Loop{what}") } else { format!("Iteration{what}") }
}

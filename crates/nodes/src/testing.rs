//! Running single nodes in tests.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use ox_dsl::graph::NodeSpec;
use ox_engine::{
    Chunk, ChunkSender, FrameRef, NodeContext, NodeFactory, NodeFailure, NodeOutput, Pool, RunInfo, UserKind,
};
use ox_models::{
    ChatDelta, ChatRequest, ChatStream, CompletionRequest, EmbeddingRequest, EmbeddingResult, ErrorClass, Message,
    ModelError, ModelFeature, ModelKind, ModelRef, ModelRuntime, ModelScope, ModelSpec, Ranked, RerankRequest,
    StaticRuntime, ToolSpec, Usage,
};
use ox_net::{Egress, Policy};
use ox_types::{
    AppId, ConversationId, File, FileKind, Json, NodeRunId, RunId, TaskId, TenantId, TransferMethod, WorkflowId, boxed,
};
use tokio_util::sync::CancellationToken;

use crate::{FilePort, HistoryMessage, HistoryPort, Limits, NoHistory, PortError, Ports, Registry};

/// Files in memory: what is read is the file's name, what is saved is kept.
#[derive(Default)]
pub struct Files(pub Mutex<Vec<(String, String, Bytes)>>);

#[async_trait]
impl FilePort for Files {
    async fn read(&self, _run: &RunInfo, file: &File) -> Result<Bytes, PortError> {
        Ok(Bytes::from(format!("content of {}", file.filename.as_deref().unwrap_or_default())))
    }

    async fn save(&self, _run: &RunInfo, filename: &str, mime: &str, bytes: Bytes) -> Result<File, PortError> {
        let size = i64::try_from(bytes.len()).unwrap();
        self.0.lock().unwrap().push((filename.to_owned(), mime.to_owned(), bytes));
        Ok(File { mime_type: Some(mime.to_owned()), size, ..file(filename) })
    }

    async fn url(&self, _run: &RunInfo, file: &File) -> Result<String, PortError> {
        Ok(format!("http://files/{}", file.filename.as_deref().unwrap_or_default()))
    }
}

/// Files and a conversation that can be neither kept nor read.
pub struct Broken;

fn broken() -> PortError {
    PortError("the disk is full".into())
}

#[async_trait]
impl FilePort for Broken {
    async fn read(&self, _run: &RunInfo, _file: &File) -> Result<Bytes, PortError> {
        Err(broken())
    }

    async fn save(&self, _run: &RunInfo, _filename: &str, _mime: &str, _bytes: Bytes) -> Result<File, PortError> {
        Err(broken())
    }

    async fn url(&self, _run: &RunInfo, _file: &File) -> Result<String, PortError> {
        Err(broken())
    }
}

#[async_trait]
impl HistoryPort for Broken {
    async fn messages(&self, _run: &RunInfo, _limit: usize) -> Result<Vec<HistoryMessage>, PortError> {
        Err(broken())
    }
}

/// A file by its name.
pub fn file(name: &str) -> File {
    let extension = name.rsplit('.').next().unwrap_or_default();
    File {
        id: None,
        tenant_id: None,
        kind: FileKind::from_extension(extension).unwrap_or(FileKind::Custom),
        transfer_method: TransferMethod::LocalFile,
        remote_url: None,
        related_id: None,
        filename: Some(name.into()),
        extension: Some(format!(".{extension}")),
        mime_type: Some("image/png".into()),
        size: 1,
        url: Some(format!("http://files/{name}")),
    }
}

pub struct History(pub Vec<HistoryMessage>);

#[async_trait]
impl HistoryPort for History {
    async fn messages(&self, _run: &RunInfo, limit: usize) -> Result<Vec<HistoryMessage>, PortError> {
        Ok(self.0.iter().take(limit).cloned().collect())
    }
}

/// Ports that reach this machine and the scripted models.
pub fn ports() -> Ports {
    let http = Egress::new(Policy { dev_mode: true, model_private: true, ..Policy::default() });
    Ports {
        models: Arc::new(StaticRuntime::new(http.clone())),
        http: Arc::new(http),
        code: Arc::new(ox_sandbox::InProcess::default()),
        files: Arc::new(Files::default()),
        history: Arc::new(NoHistory),
        retrieval: Arc::new(crate::Absent),
        tools: Arc::new(crate::Absent),
        agents: Arc::new(crate::Absent),
        datasources: Arc::new(crate::Absent),
        index: Arc::new(crate::Absent),
        triggers: Arc::new(crate::Absent),
        unstructured: None,
        limits: Limits::default(),
    }
}

/// A node `n` of a kind.
pub fn spec(kind: &str, data: Json) -> NodeSpec {
    let retry = data.pointer("/retry_config/retry_enabled").and_then(Json::as_bool).unwrap_or(false);
    let mut spec = NodeSpec { id: "n".into(), kind: kind.into(), version: "1".into(), data, ..NodeSpec::default() };
    spec.retry.enabled = retry;
    if let Some(version) = spec.data.get("version").and_then(Json::as_str) {
        spec.version = version.to_owned();
    }
    spec
}

pub fn context(spec: NodeSpec, pool: Pool) -> (NodeContext, tokio::sync::mpsc::Receiver<Chunk>) {
    let (chunks, receiver) = ChunkSender::channel(1000);
    let run = RunInfo {
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
    };
    let cx = NodeContext {
        run: Arc::new(run),
        node: Arc::new(spec),
        node_run_id: NodeRunId::new(),
        attempt: 0,
        frame: FrameRef::default(),
        pool,
        chunks,
        answer: None,
        cancel: CancellationToken::new(),
    };
    (cx, receiver)
}

/// Runs one node.
#[boxed]
pub async fn run(kind: &str, data: Json, pool: Pool) -> Result<NodeOutput, Box<NodeFailure>> {
    run_with(ports(), kind, data, pool).await.0
}

/// Runs one node with given ports; also tells what it streamed.
#[boxed]
pub async fn run_with(
    ports: Ports,
    kind: &str,
    data: Json,
    pool: Pool,
) -> (Result<NodeOutput, Box<NodeFailure>>, Vec<Chunk>) {
    let spec = spec(kind, data);
    let node = Registry::new(ports).build(&spec).unwrap();
    let (cx, mut receiver) = context(spec, pool);
    let result = node.runner.run(cx).await;
    let mut chunks = Vec::new();
    while let Ok(chunk) = receiver.try_recv() {
        chunks.push(chunk);
    }
    (result, chunks)
}

/// Answers with given pieces and keeps what it was asked.
#[derive(Default)]
pub struct Fake {
    pub pieces: Vec<Result<ChatDelta, ModelError>>,
    pub features: Vec<ModelFeature>,
    pub context_size: Option<u64>,
    pub asked: Mutex<Vec<ChatRequest>>,
    pub completed: Mutex<Vec<String>>,
}

impl Fake {
    /// A model that says this.
    pub fn saying(text: &str) -> Self {
        let pieces = vec![Ok(ChatDelta { text: text.into(), ..ChatDelta::default() })];
        Self { pieces, ..Self::default() }
    }

    fn stream(&self) -> ChatStream {
        let mut pieces = self.pieces.clone();
        let usage = Usage::priced(10, 5, None);
        pieces.push(Ok(ChatDelta { finish_reason: Some("stop".into()), usage: Some(usage), ..ChatDelta::default() }));
        futures::stream::iter(pieces).boxed()
    }
}

#[async_trait]
impl ModelRuntime for Fake {
    async fn chat(&self, _: &ModelScope, _: &ModelRef, request: ChatRequest) -> Result<ChatStream, ModelError> {
        self.asked.lock().unwrap().push(request);
        Ok(self.stream())
    }

    async fn completion(
        &self,
        _: &ModelScope,
        _: &ModelRef,
        request: CompletionRequest,
    ) -> Result<ChatStream, ModelError> {
        self.completed.lock().unwrap().push(request.prompt);
        Ok(self.stream())
    }

    async fn embed(&self, _: &ModelScope, _: &ModelRef, _: EmbeddingRequest) -> Result<EmbeddingResult, ModelError> {
        Err(ModelError::new(ErrorClass::Unsupported, "fake", ""))
    }

    async fn rerank(&self, _: &ModelScope, _: &ModelRef, _: RerankRequest) -> Result<Vec<Ranked>, ModelError> {
        Err(ModelError::new(ErrorClass::Unsupported, "fake", ""))
    }

    async fn describe(&self, _: &ModelScope, model: &ModelRef, kind: ModelKind) -> Option<Arc<ModelSpec>> {
        let mut model_properties = serde_json::Map::new();
        if let Some(size) = self.context_size {
            model_properties.insert("context_size".into(), size.into());
        }
        Some(Arc::new(ModelSpec {
            model: model.name.clone(),
            label: ox_models::I18n::same("fake"),
            kind,
            features: self.features.clone(),
            fetch_from: ox_models::FetchFrom::Predefined,
            model_properties,
            parameter_rules: Vec::new(),
            pricing: None,
            deprecated: false,
        }))
    }

    fn count_tokens(&self, _: &ModelRef, messages: &[Message], _: &[ToolSpec]) -> u64 {
        messages.iter().map(|message| message.plain_text().len() as u64).sum()
    }
}

/// Tools, agents and datasources that answer with given messages and keep what they were asked.
#[derive(Default)]
pub struct Caller {
    pub parameters: Vec<crate::ToolParameter>,
    pub messages: Vec<Result<crate::CallMessage, crate::CallError>>,
    /// Said instead of describing a tool.
    pub missing: Option<crate::CallError>,
    /// Said instead of beginning.
    pub refusal: Option<crate::CallError>,
    pub tool_calls: Mutex<Vec<crate::ToolInvocation>>,
    pub agent_tasks: Mutex<Vec<crate::AgentInvocation>>,
}

impl Caller {
    fn answer(&self) -> Result<crate::CallStream, crate::CallError> {
        match &self.refusal {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(futures::stream::iter(self.messages.clone()).boxed()),
        }
    }
}

#[async_trait]
impl crate::ToolPort for Caller {
    async fn describe(&self, _: &RunInfo, _: &crate::ToolName) -> Result<crate::ToolDeclaration, crate::CallError> {
        match &self.missing {
            Some(missing) => Err(missing.clone()),
            None => Ok(crate::ToolDeclaration { parameters: self.parameters.clone(), ..Default::default() }),
        }
    }

    async fn invoke(&self, _: &RunInfo, call: crate::ToolInvocation) -> Result<crate::CallStream, crate::CallError> {
        self.tool_calls.lock().unwrap().push(call);
        self.answer()
    }
}

#[async_trait]
impl crate::AgentPort for Caller {
    async fn invoke(&self, _: &RunInfo, task: crate::AgentInvocation) -> Result<crate::CallStream, crate::CallError> {
        self.agent_tasks.lock().unwrap().push(task);
        self.answer()
    }
}

#[async_trait]
impl crate::DatasourcePort for Caller {
    async fn fetch(&self, _: &RunInfo, _: crate::DatasourceCall) -> Result<crate::CallStream, crate::CallError> {
        self.answer()
    }
}

/// A knowledge base that finds the same whatever it is asked.
#[derive(Default)]
pub struct Knowledge {
    pub found: Vec<crate::FoundSegment>,
    pub usage: Option<Usage>,
    pub refusal: Option<crate::CallError>,
    pub asked: Mutex<Vec<crate::RetrievalQuery>>,
}

#[async_trait]
impl crate::RetrievalPort for Knowledge {
    async fn retrieve(&self, _: &RunInfo, query: crate::RetrievalQuery) -> Result<crate::Retrieved, crate::CallError> {
        self.asked.lock().unwrap().push(query);
        match &self.refusal {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(crate::Retrieved { segments: self.found.clone(), usage: self.usage.clone() }),
        }
    }
}

/// An index that takes everything.
#[derive(Default)]
pub struct Index(pub Mutex<Vec<crate::IndexRequest>>);

impl Index {
    fn take(&self, request: crate::IndexRequest, preview: bool) -> serde_json::Map<String, Json> {
        self.0.lock().unwrap().push(request);
        serde_json::Map::from_iter([("preview".to_owned(), Json::Bool(preview))])
    }
}

#[async_trait]
impl crate::IndexPort for Index {
    async fn index(
        &self,
        _: &RunInfo,
        request: crate::IndexRequest,
    ) -> Result<serde_json::Map<String, Json>, crate::CallError> {
        Ok(self.take(request, false))
    }

    async fn preview(
        &self,
        _: &RunInfo,
        request: crate::IndexRequest,
    ) -> Result<serde_json::Map<String, Json>, crate::CallError> {
        Ok(self.take(request, true))
    }
}

//! A world without an outside: models that answer a few words, code that gives back what it is given, and a network on
//! which every name and address is one server of this process.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use ox_engine::{Limits, Pool, RunInfo, UserKind};
use ox_models::{
    ChatDelta, ChatRequest, ChatStream, CompletionRequest, EmbeddingRequest, EmbeddingResult, ErrorClass, Message,
    ModelError, ModelKind, ModelRef, ModelRuntime, ModelScope, ModelSpec, Ranked, RerankRequest, ToolSpec, Usage,
};
use ox_net::{Dialed, Dialer, Egress, Policy, Resolved, Resolver, Search};
use ox_nodes::{Absent, FilePort, NoHistory, PortError, Ports};
use ox_sandbox::{CodeError, CodeLimits, CodeOutput, CodeRequest, CodeRunner};
use ox_tools::builtin::BuiltinTools;
use ox_types::{AppId, File, FileKind, RunId, TaskId, TenantId, TransferMethod, Value, WorkflowId};
use serde_json::json;

/// Everything nodes may use.
pub fn ports(http: Egress) -> Ports {
    let tools = BuiltinTools::new(Arc::new(http.clone()), Arc::new(Echo), CodeLimits::default());
    Ports {
        models: Arc::new(Words),
        http: Arc::new(http),
        code: Arc::new(Echo),
        files: Arc::new(Files),
        history: Arc::new(NoHistory),
        retrieval: Arc::new(Absent),
        tools: Arc::new(tools),
        agents: Arc::new(Absent),
        datasources: Arc::new(Absent),
        index: Arc::new(Absent),
        triggers: Arc::new(Absent),
        unstructured: None,
        limits: ox_nodes::Limits::default(),
    }
}

/// Limits under which an input is done soon.
pub fn limits() -> Limits {
    Limits {
        max_steps: 150,
        max_time: Duration::from_millis(500),
        workers: 3,
        drain_time: Duration::from_millis(50),
        ..Limits::default()
    }
}

pub fn info() -> RunInfo {
    RunInfo {
        run_id: RunId::new(),
        task_id: TaskId::new(),
        tenant_id: TenantId::new(),
        app_id: AppId::new(),
        workflow_id: WorkflowId::new(),
        conversation_id: None,
        user_id: "u".into(),
        user_kind: UserKind::EndUser,
        invoke_from: "service-api".into(),
        call_depth: 0,
    }
}

/// Variables of every sort under the names that the fixtures use most.
pub fn pool(root: &str) -> Pool {
    let mut pool = Pool::new();
    pool.set("sys", "query", "hello world 5");
    pool.set("sys", "files", Value::from_json(&json!([])));
    pool.set("sys", "user_id", "u");
    for (name, value) in [
        ("query", json!("hello")),
        ("v", json!("abc")),
        ("w", json!("b")),
        ("x", json!(5)),
        ("y", json!([1, 2.5, null])),
        ("list", json!(["a", "b", "a"])),
        ("items", json!([{"k": 1}, {"k": "x"}])),
        ("flag", json!(true)),
        ("switch", json!(1)),
        ("url", json!("http://pub.test/")),
        ("data", json!({"a": {"b": [1]}})),
    ] {
        pool.set(root, name, Value::from_json(&value));
        pool.set("conversation", name, Value::from_json(&value));
        pool.set("env", name, Value::from_json(&value));
    }
    pool
}

/// The network: whatever is asked for is this address, or nothing answers.
pub fn network(server: Option<SocketAddr>) -> Egress {
    let policy = Policy { dev_mode: true, ..Policy::default() };
    Egress::with_network(policy, Arc::new(OneName), Arc::new(OneServer(server)))
}

struct OneName;

#[async_trait]
impl Resolver for OneName {
    async fn resolve(&self, _name: &str, _search: Search) -> io::Result<Resolved> {
        Ok(Resolved { addresses: vec![[93, 184, 216, 34].into()], chain: Vec::new() })
    }
}

struct OneServer(Option<SocketAddr>);

#[async_trait]
impl Dialer for OneServer {
    #[expect(clippy::disallowed_methods, reason = "only ever the server of this process")]
    async fn dial(&self, peer: SocketAddr) -> io::Result<Dialed> {
        let server = self.0.ok_or(io::ErrorKind::ConnectionRefused)?;
        let stream = tokio::net::TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Dialed { stream, peer })
    }
}

/// Gives the inputs back.
struct Echo;

#[async_trait]
impl CodeRunner for Echo {
    async fn run(&self, request: CodeRequest) -> Result<CodeOutput, CodeError> {
        let mut result = request.inputs;
        result.insert("result".to_owned(), json!(request.code.len() % 7));
        Ok(CodeOutput { result })
    }
}

struct Files;

#[async_trait]
impl FilePort for Files {
    async fn read(&self, _: &RunInfo, file: &File) -> Result<Bytes, PortError> {
        Ok(Bytes::from(format!("a,b\n{}", file.filename.as_deref().unwrap_or_default())))
    }

    async fn save(&self, _: &RunInfo, name: &str, mime: &str, bytes: Bytes) -> Result<File, PortError> {
        Ok(File {
            id: None,
            tenant_id: None,
            kind: FileKind::Document,
            transfer_method: TransferMethod::ToolFile,
            remote_url: None,
            related_id: Some("1".into()),
            filename: Some(name.to_owned()),
            extension: name.rsplit_once('.').map(|(_, end)| format!(".{end}")),
            mime_type: Some(mime.to_owned()),
            size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            url: None,
        })
    }

    async fn url(&self, _: &RunInfo, _: &File) -> Result<String, PortError> {
        Ok("http://pub.test/file".into())
    }
}

/// A model for which a question is a choice of answers.
struct Words;

const ANSWERS: &[&str] = &[
    "one two three",
    "<think>hm</think>yes",
    "{\"category_id\": \"1\", \"category_name\": \"a\"}",
    "```json\n{\"a\": 1, \"b\": [\"x\"]}\n```",
    "",
    "<think>never closed",
];

impl Words {
    fn answer(length: usize) -> ChatStream {
        let text = ANSWERS.get(length % ANSWERS.len()).copied().unwrap_or_default();
        let mut deltas: Vec<Result<ChatDelta, ModelError>> = text
            .split_inclusive(' ')
            .map(|piece| Ok(ChatDelta { text: piece.to_owned(), ..ChatDelta::default() }))
            .collect();
        let usage = Some(Usage::priced(10, 5, None));
        deltas.push(Ok(ChatDelta { finish_reason: Some("stop".into()), usage, ..ChatDelta::default() }));
        futures::stream::iter(deltas)
            .then(|delta| async {
                tokio::task::yield_now().await;
                delta
            })
            .boxed()
    }
}

fn unsupported<T>() -> Result<T, ModelError> {
    Err(ModelError::new(ErrorClass::Unsupported, "words", ""))
}

#[async_trait]
impl ModelRuntime for Words {
    async fn chat(&self, _: &ModelScope, model: &ModelRef, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let length: usize = request.messages.iter().map(|message| message.plain_text().len()).sum();
        if model.name.is_empty() {
            return unsupported();
        }
        Ok(Self::answer(length))
    }
    async fn completion(
        &self,
        _: &ModelScope,
        _: &ModelRef,
        request: CompletionRequest,
    ) -> Result<ChatStream, ModelError> {
        Ok(Self::answer(request.prompt.len()))
    }
    async fn embed(&self, _: &ModelScope, _: &ModelRef, _: EmbeddingRequest) -> Result<EmbeddingResult, ModelError> {
        unsupported()
    }
    async fn rerank(&self, _: &ModelScope, _: &ModelRef, _: RerankRequest) -> Result<Vec<Ranked>, ModelError> {
        unsupported()
    }
    async fn describe(&self, _: &ModelScope, _: &ModelRef, _: ModelKind) -> Option<Arc<ModelSpec>> {
        None
    }
    fn count_tokens(&self, _: &ModelRef, messages: &[Message], _: &[ToolSpec]) -> u64 {
        messages.len() as u64
    }
}

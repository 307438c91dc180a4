//! What each strategy does, told line by line: scripted models and tools in, events out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::StreamExt;
use ox_agents::{
    AgentEvent, ApprovalPort, Approver, CallOutcome, Decision, Error, Question, Rules, Strategies, Strategy, Task,
    Toolbox, Verdict, WantedTool, run,
};
use ox_engine::{RunInfo, UserKind};
use ox_models::{
    ChatDelta, ChatRequest, ChatStream, CompletionRequest, EmbeddingRequest, EmbeddingResult, ErrorClass, Message,
    ModelError, ModelFeature, ModelKind, ModelMode, ModelRef, ModelRuntime, ModelScope, ModelSpec, Pricing, Ranked,
    RerankRequest, Role, StaticRuntime, ToolCallDelta, ToolSpec, Usage,
};
use ox_net::{Egress, Policy};
use ox_nodes::{
    AgentInvocation, AgentPort, CallError, CallMessage, CallStream, FilePort, PortError, ToolDeclaration,
    ToolInvocation, ToolName, ToolParameter, ToolPort,
};
use ox_types::{AppId, File, FileKind, Json, NodeRunId, RunId, TaskId, TenantId, TransferMethod, WorkflowId};
use serde_json::{Map, json};
use tokio::sync::{Barrier, Notify};

mod approvals;
mod nodes;
mod parallel;
mod strategies;

/// One turn of a scripted model.
#[derive(Clone)]
struct Turn {
    text: Vec<&'static str>,
    calls: Vec<(&'static str, &'static str)>,
    error: bool,
    /// What the vendor wants back in the next round.
    opaque: Option<&'static str>,
}

fn say(text: &[&'static str]) -> Turn {
    Turn { text: text.to_vec(), calls: Vec::new(), error: false, opaque: None }
}

fn call(text: &[&'static str], calls: &[(&'static str, &'static str)]) -> Turn {
    Turn { text: text.to_vec(), calls: calls.to_vec(), error: false, opaque: None }
}

/// A turn of ten tokens in and one out costs 1.5.
fn prices() -> Pricing {
    serde_json::from_value(json!({"input": "0.1", "output": "0.5", "unit": "1", "currency": "USD"})).unwrap()
}

/// A model that says what it was told to, and keeps what it was asked.
struct Model {
    turns: Mutex<VecDeque<Turn>>,
    /// When there are no more turns.
    again: Option<Turn>,
    asked: Mutex<Vec<ChatRequest>>,
    calls_itself: bool,
    window: u64,
}

impl Model {
    fn new(turns: &[Turn]) -> Arc<Self> {
        Arc::new(Self {
            turns: Mutex::new(turns.iter().cloned().collect()),
            again: None,
            asked: Mutex::default(),
            calls_itself: true,
            window: 100_000,
        })
    }

    fn always(turn: Turn) -> Arc<Self> {
        let mut model = Self::new(&[]);
        Arc::get_mut(&mut model).unwrap().again = Some(turn);
        model
    }

    fn asked(&self) -> Vec<ChatRequest> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl ModelRuntime for Model {
    async fn chat(&self, _: &ModelScope, _: &ModelRef, request: ChatRequest) -> Result<ChatStream, ModelError> {
        self.asked.lock().unwrap().push(request);
        let next = self.turns.lock().unwrap().pop_front().or_else(|| self.again.clone());
        let turn = next.expect("the script is over");
        let error = || ModelError::new(ErrorClass::Overloaded, "test", "down");
        let mut pieces: Vec<Result<ChatDelta, ModelError>> =
            turn.text.iter().map(|text| Ok(ChatDelta { text: (*text).to_owned(), ..ChatDelta::default() })).collect();
        if turn.error {
            pieces.push(Err(error()));
        }
        // Each call comes in two pieces.
        for (index, (name, arguments)) in turn.calls.iter().enumerate() {
            let (first, second) = arguments.split_at(arguments.len() / 2);
            let id = Some(format!("id{index}"));
            for (id, name, text) in [(id, Some((*name).to_owned()), first), (None, None, second)] {
                let piece = ToolCallDelta { index, id, name, arguments: text.to_owned() };
                pieces.push(Ok(ChatDelta { tool_calls: vec![piece], ..ChatDelta::default() }));
            }
        }
        let opaque = turn.opaque.map(|text| json!({ "test": text }));
        let usage = Some(Usage::priced(10, 1, Some(&prices())));
        pieces.push(Ok(ChatDelta { usage, opaque, ..ChatDelta::default() }));
        Ok(futures::stream::iter(pieces).boxed())
    }

    async fn completion(
        &self,
        scope: &ModelScope,
        model: &ModelRef,
        request: CompletionRequest,
    ) -> Result<ChatStream, ModelError> {
        let chat =
            ChatRequest { messages: vec![Message::user(request.prompt)], stop: request.stop, ..ChatRequest::default() };
        self.chat(scope, model, chat).await
    }

    async fn embed(&self, _: &ModelScope, _: &ModelRef, _: EmbeddingRequest) -> Result<EmbeddingResult, ModelError> {
        panic!("nothing is embedded")
    }

    async fn rerank(&self, _: &ModelScope, _: &ModelRef, _: RerankRequest) -> Result<Vec<Ranked>, ModelError> {
        panic!("nothing is ordered")
    }

    async fn describe(&self, scope: &ModelScope, _: &ModelRef, kind: ModelKind) -> Option<Arc<ModelSpec>> {
        let tools = StaticRuntime::new(egress());
        let spec = tools.describe(scope, &ModelRef::chat("oxidify/scripted", "tools"), kind).await?;
        let mut spec = spec.as_ref().clone();
        spec.model_properties.insert("context_size".into(), json!(self.window));
        if !self.calls_itself {
            spec.features.retain(|feature| *feature == ModelFeature::Vision);
        }
        Some(Arc::new(spec))
    }

    /// A token is four characters.
    fn count_tokens(&self, _: &ModelRef, messages: &[Message], _: &[ToolSpec]) -> u64 {
        messages.iter().map(|message| message.plain_text().len() as u64 / 4).sum()
    }
}

fn egress() -> Egress {
    Egress::new(Policy { dev_mode: true, ..Policy::default() })
}

/// Tools that do as their names say.
#[derive(Default)]
struct Tools {
    made: Mutex<Vec<ToolInvocation>>,
    open: Arc<AtomicUsize>,
    /// Where `meet` waits for another of its kind.
    meeting: Option<Arc<Barrier>>,
    /// What `last` has to wait for, and what it is told by `first`.
    turn: Arc<Notify>,
}

/// Counts how many are at work.
struct AtWork(Arc<AtomicUsize>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl ToolPort for Tools {
    async fn describe(&self, _: &RunInfo, tool: &ToolName) -> Result<ToolDeclaration, CallError> {
        if tool.tool == "gone" {
            return Err(CallError::missing("ToolNodeError", "there is no such tool"));
        }
        let text = ToolParameter { name: "text".into(), kind: "string".into(), ..ToolParameter::default() };
        Ok(ToolDeclaration {
            label: format!("Tool {}", tool.tool),
            description: format!("does {}", tool.tool),
            parameters: vec![text],
            ..ToolDeclaration::default()
        })
    }

    async fn invoke(&self, _: &RunInfo, call: ToolInvocation) -> Result<CallStream, CallError> {
        let (name, text) = (call.tool.tool.clone(), call.parameters.get("text").cloned().unwrap_or_default());
        self.made.lock().unwrap().push(call);
        let text = text.as_str().unwrap_or_default().to_owned();
        let messages = match name.as_str() {
            "echo" => vec![Ok(CallMessage::Text("you said ".into())), Ok(CallMessage::Text(text))],
            "refuse" => return Err(CallError::new("", "not today")),
            "break" => vec![Ok(CallMessage::Text("half".into())), Err(CallError::new("", "broke"))],
            "silent" => vec![],
            "json" => vec![
                Ok(CallMessage::Json(json!({"a": 1}))),
                Ok(CallMessage::Link("https://x.org".into())),
                Ok(CallMessage::Resources(vec![json!({"document_name": "d"})])),
                Ok(CallMessage::Usage(Box::new(Usage::priced(100, 0, None)))),
            ],
            "draw" => vec![Ok(CallMessage::Blob {
                bytes: "png".into(),
                mime: "image/png".into(),
                filename: Some("cat.png".into()),
            })],
            // 5 MB and more, in pieces.
            "huge" => (0..6000).map(|_| Ok(CallMessage::Text("x".repeat(1024)))).collect(),
            "meet" => {
                let meeting = Arc::clone(self.meeting.as_ref().unwrap());
                return Ok(Box::pin(futures::stream::once(async move {
                    meeting.wait().await;
                    Ok(CallMessage::Text(format!("met {text}")))
                })));
            }
            // The one that is asked for first ends only after the one that is asked for last.
            "first" | "last" => {
                let turn = Arc::clone(&self.turn);
                return Ok(Box::pin(futures::stream::once(async move {
                    if name == "first" {
                        turn.notified().await;
                    } else {
                        turn.notify_one();
                    }
                    Ok(CallMessage::Text(text))
                })));
            }
            "hang" => {
                self.open.fetch_add(1, Ordering::SeqCst);
                let at_work = AtWork(Arc::clone(&self.open));
                return Ok(Box::pin(futures::stream::once(async move {
                    let _at_work = at_work;
                    futures::future::pending::<()>().await;
                    Ok(CallMessage::Text(String::new()))
                })));
            }
            _ => panic!("no tool {name}"),
        };
        Ok(futures::stream::iter(messages).boxed())
    }
}

struct Files;

#[async_trait]
impl FilePort for Files {
    async fn read(&self, _: &RunInfo, _: &File) -> Result<bytes::Bytes, PortError> {
        Ok("bytes".into())
    }

    async fn save(&self, _: &RunInfo, filename: &str, mime: &str, bytes: bytes::Bytes) -> Result<File, PortError> {
        Ok(file(filename, mime, bytes.len()))
    }

    async fn url(&self, _: &RunInfo, _: &File) -> Result<String, PortError> {
        Ok(String::new())
    }
}

fn file(name: &str, mime: &str, size: usize) -> File {
    File {
        id: None,
        tenant_id: None,
        kind: FileKind::from_extension(name.rsplit('.').next().unwrap()).unwrap(),
        transfer_method: TransferMethod::ToolFile,
        remote_url: None,
        related_id: Some("f".into()),
        filename: Some(name.into()),
        extension: None,
        mime_type: Some(mime.into()),
        size: i64::try_from(size).unwrap(),
        url: Some(format!("http://files/{name}")),
    }
}

fn run_info() -> RunInfo {
    RunInfo {
        run_id: RunId::new(),
        task_id: TaskId::new(),
        tenant_id: TenantId::new(),
        app_id: AppId::new(),
        workflow_id: WorkflowId::new(),
        conversation_id: None,
        user_id: "u".into(),
        user_kind: UserKind::EndUser,
        invoke_from: "debugger".into(),
        call_depth: 0,
    }
}

fn task(strategy: Strategy, max_iterations: u32) -> Task {
    Task {
        strategy,
        scope: ModelScope { user: Some("u".into()), ..ModelScope::of(TenantId::new()) },
        model: ModelRef::chat("test", "model"),
        parameters: Map::new(),
        stop: Vec::new(),
        instruction: "Be kind.".into(),
        query: "what?".into(),
        media: Vec::new(),
        history: vec![Message::user("before"), Message::assistant("said")],
        max_iterations,
        react_prompt: None,
    }
}

async fn toolbox(tools: &Arc<Tools>, names: &[&str]) -> Toolbox {
    let port = Arc::clone(tools) as Arc<dyn ToolPort>;
    let mut toolbox =
        Toolbox::new(run_info(), NodeRunId::new(), "n", Arc::new(Files)).with_time_limit(Duration::from_secs(5));
    for name in names {
        let name = ToolName { tool: (*name).to_owned(), provider_id: "p".into(), ..ToolName::default() };
        toolbox.add(&port, WantedTool { name, ..WantedTool::default() }).await.unwrap();
    }
    toolbox
}

/// Runs a task and tells what happened.
async fn told(task: Task, model: &Arc<Model>, tools: &Arc<Tools>, names: &[&str]) -> Vec<String> {
    let toolbox = toolbox(tools, names).await;
    let mut events = run(task, Arc::clone(model) as Arc<dyn ModelRuntime>, toolbox);
    let mut lines = Vec::new();
    while let Some(event) = events.next().await {
        lines.push(match event {
            Ok(AgentEvent::RoundStarted { round }) => format!("round {round}"),
            Ok(AgentEvent::Text(text)) => format!("text {text:?}"),
            Ok(AgentEvent::Thinking(text)) => format!("thinking {text:?}"),
            Ok(AgentEvent::Thought(thought)) => {
                let calls: Vec<String> =
                    thought.calls.iter().map(|call| format!("{}{}", call.name, call.arguments)).collect();
                let end = if thought.is_answer { " (answer)" } else { "" };
                let cut = thought.window.as_ref().map(|window| format!(" {} shortened", window.shortened_messages));
                format!("thought {:?} {}{end}{}", thought.text, calls.join(" "), cut.unwrap_or_default())
            }
            Ok(AgentEvent::CallStarted(_)) => continue,
            Ok(AgentEvent::CallFinished(outcome)) => {
                let files: Vec<String> = outcome.files.iter().filter_map(|file| file.filename.clone()).collect();
                let error = outcome.error.map(|why| format!(" !{why}")).unwrap_or_default();
                format!("{} -> {:?}{}{error}", outcome.call.name, outcome.observation, files.join(","))
            }
            Ok(AgentEvent::RoundFinished { .. }) => continue,
            Ok(AgentEvent::Answer { text, was_shown }) => format!("answer {text:?} {was_shown}"),
            Ok(AgentEvent::Finished(finished)) => {
                format!(
                    "finished {:?} {} rounds {} tokens",
                    finished.answer, finished.rounds, finished.usage.total_tokens
                )
            }
            Err(error) => format!("error {}: {error}", error.class()),
        });
    }
    lines
}

fn texts(request: &ChatRequest) -> Vec<String> {
    request
        .messages
        .iter()
        .map(|message| {
            let calls: Vec<String> =
                message.tool_calls.iter().map(|call| format!("<{}{}>", call.name, call.arguments)).collect();
            format!("{}: {}{}", message.role.as_str(), message.plain_text(), calls.concat())
        })
        .collect()
}

/// People who answer what they were told to, and keep what they were asked.
struct People {
    answers: Mutex<VecDeque<Verdict>>,
    asked: Mutex<Vec<Question>>,
}

impl People {
    fn new(answers: &[(Decision, &str)]) -> Arc<Self> {
        let verdict = |(decision, reason): &(Decision, &str)| Verdict {
            reason: (*reason).to_owned(),
            by: "anna".to_owned(),
            ..Verdict::of(*decision)
        };
        Arc::new(Self { answers: Mutex::new(answers.iter().map(verdict).collect()), asked: Mutex::default() })
    }
}

#[async_trait]
impl ApprovalPort for People {
    async fn ask(&self, _: &RunInfo, question: &Question) -> Verdict {
        self.asked.lock().unwrap().push(question.clone());
        self.answers.lock().unwrap().pop_front().expect("nobody expected this question")
    }
}

async fn ruled(tools: &Arc<Tools>, people: &Arc<People>, rules: &[(&str, Json)]) -> Toolbox {
    let port = Arc::clone(tools) as Arc<dyn ToolPort>;
    let people = Arc::clone(people) as Arc<dyn ApprovalPort>;
    let mut toolbox = Toolbox::new(run_info(), NodeRunId::new(), "n", Arc::new(Files)).asking(people);
    for (name, entry) in rules {
        let name = ToolName { tool: (*name).to_owned(), provider_id: "p".into(), ..ToolName::default() };
        let wanted = WantedTool { name, rules: Rules::read(entry), ..WantedTool::default() };
        toolbox.add(&port, wanted).await.unwrap();
    }
    toolbox
}

async fn outcomes(model: &Arc<Model>, toolbox: Toolbox, strategy: Strategy) -> Vec<CallOutcome> {
    let mut events = run(task(strategy, 5), Arc::clone(model) as Arc<dyn ModelRuntime>, toolbox);
    let mut outcomes = Vec::new();
    while let Some(event) = events.next().await {
        if let AgentEvent::CallFinished(outcome) = event.unwrap() {
            outcomes.push(*outcome);
        }
    }
    outcomes
}

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

#[tokio::test]
async fn function_calling_answers_at_once_or_after_its_calls() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[say(&["Hel", "lo"])]);
    assert_eq!(
        told(task(Strategy::FunctionCalling, 3), &model, &tools, &["echo"]).await,
        ["round 1", "text \"Hel\"", "text \"lo\"", "thought \"Hello\" ", "finished \"Hello\" 1 rounds 11 tokens"]
    );
    let asked = model.asked();
    assert_eq!(texts(&asked[0]), ["system: Be kind.", "user: before", "assistant: said", "user: what?"]);
    assert_eq!(asked[0].tools[0].description, "does echo");

    let model = Model::new(&[
        call(&["I look"], &[("echo", r#"{"text": "a"}"#), ("json", "{}"), ("echo", r#"{"text": "b"}"#)]),
        call(&[], &[("draw", "")]),
        say(&["Here."]),
    ]);
    assert_eq!(
        told(task(Strategy::FunctionCalling, 3), &model, &tools, &["echo", "json", "draw"]).await,
        [
            "round 1",
            "text \"I look\"",
            "thought \"I look\" echo{\"text\":\"a\"} json{} echo{\"text\":\"b\"}",
            "echo -> \"you said a\"",
            "json -> \"{\\\"a\\\":1}\\nA link for the user: https://x.org\"",
            "echo -> \"you said b\"",
            "round 2",
            "thought \"\" draw{}",
            "draw -> \"image has been created and sent to user already, you do not need to create it again: just tell the user \
             to look at it now.\"cat.png",
            "round 3",
            "text \"\\n\"",
            "text \"Here.\"",
            "thought \"Here.\" ",
            "finished \"I look\\nHere.\" 3 rounds 133 tokens",
        ]
    );
    let asked = model.asked();
    assert_eq!(
        texts(&asked[1])[4..],
        [
            "assistant: I look<echo{\"text\": \"a\"}><json{}><echo{\"text\": \"b\"}>",
            "tool: you said a",
            "tool: {\"a\":1}\nA link for the user: https://x.org",
            "tool: you said b"
        ]
    );
    let last = asked[1].messages.last().unwrap();
    assert_eq!((last.tool_call_id.as_deref(), last.name.as_deref()), (Some("id2"), Some("echo")));
    // Two calls never share an id, whatever they are called with.
    let ids: std::collections::HashSet<_> = tools.made.lock().unwrap().iter().map(|call| call.node_run_id).collect();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn what_goes_wrong_is_told_to_the_model() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[
        call(&[], &[("nobody", "{}"), ("refuse", "{}"), ("break", "{}"), ("silent", "{}"), ("echo", "{\"text\": ")]),
        say(&["Sorry."]),
    ]);
    assert_eq!(
        told(task(Strategy::FunctionCalling, 3), &model, &tools, &["refuse", "break", "silent", "echo"]).await[2..],
        [
            "nobody -> \"there is not a tool named nobody\" !there is not a tool named nobody",
            "refuse -> \"tool invoke error: not today\" !not today",
            "break -> \"tool invoke error: broke\" !broke",
            "silent -> \"The tool has no output.\"",
            "echo -> \"tool invoke error: the arguments are not a valid JSON object\" !the arguments are not a valid JSON object",
            "round 2",
            "text \"Sorry.\"",
            "thought \"Sorry.\" ",
            "finished \"Sorry.\" 2 rounds 22 tokens",
        ]
    );
}

#[tokio::test]
async fn rounds_are_bounded_and_the_last_has_no_tools() {
    let tools = Arc::new(Tools::default());
    for (max, rounds) in [(1, 2), (3, 4), (99, 100), (5000, 100)] {
        let model = Model::always(call(&[], &[("echo", "{}")]));
        let lines = told(task(Strategy::FunctionCalling, max), &model, &tools, &["echo"]).await;
        let last = lines.last().unwrap();
        assert!(last.starts_with("error AgentMaxIterationError: Agent exceeded the maximum iteration limit"), "{last}");
        let asked = model.asked();
        assert_eq!(asked.len(), rounds, "{max}");
        let offered: Vec<usize> = asked.iter().map(|request| request.tools.len()).collect();
        assert_eq!(offered.iter().sum::<usize>(), rounds - 1);
        assert_eq!(offered.last(), Some(&0));
    }
    let model = Model::always(say(&["Action: {\"action\": \"echo\", \"action_input\": \"x\"}"]));
    let lines = told(task(Strategy::ReAct, 2), &model, &tools, &["echo"]).await;
    assert!(lines.last().unwrap().starts_with("error AgentMaxIterationError"), "{lines:?}");
    assert_eq!(model.asked().len(), 3);
    assert!(model.asked()[1].messages[0].plain_text().contains("does echo"));
    assert!(!model.asked()[2].messages[0].plain_text().contains("does echo"));
}

#[tokio::test]
async fn a_huge_answer_is_cut_with_a_note() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[call(&[], &[("huge", "{}")]), say(&["ok"])]);
    told(task(Strategy::FunctionCalling, 3), &model, &tools, &["huge"]).await;
    let told_text = model.asked()[1].messages.last().unwrap().plain_text();
    assert!(told_text.len() < 70_000, "{}", told_text.len());
    assert!(
        told_text.ends_with("characters: 6078464 of 6144000 were left out.]"),
        "{}",
        &told_text[told_text.len() - 100..]
    );
    // A small window gets less, and what is old makes room for what is new.
    let mut model = Model::new(&[call(&[], &[("huge", "{}")]), call(&[], &[("huge", "{}")]), say(&["ok"])]);
    Arc::get_mut(&mut model).unwrap().window = 800;
    let lines = told(task(Strategy::FunctionCalling, 3), &model, &tools, &["huge"]).await;
    let told_of = lines.iter().filter(|line| line.starts_with("thought") && line.ends_with(" 1 shortened"));
    assert_eq!(told_of.count(), 1, "the round tells it: {lines:?}");
    let asked = model.asked();
    let sizes: Vec<usize> = asked[2]
        .messages
        .iter()
        .filter(|message| message.role == Role::Tool)
        .map(|message| message.plain_text().len())
        .collect();
    assert_eq!(sizes.len(), 2);
    assert!(sizes[0] < 500 && sizes[1] > 2000, "{sizes:?}");
    // The same where observations are part of a text.
    let act = say(&["Thought: look\nAction: {\"action\": \"huge\", \"action_input\": {}}"]);
    let end = say(&["Thought: known\nAction: {\"action\": \"Final Answer\", \"action_input\": \"ok\"}"]);
    let mut model = Model::new(&[act.clone(), act, end]);
    Arc::get_mut(&mut model).unwrap().window = 800;
    let lines = told(task(Strategy::ReAct, 3), &model, &tools, &["huge"]).await;
    let told_of = |line: &String| line.ends_with(" 1 shortened") || line.ends_with(" 2 shortened");
    assert!(lines.iter().any(told_of), "{lines:?}");
    let last: String = model.asked()[2].messages.iter().map(Message::plain_text).collect();
    assert!(last.contains("more characters were dropped to make room"), "{last}");
}

#[tokio::test]
async fn a_broken_model_ends_the_run() {
    let tools = Arc::new(Tools::default());
    for strategy in Strategy::ALL {
        let model = Model::always(Turn { error: true, ..say(&["half"]) });
        let toolbox = toolbox(&tools, &["echo"]).await;
        let mut events = run(task(strategy, 3), Arc::clone(&model) as Arc<dyn ModelRuntime>, toolbox);
        let mut last = None;
        while let Some(event) = events.next().await {
            last = Some(event);
        }
        assert!(matches!(last, Some(Err(Error::Model(_)))), "{strategy:?}");
        assert_eq!(model.asked().len(), 1);
    }
}

#[tokio::test]
async fn react_reads_its_actions_and_stops_at_observations() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[
        say(&[
            "Thought: I loo",
            "k\nAction:\n```\n{\"action\": \"echo\", \"act",
            "ion_input\": {\"text\": \"a\"}}\n```\nand more",
        ]),
        say(&["Thought: known\nAction: {\"action\": \"final ANSWER\", \"action_input\": \"It is a.\"}"]),
    ]);
    assert_eq!(
        told(task(Strategy::ReAct, 3), &model, &tools, &["echo"]).await,
        [
            "round 1",
            "thinking \" I loo\"",
            "thinking \"k\\n\\n\"",
            "thought \" I look\\n\\n\" echo{\"text\":\"a\"}",
            "echo -> \"you said a\"",
            "round 2",
            "thinking \" known\\n \"",
            "thought \" known\\n \"  (answer)",
            "answer \"It is a.\" false",
            "finished \"It is a.\" 2 rounds 22 tokens",
        ]
    );
    let asked = model.asked();
    assert_eq!(asked[0].stop, ["Observation"]);
    assert!(asked[0].tools.is_empty());
    let first = texts(&asked[0]);
    assert!(first[0].contains("Be kind.") && first[0].contains("\"name\":\"echo\""), "{}", first[0]);
    assert_eq!(first[1..], ["user: before", "assistant: said", "user: what?"]);
    assert_eq!(
        texts(&asked[1])[4..],
        [
            "assistant: Thought: I look\n\nAction: {\"action\":\"echo\",\"action_input\":{\"text\":\"a\"}}\n\nObservation: you said a\n\n",
            "user: continue"
        ]
    );
    // No action: the text is the answer. An answer may be an object.
    let model = Model::new(&[say(&["Thought: just ", "this"])]);
    assert_eq!(
        told(task(Strategy::ReAct, 3), &model, &tools, &["echo"]).await[1..],
        [
            "thinking \" just \"",
            "thinking \"this\"",
            "thought \" just this\"  (answer)",
            "answer \"just this\" true",
            "finished \"just this\" 1 rounds 11 tokens"
        ]
    );
    let model = Model::new(&[say(&["{\"action\": \"Final Answer\", \"action_input\": {\"a\": 1}}"])]);
    let lines = told(task(Strategy::ReAct, 3), &model, &tools, &[]).await;
    assert_eq!(lines[2], "answer \"{\\\"a\\\":1}\" false");
    // A tool with one parameter takes its value alone; unknown tools are told.
    let model = Model::new(&[
        say(&["{\"action\": \"echo\", \"action_input\": \"alone\"}"]),
        say(&["{\"action\": \"nobody\", \"action_input\": \"x\"}"]),
        say(&["done"]),
    ]);
    let lines =
        told(Task { stop: vec!["Observation".into()], ..task(Strategy::ReAct, 3) }, &model, &tools, &["echo"]).await;
    assert!(lines.contains(&"echo -> \"you said alone\"".to_owned()), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("nobody -> \"there is not a tool named nobody\"")), "{lines:?}");
    assert_eq!(model.asked()[0].stop, ["Observation"]);
}

#[tokio::test]
async fn react_goes_on_in_one_text_for_completion_models() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[say(&["look\nAction: {\"action\": \"echo\", \"action_input\": \"a\"}"]), say(&["done"])]);
    let mut asked = task(Strategy::ReAct, 3);
    asked.model.mode = ModelMode::Completion;
    told(asked, &model, &tools, &["echo"]).await;
    let prompt = model.asked()[1].messages[0].plain_text();
    assert!(prompt.contains("Question: before\nAnswer: said\n"), "{prompt}");
    assert!(prompt.contains("Question: what?\nThought: look\n\nAction: {\"action\":\"echo\",\"action_input\":\"a\"}\n\nObservation: you said a\n\n"), "{prompt}");
    assert!(prompt.ends_with("\nThought:"), "{prompt}");
}

#[tokio::test]
async fn a_plan_is_made_carried_out_and_answered() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[
        say(&["[\"look\", \"check\"]"]),
        call(&[], &[("echo", r#"{"text": "a"}"#)]),
        say(&["found a"]),
        say(&["checked"]),
        say(&["It", " is a."]),
    ]);
    assert_eq!(
        told(task(Strategy::PlanExecute, 5), &model, &tools, &["echo"]).await,
        [
            "round 1",
            "thinking \"[\\\"look\\\", \\\"check\\\"]\"",
            "thought \"[\\\"look\\\", \\\"check\\\"]\" ",
            "round 2",
            "thought \"\" echo{\"text\":\"a\"}",
            "echo -> \"you said a\"",
            "round 3",
            "thinking \"found a\"",
            "thought \"found a\" ",
            "round 4",
            "thinking \"checked\"",
            "thought \"checked\" ",
            "round 5",
            "text \"It\"",
            "text \" is a.\"",
            "thought \"It is a.\" ",
            "finished \"It is a.\" 5 rounds 55 tokens",
        ]
    );
    let asked = model.asked();
    assert!(asked[0].tools.is_empty() && texts(&asked[0])[0].contains("- echo: does echo"));
    assert!(texts(&asked[3])[1].contains("1. look\nfound a"), "{:?}", texts(&asked[3]));
    assert!(texts(&asked[4])[0].contains("2. check\nchecked"), "{:?}", texts(&asked[4]));
    // Steps that loop use up their rounds, not the run.
    let model = Model::always(call(&["[\"a\", \"b\", \"c\"]"], &[("echo", "{}")]));
    let lines = told(task(Strategy::PlanExecute, 4), &model, &tools, &["echo"]).await;
    assert!(lines.last().unwrap().starts_with("finished"), "{lines:?}");
    assert!(model.asked().len() <= 9, "{}", model.asked().len());
    // Models that do not call tools write their actions.
    let mut model = Model::new(&[
        say(&["[\"look\"]"]),
        say(&["Action: {\"action\": \"echo\", \"action_input\": \"a\"}"]),
        say(&["{\"action\": \"Final Answer\", \"action_input\": \"found\"}"]),
        say(&["Answer."]),
    ]);
    Arc::get_mut(&mut model).unwrap().calls_itself = false;
    let lines = told(task(Strategy::PlanExecute, 4), &model, &tools, &["echo"]).await;
    assert!(lines.contains(&"echo -> \"you said a\"".to_owned()), "{lines:?}");
    assert!(texts(&model.asked()[3])[0].contains("1. look\nfound"));
}

#[tokio::test]
async fn calls_of_one_round_are_made_at_the_same_time() {
    // Each waits for the others: one after another they would wait until their time is over.
    let tools = Arc::new(Tools { meeting: Some(Arc::new(Barrier::new(4))), ..Tools::default() });
    let texts = ["a", "b", "c", "d"].map(|text| match text {
        "a" => ("meet", r#"{"text": "a"}"#),
        "b" => ("meet", r#"{"text": "b"}"#),
        "c" => ("meet", r#"{"text": "c"}"#),
        _ => ("meet", r#"{"text": "d"}"#),
    });
    let model = Model::new(&[call(&[], &texts), say(&["done"])]);
    let lines = told(task(Strategy::FunctionCalling, 3), &model, &tools, &["meet"]).await;
    let met: Vec<&str> = lines.iter().filter(|line| line.starts_with("meet")).map(String::as_str).collect();
    assert_eq!(met, [r#"meet -> "met a""#, r#"meet -> "met b""#, r#"meet -> "met c""#, r#"meet -> "met d""#]);
    // Each has an id of its own.
    let ids: std::collections::HashSet<NodeRunId> =
        tools.made.lock().unwrap().iter().map(|call| call.node_run_id).collect();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn no_more_than_four_calls_are_made_at_a_time() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[call(&[], &[("hang", "{}"); 6])]);
    let toolbox = toolbox(&tools, &["hang"]).await;
    let mut events = run(task(Strategy::FunctionCalling, 3), Arc::clone(&model) as Arc<dyn ModelRuntime>, toolbox);
    let mut started = 0;
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(50), events.next()).await {
        started += usize::from(matches!(event.unwrap(), AgentEvent::CallStarted(_)));
    }
    assert_eq!((started, tools.open.load(Ordering::SeqCst)), (4, 4));
    // Stopping stops them all.
    drop(events);
    assert_eq!(tools.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn results_come_in_the_order_of_the_calls() {
    let tools = Arc::new(Tools::default());
    let calls = [("first", r#"{"text": "one"}"#), ("refuse", r#"{"text": "x"}"#), ("last", r#"{"text": "two"}"#)];
    let model = Model::new(&[call(&[], &calls), say(&["done"])]);
    let lines = told(task(Strategy::FunctionCalling, 3), &model, &tools, &["first", "refuse", "last"]).await;
    let told: Vec<&str> = lines.iter().filter(|line| line.contains(" -> ")).map(String::as_str).collect();
    assert_eq!(
        told,
        [r#"first -> "one""#, r#"refuse -> "tool invoke error: not today" !not today"#, r#"last -> "two""#,]
    );
    // The model reads them in that order too.
    let asked = model.asked();
    let read: Vec<String> = texts(&asked[1]).into_iter().filter(|text| text.starts_with("tool: ")).collect();
    assert_eq!(read, ["tool: one", "tool: tool invoke error: not today", "tool: two"]);
}

#[tokio::test]
async fn a_call_that_waits_for_an_approval_does_not_hold_up_the_one_before() {
    let tools = Arc::new(Tools { meeting: Some(Arc::new(Barrier::new(2))), ..Tools::default() });
    let calls = [("meet", r#"{"text": "a"}"#), ("echo", r#"{"text": "b"}"#), ("meet", r#"{"text": "c"}"#)];
    let model = Model::new(&[call(&[], &calls), say(&["done"])]);
    let people = People::new(&[(Decision::Approved, "")]);
    let rules = [("meet", json!({})), ("echo", json!({"approval": "always"}))];
    let toolbox = ruled(&tools, &people, &rules).await;
    let outcomes = outcomes(&model, toolbox, Strategy::FunctionCalling).await;
    let seen: Vec<&str> = outcomes.iter().map(|one| one.observation.as_str()).collect();
    assert_eq!(seen, ["met a", "you said b", "met c"]);
    // The first was begun when the person was asked: to begin anew would repeat it.
    assert!(people.asked.lock().unwrap()[0].has_called);
}

#[tokio::test]
async fn dropping_the_stream_stops_the_work() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[call(&[], &[("hang", "{}")])]);
    let toolbox = toolbox(&tools, &["hang"]).await;
    let mut events = run(task(Strategy::FunctionCalling, 3), Arc::clone(&model) as Arc<dyn ModelRuntime>, toolbox);
    while !matches!(events.next().await, Some(Ok(AgentEvent::CallStarted(_)))) {}
    let next = events.next();
    assert!(tokio::time::timeout(Duration::from_millis(50), next).await.is_err());
    assert_eq!(tools.open.load(Ordering::SeqCst), 1);
    drop(events);
    assert_eq!(tools.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_tool_that_hangs_has_failed() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[call(&[], &[("hang", "{}")]), say(&["ok"])]);
    let toolbox = toolbox(&tools, &["hang"]).await.with_time_limit(Duration::from_millis(10));
    let mut events = run(task(Strategy::FunctionCalling, 3), Arc::clone(&model) as Arc<dyn ModelRuntime>, toolbox);
    let mut error = None;
    while let Some(event) = events.next().await {
        if let Ok(AgentEvent::CallFinished(outcome)) = event {
            error = outcome.error;
        }
    }
    assert_eq!(error.as_deref(), Some("no answer within 0 seconds"));
    assert_eq!(tools.open.load(Ordering::SeqCst), 0);
}

fn invocation(provider: &str, strategy: &str, parameters: Json) -> AgentInvocation {
    AgentInvocation {
        provider: provider.into(),
        strategy: strategy.into(),
        plugin_unique_identifier: None,
        parameters: parameters.as_object().cloned().unwrap(),
        history: vec![Message::user("before"), Message::assistant("said")],
        node_run_id: NodeRunId::new(),
        node_id: "n".into(),
    }
}

fn node_parameters(tools: Json) -> Json {
    json!({"model": {"provider": "test", "model": "model", "completion_params": {"stop": ["END"], "temperature": 0.5}},
        "tools": tools, "instruction": "Be kind.", "query": "what?", "maximum_iterations": "2", "context": "The sky is blue."})
}

#[tokio::test]
async fn a_node_is_told_text_files_usage_and_a_tree() {
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[call(&["I draw. "], &[("draw", "{}"), ("refuse", "{}")]), say(&["Done."])]);
    let strategies = Strategies::new(Arc::clone(&model) as _, Arc::clone(&tools) as _, Arc::new(Files));
    let listed = |name: &str| {
        json!({"enabled": true, "type": "builtin", "provider_name": "p", "tool_name": name,
        "parameters": {"text": null}, "settings": {"k": "v"}, "extra": {"description": format!("my {name}")}})
    };
    let task = invocation(
        "langgenius/agent/agent",
        "function_calling",
        node_parameters(json!([listed("draw"), listed("refuse")])),
    );
    let messages: Vec<CallMessage> =
        strategies.invoke(&run_info(), task).await.unwrap().map(|message| message.unwrap()).collect().await;
    let mut text = String::new();
    let mut tree = Vec::new();
    let mut logs: Vec<ox_nodes::CallLog> = Vec::new();
    let (mut files, mut tokens, mut price) = (Vec::new(), 0, 0.0);
    for message in messages {
        match message {
            CallMessage::Text(piece) => text.push_str(&piece),
            CallMessage::File(file) => files.push(file.filename.unwrap()),
            CallMessage::Usage(usage) => {
                tokens += usage.total_tokens;
                price += usage.total_price.to_string().parse::<f64>().unwrap();
            }
            CallMessage::Log(log) => {
                let parent = logs.iter().find(|known| Some(&known.id) == log.parent_id.as_ref());
                tree.push(format!("{}{} {}", parent.map_or("", |_| "  "), log.label, log.status));
                logs.push(*log);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((text.as_str(), files, tokens), ("I draw. \nDone.", vec!["cat.png".to_owned()], 22));
    assert_eq!(
        tree,
        [
            "ROUND 1 start",
            "  model Thought start",
            "  model Thought success",
            "  CALL draw start",
            "  CALL refuse start",
            "  CALL draw success",
            "  CALL refuse error",
            "ROUND 1 success",
            "ROUND 2 start",
            "  model Thought start",
            "  model Thought success",
            "ROUND 2 success",
        ]
    );
    // Each round, and the thought in it, has what it took and what it cost; together they are what is paid.
    for at in [2, 7, 10, 11] {
        let metadata = &logs[at].metadata;
        let price: f64 = metadata["total_price"].as_str().unwrap().parse().unwrap();
        assert_eq!((&metadata["total_tokens"], price), (&json!(11), 1.5), "{}", logs[at].label);
    }
    assert!((price - 3.0).abs() < 1e-9, "{price}");
    assert_eq!(
        (logs[2].metadata["provider"].as_str(), logs[2].metadata["currency"].as_str()),
        (Some("test"), Some("USD"))
    );
    assert_eq!(logs[2].data["tool_name"], "draw;refuse");
    assert_eq!(logs[6].error.as_deref(), Some("not today"));
    assert_eq!(logs[7].data["output"]["tool_responses"].as_array().unwrap().len(), 2);
    let asked = model.asked();
    assert_eq!(
        (asked[0].stop.clone(), asked[0].parameters.get("temperature")),
        (vec!["END".to_owned()], Some(&json!(0.5)))
    );
    assert_eq!(asked[0].tools[0].description, "my draw");
    assert!(texts(&asked[0])[0].contains("The sky is blue."));
    assert_eq!(tools.made.lock().unwrap()[0].settings["k"], "v");
}

#[tokio::test]
async fn what_a_node_may_get_wrong() {
    let tools = Arc::new(Tools::default());
    let ask = |provider: &'static str, strategy: &'static str, parameters: Json| {
        let model = Model::new(&[Turn { error: true, ..say(&[]) }]);
        let strategies = Strategies::new(model, Arc::clone(&tools) as _, Arc::new(Files));
        async move {
            match strategies.invoke(&run_info(), invocation(provider, strategy, parameters)).await {
                Err(error) => (error.class, error.text, error.is_final),
                Ok(stream) => {
                    let all: Vec<_> = stream.collect().await;
                    let broken =
                        all.iter().filter(|one| matches!(one, Ok(CallMessage::Log(log)) if log.status == "error"));
                    assert_eq!(broken.count(), 2, "the round and the thought are closed");
                    let error = all.into_iter().last().unwrap().unwrap_err();
                    (error.class, error.text, error.is_final)
                }
            }
        }
    };
    let gone = json!([{"enabled": true, "type": "api", "provider_name": "p", "tool_name": "gone"}]);
    for (provider, strategy, parameters, class, part) in [
        ("langgenius/agent/agent", "dream", node_parameters(json!([])), "AgentStrategyNotFoundError", "'dream'"),
        (
            "somebody/else/agent",
            "ReAct",
            node_parameters(json!([])),
            "AgentStrategyNotFoundError",
            "somebody/else/agent",
        ),
        ("langgenius/agent/agent", "ReAct", json!({"query": "q"}), "AgentParameterError", "no model"),
        (
            "langgenius/agent/agent",
            "ReAct",
            node_parameters(gone),
            "AgentInvocationError",
            "gone: there is no such tool",
        ),
        ("oxidify/agent/agent", "plan_execute", node_parameters(json!([])), "AgentModelError", "down"),
    ] {
        let (found, text, _) = ask(provider, strategy, parameters).await;
        assert_eq!(found, class, "{text}");
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn strategies_are_declared_for_the_editor() {
    let declared = ox_agents::declarations();
    let providers: Vec<&str> = declared.iter().filter_map(|one| one["provider"].as_str()).collect();
    assert_eq!(providers, ["langgenius/agent/agent", "oxidify/agent/agent"]);
    for one in &declared {
        assert_eq!(one["declaration"]["identity"]["name"], one["provider"]);
        for strategy in one["declaration"]["strategies"].as_array().unwrap() {
            assert!(Strategy::parse(strategy["identity"]["name"].as_str().unwrap()).is_some());
            let names: Vec<&str> =
                strategy["parameters"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
            assert_eq!(names, ["model", "tools", "instruction", "query", "context", "files", "maximum_iterations"]);
        }
    }
    assert!(ox_agents::declared_provider("langgenius/agent/agent").is_some());
    assert!(ox_agents::declared_provider("x").is_none());
}

#[tokio::test]
async fn the_scripted_model_calls_a_tool_once_and_answers() {
    let tools = Arc::new(Tools::default());
    let toolbox = toolbox(&tools, &["echo"]).await;
    let asked = Task { model: ModelRef::chat("oxidify/scripted", "tools"), ..task(Strategy::FunctionCalling, 3) };
    let models = Arc::new(StaticRuntime::new(egress())) as Arc<dyn ModelRuntime>;
    let mut events = run(asked, models, toolbox);
    let mut answer = None;
    while let Some(event) = events.next().await {
        if let AgentEvent::Finished(finished) = event.unwrap() {
            answer = Some((finished.answer, finished.rounds));
        }
    }
    let (answer, rounds) = answer.unwrap();
    assert!(answer.starts_with("you said"), "{answer}");
    assert_eq!(rounds, 2);
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

#[tokio::test]
async fn calls_that_need_an_approval_wait_for_it() {
    let tools = Arc::new(Tools::default());
    let turns = [
        call(&[], &[("echo", r#"{"text": "one"}"#), ("echo", r#"{"text": "two"}"#), ("json", "{}")]),
        call(&[], &[("echo", r#"{"text": "three"}"#), ("echo", r#"{"other"#)]),
        say(&["done"]),
    ];
    let model = Model::new(&turns);
    let people = People::new(&[(Decision::Approved, ""), (Decision::Denied, "not now"), (Decision::TimedOut, "")]);
    let toolbox = ruled(&tools, &people, &[("echo", json!({"approval": "always"})), ("json", json!({}))]).await;
    let outcomes = outcomes(&model, toolbox, Strategy::FunctionCalling).await;
    let seen: Vec<(&str, Option<Decision>)> = outcomes
        .iter()
        .map(|one| (one.observation.as_str(), one.approval.as_ref().map(|approval| approval.verdict.decision)))
        .collect();
    assert_eq!(seen[0], ("you said one", Some(Decision::Approved)));
    assert_eq!(
        seen[1],
        (
            "tool invoke error: the tool was not called, because a person declined it: not now. Go on without it, or tell \
             the user.",
            Some(Decision::Denied)
        )
    );
    assert_eq!(seen[2].1, None, "nobody is asked about other tools");
    assert!(seen[3].0.contains("nobody approved it in time") && seen[3].1 == Some(Decision::TimedOut));
    // What cannot be called is not asked about.
    assert_eq!(seen[4].1, None);
    let made: Vec<String> = tools.made.lock().unwrap().iter().map(|call| call.tool.tool.clone()).collect();
    assert_eq!(made, ["echo", "json"]);
    let first = people.asked.lock().unwrap()[0].clone();
    assert_eq!((first.tool.as_str(), first.label.as_str(), first.node_id.as_str()), ("echo", "Tool echo", "n"));
    assert_eq!((&first.arguments, first.always, first.taints.len()), (&json!({"text": "one"}), true, 0));
    // Whether beginning anew would repeat something is known with each question.
    let called: Vec<bool> = people.asked.lock().unwrap().iter().map(|question| question.has_called).collect();
    assert_eq!(called, [false, true, true]);
    // The model is told of it in the next round.
    assert!(texts(&model.asked()[1]).iter().any(|text| text.contains("declined it: not now")));

    // Where nobody can be asked, nothing is called.
    let tools = Arc::new(Tools::default());
    let model = Model::new(&[call(&[], &[("echo", r#"{"text": "one"}"#)]), say(&["done"])]);
    let port = Arc::clone(&tools) as Arc<dyn ToolPort>;
    let mut toolbox = Toolbox::new(run_info(), NodeRunId::new(), "n", Arc::new(Files));
    let name = ToolName { tool: "echo".into(), ..ToolName::default() };
    let rules = Rules { always: true, ..Rules::default() };
    toolbox.add(&port, WantedTool { name, rules, ..WantedTool::default() }).await.unwrap();
    let mut events = run(task(Strategy::FunctionCalling, 5), Arc::clone(&model) as Arc<dyn ModelRuntime>, toolbox);
    while let Some(event) = events.next().await {
        event.unwrap();
    }
    assert!(tools.made.lock().unwrap().is_empty());
}

#[tokio::test]
async fn guarded_tools_ask_about_words_from_outside() {
    for strategy in [Strategy::FunctionCalling, Strategy::ReAct] {
        let tools = Arc::new(Tools::default());
        let act = |text: &'static str| match strategy {
            Strategy::ReAct => match text {
                "what" => say(&[r#"{"action": "echo", "action_input": {"text": "what?"}}"#]),
                "fetch" => say(&[r#"{"action": "refuse", "action_input": {"text": "x"}}"#]),
                "not today" => say(&[r#"{"action": "echo", "action_input": {"text": "Not today!"}}"#]),
                _ => say(&[r#"{"action": "Final Answer", "action_input": "done"}"#]),
            },
            _ => match text {
                "what" => call(&[], &[("echo", r#"{"text": "what?"}"#)]),
                "fetch" => call(&[], &[("refuse", r#"{"text": "x"}"#)]),
                "not today" => call(&[], &[("echo", r#"{"text": "Not today!"}"#)]),
                _ => say(&["done"]),
            },
        };
        let turns = [act("what"), act("fetch"), act("not today"), act("end")];
        let model = Model::new(&turns);
        let people = People::new(&[(Decision::Approved, "")]);
        let guard = json!({"injection_guard": true, "approver": "member"});
        let toolbox = ruled(&tools, &people, &[("echo", guard), ("refuse", json!({}))]).await;
        let outcomes = outcomes(&model, toolbox, strategy).await;
        assert_eq!(outcomes.len(), 3);
        assert!(outcomes[0].approval.is_none(), "the user's own words");
        assert!(outcomes[1].approval.is_none(), "this tool does not ask");
        let approval = outcomes[2].approval.as_ref().unwrap();
        assert_eq!((approval.always, approval.taints[0].text.as_str()), (false, "not today"));
        assert_eq!(approval.taints[0].source, "refuse");
        assert_eq!(approval.to_json()["decision"], "approved");
        assert_eq!(outcomes[2].observation, "you said Not today!");
        assert_eq!(people.asked.lock().unwrap()[0].approver, Approver::Member);
    }
}

#[tokio::test]
async fn what_a_model_wants_back_comes_with_the_next_round() {
    let tools = Arc::new(Tools::default());
    let mut first = call(&["hm"], &[("echo", r#"{"text": "one"}"#)]);
    first.opaque = Some("signed");
    let model = Model::new(&[first, say(&["done"])]);
    let _ = told(task(Strategy::FunctionCalling, 3), &model, &tools, &["echo"]).await;
    let asked = model.asked();
    let said = asked[1].messages.iter().find(|message| !message.tool_calls.is_empty()).unwrap();
    assert_eq!(said.opaque, Some(json!({"test": "signed"})));
}

//! A small node factory: just enough of each kind to run graphs, with scripted models and tools.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{
    BuildError, BuiltNode, ContainerPlan, Effect, ItemError, IterationPlan, LoopLogic, LoopPlan, Node, NodeClass,
    NodeContext, NodeFactory, NodeFailure, NodeOutput, Pool, ResponsePart, Selector, Usage,
};
use ox_types::{Json, Value, ValueType};
use serde_json::json;
use tokio::sync::oneshot;

/// What a scripted node does.
#[derive(Clone, Debug)]
pub enum Act {
    /// Streams these pieces, then an empty final one.
    Stream(Vec<&'static str>),
    Outputs(Json),
    Fail(&'static str),
    /// Fails this many times, then does the other thing.
    FailTimes(u32, Box<Act>),
    /// Streams a piece and fails.
    BreakOff(&'static str),
    Panic,
    /// Never ends.
    Hang,
    /// After some milliseconds.
    Later(u64, Box<Act>),
    /// Lets others run first, many times.
    Yield(u32, Box<Act>),
    /// Streams reasoning and a note beside this text.
    Thinks(&'static str),
    /// Asks for a pause on its first run, then does the other thing.
    Pause(Box<Act>),
    /// Pauses until it is answered, and gives the answer's text.
    Ask,
}

/// A text as a scripted model streams it: one piece per word.
pub fn words(text: &'static str) -> Act {
    let mut rest = text;
    let mut pieces = Vec::new();
    while let Some(at) = rest.get(1..).and_then(|tail| tail.find(' ')) {
        pieces.push(&rest[..=at]);
        rest = &rest[at + 1..];
    }
    pieces.push(rest);
    Act::Stream(pieces)
}

#[derive(Clone, Default)]
pub struct Kinds {
    pub acts: HashMap<String, Act>,
    /// Kinds or node ids whose effect is not the usual one.
    pub effects: HashMap<String, Effect>,
    pub timeouts: HashMap<String, Duration>,
    /// How often each scripted node was run.
    pub runs: Arc<std::sync::Mutex<HashMap<String, u32>>>,
    /// Who decides when a scripted node goes a step further; `None`: itself.
    pub turns: Option<Arc<Turns>>,
}

/// Lets scripted nodes do one step at a time, in an order that a test gives.
#[derive(Default)]
pub struct Turns(std::sync::Mutex<BTreeMap<String, oneshot::Sender<()>>>);

impl Turns {
    async fn wait(&self, node: &str) {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap().insert(node.to_owned(), sender);
        receiver.await.unwrap();
    }

    /// The nodes that wait, in the order of their ids.
    pub fn waiting(&self) -> Vec<String> {
        self.0.lock().unwrap().keys().cloned().collect()
    }

    pub fn grant(&self, node: &str) {
        let sender = self.0.lock().unwrap().remove(node).unwrap();
        sender.send(()).unwrap();
    }
}

impl NodeFactory for Kinds {
    fn build(&self, spec: &NodeSpec) -> Result<BuiltNode, BuildError> {
        let data = spec.data.clone();
        let pure = |class, work| BuiltNode::new(class, Effect::Pure, Arc::new(Computed { data: data.clone(), work }));
        let mut built = match spec.canonical_kind() {
            "start" | "trigger-webhook" | "trigger-schedule" => pure(NodeClass::Root, start),
            "end" => BuiltNode { response: end_parts(&data), ..pure(NodeClass::Response, end) },
            "answer" => BuiltNode { response: template(text(&data, "answer")), ..pure(NodeClass::Response, answer) },
            "template-transform" => pure(NodeClass::Executable, transform),
            "variable-aggregator" => pure(NodeClass::Executable, aggregate),
            "if-else" => pure(NodeClass::Branch, if_else),
            "assigner" => BuiltNode { assigns: targets(&data), ..pure(NodeClass::Executable, assign) },
            "iteration-start" | "loop-start" => BuiltNode::container_start(),
            "loop-end" => BuiltNode::loop_end(),
            "iteration" => BuiltNode::container(ContainerPlan::Iteration(iteration(&data))),
            "loop" => BuiltNode::container(ContainerPlan::Loop(LoopPlan {
                start_node_id: text(&data, "start_node_id").to_owned(),
                count: data["loop_count"].as_u64().unwrap_or(1) as u32,
                logic: Arc::new(Rounds(data.clone())),
            })),
            "llm" | "code" | "http-request" | "tool" => self.scripted(spec),
            "broken" => {
                return Err(BuildError {
                    node_id: spec.id.clone(),
                    kind: spec.kind.clone(),
                    why: "its configuration is broken".into(),
                });
            }
            other => panic!("the test factory has no kind {other}"),
        };
        if let Some(effect) = self.effects.get(&spec.id) {
            built.effect = *effect;
        }
        built.timeout = self.timeouts.get(&spec.id).copied();
        Ok(built)
    }
}

impl Kinds {
    fn scripted(&self, spec: &NodeSpec) -> BuiltNode {
        let act = self.acts.get(&spec.id).cloned().unwrap_or_else(|| match spec.kind.as_str() {
            "llm" => words("This is a mocked LLM response"),
            "code" => Act::Outputs(json!({"result": code_literal(text(&spec.data, "code"))})),
            _ => Act::Outputs(json!({})),
        });
        let effect = match spec.kind.as_str() {
            "llm" => Effect::Repeatable,
            "code" => Effect::Pure,
            _ => Effect::SideEffect,
        };
        let runner = Scripted { id: spec.id.clone(), act, runs: Arc::clone(&self.runs), turns: self.turns.clone() };
        BuiltNode {
            retryable: true,
            streams: vec![vec![spec.id.clone(), "text".into()]],
            ..BuiltNode::new(NodeClass::Executable, effect, Arc::new(runner))
        }
    }
}

struct Scripted {
    id: String,
    act: Act,
    runs: Arc<std::sync::Mutex<HashMap<String, u32>>>,
    turns: Option<Arc<Turns>>,
}

impl Scripted {
    async fn turn(&self) {
        if let Some(turns) = &self.turns {
            turns.wait(&self.id).await;
        }
    }

    async fn stream(&self, cx: &NodeContext, pieces: &[&'static str]) -> NodeOutput {
        for piece in pieces {
            self.turn().await;
            cx.chunks.text("text", (*piece).to_owned(), false).await;
            if pieces.len() > 2 {
                tokio::task::yield_now().await;
            }
        }
        self.turn().await;
        cx.chunks.text("text", String::new(), true).await;
        self.turn().await;
        NodeOutput {
            outputs: IndexMap::from([("text".to_owned(), Value::from(pieces.concat()))]),
            usage: Some(Usage {
                prompt_tokens: 10,
                completion_tokens: 5,
                total_tokens: 15,
                total_price: "0.0015".into(),
                currency: "USD".into(),
            }),
            ..NodeOutput::default()
        }
    }
}

#[async_trait]
impl Node for Scripted {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let call = {
            let mut runs = self.runs.lock().unwrap();
            let count = runs.entry(self.id.clone()).or_default();
            *count += 1;
            *count - 1
        };
        let mut act = &self.act;
        loop {
            match act {
                Act::Later(millis, then) => {
                    tokio::time::sleep(Duration::from_millis(*millis)).await;
                    act = then;
                }
                Act::Yield(times, then) => {
                    for _ in 0..*times {
                        tokio::task::yield_now().await;
                    }
                    act = then;
                }
                Act::FailTimes(times, then) => {
                    if cx.attempt < *times {
                        return Err(NodeFailure::new("ScriptedError", format!("attempt {} failed", cx.attempt + 1)));
                    }
                    act = then;
                }
                Act::Pause(then) => {
                    if call == 0 {
                        let pause = Some(json!({"type": "human_input_required", "node_id": self.id}));
                        return Ok(NodeOutput { pause, ..NodeOutput::default() });
                    }
                    act = then;
                }
                Act::Ask => {
                    let answer = cx.answer.as_deref().filter(|answer| answer["status"] == "submitted");
                    return Ok(match answer {
                        Some(answer) => NodeOutput {
                            outputs: IndexMap::from([("result".to_owned(), Value::from_json(&answer["text"]))]),
                            ..NodeOutput::default()
                        },
                        None => NodeOutput {
                            pause: Some(json!({"type": "human_input_required", "node_id": self.id})),
                            ..NodeOutput::default()
                        },
                    });
                }
                Act::Stream(pieces) => return Ok(self.stream(&cx, pieces).await),
                Act::BreakOff(piece) => {
                    self.turn().await;
                    cx.chunks.text("text", (*piece).to_owned(), false).await;
                    self.turn().await;
                    return Err(NodeFailure::new("InvokeServerUnavailableError", "broke off"));
                }
                Act::Outputs(outputs) => {
                    self.turn().await;
                    // `[a, b]` style computations of inner code nodes are given as a selector.
                    let outputs = outputs.as_object().unwrap().iter();
                    let outputs = outputs.map(|(key, value)| (key.clone(), computed(&cx.pool, value))).collect();
                    return Ok(NodeOutput { outputs, ..NodeOutput::default() });
                }
                Act::Thinks(text) => {
                    cx.chunks.reasoning("hm".to_owned(), false).await;
                    cx.chunks.note("agent_log", json!({"step": 1})).await;
                    return Ok(self.stream(&cx, &[text]).await);
                }
                Act::Fail(error) => {
                    self.turn().await;
                    return Err(NodeFailure::new("ScriptedError", *error));
                }
                Act::Panic => panic!("scripted panic"),
                Act::Hang => std::future::pending().await,
            }
        }
    }
}

/// `{"pair": selector}` gives `[value, value * 2]`; anything else stands for itself.
fn computed(pool: &Pool, value: &Json) -> Value {
    match value.get("pair") {
        Some(selector) => match pool.get(&strings(selector)) {
            Some(Value::Int(number)) => Value::array(vec![Value::Int(number), Value::Int(number * 2)]),
            other => panic!("no number at {selector}: {other:?}"),
        },
        None => Value::from_json(value),
    }
}

/// The value in `return {"result": …}` of the fixtures' code.
fn code_literal(code: &str) -> Json {
    let at = code.find("\"result\":").map_or("null", |at| &code[at + 9..]);
    let end = at.rfind('}').unwrap_or(at.len());
    serde_json::from_str(at[..end].trim().trim_end_matches(',')).unwrap_or(Json::Null)
}

type Outcome = Result<NodeOutput, Box<NodeFailure>>;

/// A node that computes from its data and the pool.
struct Computed {
    data: Json,
    work: fn(&NodeContext, &Json) -> Outcome,
}

#[async_trait]
impl Node for Computed {
    async fn run(&self, cx: NodeContext) -> Outcome {
        (self.work)(&cx, &self.data)
    }
}

fn outputs(outputs: impl IntoIterator<Item = (String, Value)>) -> Outcome {
    Ok(NodeOutput { outputs: outputs.into_iter().collect(), ..NodeOutput::default() })
}

fn start(cx: &NodeContext, _: &Json) -> Outcome {
    let inputs = cx.pool.node("inputs").cloned().unwrap_or_default();
    outputs(inputs)
}

fn end(cx: &NodeContext, data: &Json) -> Outcome {
    let fields = data["outputs"].as_array().cloned().unwrap_or_default();
    outputs(fields.iter().map(|field| {
        let value = cx.pool.get(&strings(&field["value_selector"])).unwrap_or_default();
        (text(field, "variable").to_owned(), value)
    }))
}

fn answer(cx: &NodeContext, data: &Json) -> Outcome {
    let parts = template(text(data, "answer"));
    let rendered: String = parts.iter().map(|part| render(&cx.pool, part)).collect();
    outputs([("answer".to_owned(), rendered.into())])
}

fn transform(cx: &NodeContext, data: &Json) -> Outcome {
    let mut rendered = text(data, "template").to_owned();
    for variable in data["variables"].as_array().into_iter().flatten() {
        let value = cx.pool.get(&strings(&variable["value_selector"])).unwrap_or_default();
        rendered = rendered.replace(&format!("{{{{ {} }}}}", text(variable, "variable")), &value.text());
    }
    outputs([("output".to_owned(), rendered.into())])
}

fn aggregate(cx: &NodeContext, data: &Json) -> Outcome {
    let found = data["variables"].as_array().into_iter().flatten().find_map(|s| cx.pool.get(&strings(s)));
    outputs(found.map(|value| ("output".to_owned(), value)))
}

fn if_else(cx: &NodeContext, data: &Json) -> Outcome {
    let mut handle = "false".to_owned();
    for case in data["cases"].as_array().into_iter().flatten() {
        if all_hold(&cx.pool, case["conditions"].as_array())? {
            handle = text(case, "case_id").to_owned();
            break;
        }
    }
    Ok(NodeOutput { handle: Some(handle), ..NodeOutput::default() })
}

fn all_hold(pool: &Pool, conditions: Option<&Vec<Json>>) -> Result<bool, Box<NodeFailure>> {
    for condition in conditions.into_iter().flatten() {
        let selector = strings(&condition["variable_selector"]);
        let Some(actual) = pool.get(&selector) else {
            return Err(NodeFailure::new("ValueError", format!("Variable {selector:?} not found")));
        };
        let expected = text(condition, "value");
        let number = |value: &Value| value.text().parse::<f64>().unwrap_or(f64::NAN);
        let expected_number = expected.parse::<f64>().unwrap_or(f64::NAN);
        let holds = match text(condition, "comparison_operator") {
            "contains" => actual.text().contains(expected),
            "is" => actual.text() == expected,
            "=" => number(&actual) == expected_number,
            "≥" => number(&actual) >= expected_number,
            other => panic!("operator {other}"),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

fn assign(cx: &NodeContext, data: &Json) -> Outcome {
    let mut output = NodeOutput::default();
    let mut pool = cx.pool.clone();
    if data.get("items").is_none() {
        let Some(value) = pool.get(&strings(&data["input_variable_selector"])) else {
            return Err(NodeFailure::new("ValueError", "input value not found"));
        };
        output.updates.push((strings(&data["assigned_variable_selector"]), value));
    }
    for item in data["items"].as_array().into_iter().flatten() {
        let target = strings(&item["variable_selector"]);
        let value = match text(item, "input_type") {
            "variable" => pool.get(&strings(&item["value"])).unwrap_or_default(),
            _ => Value::from_json(&item["value"]),
        };
        let Some(old) = pool.get(&target) else {
            return Err(NodeFailure::new("VariableNotFoundError", format!("Variable {target:?} not found")));
        };
        let new = match (text(item, "operation"), &old, &value) {
            ("over-write" | "set", ..) => value,
            ("+=", Value::Int(a), Value::Int(b)) => Value::Int(a + b),
            ("append", Value::Array(kind, items), _) => {
                Value::array_of(*kind, items.iter().cloned().chain([value]).collect())
            }
            other => panic!("operation {other:?}"),
        };
        pool.set(&target[0], &target[1], new.clone());
        output.updates.push((target, new));
    }
    Ok(output)
}

fn targets(data: &Json) -> Vec<Selector> {
    let items = data["items"].as_array().into_iter().flatten().map(|item| strings(&item["variable_selector"]));
    items.chain(data.get("assigned_variable_selector").map(strings)).collect()
}

fn iteration(data: &Json) -> IterationPlan {
    let parallel = data["is_parallel"].as_bool().unwrap_or(false);
    IterationPlan {
        start_node_id: text(data, "start_node_id").to_owned(),
        items: strings(&data["iterator_selector"]),
        output: strings(&data["output_selector"]),
        parallel: if parallel { data["parallel_nums"].as_u64().unwrap_or(10) as usize } else { 1 },
        on_error: match text(data, "error_handle_mode") {
            "continue-on-error" => ItemError::ContinueOnError,
            "remove-abnormal-output" => ItemError::RemoveAbnormalOutput,
            _ => ItemError::Terminated,
        },
        flatten: data["flatten_output"].as_bool().unwrap_or(true),
    }
}

struct Rounds(Json);

impl LoopLogic for Rounds {
    fn variables(&self, pool: &Pool) -> Result<IndexMap<String, Value>, Box<NodeFailure>> {
        let mut variables = IndexMap::new();
        for variable in self.0["loop_variables"].as_array().into_iter().flatten() {
            let label = text(variable, "label").to_owned();
            let kind = ValueType::parse(text(variable, "var_type")).unwrap();
            let value = match (text(variable, "value_type"), kind) {
                ("variable", _) => pool.get(&strings(&variable["value"])).ok_or_else(|| {
                    NodeFailure::new("ValueError", format!("Invalid value for loop variable {label}"))
                })?,
                (_, ValueType::String) => Value::from(text(variable, "value")),
                _ => Value::typed(&serde_json::from_str(text(variable, "value")).unwrap(), kind).unwrap(),
            };
            variables.insert(label, value);
        }
        Ok(variables)
    }

    fn should_break(&self, pool: &Pool) -> Result<bool, Box<NodeFailure>> {
        let conditions = self.0["break_conditions"].as_array();
        Ok(conditions.is_some_and(|list| !list.is_empty()) && all_hold(pool, conditions)?)
    }
}

fn end_parts(data: &Json) -> Vec<ResponsePart> {
    let mut parts = Vec::new();
    for field in data["outputs"].as_array().into_iter().flatten() {
        if !parts.is_empty() {
            parts.push(ResponsePart::Text("\n".into()));
        }
        parts.push(ResponsePart::Variable(strings(&field["value_selector"])));
    }
    parts
}

/// `{{#a.b#}}` parts and the text between them.
pub fn template(mut text: &str) -> Vec<ResponsePart> {
    let mut parts = Vec::new();
    while let Some((before, after)) = text.split_once("{{#") {
        let (name, rest) = after.split_once("#}}").unwrap();
        if !before.is_empty() {
            parts.push(ResponsePart::Text(before.to_owned()));
        }
        parts.push(ResponsePart::Variable(name.split('.').map(str::to_owned).collect()));
        text = rest;
    }
    if !text.is_empty() {
        parts.push(ResponsePart::Text(text.to_owned()));
    }
    parts
}

fn render(pool: &Pool, part: &ResponsePart) -> String {
    match part {
        ResponsePart::Text(text) => text.clone(),
        ResponsePart::Variable(selector) => {
            pool.get(selector).map_or_else(|| selector.join("."), |value| value.markdown())
        }
    }
}

fn text<'a>(data: &'a Json, key: &str) -> &'a str {
    data.get(key).and_then(Json::as_str).unwrap_or_default()
}

fn strings(json: &Json) -> Vec<String> {
    json.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
}

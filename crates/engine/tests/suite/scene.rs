//! Runs a graph and writes down what it shows.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use ox_dsl::graph::Graph;
use ox_engine::{
    Effect, EventSink, Interruption, Limits, Pool, Recovery, RunEvent, RunEventKind, RunHandle, RunInfo, RunOutcome,
    RunStart, SinkClosed, UserKind, Workflow, resume, start,
};
use ox_types::{AppId, Json, NodeStatus, RunId, TaskId, TenantId, Value, WorkflowId};
use tokio_util::task::TaskTracker;

use crate::nodes::{Act, Kinds};

/// A workflow with its scripted nodes and inputs.
#[derive(Clone)]
pub struct Scene {
    pub graph: Json,
    pub kinds: Kinds,
    pub inputs: Vec<(String, Value)>,
    pub system: Vec<(String, Value)>,
    pub conversation: Vec<(String, Value)>,
    pub root: Option<String>,
    pub limits: Limits,
}

/// What a run did.
pub struct Ran {
    pub outcome: RunOutcome,
    pub events: Vec<RunEvent>,
}

impl Scene {
    pub fn new(graph: Json) -> Self {
        Self {
            graph,
            kinds: Kinds::default(),
            inputs: Vec::new(),
            system: vec![("query".into(), "q".into())],
            conversation: Vec::new(),
            root: None,
            limits: Limits::default(),
        }
    }

    /// A graph in short: `(id, data)` and `from -> to` or `from -handle-> to`.
    pub fn graph(nodes: &[(&str, Json)], edges: &str) -> Self {
        let nodes: Vec<Json> = nodes
            .iter()
            .map(|(id, data)| {
                let mut data = data.clone();
                if data.get("title").is_none() {
                    data["title"] = Json::from(*id);
                }
                serde_json::json!({"id": id, "type": "custom", "data": data})
            })
            .collect();
        let edges: Vec<Json> = edges
            .split(',')
            .map(str::trim)
            .filter(|edge| !edge.is_empty())
            .map(|edge| {
                let parts: Vec<&str> = edge.split_whitespace().collect();
                let handle = parts[1].trim_start_matches('-').trim_end_matches("->").trim_end_matches('>');
                let handle = if handle.is_empty() { "source" } else { handle };
                serde_json::json!({"source": parts[0], "target": parts[2], "sourceHandle": handle})
            })
            .collect();
        Self::new(serde_json::json!({"nodes": nodes, "edges": edges}))
    }

    /// A shared fixture, or `None` (told) when the folder is not there.
    pub fn fixture(name: &str) -> Option<Self> {
        let root = std::env::var("OXIDIFY_SHARED")
            .map_or_else(|_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
        let path = root.join("fixtures/dsl").join(name);
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("skipped: {} is not here", path.display());
            return None;
        };
        let document = ox_text::yaml::parse(&text).unwrap();
        let workflow = &document["workflow"];
        let mut scene = Self::new(workflow["graph"].clone());
        for variable in workflow["conversation_variables"].as_array().unwrap() {
            let name = variable["name"].as_str().unwrap().to_owned();
            scene.conversation.push((name, Value::from_json(&variable["value"])));
        }
        Some(scene)
    }

    pub fn input(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.inputs.push((name.to_owned(), value.into()));
        self
    }

    pub fn query(mut self, query: &str) -> Self {
        self.system = vec![("query".into(), query.into())];
        self
    }

    pub fn act(mut self, node: &str, act: Act) -> Self {
        self.kinds.acts.insert(node.to_owned(), act);
        self
    }

    pub fn effect(mut self, node: &str, effect: Effect) -> Self {
        self.kinds.effects.insert(node.to_owned(), effect);
        self
    }

    pub fn workers(mut self, workers: usize) -> Self {
        self.limits.workers = workers;
        self
    }

    pub fn limit(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    pub fn runs_of(&self, node: &str) -> u32 {
        self.kinds.runs.lock().unwrap().get(node).copied().unwrap_or(0)
    }

    pub fn workflow(&self) -> Arc<Workflow> {
        let graph = Arc::new(Graph::parse(&self.graph).unwrap());
        Workflow::compile(graph, &self.kinds).unwrap()
    }

    pub fn run_start(&self, sink: &Arc<Record>) -> RunStart {
        let mut pool = Pool::new();
        pool.set_all("inputs", self.inputs.clone());
        pool.set_all("sys", self.system.clone());
        pool.set_all("conversation", self.conversation.clone());
        RunStart {
            info: RunInfo {
                run_id: RunId::new(),
                task_id: TaskId::new(),
                tenant_id: TenantId::new(),
                app_id: AppId::new(),
                workflow_id: WorkflowId::new(),
                conversation_id: None,
                user_id: "user".into(),
                user_kind: UserKind::EndUser,
                invoke_from: "service-api".into(),
                call_depth: 0,
            },
            pool,
            root: self.root.clone(),
            limits: self.limits.clone(),
            sink: Arc::clone(sink) as Arc<dyn EventSink>,
            tracker: TaskTracker::new(),
        }
    }

    pub fn start(&self) -> (RunHandle, Arc<Record>) {
        let sink = Arc::new(Record::default());
        (start(self.workflow(), self.run_start(&sink)).unwrap(), sink)
    }

    pub async fn run(&self) -> Ran {
        let (handle, sink) = self.start();
        let outcome = tokio::time::timeout(Duration::from_secs(30), handle.wait()).await.expect("the run hangs");
        Ran { outcome, events: sink.events() }
    }

    /// The text that a record has fixed.
    pub fn shown_by(&self, recovery: Recovery) -> String {
        let sink = Arc::new(Record::default());
        ox_engine::shown_text(self.workflow(), self.run_start(&sink), recovery).unwrap()
    }

    pub async fn resume(&self, recovery: Recovery) -> Ran {
        let sink = Arc::new(Record::default());
        let handle = resume(self.workflow(), self.run_start(&sink), recovery).unwrap();
        let outcome = tokio::time::timeout(Duration::from_secs(30), handle.wait()).await.expect("the run hangs");
        Ran { outcome, events: sink.events() }
    }
}

/// Keeps all events; can refuse to go on.
#[derive(Default)]
pub struct Record {
    events: Mutex<Vec<RunEvent>>,
    pub barriers: Mutex<Vec<u64>>,
    /// Accepts this many events only.
    pub full_at: Mutex<Option<usize>>,
}

impl Record {
    pub fn events(&self) -> Vec<RunEvent> {
        self.events.lock().unwrap().clone()
    }
}

#[async_trait]
impl EventSink for Record {
    async fn emit(&self, event: RunEvent) -> Result<(), SinkClosed> {
        let mut events = self.events.lock().unwrap();
        if self.full_at.lock().unwrap().is_some_and(|full| events.len() >= full) {
            return Err(SinkClosed("disk full".into()));
        }
        events.push(event);
        Ok(())
    }

    async fn barrier(&self) -> Result<(), SinkClosed> {
        let last = self.events.lock().unwrap().last().map_or(0, |event| event.sequence);
        self.barriers.lock().unwrap().push(last);
        tokio::task::yield_now().await;
        Ok(())
    }
}

impl Ran {
    /// One short line per event: `NRS(start)`, `NRC "text"`, `NRE(start)`, …
    pub fn lines(&self) -> Vec<String> {
        self.events.iter().map(line).collect()
    }

    pub fn transcript(&self) -> String {
        self.lines().join("; ")
    }

    /// The text that was shown.
    pub fn shown(&self) -> String {
        self.chunks().concat()
    }

    pub fn chunks(&self) -> Vec<String> {
        let chunk = |event: &RunEvent| match &event.kind {
            RunEventKind::Chunk { text, .. } => Some(text.clone()),
            _ => None,
        };
        self.events.iter().filter_map(chunk).collect()
    }

    pub fn outputs(&self) -> Json {
        serde_json::to_value(&self.outcome.outputs).unwrap()
    }

    pub fn output(&self, name: &str) -> String {
        self.outcome.outputs.get(name).map(Value::text).unwrap_or_default()
    }

    /// Every started node has exactly one terminal event, and the numbers of events have no gaps.
    pub fn check(&self) -> &Self {
        let mut open: HashMap<String, i32> = HashMap::new();
        for (at, event) in self.events.iter().enumerate() {
            assert_eq!(event.sequence, self.events[0].sequence + at as u64, "numbers without gaps");
            match &event.kind {
                RunEventKind::NodeStarted(info) => {
                    let count = open.entry(info.node_run_id.to_string()).or_default();
                    assert_eq!(*count, 0, "{} started twice", info.node.id);
                    *count += 1;
                }
                RunEventKind::NodeFinished(info, _) => {
                    let count = open.entry(info.node_run_id.to_string()).or_default();
                    assert_eq!(*count, 1, "{} finished without start", info.node.id);
                    *count += 1;
                }
                _ => {}
            }
        }
        assert!(open.values().all(|count| *count == 2), "unfinished nodes: {}", self.transcript());
        self
    }

    /// What a recorder knows after the first `finished` nodes have ended, and, unless `at_once`,
    /// what was told between that and the next end.
    pub fn record(&self, finished: usize, at_once: bool, state: Interruption) -> Recovery {
        let mut ends = 0;
        let known = self.events.iter().take_while(|event| {
            let is_end = matches!(event.kind, RunEventKind::NodeFinished(..));
            let is_over = ends == finished && (is_end || (at_once && finished > 0));
            ends += usize::from(is_end);
            !is_over
        });
        Recovery::of_events(known, state)
    }

    pub fn finished_count(&self) -> usize {
        self.events.iter().filter(|event| matches!(event.kind, RunEventKind::NodeFinished(..))).count()
    }
}

pub fn line(event: &RunEvent) -> String {
    match &event.kind {
        RunEventKind::RunStarted => "GraphRunStarted".into(),
        RunEventKind::RunResumed { shown } => format!("Resumed {shown:?}"),
        RunEventKind::RunFinished(outcome) => format!("GraphRun {}", outcome.status),
        RunEventKind::RunPaused { reasons, .. } => {
            let reasons: Vec<Json> = reasons.iter().map(|reason| reason.data.clone()).collect();
            format!("GraphRunPaused {}", Json::from(reasons))
        }
        RunEventKind::NodeStarted(info) => format!("NRS({})", info.node.id),
        RunEventKind::NodeFinished(info, result) => match result.status {
            NodeStatus::Succeeded => format!("NRE({})", info.node.id),
            other => format!("NR{}({}: {})", other.as_str(), info.node.id, result.error.as_deref().unwrap_or_default()),
        },
        RunEventKind::NodeRetry { node, retry_index, .. } => format!("Retry{retry_index}({})", node.node.id),
        RunEventKind::Chunk { text, .. } => format!("NRC {text:?}"),
        RunEventKind::Reasoning { text, .. } => format!("Reasoning {text:?}"),
        RunEventKind::Note { kind, .. } => format!("Note {kind}"),
        RunEventKind::ContainerStarted { node, length, .. } => {
            format!("Started({} {})", node.node.id, length.unwrap_or(0))
        }
        RunEventKind::ContainerNext { node, index, .. } => format!("Next({} {index})", node.node.id),
        RunEventKind::ContainerFinished { node, result, .. } => format!("Finished({} {})", node.node.id, result.status),
    }
}

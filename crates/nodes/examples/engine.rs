//! Measures the engine with the real nodes and without persistence, and says which target is met.
//!
//! `cargo run --release -p ox-nodes --example engine [-- --soak 10000]`
//!
//! Exit code 1 when a target is missed. Memory is the process's own peak (`VmHWM` of `/proc/self/status`, reset before
//! each case where the kernel allows it).
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::needless_pass_by_value, reason = "a measuring program")]

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use ox_dsl::graph::Graph;
use ox_engine::{EventSink, Limits, Pool, RunEvent, RunInfo, RunStart, SinkClosed, UserKind, Workflow, start};
use ox_models::StaticRuntime;
use ox_net::{Egress, Policy};
use ox_nodes::{Absent, FilePort, NoHistory, PortError, Ports, Registry};
use ox_types::{AppId, File, Json, RunId, TaskId, TenantId, Value, WorkflowId};
use serde_json::json;
use tokio_util::task::TaskTracker;

/// Counts events.
#[derive(Default)]
struct Count(AtomicU64);

#[async_trait]
impl EventSink for Count {
    async fn emit(&self, event: RunEvent) -> Result<(), SinkClosed> {
        std::hint::black_box(event);
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn barrier(&self) -> Result<(), SinkClosed> {
        Ok(())
    }
}

struct NoFiles;

#[async_trait]
impl FilePort for NoFiles {
    async fn read(&self, _: &RunInfo, _: &File) -> Result<bytes::Bytes, PortError> {
        Err(PortError("no files".into()))
    }
    async fn save(&self, _: &RunInfo, _: &str, _: &str, _: bytes::Bytes) -> Result<File, PortError> {
        Err(PortError("no files".into()))
    }
    async fn url(&self, _: &RunInfo, _: &File) -> Result<String, PortError> {
        Err(PortError("no files".into()))
    }
}

fn registry() -> Registry {
    let http = Egress::new(Policy::default());
    Registry::new(Ports {
        models: Arc::new(StaticRuntime::new(http.clone())),
        http: Arc::new(http),
        code: Arc::new(ox_sandbox::InProcess::default()),
        files: Arc::new(NoFiles),
        history: Arc::new(NoHistory),
        retrieval: Arc::new(Absent),
        tools: Arc::new(Absent),
        agents: Arc::new(Absent),
        datasources: Arc::new(Absent),
        index: Arc::new(Absent),
        unstructured: None,
        limits: ox_nodes::Limits::default(),
    })
}

fn node(id: &str, data: Json) -> Json {
    json!({"id": id, "data": data})
}

fn edge(from: &str, to: &str) -> Json {
    json!({"source": from, "target": to})
}

fn first() -> Json {
    node("s", json!({"type": "start", "variables": []}))
}

fn template(from: [&str; 2]) -> Json {
    json!({"type": "template-transform", "template": "output: {{ x }}",
        "variables": [{"variable": "x", "value_selector": from}]})
}

/// A graph in which every node takes what the one before gave.
fn chain(length: usize) -> Json {
    let name = |index: usize| format!("n{index}");
    let mut nodes = vec![first()];
    let mut edges = Vec::new();
    for index in 0..length {
        let before = if index == 0 {
            vec!["sys".to_owned(), "query".to_owned()]
        } else {
            vec![name(index - 1), "output".into()]
        };
        nodes.push(node(
            &name(index),
            json!({"type": "variable-aggregator", "output_type": "string", "variables": [before]}),
        ));
        edges.push(edge(&if index == 0 { "s".to_owned() } else { name(index - 1) }, &name(index)));
    }
    json!({"nodes": nodes, "edges": edges})
}

fn fan(width: usize) -> Json {
    let mut nodes = vec![first()];
    let mut edges = Vec::new();
    for index in 0..width {
        let id = format!("n{index}");
        nodes.push(node(
            &id,
            json!({"type": "variable-aggregator", "output_type": "string", "variables": [["sys", "query"]]}),
        ));
        edges.extend([edge("s", &id), edge(&id, "join")]);
    }
    nodes.push(node(
        "join",
        json!({"type": "variable-aggregator", "output_type": "string", "variables": [["n0", "output"]]}),
    ));
    json!({"nodes": nodes, "edges": edges})
}

fn iteration(parallel: bool) -> Json {
    json!({"nodes": [
        first(),
        node("it", json!({"type": "iteration", "start_node_id": "its", "iterator_selector": ["s", "list"],
            "output_selector": ["t", "output"], "is_parallel": parallel, "parallel_nums": 10})),
        node("its", json!({"type": "iteration-start", "isInIteration": true, "iteration_id": "it"})),
        {"id": "t", "data": {"isInIteration": true, "iteration_id": "it", "type": "template-transform",
            "template": "output: {{ x }}", "variables": [{"variable": "x", "value_selector": ["it", "item"]}]}},
        node("e", json!({"type": "end", "outputs": [{"variable": "r", "value_selector": ["it", "output"]}]})),
    ], "edges": [edge("s", "it"), edge("its", "t"), edge("it", "e")]})
}

/// Loops of two rounds inside one another.
fn nested(depth: usize) -> Json {
    let mut nodes = vec![first()];
    let mut edges = Vec::new();
    let mut before = "s".to_owned();
    for level in 0..depth {
        let (id, begin) = (format!("l{level}"), format!("ls{level}"));
        let mut data = json!({"type": "loop", "start_node_id": begin, "loop_count": 2, "break_conditions": [],
            "logical_operator": "and", "loop_variables": []});
        if level > 0 {
            data["isInLoop"] = true.into();
            data["loop_id"] = format!("l{}", level - 1).into();
        }
        nodes.push(node(&id, data));
        nodes.push(node(&begin, json!({"type": "loop-start", "isInLoop": true, "loop_id": id})));
        edges.push(edge(&before, &id));
        before = begin;
    }
    let mut last = template(["sys", "query"]);
    last["isInLoop"] = true.into();
    last["loop_id"] = format!("l{}", depth - 1).into();
    nodes.push(node("t", last));
    edges.push(edge(&before, "t"));
    json!({"nodes": nodes, "edges": edges})
}

fn run_start(sink: &Arc<Count>, items: usize) -> RunStart {
    let mut pool = Pool::new();
    pool.set("sys", "query", "hello");
    pool.set("s", "list", Value::array((0..i64::try_from(items).unwrap()).map(Value::Int).collect()));
    RunStart {
        info: RunInfo {
            run_id: RunId::new(),
            task_id: TaskId::new(),
            tenant_id: TenantId::new(),
            app_id: AppId::new(),
            workflow_id: WorkflowId::new(),
            conversation_id: None,
            user_id: String::new(),
            user_kind: UserKind::EndUser,
            invoke_from: "service-api".into(),
            call_depth: 0,
        },
        pool,
        root: None,
        limits: Limits { max_steps: u32::MAX, ..Limits::default() },
        sink: Arc::clone(sink) as Arc<dyn EventSink>,
        tracker: TaskTracker::new(),
    }
}

/// A field of `/proc/self/status` in MB; 0 where there is none.
fn memory(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes: f64 = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0.0);
    kilobytes / 1024.0
}

/// What is promised.
struct Target {
    run: Option<Duration>,
    node_micros: Option<f64>,
    megabytes: Option<f64>,
}

struct Case {
    name: &'static str,
    graph: Json,
    items: usize,
    nodes: usize,
    target: Target,
}

/// Runs for about a second and tells whether the target is met.
async fn measure(registry: &Registry, case: &Case) -> bool {
    let workflow = Workflow::compile(Arc::new(Graph::parse(&case.graph).unwrap()), registry).unwrap();
    let sink = Arc::new(Count::default());
    // Resets the peak; where it cannot be, the peak of all cases so far is shown.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let (began, mut runs, mut slowest) = (Instant::now(), 0_u32, Duration::ZERO);
    while began.elapsed() < Duration::from_secs(1) {
        let one = Instant::now();
        let outcome = start(Arc::clone(&workflow), run_start(&sink, case.items)).unwrap().wait().await;
        assert_eq!(outcome.status.as_str(), "succeeded", "{:?}", outcome.error);
        slowest = slowest.max(one.elapsed());
        runs += 1;
    }
    let per_run = began.elapsed() / runs;
    let per_node = per_run.as_secs_f64() * 1e6 / case.nodes as f64;
    let peak = memory("VmHWM");
    let target = &case.target;
    let met = target.run.is_none_or(|limit| per_run <= limit)
        && target.node_micros.is_none_or(|limit| per_node <= limit)
        && target.megabytes.is_none_or(|limit| peak <= limit);
    let mark = if met { "ok" } else { "MISSED" };
    println!(
        "{:<36} {runs:>6} runs  {per_run:>11.1?} a run (slowest {slowest:>9.1?})  {per_node:>7.2} µs a node  {peak:>6.1} MB  {mark}",
        case.name
    );
    met
}

/// Many runs one after another: memory must stay where it is.
async fn soak(registry: &Registry, runs: u32) -> bool {
    let workflow = Workflow::compile(Arc::new(Graph::parse(&iteration(true)).unwrap()), registry).unwrap();
    let sink = Arc::new(Count::default());
    let mut settled = 0.0;
    for run in 1..=runs {
        let outcome = start(Arc::clone(&workflow), run_start(&sink, 100)).unwrap().wait().await;
        assert_eq!(outcome.status.as_str(), "succeeded");
        if run == runs / 10 {
            settled = memory("VmRSS");
        }
    }
    let end = memory("VmRSS");
    let met = end <= settled * 1.1 + 2.0;
    println!(
        "soak of {runs} runs: {settled:.1} MB after a tenth, {end:.1} MB at the end  {}",
        if met { "ok" } else { "MISSED" }
    );
    met
}

#[tokio::main]
async fn main() -> ExitCode {
    let none = || Target { run: None, node_micros: None, megabytes: None };
    let quick = || Target { node_micros: Some(20.0), ..none() };
    let within = |millis: u64| Target { run: Some(Duration::from_millis(millis)), ..none() };
    let large = || Target { megabytes: Some(300.0), ..within(2000) };
    let case = |name, graph, items, nodes, target| Case { name, graph, items, nodes, target };
    let cases = [
        case("chain of 10", chain(10), 0, 11, quick()),
        case("graph of 500 nodes", chain(499), 0, 500, quick()),
        case("fan-out of 500", fan(500), 0, 502, quick()),
        case("loops nested 8 deep", nested(8), 0, 512, quick()),
        case("iteration of 100, a template", iteration(false), 100, 103, within(20)),
        case("iteration of 100, 10 parallel", iteration(true), 100, 103, within(20)),
        case("iteration of 10,000", iteration(false), 10_000, 10_003, large()),
        case("iteration of 10,000, 10 parallel", iteration(true), 10_000, 10_003, large()),
    ];
    let registry = registry();
    let mut met = true;
    for case in &cases {
        met &= measure(&registry, case).await;
    }
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(runs) = arguments.iter().skip_while(|argument| *argument != "--soak").nth(1) {
        met &= soak(&registry, runs.parse().unwrap()).await;
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

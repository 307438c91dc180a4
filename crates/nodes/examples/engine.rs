//! Measures the engine with the real nodes and without persistence, and says which target is met.
//!
//! `cargo run --release -p ox-nodes --example engine [-- --soak 10000] [--seconds 2] [--json FILE]`; with persistence
//! and as a report: `make bench-engine`.
//!
//! Exit code 1 when a target is missed. Wall clock and processor time are both told: on a busy machine only the second
//! says what the engine costs. Memory is the process's own peak (`VmHWM` of `/proc/self/status`, reset before each case
//! where the kernel allows it).
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
        triggers: Arc::new(Absent),
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

/// As [`chain`], of templates: what a node costs that does something.
fn templates(length: usize) -> Json {
    let mut graph = chain(length);
    for (index, node) in graph["nodes"].as_array_mut().unwrap().iter_mut().enumerate().skip(1) {
        let before = if index == 1 { json!(["sys", "query"]) } else { json!([format!("n{}", index - 2), "output"]) };
        node["data"] = json!({"type": "template-transform", "template": "{{ x }}!",
            "variables": [{"variable": "x", "value_selector": before}]});
    }
    graph
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

/// Processor time of the process so far, in seconds (in steps of 10 ms); 0 where it cannot be read.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, in parentheses, may hold spaces.
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks = |at: usize| fields.split(' ').nth(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// What is promised.
#[derive(Clone, Copy)]
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

impl Target {
    /// Whether such times of a run and such a peak keep it.
    fn is_met(&self, run: f64, nodes: f64, peak: f64) -> bool {
        self.run.is_none_or(|limit| run <= limit.as_secs_f64())
            && self.node_micros.is_none_or(|limit| run * 1e6 / nodes <= limit)
            && self.megabytes.is_none_or(|limit| peak <= limit)
    }

    fn text(&self) -> String {
        let parts = [
            self.node_micros.map(|limit| format!("≤ {limit} µs a node")),
            self.run.map(|limit| format!("≤ {} ms", limit.as_millis())),
            self.megabytes.map(|limit| format!("≤ {limit} MB")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// Runs for some seconds and tells what it took.
async fn measure(registry: &Registry, case: &Case, seconds: f64) -> Json {
    let workflow = Workflow::compile(Arc::new(Graph::parse(&case.graph).unwrap()), registry).unwrap();
    let sink = Arc::new(Count::default());
    // What a first run alone pays (pages of memory, a thread pool) is not the engine's.
    let once = async || {
        let began = Instant::now();
        let outcome = start(Arc::clone(&workflow), run_start(&sink, case.items)).unwrap().wait().await;
        assert_eq!(outcome.status.as_str(), "succeeded", "{:?}", outcome.error);
        began.elapsed().as_secs_f64()
    };
    once().await;
    // Resets the peak; where it cannot be, the peak of all cases so far is shown.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let (began, used) = (Instant::now(), processor());
    let mut times = Vec::new();
    while began.elapsed().as_secs_f64() < seconds || times.len() < 3 {
        times.push(once().await);
    }
    let runs = times.len() as f64;
    let (wall, cpu) = (began.elapsed().as_secs_f64() / runs, (processor() - used) / runs);
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times.get((part * (runs - 1.0)).round() as usize).copied().unwrap_or(0.0);
    let (nodes, peak) = (case.nodes as f64, memory("VmHWM"));
    json!({
        "case": case.name, "nodes": case.nodes, "runs": times.len(),
        "wall_ms": rounded(wall * 1e3, 4), "p50_ms": rounded(at(0.5) * 1e3, 4), "p99_ms": rounded(at(0.99) * 1e3, 4),
        "cpu_ms": rounded(cpu * 1e3, 4), "wall_us_per_node": rounded(wall * 1e6 / nodes, 2),
        "cpu_us_per_node": rounded(cpu * 1e6 / nodes, 2), "peak_mb": rounded(peak, 1), "target": case.target.text(),
        "met": case.target.is_met(wall, nodes, peak), "met_in_cpu_time": case.target.is_met(cpu, nodes, peak),
    })
}

/// Many runs one after another: memory must stay where it is.
async fn soak(registry: &Registry, runs: u32) -> Json {
    let workflow = Workflow::compile(Arc::new(Graph::parse(&iteration(true)).unwrap()), registry).unwrap();
    let sink = Arc::new(Count::default());
    let (began, used) = (Instant::now(), processor());
    let mut resident = Vec::new();
    for run in 1..=runs {
        let outcome = start(Arc::clone(&workflow), run_start(&sink, 100)).unwrap().wait().await;
        assert_eq!(outcome.status.as_str(), "succeeded");
        if run % (runs / 10).max(1) == 0 {
            resident.push(rounded(memory("VmRSS"), 1));
        }
    }
    let (first, last) = (resident.first().copied().unwrap_or(0.0), resident.last().copied().unwrap_or(0.0));
    json!({
        "case": "soak: iteration of 100, 10 parallel, again and again", "runs": runs, "resident_mb": resident,
        "wall_s": rounded(began.elapsed().as_secs_f64(), 1), "cpu_s": rounded(processor() - used, 1),
        "target": "≤ 10 % + 2 MB more than after a tenth", "met": last <= first * 1.1 + 2.0,
    })
}

fn cases() -> Vec<Case> {
    let none = Target { run: None, node_micros: None, megabytes: None };
    let quick = Target { node_micros: Some(20.0), ..none };
    let within = |millis: u64| Target { run: Some(Duration::from_millis(millis)), ..none };
    let large = Target { megabytes: Some(300.0), ..within(2000) };
    let case = |name, graph, items, nodes, target| Case { name, graph, items, nodes, target };
    vec![
        case("chain of 10", chain(10), 0, 11, quick),
        case("chain of 10 templates", templates(10), 0, 11, none),
        case("graph of 500 nodes", chain(499), 0, 500, quick),
        case("fan-out of 500", fan(500), 0, 502, quick),
        case("loops nested 8 deep", nested(8), 0, 512, quick),
        case("iteration of 100, a template", iteration(false), 100, 103, within(20)),
        case("iteration of 100, a template, 10 parallel", iteration(true), 100, 103, within(20)),
        case("iteration of 10,000", iteration(false), 10_000, 10_003, large),
        case("iteration of 10,000, 10 parallel", iteration(true), 10_000, 10_003, large),
    ]
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1).cloned();
    let seconds = value("--seconds").map_or(1.0, |text| text.parse().unwrap());
    let registry = registry();
    let mut rows = Vec::new();
    for case in &cases() {
        let row = measure(&registry, case, seconds).await;
        println!("{row}");
        rows.push(row);
    }
    if let Some(runs) = value("--soak") {
        let row = soak(&registry, runs.parse().unwrap()).await;
        println!("{row}");
        rows.push(row);
    }
    let met = rows.iter().all(|row| row["met"] == true);
    if let Some(file) = value("--json") {
        std::fs::write(file, serde_json::to_string_pretty(&rows).unwrap()).unwrap();
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! Measures what the engine itself costs per node, with nodes that do nothing.
//!
//! `cargo run --release -p ox-engine --example overhead`
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::{Graph, NodeSpec};
use ox_engine::{
    BuildError, BuiltNode, ContainerPlan, Effect, EventSink, ItemError, IterationPlan, Limits, Node, NodeClass,
    NodeContext, NodeFactory, NodeFailure, NodeOutput, Pool, RunEvent, RunInfo, RunStart, SinkClosed, UserKind,
    Workflow, start,
};
use ox_types::{AppId, Json, RunId, TaskId, TenantId, Value, WorkflowId};
use serde_json::json;
use tokio_util::task::TaskTracker;

/// Gives one value; every second sort waits once, as nodes that call out do.
struct Work {
    waits: bool,
    items: Option<usize>,
}

#[async_trait]
impl Node for Work {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        if self.waits {
            tokio::task::yield_now().await;
        }
        let value = match self.items {
            Some(items) => Value::array((0..items as i64).map(Value::Int).collect()),
            None => cx.pool.get(&["sys", "query"]).unwrap_or_default(),
        };
        let outputs = IndexMap::from([("result".to_owned(), value)]);
        Ok(NodeOutput { outputs, ..NodeOutput::default() })
    }
}

struct Factory {
    items: usize,
}

impl NodeFactory for Factory {
    fn build(&self, spec: &NodeSpec) -> Result<BuiltNode, BuildError> {
        let work = |waits, items| BuiltNode::new(NodeClass::Executable, Effect::Pure, Arc::new(Work { waits, items }));
        Ok(match spec.kind.as_str() {
            "iteration-start" => BuiltNode::container_start(),
            "iteration" => BuiltNode::container(ContainerPlan::Iteration(IterationPlan {
                start_node_id: "its".into(),
                items: vec!["list".into(), "result".into()],
                output: vec!["in".into(), "result".into()],
                parallel: if spec.title == "parallel" { 10 } else { 1 },
                on_error: ItemError::Terminated,
                flatten: true,
            })),
            "list" => work(false, Some(self.items)),
            "waits" => work(true, None),
            _ => work(false, None),
        })
    }
}

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

fn graph(nodes: &[(String, &str, &str)], edges: &[(String, String)]) -> Json {
    let nodes: Vec<Json> =
        nodes.iter().map(|(id, kind, title)| json!({"id": id, "data": {"type": kind, "title": title}})).collect();
    let edges: Vec<Json> = edges.iter().map(|(a, b)| json!({"source": a, "target": b})).collect();
    json!({"nodes": nodes, "edges": edges})
}

fn chain(length: usize, kind: &'static str) -> Json {
    let mut nodes = vec![("s".to_owned(), "start", "")];
    nodes.extend((0..length).map(|index| (format!("n{index}"), kind, "")));
    let edges: Vec<_> = nodes.windows(2).map(|pair| (pair[0].0.clone(), pair[1].0.clone())).collect();
    graph(&nodes, &edges)
}

fn fan(width: usize) -> Json {
    let mut nodes = vec![("s".to_owned(), "start", "")];
    let mut edges = Vec::new();
    for index in 0..width {
        nodes.push((format!("n{index}"), "plain", ""));
        edges.push(("s".to_owned(), format!("n{index}")));
        edges.push((format!("n{index}"), "join".to_owned()));
    }
    nodes.push(("join".to_owned(), "plain", ""));
    graph(&nodes, &edges)
}

fn iteration(title: &'static str) -> Json {
    let node = |id: &str, kind| (id.to_owned(), kind, title);
    let nodes = [
        node("s", "start"),
        node("list", "list"),
        node("it", "iteration"),
        node("its", "iteration-start"),
        node("in", "plain"),
    ];
    let edge = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    graph(&nodes, &[edge("s", "list"), edge("list", "it"), edge("its", "in")])
}

fn run_start(sink: &Arc<Count>) -> RunStart {
    let mut pool = Pool::new();
    pool.set("sys", "query", "hello");
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

async fn measure(name: &str, graph: &Json, items: usize, nodes: usize) {
    let workflow = Workflow::compile(Arc::new(Graph::parse(graph).unwrap()), &Factory { items }).unwrap();
    let sink = Arc::new(Count::default());
    let began = Instant::now();
    let mut runs = 0u32;
    while began.elapsed() < Duration::from_millis(1000) {
        let outcome = start(Arc::clone(&workflow), run_start(&sink)).unwrap().wait().await;
        assert_eq!(outcome.status.as_str(), "succeeded", "{:?}", outcome.error);
        runs += 1;
    }
    let per_run = began.elapsed() / runs;
    let per_node = per_run.as_secs_f64() * 1e6 / nodes as f64;
    println!("{name:<34} {per_run:>12.1?} a run  {per_node:>7.2} µs a node");
}

#[tokio::main]
async fn main() {
    measure("start only", &chain(0, "plain"), 0, 1).await;
    measure("chain of 10", &chain(10, "plain"), 0, 11).await;
    measure("chain of 500", &chain(500, "plain"), 0, 501).await;
    measure("chain of 500 that wait", &chain(500, "waits"), 0, 501).await;
    measure("fan-out of 500", &fan(500), 0, 502).await;
    measure("iteration of 100", &iteration("one by one"), 100, 103).await;
    measure("iteration of 10,000", &iteration("one by one"), 10_000, 10_003).await;
    measure("iteration of 10,000, 10 parallel", &iteration("parallel"), 10_000, 10_003).await;
}

//! Apps that are imported and run: every node kind with whatever configuration, in whatever graph.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use ox_dsl::{
    document::{AppDocument, Body},
    graph::{Graph, NodeSpec},
};
use ox_engine::{EventSink, RunEvent, RunEventKind, RunStart, SinkClosed, Workflow};
use ox_nodes::Registry;
use ox_types::{NodeRunId, RunStatus};
use tokio_util::task::TaskTracker;

use super::{Run, Shape, Target, apps, files, signature};
use crate::world;

pub const TARGET: Target = Target {
    name: "runs",
    shape: Shape::Yaml,
    seeds: || [files(&[".yml"]), apps()].concat(),
    words: super::dsl::WORDS,
    start,
};

/// Looks that every node that starts ends once.
#[derive(Default)]
struct Ends(Mutex<(HashMap<NodeRunId, u32>, Vec<String>)>);

#[async_trait]
impl EventSink for Ends {
    async fn emit(&self, event: RunEvent) -> Result<(), SinkClosed> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &event.kind {
            RunEventKind::NodeStarted(info) => {
                let earlier = state.0.insert(info.node_run_id, 1);
                assert_eq!(earlier, None, "{} starts twice", info.node.id);
            }
            RunEventKind::NodeFinished(info, result) => {
                let earlier = state.0.insert(info.node_run_id, 2);
                assert_eq!(earlier, Some(1), "{} ends without a start", info.node.id);
                let error: String = result.error.as_deref().unwrap_or_default().chars().take(20).collect();
                state.1.push(format!("{} {} {error}", info.node.kind, result.status.as_str()));
            }
            _ => {}
        }
        Ok(())
    }

    async fn barrier(&self) -> Result<(), SinkClosed> {
        Ok(())
    }
}

fn start() -> anyhow::Result<Run> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let registry = Registry::new(world::ports(world::network(None)));
    Ok(Box::new(move |input| {
        let text = String::from_utf8_lossy(input);
        let Ok(app) = AppDocument::parse(&text) else { return 0 };
        let Ok(Body::Workflow(body)) = app.body() else { return 1 };
        let Ok(graph) = Graph::parse(&body.graph) else { return 2 };
        let graph = Arc::new(hurried(graph));
        let workflow = match Workflow::compile(Arc::clone(&graph), &registry) {
            Ok(workflow) => workflow,
            Err(error) => return signature(&["not compiled", &error.to_string()]),
        };
        let sink = Arc::new(Ends::default());
        let root = graph.nodes.iter().find(|node| ox_dsl::graph::is_root_kind(&node.kind));
        let pool = world::pool(root.map_or("s", |root| &root.id));
        let start = |sink: &Arc<Ends>| RunStart {
            info: world::info(),
            pool: pool.clone(),
            root: None,
            limits: world::limits(),
            sink: Arc::clone(sink) as Arc<dyn EventSink>,
            tracker: TaskTracker::new(),
        };
        let outcome = runtime.block_on(async {
            let handle = ox_engine::start(Arc::clone(&workflow), start(&sink)).ok()?;
            let outcome = tokio::time::timeout(Duration::from_secs(4), handle.wait()).await;
            Some(outcome.unwrap_or_else(|_| panic_hung()))
        });
        let Some(outcome) = outcome else { return 3 };
        let state = sink.0.lock().unwrap_or_else(PoisonError::into_inner);
        if outcome.status != RunStatus::Paused {
            assert!(state.0.values().all(|state| *state == 2), "a node has not ended");
        }
        let mut seen: Vec<&str> = state.1.iter().map(String::as_str).collect();
        seen.sort_unstable();
        seen.dedup();
        seen.push(outcome.status.as_str());
        signature(&seen)
    }))
}

#[expect(clippy::panic, reason = "a finding")]
fn panic_hung() -> ! {
    panic!("the run does not end")
}

/// The graph without waits between attempts.
fn hurried(mut graph: Graph) -> Graph {
    for node in &mut graph.nodes {
        let mut spec = NodeSpec::clone(node);
        spec.retry.interval_ms = 0;
        *node = Arc::new(spec);
    }
    graph
}

//! Reaching a limit is a named error.

use std::time::Duration;

use ox_engine::{Limits, RunEventKind, StartError, StopCause};
use ox_types::RunStatus;
use serde_json::{Value as Json, json};

use crate::{
    nodes::{Act, words},
    scene::Scene,
};

fn start() -> Json {
    json!({"type": "start"})
}
fn code() -> Json {
    json!({"type": "code"})
}

fn chain(length: usize) -> Scene {
    let ids: Vec<String> = (0..length).map(|index| format!("n{index}")).collect();
    let mut nodes = vec![("s", start())];
    nodes.extend(ids.iter().map(|id| (id.as_str(), code())));
    let all: Vec<&str> = nodes.iter().map(|(id, _)| *id).collect();
    let edges: Vec<String> = all.windows(2).map(|pair| format!("{} -> {}", pair[0], pair[1])).collect();
    Scene::graph(&nodes, &edges.join(", "))
}

fn iteration(items: &[i64], more: Json) -> Scene {
    let mut data = json!({"type": "iteration", "start_node_id": "its", "iterator_selector": ["list", "result"],
        "output_selector": ["in", "text"]});
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let nodes = [
        ("s", start()),
        ("list", code()),
        ("it", data),
        ("its", json!({"type": "iteration-start"})),
        ("in", json!({"type": "llm", "iteration_id": "it"})),
        ("a", json!({"type": "answer", "answer": "{{#in.text#}}"})),
    ];
    Scene::graph(&nodes, "s -> list, list -> it, its -> in, in -> a")
        .act("list", Act::Outputs(json!({"result": items})))
}

/// A container that begins with itself.
fn nested() -> Scene {
    let mut scene = iteration(&[1], json!({}));
    scene.graph["nodes"][2]["data"]["start_node_id"] = json!("it");
    scene
}

#[tokio::test]
async fn every_limit_has_its_error() {
    let tiny = Duration::from_millis(5);
    let hang = |scene: Scene| scene.act("n0", Act::Hang);
    let cases: Vec<(Scene, RunStatus, &str)> = vec![
        (chain(9).limit(|l| l.max_steps = 5), RunStatus::Stopped, "Maximum execution steps exceeded: 6 > 5"),
        (chain(4).limit(|l| l.max_steps = 5), RunStatus::Succeeded, ""),
        (hang(chain(1)).limit(|l| l.max_time = tiny), RunStatus::Stopped, "Maximum execution time exceeded: 0."),
        (hang(chain(1)).limit(|l| l.node_timeout = Some(tiny)), RunStatus::Failed, "Node execution time exceeded: 0."),
        (
            chain(1).act("n0", Act::Outputs(json!({"x": "y".repeat(1000)}))).limit(|l| l.max_output_bytes = 1000),
            RunStatus::Failed,
            "Maximum node output size exceeded: 1001 > 1000 bytes",
        ),
        (nested(), RunStatus::Failed, "Maximum container nesting depth exceeded: 11 > 10"),
        (
            iteration(&[1, 2, 3], json!({})).limit(|l| l.max_items = 2),
            RunStatus::Failed,
            "Maximum iteration length exceeded: 3 > 2",
        ),
        (
            iteration(&[1, 2, 3], json!({"is_parallel": true})).limit(|l| l.max_buffered_bytes = 20),
            RunStatus::Stopped,
            "Maximum buffered answer size exceeded: ",
        ),
        (iteration(&[1, 2, 3], json!({})).limit(|l| l.max_buffered_bytes = 20), RunStatus::Succeeded, ""),
    ];
    for (scene, status, error) in cases {
        let ran = scene.run().await;
        ran.check();
        let got = ran.outcome.error.clone().unwrap_or_default();
        assert_eq!(ran.outcome.status, status, "{got}");
        assert!(got.starts_with(error), "{got:?} does not begin with {error:?}");
        let by_limit = (status == RunStatus::Stopped).then_some(StopCause::Limit);
        assert_eq!(ran.outcome.stopped_by, by_limit);
    }
}

#[tokio::test]
async fn what_fails_a_node_has_a_class() {
    let long = Act::Outputs(json!({"x": "y".repeat(1000)}));
    let tiny = Some(Duration::from_millis(5));
    for (scene, expected) in [
        (chain(1).act("n0", Act::Hang).limit(|l| l.node_timeout = tiny), "NodeTimeoutError"),
        (chain(1).act("n0", long).limit(|l| l.max_output_bytes = 1000), "OutputSizeLimitError"),
        (nested(), "NestingDepthLimitError"),
        (iteration(&[1, 2, 3], json!({})).limit(|l| l.max_items = 2), "IterationLengthLimitError"),
        (chain(1).act("n0", Act::Panic), "InternalError"),
    ] {
        let ran = scene.run().await;
        let first = ran.events.iter().find_map(|event| match &event.kind {
            RunEventKind::NodeFinished(_, result) => result.error_type.as_deref(),
            _ => None,
        });
        assert_eq!(first, Some(expected));
    }
}

#[tokio::test]
async fn the_text_of_the_time_limit() {
    let ran = chain(1).act("n0", Act::Hang).limit(|l| l.max_time = Duration::from_millis(10)).run().await;
    let error = ran.outcome.error.unwrap();
    assert!(error.ends_with("s > 0.01s"), "{error}");
    let whole = format!("{}s", Limits::default().max_time.as_secs_f64());
    assert_eq!(whole, "1200s");
}

#[tokio::test]
async fn held_text_counts_while_it_is_held() {
    let nodes = [
        ("s", start()),
        ("A", json!({"type": "llm"})),
        ("i", json!({"type": "if-else", "cases": []})),
        ("a", json!({"type": "answer", "answer": "{{#A.text#}}"})),
    ];
    let scene = Scene::graph(&nodes, "s -> A, A -> i, i -false-> a").act("A", words("twelve chars"));
    assert_eq!(scene.clone().limit(|l| l.max_buffered_bytes = 12).run().await.shown(), "twelve chars");
    let ran = scene.limit(|l| l.max_buffered_bytes = 11).run().await;
    assert_eq!(ran.outcome.error.as_deref(), Some("Maximum buffered answer size exceeded: 12 > 11 bytes"));
    // Without anything that holds it back, nothing is kept.
    let nodes =
        [("s", start()), ("A", json!({"type": "llm"})), ("a", json!({"type": "answer", "answer": "{{#A.text#}}"}))];
    let free = Scene::graph(&nodes, "s -> A, A -> a").act("A", words("twelve chars"));
    assert_eq!(free.limit(|l| l.max_buffered_bytes = 1).run().await.outcome.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_timed_out_attempt_is_retried_and_its_late_words_are_ignored() {
    let data = json!({"type": "llm", "retry_config": {"retry_enabled": true, "max_retries": 1, "retry_interval": 0}});
    let nodes = [("s", start()), ("n", data), ("a", json!({"type": "answer", "answer": "{{#n.text#}}"}))];
    let mut scene = Scene::graph(&nodes, "s -> n, n -> a").act("n", Act::Hang);
    scene.kinds.timeouts.insert("n".into(), Duration::from_millis(3));
    let ran = scene.run().await;
    ran.check();
    assert_eq!(ran.outcome.status, RunStatus::Failed);
    assert_eq!(ran.outcome.exceptions_count, 2);
    assert_eq!(scene.runs_of("n"), 2);
}

#[tokio::test]
async fn workers_bound_what_runs_at_the_same_time() {
    let nodes = [("s", start()), ("a", code()), ("b", code()), ("c", code())];
    for workers in [1, 2, 3] {
        let mut scene = Scene::graph(&nodes, "s -> a, s -> b, s -> c").workers(workers);
        for node in ["a", "b", "c"] {
            scene = scene.act(node, Act::Hang);
        }
        let (handle, sink) = scene.start();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(sink.events().len(), 3 + workers);
        handle.stop("enough");
        handle.wait().await;
    }
}

#[tokio::test]
async fn drained_nodes_have_a_limit_too() {
    let nodes = [("s", start()), ("a", code()), ("b", code())];
    let scene = Scene::graph(&nodes, "s -> a, s -> b")
        .act("a", Act::Hang)
        .act("b", Act::Fail("boom"))
        .limit(|l| l.drain_time = Duration::from_millis(3));
    let ran = scene.run().await;
    ran.check();
    assert_eq!(
        ran.transcript(),
        "GraphRunStarted; NRS(s); NRE(s); NRS(a); NRS(b); NRfailed(b: boom); NRstopped(a: boom); GraphRun failed"
    );
}

#[tokio::test]
async fn calls_of_workflows_are_bounded() {
    let scene = chain(1);
    let (_, sink) = scene.start();
    let mut start = scene.run_start(&sink);
    start.info.call_depth = 6;
    let error = ox_engine::start(scene.workflow(), start).err().unwrap();
    assert!(matches!(error, StartError::CallDepth(5)));
    assert_eq!(error.to_string(), "Max workflow call depth 5 reached.");
}

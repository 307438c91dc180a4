//! Nodes that ask somebody, in the items of iterations and beside them: what is asked at once, and in which order it
//! may be answered. Every answer finds the run as it was recorded, as after a restart.

use ox_engine::{Interruption, NodeInfo, Recovery, RunEvent, RunEventKind, RunOutcome};
use ox_types::RunStatus;
use serde_json::{Value as Json, json};

use crate::{nodes::Act, scene::Scene};

/// A run that waits now and then.
struct Asking {
    scene: Scene,
    events: Vec<RunEvent>,
    outcome: RunOutcome,
}

/// A node and its place in containers: `form.1.0`.
fn place(info: &NodeInfo) -> String {
    info.frame.path.iter().fold(info.node.id.clone(), |place, (_, index)| format!("{place}.{index}"))
}

impl Asking {
    async fn begin(scene: Scene) -> Self {
        let ran = scene.run().await;
        Self { scene, events: ran.events, outcome: ran.outcome }
    }

    /// Who waits for an answer, by name.
    fn waiting(&self) -> Vec<String> {
        let Some(RunEventKind::RunPaused { reasons, .. }) = self.events.last().map(|event| &event.kind) else {
            return Vec::new();
        };
        let mut waiting: Vec<String> = reasons.iter().map(|reason| place(reason.node.as_ref().unwrap())).collect();
        waiting.sort();
        waiting
    }

    /// Answers some of them; the run goes on from its record, kept as text.
    async fn answer(&mut self, answered: &[&str]) -> &Self {
        let waiting = self.waiting();
        assert!(answered.iter().all(|place| waiting.iter().any(|known| known == place)), "{answered:?} of {waiting:?}");
        let mut record = Recovery::of_events(&self.events, Interruption::Running);
        for node in &mut record.interrupted {
            let place =
                node.frame.path.iter().fold(node.node_id.clone(), |place, (_, index)| format!("{place}.{index}"));
            if waiting.contains(&place) {
                node.state = Interruption::Paused;
                let is_answered = answered.contains(&place.as_str());
                node.answer = Some(if is_answered {
                    json!({"status": "submitted", "text": place})
                } else {
                    json!({"status": "waiting"})
                });
            }
        }
        let record = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        let ran = self.scene.resume(record).await;
        self.events.extend(ran.events);
        self.outcome = ran.outcome;
        self
    }

    fn transcript(&self) -> String {
        self.events.iter().map(crate::scene::line).collect::<Vec<_>>().join("; ")
    }

    fn out(&self) -> Json {
        assert_eq!(self.outcome.status, RunStatus::Succeeded, "{:?}: {}", self.outcome.error, self.transcript());
        serde_json::to_value(&self.outcome.outputs).unwrap()["out"].clone()
    }
}

fn start() -> Json {
    json!({"type": "start"})
}
fn code() -> Json {
    json!({"type": "code"})
}
fn end(selector: [&str; 2]) -> Json {
    json!({"type": "end", "outputs": [{"variable": "out", "value_selector": selector}]})
}
fn iteration(items: [&str; 2], output: [&str; 2], parallel: u64, more: Json) -> Json {
    let mut data = json!({"type": "iteration", "start_node_id": "its", "iterator_selector": items,
        "output_selector": output, "is_parallel": parallel > 1, "parallel_nums": parallel, "flatten_output": false});
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    data
}

/// Items of which some take a while before they ask.
fn items(list: Json, parallel: u64, more: Json) -> Scene {
    let is_slow = json!({"type": "if-else", "cases": [{"case_id": "true", "conditions": [
        {"variable_selector": ["it", "item"], "comparison_operator": "is", "value": "slow"}]}]});
    let nodes = [
        ("s", start()),
        ("list", code()),
        ("it", iteration(["list", "result"], ["form", "result"], parallel, more)),
        ("its", json!({"type": "iteration-start"})),
        ("i", is_slow),
        ("slow", code()),
        ("pre", code()),
        ("form", code()),
        ("e", end(["it", "output"])),
    ];
    Scene::graph(
        &nodes,
        "s -> list, list -> it, it -> e, its -> i, i -true-> slow, i -false-> pre, slow -> pre, pre -> form",
    )
    .act("list", Act::Outputs(json!({"result": list})))
    .act("slow", Act::Later(15, Box::new(Act::Outputs(json!({})))))
    .act("form", Act::Ask)
}

#[tokio::test]
async fn items_side_by_side_ask_at_once() {
    for workers in [1, 10] {
        let scene = items(json!(["fast", "slow", "fast"]), 10, json!({})).workers(workers);
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut run = Asking::begin(scene.clone()).await;
            assert_eq!(run.waiting(), ["form.0", "form.1", "form.2"], "{}", run.transcript());
            for index in order {
                run.answer(&[&format!("form.{index}")]).await;
            }
            assert_eq!(run.out(), json!(["form.0", "form.1", "form.2"]), "{order:?} with {workers} workers");
        }
        let mut run = Asking::begin(scene).await;
        assert_eq!(run.answer(&["form.2", "form.0", "form.1"]).await.out(), json!(["form.0", "form.1", "form.2"]));
    }
}

#[tokio::test]
async fn as_many_ask_as_run_side_by_side() {
    let four = json!(["slow", "fast", "fast", "slow"]);
    let mut run = Asking::begin(items(four.clone(), 2, json!({}))).await;
    assert_eq!(run.waiting(), ["form.0", "form.1"]);
    // The place of an item that has ended goes to the next.
    assert_eq!(run.answer(&["form.1"]).await.waiting(), ["form.0", "form.2"]);
    assert_eq!(run.answer(&["form.2"]).await.waiting(), ["form.0", "form.3"]);
    assert_eq!(run.answer(&["form.0"]).await.waiting(), ["form.3"]);
    assert_eq!(run.answer(&["form.3"]).await.out(), json!(["form.0", "form.1", "form.2", "form.3"]));
    // One after another: one form at a time.
    let mut run = Asking::begin(items(four, 1, json!({}))).await;
    for index in 0..4 {
        let form = format!("form.{index}");
        assert_eq!(run.waiting(), [form.as_str()]);
        run.answer(&[&form]).await;
    }
    assert_eq!(run.out(), json!(["form.0", "form.1", "form.2", "form.3"]));
}

#[tokio::test]
async fn nested_iterations_ask_at_once() {
    for (outer, inner, rounds) in [
        (2, 2, vec![vec!["form.0.0", "form.0.1", "form.1.0"]]),
        (2, 1, vec![vec!["form.0.0", "form.1.0"], vec!["form.0.1"]]),
        (1, 2, vec![vec!["form.0.0", "form.0.1"], vec!["form.1.0"]]),
        (1, 1, vec![vec!["form.0.0"], vec!["form.0.1"], vec!["form.1.0"]]),
    ] {
        let nodes = [
            ("s", start()),
            ("list", code()),
            ("out", iteration(["list", "result"], ["in", "output"], outer, json!({"start_node_id": "outs"}))),
            ("outs", json!({"type": "iteration-start"})),
            ("pre", code()),
            ("in", iteration(["out", "item"], ["form", "result"], inner, json!({"iteration_id": "out"}))),
            ("its", json!({"type": "iteration-start"})),
            ("form", code()),
            ("e", end(["out", "output"])),
        ];
        let scene = Scene::graph(&nodes, "s -> list, list -> out, out -> e, outs -> pre, pre -> in, its -> form")
            .act("list", Act::Outputs(json!({"result": [["a", "b"], ["c"]]})))
            .act("pre", Act::Later(5, Box::new(Act::Outputs(json!({})))))
            .act("form", Act::Ask);
        for backwards in [false, true] {
            let mut run = Asking::begin(scene.clone()).await;
            for round in &rounds {
                assert_eq!(run.waiting(), *round, "{outer} {inner}: {}", run.transcript());
                let mut order = round.clone();
                if backwards {
                    order.reverse();
                }
                for (at, form) in order.iter().enumerate() {
                    run.answer(&[form]).await;
                    let left: Vec<&str> = round.iter().filter(|form| !order[..=at].contains(form)).copied().collect();
                    assert!(left.iter().all(|form| run.waiting().iter().any(|known| known == form)), "{left:?}");
                }
            }
            assert_eq!(run.out(), json!([["form.0.0", "form.0.1"], ["form.1.0"]]), "{outer} {inner}");
        }
    }
}

#[tokio::test]
async fn loops_in_items_and_items_in_loops() {
    let round = |count: u32| json!({"type": "loop", "start_node_id": "los", "loop_count": count});
    let nodes = [
        ("s", start()),
        ("list", code()),
        ("it", iteration(["list", "result"], ["it", "item"], 2, json!({}))),
        ("its", json!({"type": "iteration-start"})),
        ("lo", round(2)),
        ("los", json!({"type": "loop-start"})),
        ("form", code()),
        ("e", end(["it", "output"])),
    ];
    let list = Act::Outputs(json!({"result": ["a", "b"]}));
    let scene = Scene::graph(&nodes, "s -> list, list -> it, it -> e, its -> lo, los -> form");
    let mut run = Asking::begin(scene.act("list", list.clone()).act("form", Act::Ask)).await;
    assert_eq!(run.waiting(), ["form.0.0", "form.1.0"]);
    assert_eq!(run.answer(&["form.1.0"]).await.waiting(), ["form.0.0", "form.1.1"]);
    assert_eq!(run.answer(&["form.0.0", "form.1.1"]).await.waiting(), ["form.0.1"]);
    assert_eq!(run.answer(&["form.0.1"]).await.out(), json!(["a", "b"]));

    let nodes = [
        ("s", start()),
        ("list", code()),
        ("lo", round(2)),
        ("los", json!({"type": "loop-start"})),
        ("it", iteration(["list", "result"], ["form", "result"], 2, json!({}))),
        ("its", json!({"type": "iteration-start"})),
        ("form", code()),
        ("e", end(["lo", "loop_round"])),
    ];
    let scene = Scene::graph(&nodes, "s -> list, list -> lo, lo -> e, los -> it, its -> form");
    let mut run = Asking::begin(scene.act("list", list).act("form", Act::Ask)).await;
    assert_eq!(run.waiting(), ["form.0.0", "form.0.1"]);
    assert_eq!(run.answer(&["form.0.1"]).await.waiting(), ["form.0.0"]);
    assert_eq!(run.answer(&["form.0.0"]).await.waiting(), ["form.1.0", "form.1.1"]);
    assert_eq!(run.answer(&["form.1.1", "form.1.0"]).await.out(), json!(2));
}

#[tokio::test]
async fn what_is_not_an_item_waits_for_the_time_after() {
    let mut scene = items(json!(["fast", "slow"]), 2, json!({}));
    let more = Scene::graph(&[("b", code()), ("c", code())], "s -> b, b -> c");
    for part in ["nodes", "edges"] {
        let more = more.graph[part].as_array().unwrap().clone();
        scene.graph[part].as_array_mut().unwrap().extend(more);
    }
    let scene = scene.act("b", Act::Later(5, Box::new(Act::Outputs(json!({})))));
    let mut run = Asking::begin(scene).await;
    assert_eq!(run.waiting(), ["form.0", "form.1"]);
    assert!(run.transcript().contains("NRE(b)") && !run.transcript().contains("NRS(c)"), "{}", run.transcript());
    assert_eq!(run.answer(&["form.0", "form.1"]).await.out(), json!(["form.0", "form.1"]));
    assert!(run.transcript().contains("NRE(c)"));
}

#[tokio::test]
async fn nobody_is_asked_for_what_has_failed() {
    let failing = |mode: &str, parallel: u64| {
        // The slow way of an item fails; beside its form in the other items.
        let scene = items(json!(["fast", "slow"]), parallel, json!({"error_handle_mode": mode}));
        scene.act("slow", Act::Later(5, Box::new(Act::Fail("broken"))))
    };
    let run = Asking::begin(failing("terminated", 2)).await;
    assert_eq!(run.outcome.status, RunStatus::Failed, "{}", run.transcript());
    assert_eq!(run.outcome.error.as_deref(), Some("broken"));
    assert!(run.transcript().contains("NRstopped(form: broken)"), "{}", run.transcript());
    let mut run = Asking::begin(failing("continue-on-error", 2)).await;
    assert_eq!(run.waiting(), ["form.0"]);
    assert_eq!(run.answer(&["form.0"]).await.outcome.status, RunStatus::PartialSucceeded);
    assert_eq!(serde_json::to_value(&run.outcome.outputs).unwrap(), json!({"out": ["form.0", null]}));
    // The form stands beside the failing node, in the same item.
    let nodes = [
        ("s", start()),
        ("list", code()),
        ("it", iteration(["list", "result"], ["form", "result"], 2, json!({"error_handle_mode": "continue-on-error"}))),
        ("its", json!({"type": "iteration-start"})),
        ("form", code()),
        ("bad", code()),
        ("e", end(["it", "output"])),
    ];
    let scene = Scene::graph(&nodes, "s -> list, list -> it, it -> e, its -> form, its -> bad")
        .act("list", Act::Outputs(json!({"result": ["a", "b"]})))
        .act("form", Act::Ask)
        .act("bad", Act::Later(5, Box::new(Act::Fail("broken"))));
    let run = Asking::begin(scene).await;
    assert_eq!(run.outcome.status, RunStatus::PartialSucceeded, "{}", run.transcript());
    assert_eq!(serde_json::to_value(&run.outcome.outputs).unwrap(), json!({"out": [null, null]}));
}

#[tokio::test]
async fn a_pause_that_somebody_asks_for_holds_items_up_as_well() {
    let scene = items(json!(["fast", "slow"]), 2, json!({}));
    let (handle, sink) = scene.start();
    while !sink
        .events()
        .iter()
        .any(|event| matches!(&event.kind, RunEventKind::NodeStarted(info) if info.node.id == "slow"))
    {
        tokio::task::yield_now().await;
    }
    handle.pause("maintenance");
    assert_eq!(handle.wait().await.status, RunStatus::Paused);
    let pre = |event: &&RunEvent| matches!(&event.kind, RunEventKind::NodeStarted(info) if place(info) == "pre.1");
    assert_eq!(sink.events().iter().filter(pre).count(), 0, "it became ready after the pause was asked for");
}

//! A run that is interrupted at any point and resumed ends as if it had not been.

use ox_engine::{Effect, Interruption, Recovery, RunEventKind, RunOutcome};
use ox_types::{RunStatus, Value};
use serde_json::{Value as Json, json};

use crate::{
    nodes::{Act, words},
    scene::{Ran, Scene},
};

/// Everything about an outcome that does not depend on time.
fn essence(outcome: &RunOutcome) -> Json {
    json!({
        "status": outcome.status.as_str(),
        "outputs": serde_json::to_value(&outcome.outputs).unwrap(),
        "error": outcome.error,
        "exceptions": outcome.exceptions_count,
        "steps": outcome.total_steps,
        "tokens": outcome.usage.total_tokens,
        "price": outcome.usage.total_price,
    })
}

/// Text fixed by finished nodes, and everything shown afterwards.
fn shown_in_all(resumed: &Ran) -> String {
    let before = resumed.events.iter().find_map(|event| match &event.kind {
        RunEventKind::RunResumed { shown } => Some(shown.clone()),
        _ => None,
    });
    before.unwrap_or_default() + &resumed.shown()
}

/// Interrupts a run after each finished node, resumes it, and compares.
async fn survives(name: &str, scene: Scene) {
    let whole = scene.run().await;
    whole.check();
    let count = whole.finished_count();
    assert!(count > 0);
    for finished in 0..=count {
        for at_once in [true, false] {
            for state in [Interruption::Running, Interruption::AwaitingRetry] {
                let record = whole.record(finished, at_once, state);
                let last = record.last_sequence;
                let known = record.finished.len();
                let fixed = scene.shown_by(record.clone());
                let resumed = scene.resume(record).await;
                let place = format!("{name} after {finished} of {count}, at once: {at_once}\n{}", resumed.transcript());
                assert_eq!(essence(&resumed.outcome), essence(&whole.outcome), "{place}");
                assert_eq!(shown_in_all(&resumed), whole.shown(), "{place}");
                assert_eq!(fixed + &resumed.shown(), whole.shown(), "{place}");
                assert!(resumed.events.iter().all(|event| event.sequence > last), "{place}");
                assert_eq!(resumed.finished_count(), count - known, "nothing is told twice or lost: {place}");
            }
        }
    }
}

fn start() -> Json {
    json!({"type": "start"})
}
fn code() -> Json {
    json!({"type": "code"})
}
fn llm() -> Json {
    json!({"type": "llm"})
}
fn answer(text: &str) -> Json {
    json!({"type": "answer", "answer": text})
}
fn outputs(value: Json) -> Act {
    Act::Outputs(value)
}

#[tokio::test]
async fn fixtures_survive_at_every_point() {
    let tool = json!({"text": "found", "result": [1, 2, 3]});
    for name in [
        "answer_end_with_text.yml",
        "array_iteration_formatting_workflow.yml",
        "basic_chatflow.yml",
        "conditional_hello_branching_workflow.yml",
        "conditional_parallel_code_execution_workflow.yml",
        "loop_contains_answer.yml",
        "multilingual_parallel_llm_streaming_workflow.yml",
        "search_dify_from_2023_to_2025.yml",
        "test-answer-order.yml",
        "test_streaming_conversation_variables_v1_overwrite.yml",
    ] {
        let Some(mut scene) = Scene::fixture(name) else { return };
        scene = scene.query("1").input("query", "hello").input("switch", 1);
        for node in scene.graph["nodes"].as_array().unwrap().clone() {
            if node["data"]["type"] == "tool" {
                let id = node["id"].as_str().unwrap();
                scene = scene.act(id, Act::Outputs(tool.clone())).effect(id, Effect::Repeatable);
            }
        }
        for workers in [1, 10] {
            survives(name, scene.clone().workers(workers)).await;
        }
    }
}

#[tokio::test]
async fn branches_retries_and_strategies_survive() {
    let retry = json!({"type": "code", "error_strategy": "fail-branch",
        "retry_config": {"retry_enabled": true, "max_retries": 2, "retry_interval": 0}});
    let nodes = [
        ("s", start()),
        ("A", llm()),
        ("B", llm()),
        ("r", retry),
        ("ok", answer("ok {{#A.text#}}")),
        ("no", answer("no {{#r.error_message#}} {{#B.text#}}")),
        ("e", answer(" end {{#B.text#}}")),
    ];
    let edges = "s -> A, s -> B, A -> r, r -> ok, r -fail-branch-> no, ok -> e, no -> e, B -> e";
    let scene = Scene::graph(&nodes, edges)
        .act("A", Act::Stream(vec!["a", "b", "c"]))
        .act("B", Act::Yield(3, Box::new(words("one two three"))));
    survives("once failed", scene.clone().act("r", Act::FailTimes(1, Box::new(outputs(json!({})))))).await;
    survives("all failed", scene.clone().act("r", Act::Fail("boom"))).await;
    // What was drained after the failure is not run again.
    let failing = scene.act("B", Act::Yield(2, Box::new(Act::Fail("down"))));
    let whole = failing.run().await;
    for finished in 0..=whole.finished_count() {
        let resumed = failing.resume(whole.record(finished, true, Interruption::Running)).await;
        assert_eq!(resumed.outcome.status, RunStatus::Failed);
        assert_eq!(resumed.outcome.error.as_deref(), Some("down"));
    }
}

#[tokio::test]
async fn containers_survive() {
    let assigner = |target: [&str; 2], operation: &str, value: Json| {
        json!({"type": "assigner", "version": "2", "items": [{"variable_selector": target, "operation": operation,
            "input_type": if value.is_array() { "variable" } else { "constant" }, "value": value}]})
    };
    for (parallel, mode) in
        [(json!(false), "terminated"), (json!(true), "terminated"), (json!(true), "continue-on-error")]
    {
        let nodes = [
            ("s", start()),
            ("list", code()),
            (
                "it",
                json!({"type": "iteration", "start_node_id": "its", "iterator_selector": ["list", "result"],
                    "output_selector": ["lo", "i"], "is_parallel": parallel, "parallel_nums": 2,
                    "error_handle_mode": mode}),
            ),
            ("its", json!({"type": "iteration-start"})),
            (
                "lo",
                json!({"type": "loop", "start_node_id": "los", "loop_count": 2, "iteration_id": "it",
                "loop_variables": [{"label": "i", "var_type": "number", "value_type": "constant", "value": "0"}]}),
            ),
            ("los", json!({"type": "loop-start"})),
            ("inc", assigner(["lo", "i"], "+=", json!(1))),
            ("say", answer("{{#it.index#}}{{#lo.i#}} ")),
            ("note", assigner(["conversation", "seen"], "append", json!(["it", "item"]))),
            (
                "last",
                json!({"type": "if-else", "cases": [{"case_id": "true", "conditions": [
                {"variable_selector": ["it", "item"], "comparison_operator": "is", "value": "z"}]}]}),
            ),
            ("e", answer("{{#it.output#}} {{#conversation.seen#}}")),
        ];
        let edges = "s -> list, list -> it, it -> e, its -> lo, los -> inc, inc -> say, lo -> note, note -> last";
        let mut scene = Scene::graph(&nodes, edges).act("list", outputs(json!({"result": ["x", "y", "z"]}))).workers(2);
        scene.conversation.push(("seen".into(), Value::from_json(&json!(["0"]))));
        survives(&format!("nested {parallel} {mode}"), scene.clone()).await;
        // The third item has no `missing` key to look at: it fails.
        let mut failing = scene;
        let condition = &mut failing.graph["nodes"][9]["data"]["cases"][0]["conditions"][0];
        condition["variable_selector"] = json!(["it", "item", "missing"]);
        survives(&format!("failing {parallel} {mode}"), failing).await;
    }
}

#[tokio::test]
async fn an_interrupted_side_effect_is_not_repeated() {
    let nodes = [("s", start()), ("h", json!({"type": "http-request"})), ("b", llm()), ("e", answer("x"))];
    let scene = Scene::graph(&nodes, "s -> h, s -> b, h -> e").act("h", outputs(json!({}))).workers(1);
    let whole = scene.run().await;
    let record = whole.record(1, false, Interruption::Running);
    assert!(record.interrupted.iter().any(|node| node.node_id == "h"));
    let before = scene.runs_of("h");
    let resumed = scene.resume(record).await;
    assert_eq!(scene.runs_of("h"), before);
    assert_eq!(resumed.outcome.status, RunStatus::Failed);
    let error = resumed.outcome.error.clone().unwrap();
    assert!(error.starts_with("interrupted: node h (h) was running"), "{error}");
    assert_eq!(resumed.finished_count(), 1, "{}", resumed.transcript());
    // Between two attempts nothing was running: it may go on.
    let resumed = scene.resume(whole.record(1, false, Interruption::AwaitingRetry)).await;
    assert_eq!(resumed.outcome.status, RunStatus::Succeeded);
    // A node declared repeatable runs again; one that is idempotent does so under its id, which was recorded before.
    for effect in [Effect::Repeatable, Effect::Idempotent] {
        let scene = scene.clone().effect("h", effect);
        let record = whole.record(1, false, Interruption::Running);
        let id = record.interrupted.iter().find(|node| node.node_id == "h").unwrap().node_run_id;
        let resumed = scene.resume(record).await;
        assert_eq!(resumed.outcome.status, RunStatus::Succeeded, "{effect:?}");
        let finished = resumed.events.iter().find_map(|event| match &event.kind {
            RunEventKind::NodeFinished(info, _) if info.node.id == "h" => Some(info.node_run_id),
            _ => None,
        });
        assert_eq!(finished, Some(id));
        assert_eq!(effect.needs_record(), effect == Effect::Idempotent);
    }
}

#[tokio::test]
async fn the_execution_goes_on_under_its_id_and_time_is_counted() {
    let nodes = [("s", start()), ("A", llm()), ("e", answer("{{#A.text#}}"))];
    let scene = Scene::graph(&nodes, "s -> A, A -> e");
    let whole = scene.run().await;
    let mut record = whole.record(1, false, Interruption::Running);
    let id = record.interrupted[0].node_run_id;
    record.elapsed_seconds = 100.0;
    // A record may be kept as text.
    record = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
    let resumed = scene.resume(record.clone()).await;
    assert!(resumed.outcome.elapsed_seconds >= 100.0);
    assert!(resumed.transcript().starts_with("Resumed \"\"; NRC \"This\""), "{}", resumed.transcript());
    let finished = resumed.events.iter().find_map(|event| match &event.kind {
        RunEventKind::NodeFinished(info, _) if info.node.id == "A" => Some((info.node_run_id, info.index)),
        _ => None,
    });
    assert_eq!(finished, Some((id, 2)));
    record.elapsed_seconds = 5000.0;
    let late = scene.clone().act("A", Act::Hang).resume(record).await;
    assert_eq!(late.outcome.status, RunStatus::Stopped);
    assert!(late.outcome.error.unwrap().starts_with("Maximum execution time exceeded: 5000."));
}

#[tokio::test]
async fn a_record_that_does_not_fit_fails_the_run_by_name() {
    let nodes = [("s", start()), ("a", code()), ("b", code())];
    let scene = Scene::graph(&nodes, "s -> a, a -> b");
    let mut record = scene.run().await.record(3, false, Interruption::Running);
    record.finished.remove(1);
    let resumed = scene.resume(record.clone()).await;
    assert_eq!(resumed.outcome.status, RunStatus::Failed);
    let text = "the record of the run does not fit its workflow at node ";
    assert_eq!(resumed.outcome.error.as_deref(), Some(format!("{text}b").as_str()));
    record.finished[1].node_id = "gone".into();
    let resumed = scene.resume(record).await;
    assert_eq!(resumed.outcome.error, Some(format!("{text}gone")));
    let fresh = scene.resume(Recovery::default()).await;
    assert!(fresh.transcript().starts_with("GraphRunStarted"));
}

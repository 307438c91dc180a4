//! Graphs and the exact events they show.

use ox_engine::{Interruption, RunEventKind, StopCause};
use ox_types::{RunStatus, Value};
use serde_json::{Value as Json, json};

use crate::{
    nodes::{Act, words},
    scene::Scene,
};

mod containers;
mod failures;
mod pauses;
mod scheduling;
mod streaming;

fn start() -> Json {
    json!({"type": "start"})
}
fn llm() -> Json {
    json!({"type": "llm"})
}
fn code() -> Json {
    json!({"type": "code"})
}
fn answer(text: &str) -> Json {
    json!({"type": "answer", "answer": text})
}
fn branch(selector: [&str; 2], value: &str) -> Json {
    let condition = json!({"variable_selector": selector, "comparison_operator": "is", "value": value});
    json!({"type": "if-else", "cases": [{"case_id": "true", "conditions": [condition]}]})
}
fn end(fields: &[(&str, [&str; 2])]) -> Json {
    let field = |(name, selector): &(&str, [&str; 2])| json!({"variable": name, "value_selector": selector});
    json!({"type": "end", "outputs": fields.iter().map(field).collect::<Vec<_>>()})
}
fn with(mut data: Json, more: Json) -> Json {
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    data
}
fn retry(data: Json, times: u32) -> Json {
    with(data, json!({"retry_config": {"retry_enabled": true, "max_retries": times, "retry_interval": 1}}))
}
fn outputs(value: Json) -> Act {
    Act::Outputs(value)
}

fn iteration(more: Json) -> Json {
    with(
        json!({"type": "iteration", "start_node_id": "its", "iterator_selector": ["list", "result"],
               "output_selector": ["in", "result"]}),
        more,
    )
}

/// s -> list -> it(its -> in) -> e
fn iterate(inner: Json, more: Json, list: Json) -> Scene {
    let nodes = [
        ("s", start()),
        ("list", code()),
        ("it", iteration(more)),
        ("its", json!({"type": "iteration-start"})),
        ("in", with(inner, json!({"iteration_id": "it"}))),
        ("e", end(&[("out", ["it", "output"])])),
    ];
    Scene::graph(&nodes, "s -> list, list -> it, it -> e, its -> in").act("list", outputs(json!({"result": list})))
}

/// A scene with what it shows, with one worker and with many.
async fn shows(scene: Scene, expected: &str) {
    for workers in [1, 2, 10] {
        let ran = scene.clone().workers(workers).run().await;
        ran.check();
        let expected = expected.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(ran.transcript(), format!("GraphRunStarted; {expected}"), "{workers} workers");
    }
}

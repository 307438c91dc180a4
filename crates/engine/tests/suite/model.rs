//! Random graphs: exactly the right nodes run, each once and after what it waits for, with any
//! number of workers; and every such run survives an interruption.

use std::collections::{BTreeMap, BTreeSet};

use ox_engine::{Interruption, RunEventKind};
use ox_types::RunStatus;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::{
    nodes::{Act, words},
    scene::{Ran, Scene},
};

#[derive(Clone, Debug)]
struct Case {
    /// 0: code, 1: branch, 2: slow model, 3: answer.
    sorts: Vec<u8>,
    edges: Vec<(usize, usize)>,
    /// Whether a branch goes the way `true`.
    ways: Vec<bool>,
    cut: usize,
}

fn cases() -> impl Strategy<Value = Case> {
    (2..10usize).prop_flat_map(|count| {
        (
            prop::collection::vec(0..4u8, count),
            prop::collection::vec((0..count, 0..count), 1..count * 2),
            prop::collection::vec(any::<bool>(), count),
            0..20usize,
        )
            .prop_map(move |(sorts, edges, ways, cut)| {
                let edges = edges.into_iter().filter(|(a, b)| a != b).map(|(a, b)| (a.min(b), a.max(b))).collect();
                Case { sorts, edges, ways, cut }
            })
    })
}

fn handle(edge: usize) -> &'static str {
    if edge.is_multiple_of(2) { "true" } else { "false" }
}

fn scene(case: &Case) -> Scene {
    let mut nodes: Vec<(String, Json)> = Vec::new();
    for (index, sort) in case.sorts.iter().enumerate() {
        let value = if case.ways[index] { "q" } else { "other" };
        let condition = json!({"variable_selector": ["sys", "query"], "comparison_operator": "is", "value": value});
        // An answer shows what the nodes before it made.
        let shown: String =
            (0..index).filter(|i| case.sorts[*i] == 2).map(|i| format!("{{{{#n{i}.text#}}}}")).collect();
        let data = match (index, sort) {
            (0, _) => json!({"type": "start"}),
            (_, 1) => json!({"type": "if-else", "cases": [{"case_id": "true", "conditions": [condition]}]}),
            (_, 2) => json!({"type": "llm"}),
            (_, 3) => json!({"type": "answer", "answer": format!("<{index}>{shown}")}),
            _ => json!({"type": "code"}),
        };
        nodes.push((format!("n{index}"), data));
    }
    let edge = |(at, (a, b)): (usize, &(usize, usize))| {
        let handle = if case.sorts[*a] == 1 && *a > 0 { handle(at) } else { "source" };
        format!("n{a} -{handle}-> n{b}")
    };
    let edges: Vec<String> = case.edges.iter().enumerate().map(edge).collect();
    let named: Vec<(&str, Json)> = nodes.iter().map(|(id, data)| (id.as_str(), data.clone())).collect();
    let mut scene = Scene::graph(&named, &edges.join(", "));
    for (index, sort) in case.sorts.iter().enumerate() {
        if *sort == 2 {
            let pace = (index as u32 * 7) % 5;
            scene = scene.act(&format!("n{index}"), Act::Yield(pace, Box::new(words("one two three"))));
        }
    }
    scene
}

/// Which nodes run, by the rules: in order of number, which is a topological order.
fn expected(case: &Case) -> BTreeSet<usize> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Unknown,
        Taken,
        Skipped,
    }
    let mut nodes = vec![State::Unknown; case.sorts.len()];
    let mut edges = vec![State::Unknown; case.edges.len()];
    nodes[0] = State::Taken;
    for node in 0..case.sorts.len() {
        let incoming: Vec<State> =
            case.edges.iter().zip(&edges).filter(|((_, to), _)| *to == node).map(|(_, state)| *state).collect();
        if node > 0 && !incoming.is_empty() && !incoming.contains(&State::Unknown) {
            nodes[node] = if incoming.contains(&State::Taken) { State::Taken } else { State::Skipped };
        }
        let is_branch = node > 0 && case.sorts[node] == 1;
        let way = if case.ways[node] { "true" } else { "false" };
        for (index, _) in case.edges.iter().enumerate().filter(|(_, (from, _))| *from == node) {
            edges[index] = match nodes[node] {
                State::Taken if is_branch && handle(index) != way => State::Skipped,
                other => other,
            };
        }
    }
    (0..nodes.len()).filter(|node| nodes[*node] == State::Taken).collect()
}

fn check(case: &Case, ran: &Ran) {
    ran.check();
    let number = |id: &str| id[1..].parse::<usize>().unwrap();
    let mut started = BTreeSet::new();
    let mut finished = BTreeMap::new();
    for event in &ran.events {
        match &event.kind {
            RunEventKind::NodeStarted(info) => {
                let node = number(&info.node.id);
                assert!(started.insert(node), "{node} runs once");
                let before = case.edges.iter().filter(|(_, to)| *to == node).map(|(from, _)| *from);
                for from in before.filter(|from| expected(case).contains(from)) {
                    assert!(finished.contains_key(&from), "{node} begins before {from} has ended");
                }
            }
            RunEventKind::NodeFinished(info, _) => {
                finished.insert(number(&info.node.id), ());
            }
            _ => {}
        }
    }
    assert_eq!(started, expected(case));
}

/// Answers may name models that are skipped or not before them, so only texts that must agree are
/// compared: the answers' outputs, by set of answer nodes.
fn answers(ran: &Ran) -> BTreeMap<String, String> {
    let output = |event: &ox_engine::RunEvent| match &event.kind {
        RunEventKind::NodeFinished(info, result) if info.node.kind == "answer" => {
            Some((info.node.id.clone(), result.outputs["answer"].text()))
        }
        _ => None,
    };
    ran.events.iter().filter_map(output).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn random_graphs_on_many_threads(case in cases()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        runtime.block_on(async {
            let scene = scene(&case).workers(4);
            let runs: Vec<_> = (0..4).map(|_| scene.start()).collect();
            for (handle, sink) in runs {
                let outcome = handle.wait().await;
                assert_eq!(outcome.status, RunStatus::Succeeded);
                check(&case, &Ran { outcome, events: sink.events() });
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn random_graphs(case in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let scene = scene(&case);
            for workers in [1, 2, 10] {
                let ran = scene.clone().workers(workers).run().await;
                assert_eq!(ran.outcome.status, RunStatus::Succeeded);
                check(&case, &ran);
                let cut = case.cut % (ran.finished_count() + 1);
                let record = ran.record(cut, workers == 1, Interruption::Running);
                let known = record.finished.len();
                let resumed = scene.clone().workers(workers).resume(record).await;
                assert_eq!(resumed.outcome.status, RunStatus::Succeeded, "{}", resumed.transcript());
                assert_eq!(resumed.finished_count() + known, ran.finished_count());
                if workers == 1 {
                    // One at a time there is one order: all texts are the same.
                    let mut all = answers(&ran);
                    all.retain(|node, _| answers(&resumed).contains_key(node));
                    assert_eq!(all, answers(&resumed));
                    assert_eq!(resumed.outcome.outputs, ran.outcome.outputs);
                }
            }
        });
    }
}

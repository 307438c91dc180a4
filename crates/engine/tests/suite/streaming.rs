//! Random graphs against a naive model of response streaming (engine reference §3.1, §3.2, §5 and §6), written from the
//! reference alone: it lists paths, keeps every chunk, simulates queue and workers, and shares nothing with the engine.
//! Which of the running nodes goes a step further is random, but the same for both.
//!
//! `STREAMING_CASES=100000 cargo nextest run -p ox-engine streaming`; a failure prints the smallest case and its seed.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use ox_engine::RunEventKind;
use ox_types::{RunStatus, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::{
    nodes::{Act, Turns},
    scene::{Ran, Scene},
};

mod naive;

use naive::Model;

const PIECES: [&str; 3] = ["one", " two", " three"];
const QUERY: &str = "q";

#[derive(Clone, Debug, PartialEq)]
enum Sort {
    /// A value, at the end.
    Code,
    Branch {
        way: bool,
    },
    /// Text in pieces. Its failure would have a way of its own.
    Model {
        pieces: usize,
        guarded: bool,
    },
    /// Fails, after a piece or at once.
    Broken {
        begun: bool,
        strategy: OnError,
    },
    /// Writes a conversation variable.
    Assigner {
        variable: usize,
    },
    Answer,
    End,
    Loop {
        rounds: usize,
        inner: Box<Net>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum OnError {
    FailBranch,
    Default { has_text: bool },
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Variable(String, String),
}

/// A graph; node 0 is its beginning. Edges go to higher numbers.
#[derive(Clone, Debug, PartialEq)]
struct Net {
    prefix: String,
    sorts: Vec<Sort>,
    edges: Vec<(usize, usize)>,
    parts: Vec<Vec<Part>>,
    /// The order of the nodes in the file.
    order: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Case {
    net: Net,
    workers: usize,
    picks: Vec<usize>,
}

type RawParts = Vec<(usize, usize)>;

/// Numbers of which a net is made.
#[derive(Clone, Debug)]
struct Raw {
    nodes: Vec<(usize, usize, RawParts, u8)>,
    edges: Vec<(usize, usize)>,
}

fn raw(count: std::ops::Range<usize>) -> impl Strategy<Value = Raw> {
    count.prop_flat_map(|count| {
        let part = (0..24usize, 0..64usize);
        let node = (0..32usize, 0..16usize, prop::collection::vec(part, 0..5), any::<u8>());
        let edges = prop::collection::vec((0..count, 0..count), 1..count * 2);
        (prop::collection::vec(node, count), edges).prop_map(|(nodes, edges)| Raw { nodes, edges })
    })
}

fn cases() -> impl Strategy<Value = Case> {
    (raw(2..10), raw(2..6), 1..4usize, prop::collection::vec(0..64usize, 1..24)).prop_map(
        |(outer, inner, workers, picks)| {
            let net = net("n", &outer, Some(&inner), &[]);
            Case { net, workers, picks }
        },
    )
}

fn net(prefix: &str, raw: &Raw, inner: Option<&Raw>, around: &[(String, String)]) -> Net {
    let id = |index: usize| format!("{prefix}{index}");
    let mut sorts: Vec<Sort> = Vec::new();
    for (index, (sort, more, _, _)) in raw.nodes.iter().enumerate() {
        let strategy =
            if more % 4 < 2 { OnError::FailBranch } else { OnError::Default { has_text: more.is_multiple_of(4) } };
        sorts.push(match (sort, inner) {
            (0..=4, _) => Sort::Code,
            (5..=8, _) => Sort::Branch { way: more % 2 == 0 },
            (9..=15, _) => Sort::Model { pieces: more % 4, guarded: *more > 11 },
            (16..=17, _) => Sort::Broken { begun: more % 2 == 0, strategy },
            (18..=19, _) => Sort::Assigner { variable: more % 2 },
            (20..=21, _) => Sort::End,
            (22..=23, Some(inner)) => {
                let known: Vec<(String, String)> = sorts
                    .iter()
                    .enumerate()
                    .skip(1)
                    .filter_map(|(index, sort)| Some((id(index), variable(sort)?.to_owned())))
                    .collect();
                let inner = Box::new(net(&format!("{}i", id(index)), inner, None, &known));
                Sort::Loop { rounds: 1 + more % 2, inner }
            }
            _ => Sort::Answer,
        });
    }
    let count = sorts.len();
    let part = |at: usize, index: usize, (choice, of): (usize, usize)| {
        let text = || Part::Text(format!("<{}-{at}>", id(index)));
        let of = 1 + of % (count - 1);
        match choice {
            0..=6 => text(),
            7 => Part::Variable("sys".into(), "query".into()),
            8 | 9 => Part::Variable("conversation".into(), format!("c{}", of % 2)),
            10 => Part::Variable(id(of), "missing".into()),
            11 => around
                .get(of % around.len().max(1))
                .map_or_else(text, |(id, name)| Part::Variable(id.clone(), name.clone())),
            _ => variable(&sorts[of]).map_or_else(text, |name| Part::Variable(id(of), name.into())),
        }
    };
    let mut parts: Vec<Vec<Part>> = Vec::new();
    for (index, (_, _, raw, _)) in raw.nodes.iter().enumerate() {
        let mut own: Vec<Part> = raw.iter().enumerate().map(|(at, raw)| part(at, index, *raw)).collect();
        if sorts[index] == Sort::End {
            own.retain(|part| matches!(part, Part::Variable(..)));
            own = own.into_iter().flat_map(|part| [Part::Text("\n".into()), part]).skip(1).collect();
        }
        // Two texts in a row are one.
        own.dedup_by(|b, a| matches!((a, b), (Part::Text(_), Part::Text(_))));
        parts.push(own);
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|index| raw.nodes[*index].3);
    let mut edges: Vec<(usize, usize)> =
        raw.edges.iter().filter(|(a, b)| a != b).map(|(a, b)| (*a.min(b), *a.max(b))).collect();
    // Most graphs begin somewhere.
    if !edges.iter().any(|(a, _)| *a == 0) {
        edges.push((0, 1));
    }
    Net { prefix: prefix.to_owned(), sorts, edges, parts, order }
}

/// The variable of a node that answers show.
fn variable(sort: &Sort) -> Option<&'static str> {
    match sort {
        Sort::Code => Some("x"),
        Sort::Model { .. } | Sort::Broken { .. } => Some("text"),
        Sort::Answer => Some("answer"),
        Sort::Loop { .. } => Some("loop_round"),
        Sort::Branch { .. } | Sort::Assigner { .. } | Sort::End => None,
    }
}

impl Net {
    fn id(&self, index: usize) -> String {
        format!("{}{index}", self.prefix)
    }

    /// Nothing for the beginning.
    fn sort(&self, index: usize) -> Option<&Sort> {
        (index > 0).then(|| &self.sorts[index])
    }

    fn is_response(&self, index: usize) -> bool {
        matches!(self.sort(index), Some(Sort::Answer | Sort::End))
    }

    /// The handles of a node that chooses between its edges.
    fn choices(&self, index: usize) -> Option<[&'static str; 2]> {
        match self.sort(index)? {
            Sort::Branch { .. } => Some(["true", "false"]),
            Sort::Model { guarded: true, .. } | Sort::Broken { strategy: OnError::FailBranch, .. } => {
                Some(["source", "fail-branch"])
            }
            _ => None,
        }
    }

    fn handle(&self, edge: usize) -> &'static str {
        self.choices(self.edges[edge].0).map_or("source", |choices| choices[edge % 2])
    }

    fn outgoing(&self, node: usize) -> Vec<usize> {
        (0..self.edges.len()).filter(|edge| self.edges[*edge].0 == node).collect()
    }

    fn incoming(&self, node: usize) -> Vec<usize> {
        (0..self.edges.len()).filter(|edge| self.edges[*edge].1 == node).collect()
    }

    /// Nodes and edges as a file has them, inner ones included.
    fn write(&self, container: Option<&str>, nodes: &mut Vec<Json>, edges: &mut Vec<Json>) {
        for &index in &self.order {
            let id = self.id(index);
            let mut data = self.data(index, container.is_some());
            data["title"] = id.as_str().into();
            if let Some(container) = container {
                data["isInLoop"] = true.into();
                data["loop_id"] = container.into();
            }
            nodes.push(json!({"id": id, "type": "custom", "data": data}));
            if let Some(Sort::Loop { inner, .. }) = self.sort(index) {
                inner.write(Some(&id), nodes, edges);
            }
        }
        for (index, (from, to)) in self.edges.iter().enumerate() {
            let (from, to) = (self.id(*from), self.id(*to));
            edges.push(json!({"source": from, "target": to, "sourceHandle": self.handle(index)}));
        }
    }

    fn data(&self, index: usize, is_inside: bool) -> Json {
        let strategy = |strategy: &OnError| match strategy {
            OnError::FailBranch => json!({"type": "llm", "error_strategy": "fail-branch"}),
            OnError::Default { has_text } => {
                let key = if *has_text { "text" } else { "other" };
                json!({"type": "llm", "error_strategy": "default-value",
                    "default_value": [{"key": key, "type": "string", "value": "instead"}]})
            }
        };
        match self.sort(index) {
            None if is_inside => json!({"type": "loop-start"}),
            None => json!({"type": "start"}),
            Some(Sort::Code) => json!({"type": "code"}),
            Some(Sort::Branch { way }) => {
                let value = if *way { QUERY } else { "other" };
                let condition =
                    json!({"variable_selector": ["sys", "query"], "comparison_operator": "is", "value": value});
                json!({"type": "if-else", "cases": [{"case_id": "true", "conditions": [condition]}]})
            }
            Some(Sort::Model { guarded: true, .. }) => strategy(&OnError::FailBranch),
            Some(Sort::Model { .. }) => json!({"type": "llm"}),
            Some(Sort::Broken { strategy: how, .. }) => strategy(how),
            Some(Sort::Assigner { variable }) => {
                let item = json!({"variable_selector": ["conversation", format!("c{variable}")], "operation": "over-write",
                    "input_type": "constant", "value": format!("of {}", self.id(index))});
                json!({"type": "assigner", "version": "2", "items": [item]})
            }
            Some(Sort::Answer) => {
                let text: String = self.parts[index].iter().map(written).collect();
                json!({"type": "answer", "answer": text})
            }
            Some(Sort::End) => {
                let fields = self.parts[index].iter().filter_map(|part| match part {
                    Part::Text(_) => None,
                    Part::Variable(id, name) => {
                        Some(json!({"variable": format!("end_{name}"), "value_selector": [id, name]}))
                    }
                });
                json!({"type": "end", "outputs": fields.collect::<Vec<_>>()})
            }
            Some(Sort::Loop { rounds, inner }) => json!({"type": "loop", "start_node_id": inner.id(0),
                "loop_count": rounds, "break_conditions": [], "loop_variables": [], "logical_operator": "and"}),
        }
    }

    fn act(&self, scene: Scene) -> Scene {
        let mut scene = scene;
        for index in 1..self.sorts.len() {
            let act = match &self.sorts[index] {
                Sort::Code => Act::Outputs(json!({"x": format!("value of {}", self.id(index))})),
                Sort::Model { pieces, .. } => Act::Stream(PIECES[..*pieces].to_vec()),
                Sort::Broken { begun: true, .. } => Act::BreakOff("half"),
                Sort::Broken { .. } => Act::Fail("no"),
                Sort::Loop { inner, .. } => {
                    scene = inner.act(scene);
                    continue;
                }
                _ => continue,
            };
            scene = scene.act(&self.id(index), act);
        }
        scene
    }
}

fn written(part: &Part) -> String {
    match part {
        Part::Text(text) => text.clone(),
        Part::Variable(id, name) => format!("{{{{#{id}.{name}#}}}}"),
    }
}

impl Case {
    fn scene(&self) -> Scene {
        let (mut nodes, mut edges) = (Vec::new(), Vec::new());
        self.net.write(None, &mut nodes, &mut edges);
        let mut scene = Scene::new(json!({"nodes": nodes, "edges": edges})).query(QUERY).workers(self.workers);
        scene.conversation = vec![("c0".into(), "old".into()), ("c1".into(), "older".into())];
        self.net.act(scene)
    }

    /// Runs it, giving one of the nodes that wait its turn whenever nothing else can happen.
    async fn run(&self) -> Ran {
        let mut scene = self.scene();
        let turns = Arc::new(Turns::default());
        scene.kinds.turns = Some(Arc::clone(&turns));
        let (handle, sink) = scene.start();
        for pick in self.picks.iter().cycle() {
            loop {
                let before = sink.events().len();
                for _ in 0..6 {
                    tokio::task::yield_now().await;
                }
                if sink.events().len() == before {
                    break;
                }
            }
            let waiting = turns.waiting();
            if waiting.is_empty() {
                break;
            }
            turns.grant(&waiting[pick % waiting.len()]);
        }
        let outcome = tokio::time::timeout(Duration::from_secs(30), handle.wait()).await.expect("the run hangs");
        Ran { outcome, events: sink.events() }
    }
}

fn chunk(owner: &str, node: &str, name: &str, text: &str, is_final: bool) -> String {
    format!("chunk of {owner}, {node}.{name}: {text:?}{}", if is_final { " final" } else { "" })
}

fn seen(ran: &Ran) -> Vec<String> {
    let line = |event: &RunEventKind| match event {
        RunEventKind::NodeStarted(info) => Some(format!("start {}", info.node.id)),
        RunEventKind::NodeFinished(info, _) => Some(format!("end {}", info.node.id)),
        RunEventKind::Chunk { node, text, selector, is_final } => {
            Some(chunk(&node.node.id, &selector[0], &selector[1], text, *is_final))
        }
        RunEventKind::ContainerStarted { node, .. } => Some(format!("loop {} begins", node.node.id)),
        RunEventKind::ContainerNext { node, .. } => Some(format!("loop {} goes on", node.node.id)),
        RunEventKind::ContainerFinished { node, .. } => Some(format!("loop {} is over", node.node.id)),
        _ => None,
    };
    ran.events.iter().filter_map(|event| line(&event.kind)).collect()
}

/// Every chunk names an execution of its node that really was or will be.
fn check_executions(ran: &Ran) {
    let mut started: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for event in &ran.events {
        if let RunEventKind::NodeStarted(info) = &event.kind {
            started.entry(&info.node.id).or_default().insert(info.node_run_id.to_string());
        }
    }
    for event in &ran.events {
        if let RunEventKind::Chunk { node, .. } = &event.kind
            && let Some(known) = started.get(node.node.id.as_str())
        {
            assert!(known.contains(&node.node_run_id.to_string()), "{} was never run as told", node.node.id);
        }
    }
}

fn config() -> ProptestConfig {
    let cases = std::env::var("STREAMING_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    ProptestConfig { cases, max_shrink_iters: 4000, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn chunks_come_as_the_rules_say(case in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ran = runtime.block_on(case.run());
        ran.check();
        check_executions(&ran);
        let model = Model::run(&case);
        let (seen, expected) = (seen(&ran).join("\n"), model.out.join("\n"));
        prop_assert!(seen == expected, "seen:\n{seen}\n\nexpected:\n{expected}\n");
        let answer = ran.outcome.outputs.get("answer").map(Value::text);
        prop_assert_eq!(answer, model.answer);
        let status = if model.exceptions > 0 { RunStatus::PartialSucceeded } else { RunStatus::Succeeded };
        prop_assert_eq!(ran.outcome.status, status);
    }
}

//! Random graphs against a naive model of the rules of response streaming (engine reference §6), written from the
//! reference alone: paths are enumerated, nothing is shared with the engine.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ox_engine::RunEventKind;
use ox_types::RunStatus;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::{
    nodes::{Act, outputs, words},
    scene::{Ran, Scene},
};

const PIECES: [&str; 3] = ["one", " two", " three"];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sort {
    Code,
    Branch,
    Model,
    Answer,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    /// The text of a model, or the value of a code node.
    Of(usize),
}

#[derive(Clone, Debug)]
struct Case {
    sorts: Vec<Sort>,
    /// From a lower to a higher number; the edges of a branch go its two ways in turn.
    edges: Vec<(usize, usize)>,
    ways: Vec<bool>,
    parts: Vec<Vec<Part>>,
}

fn cases() -> impl Strategy<Value = Case> {
    (2..9usize).prop_flat_map(|count| {
        (
            prop::collection::vec(0..4u8, count),
            prop::collection::vec((0..count, 0..count), 1..count * 2),
            prop::collection::vec(any::<bool>(), count),
            prop::collection::vec(prop::collection::vec((any::<bool>(), 0..count), 1..5), count),
        )
            .prop_map(move |(sorts, edges, ways, parts)| {
                let sorts: Vec<Sort> = sorts
                    .into_iter()
                    .map(|sort| [Sort::Code, Sort::Branch, Sort::Model, Sort::Answer][usize::from(sort)])
                    .collect();
                let edges: BTreeSet<(usize, usize)> =
                    edges.into_iter().filter(|(a, b)| a != b).map(|(a, b)| (a.min(b), a.max(b))).collect();
                let part = |index: usize, at: usize, (is_text, of): (bool, usize)| {
                    let shows = matches!(sorts[of], Sort::Model | Sort::Code) && of > 0;
                    if is_text || !shows { Part::Text(format!("<{index}.{at}>")) } else { Part::Of(of) }
                };
                let parts = parts
                    .into_iter()
                    .enumerate()
                    .map(|(index, parts)| {
                        let mut parts: Vec<Part> =
                            parts.into_iter().enumerate().map(|(at, found)| part(index, at, found)).collect();
                        // Two texts in a row are one.
                        parts.dedup_by(|b, a| matches!((a, b), (Part::Text(_), Part::Text(_))));
                        parts
                    })
                    .collect();
                Case { sorts, edges: edges.into_iter().collect(), ways, parts }
            })
    })
}

impl Case {
    fn sort(&self, node: usize) -> Option<Sort> {
        (node > 0).then(|| self.sorts[node])
    }

    fn handle(&self, edge: usize) -> &'static str {
        match (self.sort(self.edges[edge].0), edge % 2) {
            (Some(Sort::Branch), 0) => "true",
            (Some(Sort::Branch), _) => "false",
            _ => "source",
        }
    }

    fn scene(&self) -> Scene {
        let mut nodes = Vec::new();
        for index in 0..self.sorts.len() {
            let value = if self.ways[index] { "q" } else { "other" };
            let condition = json!({"variable_selector": ["sys", "query"], "comparison_operator": "is", "value": value});
            let data = match self.sort(index) {
                None => json!({"type": "start"}),
                Some(Sort::Branch) => {
                    json!({"type": "if-else", "cases": [{"case_id": "true", "conditions": [condition]}]})
                }
                Some(Sort::Model) => json!({"type": "llm"}),
                Some(Sort::Answer) => {
                    let shown: String = self.parts[index].iter().map(|part| self.written(part)).collect();
                    json!({"type": "answer", "answer": shown})
                }
                Some(Sort::Code) => json!({"type": "code"}),
            };
            nodes.push((format!("n{index}"), data));
        }
        let edges: Vec<String> =
            self.edges.iter().enumerate().map(|(at, (a, b))| format!("n{a} -{}-> n{b}", self.handle(at))).collect();
        let named: Vec<(&str, Json)> = nodes.iter().map(|(id, data)| (id.as_str(), data.clone())).collect();
        let mut scene = Scene::graph(&named, &edges.join(", ")).workers(1);
        for index in 1..self.sorts.len() {
            let act = match self.sorts[index] {
                Sort::Model => words("one two three"),
                Sort::Code => outputs(json!({"x": format!("v{index}")})),
                _ => continue,
            };
            scene = scene.act(&format!("n{index}"), Act::Yield(0, Box::new(act)));
        }
        scene
    }

    fn written(&self, part: &Part) -> String {
        match part {
            Part::Text(text) => text.clone(),
            Part::Of(node) if self.sorts[*node] == Sort::Model => format!("{{{{#n{node}.text#}}}}"),
            Part::Of(node) => format!("{{{{#n{node}.x#}}}}"),
        }
    }
}

/// The rules, step by step, over the order in which nodes ran.
struct Model<'a> {
    case: &'a Case,
    /// Of each answer: for each path from the beginning, its edges whose tail holds back.
    paths: BTreeMap<usize, Vec<Vec<usize>>>,
    taken: BTreeSet<usize>,
    skipped_edges: BTreeSet<usize>,
    skipped: BTreeSet<usize>,
    activated: BTreeSet<usize>,
    waiting: VecDeque<usize>,
    /// The answer that shows, and its next part.
    active: Option<(usize, usize)>,
    /// What a model has streamed, how much of it was shown by the active part, and whether it is complete.
    streams: BTreeMap<usize, Vec<&'static str>>,
    shown_of_stream: usize,
    values: BTreeMap<usize, String>,
    out: Vec<String>,
}

impl<'a> Model<'a> {
    fn new(case: &'a Case) -> Self {
        let mut model = Self {
            case,
            paths: BTreeMap::new(),
            taken: BTreeSet::new(),
            skipped_edges: BTreeSet::new(),
            skipped: BTreeSet::new(),
            activated: BTreeSet::new(),
            waiting: VecDeque::new(),
            active: None,
            streams: BTreeMap::new(),
            shown_of_stream: 0,
            values: BTreeMap::new(),
            out: Vec::new(),
        };
        model.walk(0, &mut Vec::new());
        model
    }

    /// Every simple path: edges go upwards, so each walk is one.
    fn walk(&mut self, node: usize, path: &mut Vec<usize>) {
        if self.case.sort(node) == Some(Sort::Answer) {
            let holds =
                |edge: &usize| matches!(self.case.sort(self.case.edges[*edge].0), Some(Sort::Branch | Sort::Answer));
            let blocking = path.iter().copied().filter(holds).collect();
            self.paths.entry(node).or_default().push(blocking);
        }
        for edge in (0..self.case.edges.len()).filter(|edge| self.case.edges[*edge].0 == node) {
            path.push(edge);
            self.walk(self.case.edges[edge].1, path);
            path.pop();
        }
    }

    /// Answers with a free path join those that wait; one of them shows.
    fn activate(&mut self) {
        let free: Vec<usize> = self
            .paths
            .iter()
            .filter(|(node, _)| !self.activated.contains(node))
            .filter(|(_, paths)| paths.iter().any(|path| path.iter().all(|edge| self.taken.contains(edge))))
            .map(|(node, _)| *node)
            .collect();
        for node in free {
            self.activated.insert(node);
            self.waiting.push_back(node);
        }
        self.flush();
    }

    fn flush(&mut self) {
        loop {
            if self.active.is_none() {
                let Some(next) = self.waiting.pop_front() else { return };
                self.active = Some((next, 0));
                self.shown_of_stream = 0;
            }
            let Some((answer, at)) = self.active else { return };
            let Some(part) = self.case.parts[answer].get(at) else {
                self.active = None;
                continue;
            };
            let is_over = match part {
                Part::Text(text) => {
                    self.out.push(format!("chunk {text:?}"));
                    true
                }
                Part::Of(node) if self.skipped.contains(node) => true,
                Part::Of(node) => match (self.streams.get(node), self.values.get(node)) {
                    (Some(pieces), _) => {
                        for piece in &pieces[self.shown_of_stream..] {
                            self.out.push(format!("chunk {piece:?}"));
                        }
                        self.shown_of_stream = pieces.len();
                        pieces.last() == Some(&"")
                    }
                    (None, Some(value)) => {
                        self.out.push(format!("chunk {value:?}"));
                        true
                    }
                    (None, None) => false,
                },
            };
            if !is_over {
                return;
            }
            self.active = Some((answer, at + 1));
            self.shown_of_stream = 0;
        }
    }

    fn skip(&mut self, edge: usize) {
        self.skipped_edges.insert(edge);
        let node = self.case.edges[edge].1;
        let incoming = (0..self.case.edges.len()).filter(|edge| self.case.edges[*edge].1 == node);
        if incoming.into_iter().all(|edge| self.skipped_edges.contains(&edge)) {
            self.skipped.insert(node);
            for edge in (0..self.case.edges.len()).filter(|edge| self.case.edges[*edge].0 == node) {
                self.skip(edge);
            }
        }
    }

    fn run(&mut self, node: usize, is_first: bool) {
        self.out.push(format!("start {node}"));
        if is_first {
            self.activate();
        }
        if self.case.sort(node) == Some(Sort::Model) {
            for piece in PIECES.into_iter().chain([""]) {
                self.streams.entry(node).or_default().push(piece);
                self.flush();
            }
        }
        match self.case.sort(node) {
            Some(Sort::Code) => _ = self.values.insert(node, format!("v{node}")),
            Some(Sort::Model) => _ = self.values.insert(node, PIECES.concat()),
            _ => {}
        }
        self.flush();
        let way = if self.case.ways[node] { "true" } else { "false" };
        let outgoing: Vec<usize> = (0..self.case.edges.len()).filter(|edge| self.case.edges[*edge].0 == node).collect();
        let is_branch = self.case.sort(node) == Some(Sort::Branch);
        let (taken, left): (Vec<usize>, Vec<usize>) =
            outgoing.into_iter().partition(|edge| !is_branch || self.case.handle(*edge) == way);
        for edge in left {
            self.skip(edge);
        }
        self.flush();
        for edge in taken {
            self.taken.insert(edge);
            self.activate();
        }
        self.out.push(format!("end {node}"));
    }
}

fn seen(ran: &Ran) -> Vec<String> {
    let number = |id: &str| id[1..].to_owned();
    ran.events
        .iter()
        .filter_map(|event| match &event.kind {
            RunEventKind::NodeStarted(info) => Some(format!("start {}", number(&info.node.id))),
            RunEventKind::NodeFinished(info, _) => Some(format!("end {}", number(&info.node.id))),
            RunEventKind::Chunk { text, .. } => Some(format!("chunk {text:?}")),
            _ => None,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn chunks_come_as_the_rules_say(case in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ran = runtime.block_on(case.scene().run());
        assert_eq!(ran.outcome.status, RunStatus::Succeeded);
        let seen = seen(&ran);
        let mut model = Model::new(&case);
        let order = seen.iter().filter_map(|line| line.strip_prefix("start ")).map(|node| node.parse::<usize>().unwrap());
        for (at, node) in order.enumerate() {
            model.run(node, at == 0);
        }
        assert_eq!(seen, model.out, "{case:?}");
    }
}

//! The coordinator against a naive model of the rules: all simple paths, nothing clever.

use std::{collections::BTreeSet, sync::Arc};

use ox_dsl::graph::Graph;
use ox_types::Value;
use proptest::prelude::*;
use serde_json::json;

use super::{Coordinator, Piece, StreamPlan, View};
use crate::{
    BuiltNode, Effect, NodeClass, Pool, ResponsePart,
    state::{FrameState, NodeState},
    workflow::CompiledNode,
};

struct Nothing;

#[async_trait::async_trait]
impl crate::Node for Nothing {
    async fn run(&self, _: crate::NodeContext) -> Result<crate::NodeOutput, Box<crate::NodeFailure>> {
        Ok(crate::NodeOutput::default())
    }
}

/// What a node of a random graph is.
#[derive(Clone, Debug)]
enum Sort {
    Plain,
    Branch,
    Streams,
    /// Assigns `[conversation, v]`.
    Assigns,
    Answer(Vec<Option<usize>>),
}

#[derive(Clone, Debug)]
struct Case {
    sorts: Vec<Sort>,
    /// Edges always lead to a higher number.
    edges: Vec<(usize, usize)>,
    /// Per node: which of its handles a branch takes, how many pieces it streams, when it runs.
    picks: Vec<(usize, usize, usize)>,
}

fn cases() -> impl Strategy<Value = Case> {
    (2..9usize).prop_flat_map(|count| {
        let parts = prop::collection::vec(prop::option::of(0..count + 1), 1..4);
        let sort = prop_oneof![
            3 => Just(Sort::Plain),
            2 => Just(Sort::Branch),
            2 => Just(Sort::Streams),
            1 => Just(Sort::Assigns),
            4 => parts.prop_map(Sort::Answer),
        ];
        let edges = prop::collection::vec((0..count, 0..count), 0..count * 2);
        (prop::collection::vec(sort, count), edges, prop::collection::vec((0..2usize, 0..3usize, 0..9usize), count))
            .prop_map(move |(mut sorts, edges, picks)| {
                sorts[0] = Sort::Plain;
                let edges = edges.into_iter().filter(|(a, b)| a != b).map(|(a, b)| (a.min(b), a.max(b))).collect();
                Case { sorts, edges, picks }
            })
    })
}

fn id(node: usize) -> String {
    format!("n{node}")
}

fn graph(case: &Case) -> Graph {
    let nodes: Vec<_> = (0..case.sorts.len()).map(|n| json!({"id": id(n), "data": {"type": "x"}})).collect();
    let edges: Vec<_> = case
        .edges
        .iter()
        .enumerate()
        .map(|(index, (a, b))| json!({"source": id(*a), "target": id(*b), "sourceHandle": (index % 2).to_string()}))
        .collect();
    Graph::parse(&json!({"nodes": nodes, "edges": edges})).unwrap()
}

fn parts(case: &Case, sort: &Sort) -> Vec<ResponsePart> {
    let Sort::Answer(parts) = sort else { return Vec::new() };
    let part = |(index, part): (usize, &Option<usize>)| match part {
        None => ResponsePart::Text(format!("t{index}")),
        // One number too many stands for the conversation variable.
        Some(node) if *node == case.sorts.len() => ResponsePart::Variable(vec!["conversation".into(), "v".into()]),
        Some(node) => ResponsePart::Variable(vec![id(*node), "text".into()]),
    };
    parts.iter().enumerate().map(part).collect()
}

fn compiled(case: &Case, graph: &Graph) -> Vec<CompiledNode> {
    let node = |(index, sort): (usize, &Sort)| {
        let class = match sort {
            Sort::Branch => NodeClass::Branch,
            Sort::Answer(_) => NodeClass::Response,
            _ => NodeClass::Executable,
        };
        let mut built = BuiltNode::new(class, Effect::Pure, Arc::new(Nothing));
        built.response = parts(case, sort);
        if matches!(sort, Sort::Assigns) {
            built.assigns = vec![vec!["conversation".into(), "v".into()]];
        }
        CompiledNode {
            spec: Arc::clone(&graph.nodes[index]),
            is_branch: class == NodeClass::Branch,
            inner: None,
            built,
        }
    };
    case.sorts.iter().enumerate().map(node).collect()
}

/// The rules of engine reference §6, by the book.
struct Model {
    /// Per answer: node, parts, and for each simple path its blocking edges.
    answers: Vec<(usize, Vec<ResponsePart>, Vec<BTreeSet<usize>>)>,
    reached: Vec<bool>,
    order: Vec<usize>,
    done: usize,
    part: usize,
    replayed: usize,
    streams: Vec<Vec<(String, bool)>>,
    closed: Vec<bool>,
}

impl Model {
    fn new(case: &Case) -> Self {
        let mut answers = Vec::new();
        for (node, sort) in case.sorts.iter().enumerate() {
            let Sort::Answer(_) = sort else { continue };
            let parts = parts(case, sort);
            let shows_v = parts.iter().any(|p| matches!(p, ResponsePart::Variable(s) if s[0] == "conversation"));
            let blocks = |edge: &usize| match case.sorts[case.edges[*edge].0] {
                Sort::Branch | Sort::Answer(_) => true,
                Sort::Assigns => shows_v,
                _ => false,
            };
            let paths = paths(case, 0, node);
            let paths = paths.iter().map(|path| path.iter().copied().filter(blocks).collect()).collect();
            answers.push((node, parts, paths));
        }
        Self {
            reached: vec![false; answers.len()],
            answers,
            order: Vec::new(),
            done: 0,
            part: 0,
            replayed: 0,
            streams: vec![Vec::new(); case.sorts.len()],
            closed: vec![false; case.sorts.len()],
        }
    }

    fn activate(&mut self, view: View<'_>, shown: &mut Vec<Piece>) {
        for index in 0..self.answers.len() {
            if !self.reached[index] && self.answers[index].2.iter().any(BTreeSet::is_empty) {
                self.reached[index] = true;
                self.order.push(index);
                self.flush(view, shown);
            }
        }
    }

    fn edge_taken(&mut self, edge: usize, view: View<'_>, shown: &mut Vec<Piece>) {
        for (_, _, paths) in &mut self.answers {
            for path in paths {
                path.remove(&edge);
            }
        }
        self.activate(view, shown);
    }

    fn flush(&mut self, view: View<'_>, shown: &mut Vec<Piece>) {
        while self.done < self.order.len() {
            let (node, parts, _) = &self.answers[self.order[self.done]];
            let Some(part) = parts.get(self.part) else {
                self.done += 1;
                self.part = 0;
                continue;
            };
            let complete = match part {
                ResponsePart::Text(text) => {
                    let is_final = self.part + 1 == parts.len();
                    let selector = vec![id(*node), "answer".into()];
                    shown.push(Piece { node: *node, selector, text: text.clone(), is_final });
                    true
                }
                ResponsePart::Variable(selector) => {
                    let source = view.graph.index_of(&selector[0]);
                    let piece = |text: &str, is_final| Piece {
                        node: source.unwrap_or(*node),
                        selector: selector.clone(),
                        text: text.into(),
                        is_final,
                    };
                    let stream = source.map_or(&[][..], |source| &self.streams[source]);
                    if source.is_some_and(|source| view.state.get(source) == NodeState::Skipped) {
                        true
                    } else if stream.is_empty() {
                        let value = view.pool.get(selector);
                        shown.extend(value.iter().map(|value| piece(&value.markdown(), true)));
                        value.is_some()
                    } else {
                        let mut complete = false;
                        while !complete && self.replayed < stream.len() {
                            let (text, is_final) = &stream[self.replayed];
                            shown.push(piece(text, *is_final));
                            self.replayed += 1;
                            complete = *is_final;
                        }
                        complete || self.closed[source.unwrap()]
                    }
                }
            };
            if !complete {
                return;
            }
            self.part += 1;
            self.replayed = 0;
        }
    }
}

/// All simple paths between two nodes, as lists of edges.
fn paths(case: &Case, from: usize, to: usize) -> Vec<Vec<usize>> {
    if from == to {
        return vec![Vec::new()];
    }
    let mut found = Vec::new();
    for (edge, (a, b)) in case.edges.iter().enumerate() {
        if *a == from {
            found.extend(paths(case, *b, to).into_iter().map(|mut rest| {
                rest.push(edge);
                rest
            }));
        }
    }
    found
}

/// Plays a run: nodes end in an order the case decides, each event goes to both.
fn play(case: &Case) -> (Vec<Piece>, Vec<Piece>) {
    let graph = graph(case);
    let nodes = compiled(case, &graph);
    let plan = Arc::new(StreamPlan::new(&graph, &nodes, 0));
    let mut coordinator = Coordinator::new(&plan);
    let mut model = Model::new(case);
    let (mut got, mut expected) = (Vec::new(), Vec::new());
    let mut pool = Pool::new();
    pool.set("conversation", "v", "old");
    let mut state = FrameState::new(&graph);
    state.set(0, NodeState::Ready);
    let mut ready = vec![0];
    macro_rules! both {
        ($real:expr, $naive:expr) => {{
            let view = View { graph: &graph, pool: &pool, state: &state };
            $real(&mut coordinator, view, &mut got);
            $naive(&mut model, view, &mut expected);
            assert_eq!(got, expected, "{case:?}");
        }};
    }
    both!(|c: &mut Coordinator, v, s: &mut _| c.start(v, s), |m: &mut Model, v, s: &mut _| m.activate(v, s));
    while !ready.is_empty() {
        let pick = case.picks[ready[0]].2 % ready.len();
        let node = ready.remove(pick);
        let (handle, pieces, _) = case.picks[node];
        if matches!(case.sorts[node], Sort::Streams) {
            for piece in 0..=pieces {
                let (text, last) = (format!("{node}.{piece}"), piece == pieces && pieces != 1);
                both!(
                    |c: &mut Coordinator, v, s: &mut _| c.chunk(node, "text", text.clone(), last, v, s),
                    |m: &mut Model, v, s: &mut _| {
                        m.streams[node].push((text.clone(), last));
                        m.flush(v, s);
                    }
                );
            }
        }
        state.set(node, NodeState::Taken);
        match case.sorts[node] {
            Sort::Assigns => pool.set("conversation", "v", format!("by {node}")),
            Sort::Branch => {}
            _ => pool.set(&id(node), "text", Value::from(format!("v{node}"))),
        }
        both!(|c: &mut Coordinator, v, s: &mut _| c.node_finished(node, v, s), |m: &mut Model, v, s: &mut _| {
            m.closed[node] = true;
            m.flush(v, s);
        });
        let taken = |edge: usize| !matches!(case.sorts[node], Sort::Branch) || edge % 2 == handle;
        let out: Vec<usize> = graph.outgoing(node).to_vec();
        for edge in out.iter().copied().filter(|edge| !taken(*edge)) {
            state.skip_edge(&graph, edge, &mut ready);
        }
        both!(|c: &mut Coordinator, v, s: &mut _| c.flush(v, s), |m: &mut Model, v, s: &mut _| m.flush(v, s));
        for edge in out.iter().copied().filter(|edge| taken(*edge)) {
            state.take_edge(&graph, edge, &mut ready);
            both!(|c: &mut Coordinator, v, s: &mut _| c.edge_taken(edge, v, s), |m: &mut Model, v, s: &mut _| m
                .edge_taken(edge, v, s));
        }
    }
    (got, expected)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn agrees_with_the_naive_model(case in cases()) {
        let (got, expected) = play(&case);
        prop_assert_eq!(got, expected);
    }
}

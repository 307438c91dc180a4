//! What does not change between runs: which edges hold back which response node.

use std::collections::HashMap;

use ox_dsl::graph::Graph;

use crate::{NodeClass, ResponsePart, Selector, workflow::CompiledNode};

/// The response nodes of a frame, in file order.
pub(crate) struct StreamPlan {
    pub root: usize,
    pub sessions: Vec<SessionPlan>,
    /// Number of edges in the graph.
    pub edges: usize,
    /// How many parts read each stream.
    pub readers: Vec<usize>,
    /// Streams by node and name.
    keys: HashMap<usize, Vec<(String, usize)>>,
}

/// One response node.
pub(crate) struct SessionPlan {
    pub node: usize,
    pub parts: Vec<Part>,
    /// Selector of literal text.
    pub text_selector: Selector,
    /// Per edge: whether it holds this session back until it is taken.
    blocking: Vec<bool>,
    /// Reached as soon as the frame begins.
    pub free: bool,
}

pub(crate) enum Part {
    Text(String),
    Variable {
        selector: Selector,
        /// The node it belongs to, if there is one of that id.
        source: Option<usize>,
        /// The stream that may feed it.
        key: Option<usize>,
    },
}

impl StreamPlan {
    pub fn new(graph: &Graph, nodes: &[CompiledNode], root: usize) -> Self {
        let mut plan =
            Self { root, sessions: Vec::new(), edges: graph.edges.len(), readers: Vec::new(), keys: HashMap::new() };
        let reachable = reachable(graph, root, |_| true);
        for (index, node) in nodes.iter().enumerate() {
            // A response node that no path leads to never shows anything.
            if node.built.class != NodeClass::Response || !reachable.get(index).copied().unwrap_or(false) {
                continue;
            }
            let parts: Vec<Part> = node.built.response.iter().map(|part| plan.part(graph, part)).collect();
            let blocking: Vec<bool> = graph
                .edges
                .iter()
                .map(|edge| nodes.get(edge.source).is_some_and(|tail| holds_back(tail, &parts)))
                .collect();
            let mut session = SessionPlan {
                node: index,
                parts,
                text_selector: vec![node.spec.id.clone(), "answer".to_owned()],
                blocking,
                free: false,
            };
            session.free = session.is_reachable(graph, root, &[]);
            plan.sessions.push(session);
        }
        plan
    }

    /// The stream of a node's variable, if a response node reads it.
    pub fn key(&self, node: usize, name: &str) -> Option<usize> {
        self.keys.get(&node)?.iter().find(|(known, _)| known == name).map(|(_, key)| *key)
    }

    /// The streams of a node that response nodes read.
    pub fn keys_of(&self, node: usize) -> impl Iterator<Item = usize> + use<> {
        let keys: Vec<usize> =
            self.keys.get(&node).map(|keys| keys.iter().map(|(_, key)| *key).collect()).unwrap_or_default();
        keys.into_iter()
    }

    fn part(&mut self, graph: &Graph, part: &ResponsePart) -> Part {
        let selector = match part {
            ResponsePart::Text(text) => return Part::Text(text.clone()),
            ResponsePart::Variable(selector) => selector.clone(),
        };
        let source = selector.first().and_then(|id| graph.index_of(id));
        let key = match (source, selector.as_slice()) {
            (Some(source), [_, name]) => Some(self.key_for(source, name)),
            _ => None,
        };
        if let Some(readers) = key.and_then(|key| self.readers.get_mut(key)) {
            *readers += 1;
        }
        Part::Variable { selector, source, key }
    }

    fn key_for(&mut self, node: usize, name: &str) -> usize {
        if let Some(key) = self.key(node, name) {
            return key;
        }
        let key = self.readers.len();
        self.readers.push(0);
        self.keys.entry(node).or_default().push((name.to_owned(), key));
        key
    }
}

impl SessionPlan {
    pub fn is_blocking(&self, edge: usize) -> bool {
        self.blocking.get(edge).copied().unwrap_or(false)
    }

    /// Whether the response node can be reached over edges that do not hold it back any more. Says
    /// the same as "one of its paths has no blocking edge left", without listing paths.
    pub fn is_reachable(&self, graph: &Graph, root: usize, taken: &[bool]) -> bool {
        let open = |edge: usize| !self.is_blocking(edge) || taken.get(edge).copied().unwrap_or(false);
        reachable(graph, root, open).get(self.node).copied().unwrap_or(false)
    }
}

fn reachable(graph: &Graph, root: usize, open: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut seen = vec![false; graph.nodes.len()];
    let mut queue = vec![root];
    while let Some(node) = queue.pop() {
        let Some(mark) = seen.get_mut(node) else { continue };
        if !std::mem::replace(mark, true) {
            queue.extend(graph.out_edges(node).filter(|(edge, _)| open(*edge)).map(|(_, edge)| edge.target));
        }
    }
    seen
}

/// Whether edges that leave this node hold back a response with these parts (§6.2).
fn holds_back(tail: &CompiledNode, parts: &[Part]) -> bool {
    if tail.is_branch || matches!(tail.built.class, NodeClass::Container | NodeClass::Response) {
        return true;
    }
    let reads = |assigned: &Selector| {
        parts.iter().any(|part| match part {
            Part::Variable { selector, .. } => selector.get(..2) == assigned.get(..2) && assigned.len() >= 2,
            Part::Text(_) => false,
        })
    };
    tail.built.assigns.iter().any(reads)
}

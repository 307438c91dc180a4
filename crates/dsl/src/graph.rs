//! The graph model of a workflow, as the engine runs it (engine reference §2).

mod cycle;
mod legacy;
mod node;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

pub use node::{ErrorStrategy, NodeSpec, RetryConfig, canonical_kind};
use ox_types::Json;

/// The handle of an ordinary outgoing edge.
pub const SOURCE_HANDLE: &str = "source";
/// The handle taken when a node with the fail-branch strategy fails.
pub const FAIL_HANDLE: &str = "fail-branch";
/// An alias of [`SOURCE_HANDLE`] on nodes that are not branches.
const SUCCESS_HANDLE: &str = "success-branch";

/// Node kinds with which a workflow can begin.
const ROOT_KINDS: [&str; 5] = ["start", "datasource", "trigger-webhook", "trigger-schedule", "trigger-plugin"];
/// Node kinds whose handles are free names.
const BRANCH_KINDS: [&str; 3] = ["if-else", "question-classifier", "human-input"];

/// Whether a workflow can begin with a node of this kind.
#[must_use]
pub fn is_root_kind(kind: &str) -> bool {
    ROOT_KINDS.contains(&kind)
}

/// Whether a node of this kind runs a child graph.
#[must_use]
pub fn is_container_kind(kind: &str) -> bool {
    matches!(kind, "iteration" | "loop")
}

/// A workflow's nodes and edges, checked for shape. Nodes and edges are addressed by index.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub nodes: Vec<Arc<NodeSpec>>,
    pub edges: Vec<Edge>,
    by_id: HashMap<String, usize>,
    outgoing: Vec<Vec<usize>>,
    incoming: Vec<Vec<usize>>,
}

/// A connection between two nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// `edge_0`, `edge_1`, … in file order.
    pub id: String,
    /// Index of the node it leaves.
    pub source: usize,
    /// Index of the node it enters.
    pub target: usize,
    /// Which outcome of the source it belongs to.
    pub handle: String,
    /// The edge's own id in the file, if it has one.
    pub file_id: Option<String>,
}

/// Why a graph cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    #[error("graph: {0}")]
    Shape(String),
    #[error("node {node_id}: {why}")]
    Node { node_id: String, why: String },
    #[error("node id {0} is used twice")]
    DuplicateNode(String),
    #[error("edge {edge}: there is no node {node_id} (MISSING_NODE)")]
    MissingNode { edge: String, node_id: String },
    #[error("there is no node {0} to begin with")]
    UnknownRoot(String),
    #[error("the graph has no node to begin with: every node has an incoming edge")]
    NoRoot,
    #[error("the run would begin with node {node_id} of kind {kind}, which cannot be a beginning (INVALID_ROOT)")]
    InvalidRoot { node_id: String, kind: String },
}

/// A graph as far as it can be read, with everything that is wrong in it.
#[derive(Clone, Debug, Default)]
pub struct GraphReading {
    pub graph: Graph,
    pub errors: Vec<GraphError>,
    /// Edges whose source or target is not text; the format says they are ignored.
    pub ignored_edges: Vec<String>,
}

impl Graph {
    /// Builds the graph from its stored form `{nodes, edges, …}`.
    ///
    /// # Errors
    /// The first thing that makes it unusable; nothing is dropped silently except notes and edges
    /// whose ends are not text.
    pub fn parse(json: &Json) -> Result<Self, GraphError> {
        let reading = Self::read(json);
        reading.errors.into_iter().next().map_or(Ok(reading.graph), Err)
    }

    /// Reads as much as possible and lists every problem (for the problems list).
    #[must_use]
    pub fn read(json: &Json) -> GraphReading {
        let mut reading = GraphReading::default();
        if !json.is_object() {
            reading.errors.push(GraphError::Shape("it must be a mapping with nodes and edges".into()));
            return reading;
        }
        reading.read_nodes(json.get("nodes"));
        reading.read_edges(json.get("edges"));
        reading
    }

    /// Index of a node.
    #[must_use]
    pub fn index_of(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// A node by its id.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<&Arc<NodeSpec>> {
        self.index_of(id).and_then(|index| self.nodes.get(index))
    }

    /// Indexes of the edges that leave a node, in file order.
    #[must_use]
    pub fn outgoing(&self, node: usize) -> &[usize] {
        self.outgoing.get(node).map_or(&[], Vec::as_slice)
    }

    /// Indexes of the edges that enter a node, in file order.
    #[must_use]
    pub fn incoming(&self, node: usize) -> &[usize] {
        self.incoming.get(node).map_or(&[], Vec::as_slice)
    }

    /// The edges that leave a node, in file order.
    pub fn out_edges(&self, node: usize) -> impl Iterator<Item = (usize, &Edge)> {
        self.outgoing(node).iter().filter_map(|&index| self.edges.get(index).map(|edge| (index, edge)))
    }

    /// The edges that enter a node, in file order.
    pub fn in_edges(&self, node: usize) -> impl Iterator<Item = (usize, &Edge)> {
        self.incoming(node).iter().filter_map(|&index| self.edges.get(index).map(|edge| (index, edge)))
    }

    /// The nodes that belong directly to a container, in file order.
    pub fn children<'a>(&'a self, container: &'a str) -> impl Iterator<Item = (usize, &'a Arc<NodeSpec>)> {
        self.nodes.iter().enumerate().filter(move |(_, node)| node.container.as_deref() == Some(container))
    }

    /// The node with which a run begins: the requested one, or the first beginning in file order.
    ///
    /// # Errors
    /// When there is none or it cannot be a beginning. Frames of containers do not come here: they
    /// begin at the container's `start_node_id`, whatever its kind.
    pub fn root(&self, requested: Option<&str>) -> Result<usize, GraphError> {
        let index = match requested {
            Some(id) => self.index_of(id).ok_or_else(|| GraphError::UnknownRoot(id.to_owned()))?,
            None => self.default_root().ok_or(GraphError::NoRoot)?,
        };
        match self.nodes.get(index) {
            Some(node) if is_root_kind(&node.kind) || matches!(&*node.kind, "iteration-start" | "loop-start") => {
                Ok(index)
            }
            Some(node) => Err(GraphError::InvalidRoot { node_id: node.id.clone(), kind: node.kind.clone() }),
            None => Err(GraphError::NoRoot),
        }
    }

    fn default_root(&self) -> Option<usize> {
        let free = || (0..self.nodes.len()).filter(|&index| self.incoming(index).is_empty());
        let begins = |index: &usize| self.nodes.get(*index).is_some_and(|node| is_root_kind(&node.kind));
        free().find(begins).or_else(|| free().next())
    }

    /// Beginnings other than the chosen one; with their followers they are skipped from the start.
    /// Empty when the run begins inside a container.
    #[must_use]
    pub fn inactive_roots(&self, root: usize) -> Vec<usize> {
        let begins = |index: usize| self.nodes.get(index).is_some_and(|node| is_root_kind(&node.kind));
        if !begins(root) {
            return Vec::new();
        }
        (0..self.nodes.len()).filter(|&index| index != root && begins(index)).collect()
    }
}

impl GraphReading {
    fn read_nodes(&mut self, nodes: Option<&Json>) {
        let nodes = match nodes {
            Some(Json::Array(nodes)) => nodes,
            None | Some(Json::Null) => return self.errors.push(GraphError::Shape("nodes are missing".into())),
            Some(_) => return self.errors.push(GraphError::Shape("nodes must be a list".into())),
        };
        for (position, raw) in nodes.iter().enumerate() {
            if raw.get("type").and_then(Json::as_str) == Some("custom-note") {
                continue;
            }
            match NodeSpec::parse(raw, position) {
                Ok((spec, problem)) => {
                    self.errors.extend(problem);
                    self.add_node(spec);
                }
                Err(error) => self.errors.push(error),
            }
        }
        self.graph.outgoing = vec![Vec::new(); self.graph.nodes.len()];
        self.graph.incoming = vec![Vec::new(); self.graph.nodes.len()];
    }

    fn add_node(&mut self, spec: NodeSpec) {
        if self.graph.by_id.contains_key(&spec.id) {
            return self.errors.push(GraphError::DuplicateNode(spec.id));
        }
        self.graph.by_id.insert(spec.id.clone(), self.graph.nodes.len());
        self.graph.nodes.push(Arc::new(spec));
    }

    fn read_edges(&mut self, edges: Option<&Json>) {
        let edges = match edges {
            Some(Json::Array(edges)) => edges,
            None | Some(Json::Null) => return,
            Some(_) => return self.errors.push(GraphError::Shape("edges must be a list".into())),
        };
        for (position, raw) in edges.iter().enumerate() {
            let file_id = raw.get("id").and_then(Json::as_str).map(str::to_owned);
            let name = file_id.clone().unwrap_or_else(|| format!("number {}", position + 1));
            let end = |key: &str| raw.get(key).and_then(Json::as_str);
            let (Some(source), Some(target)) = (end("source"), end("target")) else {
                self.ignored_edges.push(name);
                continue;
            };
            let handle = raw.get("sourceHandle").and_then(Json::as_str).unwrap_or(SOURCE_HANDLE);
            self.add_edge(source, target, handle, name, file_id);
        }
    }

    fn add_edge(&mut self, source: &str, target: &str, handle: &str, name: String, file_id: Option<String>) {
        let graph = &mut self.graph;
        let (from, to) = match (graph.index_of(source), graph.index_of(target)) {
            (Some(from), Some(to)) => (from, to),
            (from, _) => {
                let missing = if from.is_none() { source } else { target };
                return self.errors.push(GraphError::MissingNode { edge: name, node_id: missing.to_owned() });
            }
        };
        let is_branch = graph.nodes.get(from).is_some_and(|node| BRANCH_KINDS.contains(&&*node.kind));
        let handle = if handle.is_empty() || (handle == SUCCESS_HANDLE && !is_branch) { SOURCE_HANDLE } else { handle };
        let index = graph.edges.len();
        graph.edges.push(Edge {
            id: format!("edge_{index}"),
            source: from,
            target: to,
            handle: handle.to_owned(),
            file_id,
        });
        if let Some(list) = graph.outgoing.get_mut(from) {
            list.push(index);
        }
        if let Some(list) = graph.incoming.get_mut(to) {
            list.push(index);
        }
    }
}

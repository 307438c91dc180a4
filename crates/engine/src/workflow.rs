//! A graph made ready to run: built nodes and, for each beginning, the state a frame starts in.

use std::{collections::HashMap, sync::Arc};

use ox_dsl::graph::{ErrorStrategy, Graph, GraphError, NodeSpec, is_root_kind};

use crate::{
    BuildError, BuiltNode, ContainerPlan, NodeClass, NodeFactory,
    coordinator::StreamPlan,
    state::{FrameState, NodeState},
};

/// A workflow that can be run any number of times; immutable, shared, cached by version.
pub struct Workflow {
    pub(crate) graph: Arc<Graph>,
    pub(crate) nodes: Vec<CompiledNode>,
    /// By the index of the node a frame begins with.
    layouts: HashMap<usize, Arc<Layout>>,
    /// Where runs begin that are not told where.
    root: usize,
}

/// A node with what follows from it and the graph.
pub(crate) struct CompiledNode {
    pub spec: Arc<NodeSpec>,
    pub built: BuiltNode,
    /// Chooses among its edges by handle.
    pub is_branch: bool,
    /// Where a container's frames begin, and the nodes whose variables a loop's round clears.
    pub inner: Option<(usize, Vec<usize>)>,
}

/// What all frames with the same beginning have in common.
pub(crate) struct Layout {
    pub root: usize,
    pub initial: FrameState,
    pub stream: Arc<StreamPlan>,
}

/// Why a graph cannot be run.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CompileError {
    #[error(transparent)]
    Graph(#[from] GraphError),
    #[error(transparent)]
    Node(#[from] BuildError),
    #[error("container {container}: its start node {start:?} is not in the graph (StartNodeIdNotFoundError)")]
    ContainerStart { container: String, start: String },
    #[error("the nodes {0} form a cycle, each waits for another one: delete one of their edges, or use a loop node")]
    Cycle(String),
}

impl Workflow {
    /// Builds every node and works out what does not change between runs.
    ///
    /// # Errors
    /// When the graph has no beginning, or a node's configuration cannot be read.
    pub fn compile(graph: Arc<Graph>, factory: &dyn NodeFactory) -> Result<Arc<Self>, CompileError> {
        let root = graph.root(None)?;
        Self::compile_at(graph, factory, root)
    }

    /// As [`Self::compile`], for a graph whose runs begin with this node, of whatever kind it is: a part of a workflow
    /// that is tried out by itself.
    ///
    /// # Errors
    /// When the node is not in the graph, or a node's configuration cannot be read.
    pub fn compile_from(graph: Arc<Graph>, factory: &dyn NodeFactory, root: &str) -> Result<Arc<Self>, CompileError> {
        let root = graph.index_of(root).ok_or_else(|| GraphError::UnknownRoot(root.to_owned()))?;
        Self::compile_at(graph, factory, root)
    }

    fn compile_at(graph: Arc<Graph>, factory: &dyn NodeFactory, root: usize) -> Result<Arc<Self>, CompileError> {
        let mut nodes = Vec::with_capacity(graph.nodes.len());
        for spec in &graph.nodes {
            nodes.push(compile_node(&graph, spec, factory.build(spec)?)?);
        }
        let mut workflow = Self { graph, nodes, layouts: HashMap::new(), root };
        let beginnings: Vec<usize> = std::iter::once(root)
            .chain(workflow.nodes.iter().enumerate().filter(|(_, node)| is_root_kind(&node.spec.kind)).map(|(i, _)| i))
            .chain(workflow.nodes.iter().filter_map(|node| node.inner.as_ref().map(|(root, _)| *root)))
            .collect();
        workflow.check_cycles(&beginnings)?;
        for root in beginnings {
            if !workflow.layouts.contains_key(&root) {
                let layout = workflow.layout(root);
                workflow.layouts.insert(root, Arc::new(layout));
            }
        }
        Ok(Arc::new(workflow))
    }

    /// Compat: upstream lets such a run succeed without its nodes; here it says why they cannot run. A circle that
    /// nothing leads to is left alone.
    fn check_cycles(&self, beginnings: &[usize]) -> Result<(), CompileError> {
        let cycles = self.graph.cycles();
        if cycles.is_empty() {
            return Ok(());
        }
        let mut reached = vec![false; self.graph.nodes.len()];
        let mut open = beginnings.to_vec();
        while let Some(node) = open.pop() {
            let Some(mark) = reached.get_mut(node).filter(|mark| !**mark) else { continue };
            *mark = true;
            open.extend(self.graph.out_edges(node).map(|(_, edge)| edge.target));
        }
        let is_reached = |node: &usize| reached.get(*node).copied().unwrap_or_default();
        let Some(cycle) = cycles.iter().find(|cycle| cycle.iter().any(is_reached)) else { return Ok(()) };
        let names: Vec<&str> =
            cycle.iter().filter_map(|&node| self.graph.nodes.get(node)).map(|node| &*node.id).collect();
        Err(CompileError::Cycle(names.join(", ")))
    }

    /// The graph it was made from.
    #[must_use]
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// The layout of a run that begins with the requested node, or with the graph's own beginning.
    pub(crate) fn beginning(&self, requested: Option<&str>) -> Result<Arc<Layout>, GraphError> {
        let root = match requested {
            Some(_) => self.graph.root(requested)?,
            None => self.root,
        };
        Ok(self.layout_of(root))
    }

    /// The layout of frames that begin with a node.
    pub(crate) fn layout_of(&self, root: usize) -> Arc<Layout> {
        self.layouts.get(&root).map_or_else(|| Arc::new(self.layout(root)), Arc::clone)
    }

    pub(crate) fn node(&self, index: usize) -> Option<&CompiledNode> {
        self.nodes.get(index)
    }

    fn layout(&self, root: usize) -> Layout {
        let mut initial = FrameState::new(&self.graph);
        let mut ready = Vec::new();
        for inactive in self.graph.inactive_roots(root) {
            initial.set(inactive, NodeState::Skipped);
            for &edge in self.graph.outgoing(inactive) {
                initial.skip_edge(&self.graph, edge, &mut ready);
            }
        }
        let stream = Arc::new(StreamPlan::new(&self.graph, &self.nodes, root));
        Layout { root, initial, stream }
    }
}

fn compile_node(graph: &Graph, spec: &Arc<NodeSpec>, built: BuiltNode) -> Result<CompiledNode, CompileError> {
    let inner = match &built.container {
        None => None,
        Some(plan) => {
            let start = graph.index_of(plan.start_node_id()).ok_or_else(|| CompileError::ContainerStart {
                container: spec.id.clone(),
                start: plan.start_node_id().to_owned(),
            })?;
            let cleared = match plan {
                ContainerPlan::Iteration(_) => Vec::new(),
                ContainerPlan::Loop(_) => inner_nodes(graph, &spec.id, start),
            };
            Some((start, cleared))
        }
    };
    let fails_into_branch = matches!(spec.error_strategy, Some(ErrorStrategy::FailBranch));
    let is_branch = built.class == NodeClass::Branch || fails_into_branch;
    Ok(CompiledNode { spec: Arc::clone(spec), built, is_branch, inner })
}

/// The nodes of a container: those that say so and those its frames can reach.
fn inner_nodes(graph: &Graph, container: &str, start: usize) -> Vec<usize> {
    let mut seen = vec![false; graph.nodes.len()];
    let mut open = vec![start];
    open.extend(graph.children(container).map(|(index, _)| index));
    let mut inner = Vec::new();
    while let Some(node) = open.pop() {
        let Some(mark) = seen.get_mut(node) else { continue };
        if !std::mem::replace(mark, true) {
            inner.push(node);
            open.extend(graph.out_edges(node).map(|(_, edge)| edge.target));
        }
    }
    inner
}

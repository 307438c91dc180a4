//! `knowledge-index`: where the chunks of a knowledge pipeline go.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput};
use ox_types::{Json, Value};
use serde::Deserialize;
use serde_json::{Map, json};

use crate::{IndexRequest, NodeKind, Ports, calls, config};

const CLASS: &str = "KnowledgeIndexNodeError";
/// Settings that go to the index as they are.
const SETTINGS: &[&str] = &[
    "indexing_technique",
    "embedding_model",
    "embedding_model_provider",
    "retrieval_model",
    "keyword_number",
    "summary_index_setting",
];

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    chunk_structure: String,
    #[serde(default, deserialize_with = "config::nullable")]
    index_chunk_variable_selector: Vec<String>,
}

pub struct KnowledgeIndex;

impl NodeKind for KnowledgeIndex {
    fn kind(&self) -> &'static str {
        "knowledge-index"
    }

    fn default_config(&self) -> Json {
        json!({
            "chunk_structure": "text_model",
            "index_chunk_variable_selector": [],
            "indexing_technique": "high_quality",
            "embedding_model": "",
            "embedding_model_provider": "",
            "keyword_number": 10,
        })
    }

    fn build(&self, spec: &NodeSpec, ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        if !matches!(config.chunk_structure.as_str(), "text_model" | "hierarchical_model" | "qa_model" | "") {
            return Err(format!("unknown chunk_structure {:?}", config.chunk_structure));
        }
        let settings = SETTINGS.iter().filter_map(|name| Some(((*name).to_owned(), spec.data.get(*name)?.clone())));
        let runner = Runner { settings: settings.collect(), config, ports: Arc::clone(ports) };
        // A response node whose template is empty: it shows nothing, its outputs are the run's.
        Ok(BuiltNode::new(NodeClass::Response, Effect::SideEffect, Arc::new(runner)))
    }
}

struct Runner {
    config: Config,
    settings: Map<String, Json>,
    ports: Arc<Ports>,
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let system = |name: &str| {
            let value = cx.pool.get(&["sys", name])?;
            value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let fail = |why: &str| NodeFailure::new(CLASS, why);
        let dataset_id = system("dataset_id").ok_or_else(|| fail("Dataset ID is required."))?;
        let chunks = cx.pool.get(&self.config.index_chunk_variable_selector);
        let chunks = chunks.ok_or_else(|| fail("Index chunk variable is required."))?;
        let inputs = IndexMap::from_iter([("chunks".to_owned(), chunks.clone())]);
        let with_inputs = |mut failure: Box<NodeFailure>| {
            failure.inputs = inputs.clone();
            failure
        };
        if !crate::python::truthy(&chunks) {
            return Err(with_inputs(fail("Chunks is required.")));
        }
        let request = IndexRequest {
            dataset_id,
            document_id: system("document_id"),
            original_document_id: system("original_document_id"),
            batch: system("batch"),
            chunk_structure: self.config.chunk_structure.clone(),
            chunks: chunks.to_json(),
            settings: self.settings.clone(),
            node_run_id: cx.node_run_id,
        };
        let is_preview = system("invoke_from").as_deref() == Some("debugger");
        let result = if is_preview {
            self.ports.index.preview(&cx.run, request).await
        } else {
            self.ports.index.index(&cx.run, request).await
        };
        let result = result.map_err(|error| with_inputs(calls::failure(&error, CLASS)))?;
        let outputs = result.iter().map(|(name, value)| (name.clone(), Value::from_json(value))).collect();
        Ok(NodeOutput { inputs, outputs, ..NodeOutput::default() })
    }
}

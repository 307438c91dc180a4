//! `datasource`: where the documents of a knowledge pipeline come from.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput};
use ox_types::{Json, Value};
use serde::Deserialize;
use serde_json::json;

use crate::{
    DatasourceCall, NodeKind, Ports,
    arguments::{self, Arguments},
    calls::{self, Answer, Reading},
    config,
};

const CLASS: &str = "DatasourceNodeError";
const FILE_CLASS: &str = "DatasourceFileError";

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    plugin_id: String,
    #[serde(default, deserialize_with = "config::nullable")]
    plugin_unique_identifier: String,
    #[serde(default, deserialize_with = "config::nullable")]
    provider_name: String,
    #[serde(default, deserialize_with = "config::nullable")]
    datasource_name: String,
    #[serde(default)]
    credential_id: Option<String>,
    #[serde(default, deserialize_with = "arguments::read")]
    datasource_parameters: Arguments,
}

pub struct Datasource;

impl NodeKind for Datasource {
    fn kind(&self) -> &'static str {
        "datasource"
    }

    fn default_config(&self) -> Json {
        json!({
            "plugin_id": "",
            "provider_name": "",
            "provider_type": "local_file",
            "datasource_name": "local_file",
            "datasource_configurations": {},
            "datasource_parameters": {},
        })
    }

    fn build(&self, spec: &NodeSpec, ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        let runner = Runner { config, ports: Arc::clone(ports) };
        Ok(BuiltNode::new(NodeClass::Root, Effect::Repeatable, Arc::new(runner)))
    }
}

struct Runner {
    config: Config,
    ports: Arc<Ports>,
}

/// Kind of the source, what the user chose, and what goes into the trace.
struct Chosen {
    kind: String,
    info: Value,
}

impl Runner {
    fn chosen(cx: &NodeContext) -> Result<Chosen, Box<NodeFailure>> {
        let system = |name: &str| cx.pool.get(&["sys", name]).filter(|value| !value.is_none());
        let kind = system("datasource_type").and_then(|kind| kind.as_str().map(str::to_owned));
        let kind = kind.ok_or_else(|| NodeFailure::new(CLASS, "Datasource type is not set"))?;
        let info = system("datasource_info").ok_or_else(|| NodeFailure::new(CLASS, "Datasource info is not set"))?;
        Ok(Chosen { kind, info })
    }

    async fn fetch(&self, cx: &NodeContext, chosen: &Chosen) -> Result<Answer, Box<NodeFailure>> {
        let config = &self.config;
        let parameters = arguments::resolve(&config.datasource_parameters, &cx.pool, "DatasourceParameterError")?;
        let datasource = if config.datasource_name.is_empty() { "local_file" } else { &config.datasource_name };
        let call = DatasourceCall {
            plugin_id: config.plugin_id.clone(),
            plugin_unique_identifier: config.plugin_unique_identifier.clone(),
            provider_name: config.provider_name.clone(),
            provider_type: chosen.kind.clone(),
            datasource: datasource.to_owned(),
            credential_id: config.credential_id.clone().filter(|id| !id.is_empty()),
            parameters: parameters.into_iter().map(|(name, value)| (name, value.to_json())).collect(),
            info: chosen.info.to_json(),
            node_run_id: cx.node_run_id,
        };
        let stream = self.ports.datasources.fetch(&cx.run, call).await;
        let stream = stream.map_err(|error| calls::failure(&error, CLASS))?;
        // Text is no output of a datasource; what it streams are variables.
        let reading = Reading {
            cx,
            ports: &self.ports,
            class: CLASS,
            file_class: FILE_CLASS,
            variable_class: CLASS,
            message_class: CLASS,
            shows_text: false,
        };
        reading.read(stream).await
    }

    async fn file(&self, cx: &NodeContext, chosen: &Chosen) -> Result<Value, Box<NodeFailure>> {
        if matches!(chosen.info, Value::File(_)) {
            return Ok(chosen.info.clone());
        }
        let answer = self.fetch(cx, chosen).await?;
        answer.files.into_iter().next().ok_or_else(|| NodeFailure::new(FILE_CLASS, "File is not exist"))
    }

    async fn outputs(&self, cx: &NodeContext, chosen: &Chosen) -> Result<IndexMap<String, Value>, Box<NodeFailure>> {
        let mut outputs = IndexMap::new();
        match chosen.kind.as_str() {
            "local_file" | "online_drive" => _ = outputs.insert("file".to_owned(), self.file(cx, chosen).await?),
            "website_crawl" => outputs.extend(chosen.info.as_object().cloned().unwrap_or_default()),
            "online_document" => outputs.extend(self.fetch(cx, chosen).await?.variables),
            other => return Err(NodeFailure::new(CLASS, format!("Unsupported datasource provider: {other}"))),
        }
        outputs.insert("datasource_type".to_owned(), Value::from(chosen.kind.as_str()));
        Ok(outputs)
    }
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let chosen = Self::chosen(&cx)?;
        let inputs = arguments::shown(&self.config.datasource_parameters, &cx.pool);
        let metadata = BTreeMap::from([("datasource_info".to_owned(), chosen.info.to_json())]);
        match self.outputs(&cx, &chosen).await {
            Ok(outputs) => Ok(NodeOutput { inputs, outputs, metadata, ..NodeOutput::default() }),
            Err(mut failure) => {
                (failure.inputs, failure.metadata) = (inputs, metadata);
                Err(failure)
            }
        }
    }
}

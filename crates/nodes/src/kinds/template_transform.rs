//! `template-transform`: a Jinja2 template over chosen variables.

use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Node, NodeContext, NodeFailure, NodeOutput};
use ox_text::jinja::{self, JinjaError};
use ox_types::{Json, Value};
use serde::Deserialize;
use serde_json::json;

use crate::{NodeKind, Ports, config, config::NamedSelector, kind::pure};

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    variables: Vec<NamedSelector>,
    template: String,
}

pub struct TemplateTransform;

impl NodeKind for TemplateTransform {
    fn kind(&self) -> &'static str {
        "template-transform"
    }

    fn default_config(&self) -> Json {
        json!({"variables": [], "template": ""})
    }

    fn build(&self, spec: &NodeSpec, ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        let limits = jinja::Limits { output_chars: ports.limits.template_max_length, ..jinja::Limits::default() };
        Ok(pure(Runner { config: Arc::new(config), limits }))
    }
}

struct Runner {
    config: Arc<Config>,
    limits: jinja::Limits,
}

/// Work that is done at once, without leaving the async task.
const QUICK_FUEL: u64 = 20_000;

impl Runner {
    /// Renders here when it is quick, on a blocking thread when it turns out not to be.
    async fn render(&self, inputs: &IndexMap<String, Value>) -> Result<String, JinjaError> {
        let quick = jinja::Limits { fuel: QUICK_FUEL.min(self.limits.fuel), ..self.limits };
        match jinja::render(&self.config.template, inputs, quick) {
            Err(JinjaError::TooMuchWork(_)) => {}
            done => return done,
        }
        let (config, inputs, limits) = (Arc::clone(&self.config), inputs.clone(), self.limits);
        let work = tokio::task::spawn_blocking(move || jinja::render(&config.template, &inputs, limits));
        work.await.unwrap_or_else(|error| Err(JinjaError::Failed { line: None, why: error.to_string() }))
    }
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let value = |selector: &[String]| cx.pool.get(selector).unwrap_or_default();
        let inputs: IndexMap<String, Value> = self
            .config
            .variables
            .iter()
            .map(|variable| (variable.variable.clone(), value(&variable.value_selector)))
            .collect();
        match self.render(&inputs).await {
            Ok(text) => Ok(NodeOutput {
                outputs: IndexMap::from_iter([("output".to_owned(), Value::from(text))]),
                inputs,
                ..NodeOutput::default()
            }),
            Err(error) => {
                let mut failure = NodeFailure::new("TemplateRenderError", error.to_string());
                failure.inputs = inputs;
                Err(failure)
            }
        }
    }
}

//! `template-transform`: a Jinja2 template over chosen variables.

use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Node, NodeContext, NodeFailure, NodeOutput};
use ox_text::jinja;
use ox_types::{Json, Value};
use serde::Deserialize;
use serde_json::json;

use crate::{NodeKind, Ports, config, config::NamedSelector, kind::pure, template};

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
        Ok(pure(Runner {
            variables: config.variables,
            template: config.template.into(),
            limits,
            ports: Arc::clone(ports),
        }))
    }
}

struct Runner {
    variables: Vec<NamedSelector>,
    template: Arc<str>,
    limits: jinja::Limits,
    ports: Arc<Ports>,
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let value = |selector: &[String]| cx.pool.get(selector).unwrap_or_default();
        let inputs: IndexMap<String, Value> = self
            .variables
            .iter()
            .map(|variable| (variable.variable.clone(), value(&variable.value_selector)))
            .collect();
        match template::jinja(&*self.ports.code, &cx.run.tenant_id, &self.template, &inputs, self.limits).await {
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

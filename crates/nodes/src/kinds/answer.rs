//! `answer`: a piece of what a chat app says.

use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput};
use ox_text::template::Template;
use ox_types::{Json, Value, ValueType};
use serde::Deserialize;
use serde_json::json;

use crate::{NodeKind, Ports, config, template};

#[derive(Deserialize)]
struct Config {
    answer: String,
}

pub struct Answer;

impl NodeKind for Answer {
    fn kind(&self) -> &'static str {
        "answer"
    }

    fn default_config(&self) -> Json {
        json!({"answer": "", "variables": []})
    }

    fn build(&self, spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        let answer = Template::parse(&config.answer);
        let response = template::parts(&answer);
        let mut node = BuiltNode::new(NodeClass::Response, Effect::Pure, Arc::new(Runner { answer }));
        node.response = response;
        Ok(node)
    }
}

struct Runner {
    answer: Template,
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let mut files = Vec::new();
        for selector in self.answer.selectors() {
            match cx.pool.get(selector) {
                Some(file @ Value::File(_)) => files.push(file),
                Some(Value::Array(ValueType::ArrayFile, items)) => files.extend(items.iter().cloned()),
                _ => {}
            }
        }
        let answer = self.answer.markdown(|selector| cx.pool.get(selector));
        let outputs = IndexMap::from_iter([
            ("answer".to_owned(), Value::from(answer)),
            ("files".to_owned(), Value::array_of(ValueType::ArrayFile, files)),
        ]);
        Ok(NodeOutput { outputs, ..NodeOutput::default() })
    }
}

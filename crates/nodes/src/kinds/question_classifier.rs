//! `question-classifier`: a model chooses the branch.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput};
use ox_models::{ChatRequest, ChatResult, Message, ModelKind, ModelMode, ModelSpec, Role};
use ox_types::{Json, Value, json_line};
use serde::Deserialize;
use serde_json::json;

use crate::{
    NodeKind, Ports, config,
    media::{self, Vision},
    memory::{self, Memory},
    model::{self, LeftOut, ModelConfig, Prompt, Question},
    reasoning,
    repair::repair,
    template,
};

const ROLE: &str = "You classify text. You are given a text, a list of categories with ids and names, and \
instructions. Choose the one category that fits the text best, and name the words of the text that decided it.\n\
Answer with one JSON object in a code block and nothing else:\n\
```json\n{\"keywords\": [\"word\"], \"category_id\": \"id of the category\", \"category_name\": \"name of the category\"}\n```\n\
Never answer the text itself, never invent a category.";

const EXAMPLES: [(&str, &str); 2] = [
    (
        r#"{"input_text": ["I recently had great experience with your company. The service was prompt and the staff was very friendly."], "categories": [{"category_id": "c1", "category_name": "Customer Service"}, {"category_id": "c2", "category_name": "Satisfaction"}, {"category_id": "c3", "category_name": "Sales"}], "classification_instructions": ["classify the text by the feedback of the customer"]}"#,
        "```json\n{\"keywords\": [\"great experience\", \"prompt\", \"friendly\"], \"category_id\": \"c2\", \"category_name\": \"Satisfaction\"}\n```",
    ),
    (
        r#"{"input_text": ["bad service, slow to bring the food"], "categories": [{"category_id": "f1", "category_name": "Food Quality"}, {"category_id": "f2", "category_name": "Experience"}, {"category_id": "f3", "category_name": "Price"}], "classification_instructions": []}"#,
        "```json\n{\"keywords\": [\"bad service\", \"slow\", \"food\"], \"category_id\": \"f2\", \"category_name\": \"Experience\"}\n```",
    ),
];

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "config::nullable")]
    query_variable_selector: Vec<String>,
    model: ModelConfig,
    classes: Vec<Class>,
    #[serde(default, deserialize_with = "config::nullable")]
    instruction: String,
    #[serde(default)]
    memory: Option<Memory>,
    #[serde(default, deserialize_with = "config::nullable")]
    vision: Vision,
}

#[derive(Deserialize)]
struct Class {
    id: String,
    #[serde(default, deserialize_with = "config::nullable")]
    name: String,
    #[serde(default, deserialize_with = "config::nullable")]
    label: String,
}

pub struct QuestionClassifier;

impl NodeKind for QuestionClassifier {
    fn kind(&self) -> &'static str {
        "question-classifier"
    }

    fn default_config(&self) -> Json {
        json!({
            "query_variable_selector": [],
            "model": {"provider": "", "name": "", "mode": "chat", "completion_params": {"temperature": 0.7}},
            "classes": [{"id": "1", "name": "", "label": "CLASS 1"}, {"id": "2", "name": "", "label": "CLASS 2"}],
            "instruction": "",
            "vision": {"enabled": false},
        })
    }

    fn build(&self, spec: &NodeSpec, ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        if config.classes.is_empty() {
            return Err("a question classifier needs at least one class".into());
        }
        let runner = Runner { config, ports: Arc::clone(ports) };
        Ok(BuiltNode::new(NodeClass::Branch, Effect::Repeatable, Arc::new(runner)))
    }
}

struct Runner {
    config: Config,
    ports: Arc<Ports>,
}

impl Runner {
    fn messages(&self, cx: &NodeContext, query: &str, histories: &str) -> Vec<Message> {
        let config = &self.config;
        let categories: Vec<Json> = config
            .classes
            .iter()
            .map(|class| json!({"category_id": class.id, "category_name": template::text(&class.name, &cx.pool)}))
            .collect();
        let instruction = template::text(&config.instruction, &cx.pool);
        let input = json!({
            "input_text": [query],
            "categories": categories,
            "classification_instructions": [instruction],
        });
        let system = if histories.is_empty() {
            ROLE.to_owned()
        } else {
            format!(
                "{ROLE}\n\nThe conversation so far, between <histories> tags:\n<histories>\n{histories}\n</histories>"
            )
        };
        let mut messages = vec![Message::system(system)];
        for (question, answer) in EXAMPLES {
            messages.push(Message::user(question));
            messages.push(Message::assistant(answer));
        }
        messages.push(Message::user(json_line(&input)));
        messages
    }

    async fn histories(
        &self,
        cx: &NodeContext,
        spec: Option<&ModelSpec>,
        query: &str,
    ) -> Result<(String, LeftOut), Box<NodeFailure>> {
        let Some(memory) = &self.config.memory else { return Ok((String::new(), LeftOut::default())) };
        let reference = self.config.model.reference();
        let prompt_tokens = self.ports.models.count_tokens(&reference, &self.messages(cx, query, ""), &[]);
        let budget = memory::budget(spec, self.config.model.max_tokens(), prompt_tokens);
        let detail = self.config.vision.configs.detail.as_str();
        let recalled = memory::recall(memory, &reference, spec, budget, detail, (cx, &self.ports)).await;
        let recalled = recalled.map_err(|error| NodeFailure::new("QuestionClassifierNodeError", error.to_string()))?;
        let text = memory::as_text(&recalled.messages, &memory::RolePrefix::usual());
        Ok((text, LeftOut { window: recalled.fit, ..LeftOut::default() }))
    }

    async fn prompt(&self, cx: &NodeContext, query: &str) -> Result<(Prompt, LeftOut), Box<NodeFailure>> {
        let config = &self.config;
        let reference = config.model.reference();
        let spec = self.ports.models.describe(&model::scope(cx), &reference, ModelKind::Llm).await;
        let (histories, mut left_out) = self.histories(cx, spec.as_deref(), query).await?;
        let mut messages = self.messages(cx, query, &histories);
        if config.model.mode() == ModelMode::Completion {
            return Ok((Prompt::Completion(as_text(&messages)), left_out));
        }
        let files = config.vision.files(&cx.pool)?;
        left_out.files(&files, spec.as_deref());
        let parts = media::parts(&files, &config.vision.configs.detail, spec.as_deref(), cx, &self.ports).await;
        let parts = parts.map_err(|error| NodeFailure::new("QuestionClassifierNodeError", error.to_string()))?;
        if let Some(last) = messages.last_mut() {
            last.content.extend(parts);
        }
        Ok((Prompt::Chat(messages), left_out))
    }

    /// The class the model chose; the first one when it chose none that exists.
    fn choose(&self, result: &ChatResult) -> Option<(usize, &Class)> {
        let (text, _) = reasoning::split(&result.text);
        let chosen = match repair(&text) {
            Some(Json::Array(items)) => items.into_iter().find(Json::is_object),
            other => other,
        };
        let id = chosen.as_ref().and_then(|json| json.get("category_id")).map(|id| match id {
            Json::String(id) => id.clone(),
            other => other.to_string(),
        });
        let classes = || self.config.classes.iter().enumerate();
        classes().find(|(_, class)| Some(&class.id) == id.as_ref()).or_else(|| classes().next())
    }
}

/// The same prompt as one text.
fn as_text(messages: &[Message]) -> String {
    let line = |message: &Message| {
        let name = match message.role {
            Role::User => "User: ",
            Role::Assistant => "Assistant: ",
            _ => "",
        };
        format!("{name}{}", message.plain_text())
    };
    format!("{}\nAssistant:", messages.iter().map(line).collect::<Vec<_>>().join("\n"))
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let query = cx.pool.get(&self.config.query_variable_selector).unwrap_or_default();
        let inputs = IndexMap::from_iter([("query".to_owned(), query.clone())]);
        let (prompt, left_out) = self.prompt(&cx, &query.text()).await.map_err(|mut failure| {
            failure.inputs = inputs.clone();
            failure
        })?;
        let mut process_data = model::process_data(&self.config.model, &prompt);
        left_out.tell(&mut process_data);
        let (parameters, stop) = self.config.model.parameters(&cx.pool);
        let request = ChatRequest { parameters, stop, stream: true, ..ChatRequest::default() };
        let reference = self.config.model.reference();
        let asked = model::ask(&cx, &self.ports, &reference, Question { prompt, request }, |_| async {}).await;
        let result = match asked {
            Ok(result) => result,
            Err(error) => {
                let mut failure = model::failure(&error);
                failure.inputs = inputs;
                failure.process_data = process_data;
                return Err(failure);
            }
        };
        model::finish_process_data(&mut process_data, &result);
        let (index, class) = self
            .choose(&result)
            .ok_or_else(|| NodeFailure::new("QuestionClassifierNodeError", "the classifier has no class"))?;
        let label = if class.label.is_empty() { format!("CLASS {}", index + 1) } else { class.label.clone() };
        let outputs = IndexMap::from_iter([
            ("class_name".to_owned(), Value::from(template::text(&class.name, &cx.pool))),
            ("class_label".to_owned(), Value::from(label)),
            ("class_id".to_owned(), Value::from(class.id.as_str())),
            ("usage".to_owned(), Value::from_json_plain(&result.usage.to_json())),
        ]);
        Ok(NodeOutput {
            inputs,
            process_data,
            outputs,
            handle: Some(class.id.clone()),
            metadata: model::metadata(&result.usage),
            usage: Some(model::engine_usage(&result.usage)),
            ..NodeOutput::default()
        })
    }
}

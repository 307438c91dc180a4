//! `knowledge-retrieval`: looks something up in knowledge bases.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Effect, Node, NodeClass, NodeContext, NodeFailure, NodeOutput, Pool};
use ox_types::{File, Json, Value, ValueType};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::{
    FoundSegment, MetadataCondition, MetadataFilter, MultipleRetrieval, NodeKind, Ports, RetrievalMode, RetrievalModel,
    RetrievalQuery, Retrieved, calls, condition::Logic, config, media, model, model::ModelConfig, template,
};

const CLASS: &str = "KnowledgeRetrievalNodeError";

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "selector")]
    query_variable_selector: Vec<String>,
    #[serde(default, deserialize_with = "selector")]
    query_attachment_selector: Vec<String>,
    #[serde(default, deserialize_with = "config::nullable")]
    dataset_ids: Vec<String>,
    retrieval_mode: Mode,
    #[serde(default)]
    multiple_retrieval_config: Option<MultipleRetrieval>,
    #[serde(default)]
    single_retrieval_config: Option<Single>,
    #[serde(default, deserialize_with = "config::nullable")]
    metadata_filtering_mode: Filtering,
    #[serde(default)]
    metadata_model_config: Option<ModelConfig>,
    #[serde(default)]
    metadata_filtering_conditions: Option<Conditions>,
}

/// Compat: a selector may be a list, a text with dots, or nothing.
fn selector<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Option::<Form>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Form::List(list)) => list,
        Some(Form::Text(text)) => text.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
    })
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Single,
    Multiple,
}

#[derive(Deserialize)]
struct Single {
    model: ModelConfig,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Filtering {
    #[default]
    Disabled,
    Automatic,
    Manual,
}

#[derive(Default, Deserialize)]
struct Conditions {
    #[serde(default, deserialize_with = "config::nullable")]
    logical_operator: Logic,
    #[serde(default, deserialize_with = "config::nullable")]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    name: String,
    comparison_operator: String,
    #[serde(default)]
    value: Json,
}

/// What documents can be compared with.
const OPERATORS: &[&str] = &[
    "contains",
    "not contains",
    "start with",
    "end with",
    "is",
    "is not",
    "empty",
    "not empty",
    "in",
    "not in",
    "=",
    "≠",
    ">",
    "<",
    "≥",
    "≤",
    "before",
    "after",
];

pub struct KnowledgeRetrieval;

impl NodeKind for KnowledgeRetrieval {
    fn kind(&self) -> &'static str {
        "knowledge-retrieval"
    }

    fn default_config(&self) -> Json {
        json!({
            "query_variable_selector": [],
            "query_attachment_selector": [],
            "dataset_ids": [],
            "retrieval_mode": "multiple",
            "multiple_retrieval_config": {"top_k": 4, "score_threshold": null, "reranking_enable": false},
            "metadata_filtering_mode": "disabled",
        })
    }

    fn build(&self, spec: &NodeSpec, ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        let config: Config = config::read(spec)?;
        let conditions = config.metadata_filtering_conditions.as_ref().map_or(&[][..], |list| &list.conditions);
        if let Some(wrong) = conditions.iter().find(|one| !OPERATORS.contains(&one.comparison_operator.as_str())) {
            return Err(format!("unknown comparison_operator {:?} of {}", wrong.comparison_operator, wrong.name));
        }
        let runner = Runner { config, ports: Arc::clone(ports) };
        Ok(BuiltNode::new(NodeClass::Executable, Effect::Repeatable, Arc::new(runner)))
    }
}

struct Runner {
    config: Config,
    ports: Arc<Ports>,
}

type Failure = Box<NodeFailure>;

impl Runner {
    /// What is looked for, as text.
    fn text(&self, pool: &Pool) -> Result<Option<String>, Failure> {
        if self.config.query_variable_selector.is_empty() {
            return Ok(None);
        }
        match pool.get(&self.config.query_variable_selector) {
            Some(Value::String(text) | Value::Secret(text)) => Ok(Some(text.to_string())),
            _ => Err(NodeFailure::new(CLASS, "Query variable is not string type.")),
        }
    }

    fn files(&self, pool: &Pool) -> Result<Vec<File>, Failure> {
        if self.config.query_attachment_selector.is_empty() {
            return Ok(Vec::new());
        }
        let value = pool.get(&self.config.query_attachment_selector).unwrap_or_default();
        let files = media::files_of(&value);
        let is_files = match &value {
            Value::None | Value::File(_) => true,
            Value::Array(_, items) => items.len() == files.len(),
            _ => false,
        };
        if !is_files {
            return Err(NodeFailure::new(CLASS, "Attachments variable is not an array file or file type."));
        }
        let file = |value: Value| match value {
            Value::File(file) => Some(Arc::unwrap_or_clone(file)),
            _ => None,
        };
        Ok(files.into_iter().filter_map(file).collect())
    }

    fn mode(&self, pool: &Pool) -> Result<RetrievalMode, Failure> {
        match self.config.retrieval_mode {
            Mode::Single => {
                let single = self.config.single_retrieval_config.as_ref();
                let single =
                    single.ok_or_else(|| NodeFailure::new("ValueError", "single_retrieval_config is required"))?;
                Ok(RetrievalMode::Single { model: retrieval_model(&single.model, pool) })
            }
            Mode::Multiple => {
                let multiple = self.config.multiple_retrieval_config.clone();
                let multiple =
                    multiple.ok_or_else(|| NodeFailure::new("ValueError", "multiple_retrieval_config is required"))?;
                Ok(RetrievalMode::Multiple(multiple))
            }
        }
    }

    fn filter(&self, pool: &Pool) -> Result<MetadataFilter, Failure> {
        match self.config.metadata_filtering_mode {
            Filtering::Disabled => Ok(MetadataFilter::All),
            Filtering::Automatic => {
                let model = self.config.metadata_model_config.as_ref();
                let model = model.ok_or_else(|| NodeFailure::new("ValueError", "metadata_model_config is required"))?;
                Ok(MetadataFilter::Automatic { model: retrieval_model(model, pool) })
            }
            Filtering::Manual => {
                let Some(list) = &self.config.metadata_filtering_conditions else { return Ok(MetadataFilter::All) };
                let conditions = list.conditions.iter().map(|condition| MetadataCondition {
                    name: condition.name.clone(),
                    operator: condition.comparison_operator.clone(),
                    value: resolved(&condition.value, pool),
                });
                let conditions: Vec<MetadataCondition> = conditions.collect();
                if conditions.is_empty() {
                    return Ok(MetadataFilter::All);
                }
                Ok(MetadataFilter::Manual { all: list.logical_operator == Logic::And, conditions })
            }
        }
    }

    async fn retrieve(&self, cx: &NodeContext, text: Option<String>, files: Vec<File>) -> Result<Retrieved, Failure> {
        let query = RetrievalQuery {
            mode: self.mode(&cx.pool)?,
            filter: self.filter(&cx.pool)?,
            dataset_ids: self.config.dataset_ids.clone(),
            text,
            files,
        };
        let nothing = query.text.as_deref().unwrap_or_default().is_empty() && query.files.is_empty();
        if nothing || query.dataset_ids.is_empty() {
            return Ok(Retrieved::default());
        }
        let found = self.ports.retrieval.retrieve(&cx.run, query).await;
        found.map_err(|error| calls::failure(&error, CLASS))
    }
}

fn retrieval_model(config: &ModelConfig, pool: &Pool) -> RetrievalModel {
    let (parameters, stop) = config.parameters(pool);
    RetrievalModel { model: config.reference(), parameters, stop }
}

/// Texts with their variables filled in.
fn resolved(value: &Json, pool: &Pool) -> Json {
    match value {
        Json::String(text) => template::text(text, pool).into(),
        Json::Array(items) => items.iter().map(|item| resolved(item, pool)).collect(),
        other => other.clone(),
    }
}

/// The segments as the node shows them, best first.
fn results(mut segments: Vec<FoundSegment>) -> Vec<Value> {
    segments.sort_by(|left, right| right.score.total_cmp(&left.score));
    segments.into_iter().enumerate().map(|(index, segment)| result(index + 1, segment)).collect()
}

fn result(position: usize, found: FoundSegment) -> Value {
    let mut metadata = serde_json::Map::new();
    let mut set = |name: &str, value: Json| _ = metadata.insert(name.to_owned(), value);
    set("_source", json!("knowledge"));
    set("position", json!(position));
    set("dataset_id", json!(found.dataset_id));
    set("dataset_name", json!(found.dataset_name));
    set("document_id", json!(found.document_id));
    set("document_name", json!(found.document_name));
    set("data_source_type", json!(found.data_source_type));
    if let Some(segment) = &found.segment {
        set("segment_id", json!(segment.id));
    }
    set("retriever_from", json!("workflow"));
    set("score", json!(found.score));
    if let Some(segment) = found.segment {
        set("child_chunks", Json::Array(segment.child_chunks));
        set("segment_hit_count", json!(segment.hit_count));
        set("segment_word_count", json!(segment.word_count));
        set("segment_position", json!(segment.position));
        set("segment_index_node_hash", json!(segment.index_node_hash));
        // Ours: citations lead to the page.
        if let Some(page) = segment.page {
            set("page", json!(page));
        }
    }
    set("doc_metadata", found.doc_metadata);
    let content = match found.answer {
        Some(answer) => format!("question:{} \nanswer:{answer}", found.content),
        None => found.content,
    };
    let files = found.files.into_iter().map(Value::from).collect();
    Value::object(IndexMap::from_iter([
        ("metadata".to_owned(), Value::from_json_plain(&Json::Object(metadata))),
        ("title".to_owned(), Value::from(found.title)),
        ("files".to_owned(), Value::array_of(ValueType::ArrayFile, files)),
        ("content".to_owned(), Value::from(content)),
        ("summary".to_owned(), found.summary.map_or(Value::None, Value::from)),
    ]))
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Failure> {
        let mut inputs = IndexMap::new();
        let asked = self.text(&cx.pool).and_then(|text| Ok((text, self.files(&cx.pool)?)));
        let (text, files) = asked?;
        if let Some(text) = &text {
            inputs.insert("query".to_owned(), Value::from(text.as_str()));
        }
        if !files.is_empty() {
            let shown = files.iter().cloned().map(Value::from).collect();
            inputs.insert("attachments".to_owned(), Value::array_of(ValueType::ArrayFile, shown));
        }
        let found = match self.retrieve(&cx, text, files).await {
            Ok(found) => found,
            Err(mut failure) => {
                failure.inputs = inputs;
                return Err(failure);
            }
        };
        let usage = found.usage;
        let shown = usage.as_ref().map_or(Value::None, |usage| Value::from_json_plain(&usage.to_json()));
        let result = Value::array_of(ValueType::ArrayObject, results(found.segments));
        Ok(NodeOutput {
            inputs,
            process_data: IndexMap::from_iter([("usage".to_owned(), shown)]),
            outputs: IndexMap::from_iter([("result".to_owned(), result)]),
            metadata: usage.as_ref().map(model::metadata).unwrap_or_default(),
            usage: usage.as_ref().map(model::engine_usage),
            ..NodeOutput::default()
        })
    }
}

use indexmap::IndexMap;
use ox_types::{Json, Value, ValueType};

use super::GraphError;

/// One node: what every kind has in common, and its own configuration in `data`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeSpec {
    pub id: String,
    /// `data.type`, as written in the file.
    pub kind: String,
    pub title: String,
    /// Picks the implementation where a kind has several; `"1"` when absent.
    pub version: String,
    /// The node's configuration, old spellings brought into the present form.
    pub data: Json,
    pub error_strategy: Option<ErrorStrategy>,
    pub retry: RetryConfig,
    /// Id of the iteration or loop this node belongs to.
    pub container: Option<String>,
    /// The node's other top-level fields (position, parentId, …); only drawing needs them.
    pub extra: Json,
}

/// What happens when a node fails, other than failing the run.
#[derive(Clone, Debug, PartialEq)]
pub enum ErrorStrategy {
    /// Continue on the edges with the handle `fail-branch`.
    FailBranch,
    /// Continue as if the node had given these outputs.
    DefaultValue(IndexMap<String, Value>),
}

impl ErrorStrategy {
    /// The name in files and on the wire.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::FailBranch => "fail-branch",
            Self::DefaultValue(_) => "default-value",
        }
    }
}

/// How often a failed node is tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetryConfig {
    pub enabled: bool,
    pub max_retries: u32,
    pub interval_ms: u64,
}

impl NodeSpec {
    /// The kind under the name that implements it: the legacy name of the aggregator is resolved.
    #[must_use]
    pub fn canonical_kind(&self) -> &str {
        canonical_kind(&self.kind)
    }

    /// Whether this node runs a child graph.
    #[must_use]
    pub fn is_container(&self) -> bool {
        super::is_container_kind(&self.kind)
    }

    /// Reads a node. A usable node may come with a problem of one of its settings.
    pub(super) fn parse(raw: &Json, position: usize) -> Result<(Self, Option<GraphError>), GraphError> {
        let number = position + 1;
        let fields = raw.as_object().ok_or_else(|| GraphError::Shape(format!("node {number} is not a mapping")))?;
        let id = match fields.get("id") {
            Some(Json::String(id)) if !id.is_empty() => id.clone(),
            Some(Json::Number(id)) => {
                return Err(GraphError::Shape(format!("the id of node {number} is the number {id}: put it in quotes")));
            }
            _ => return Err(GraphError::Shape(format!("node {number} has no id"))),
        };
        let problem = |why: &str| GraphError::Node { node_id: id.clone(), why: why.to_owned() };
        let data = match fields.get("data") {
            Some(data @ Json::Object(_)) => data,
            _ => return Err(problem("its data is missing or not a mapping")),
        };
        let kind = match data.get("type").and_then(Json::as_str) {
            Some(kind) if !kind.is_empty() => kind.to_owned(),
            _ => return Err(problem("its data has no type")),
        };
        let (error_strategy, error) = match error_strategy(data) {
            Ok(strategy) => (strategy, None),
            Err(why) => (None, Some(problem(&why))),
        };
        let mut upgraded = data.clone();
        super::legacy::upgrade(&kind, &mut upgraded);
        let extra = fields.iter().filter(|(key, _)| !matches!(key.as_str(), "id" | "data"));
        let spec = Self {
            kind,
            title: text(data, "title").unwrap_or_default().to_owned(),
            version: version(data),
            error_strategy,
            retry: retry(data),
            container: container(raw, data),
            extra: Json::Object(extra.map(|(key, value)| (key.clone(), value.clone())).collect()),
            data: upgraded,
            id: id.clone(),
        };
        Ok((spec, error))
    }
}

/// The name that implements a kind (`variable-assigner` is the old name of the aggregator).
#[must_use]
pub fn canonical_kind(kind: &str) -> &str {
    if kind == "variable-assigner" { "variable-aggregator" } else { kind }
}

fn text<'a>(data: &'a Json, key: &str) -> Option<&'a str> {
    data.get(key).and_then(Json::as_str)
}

fn version(data: &Json) -> String {
    match data.get("version") {
        Some(Json::String(version)) if !version.is_empty() => version.clone(),
        Some(Json::Number(version)) => version.to_string(),
        _ => "1".into(),
    }
}

fn container(raw: &Json, data: &Json) -> Option<String> {
    let named = |key: &str| text(data, key).filter(|id| !id.is_empty());
    let id = match (named("iteration_id"), named("loop_id")) {
        (Some(iteration), Some(of_loop)) => {
            // Both are set only by hand or by old editors: the drawing tells which is the inner one.
            let parent = text(raw, "parentId");
            if parent == Some(of_loop) { of_loop } else { iteration }
        }
        (Some(id), None) | (None, Some(id)) => id,
        (None, None) => {
            // Start children carry no id of their container, only the flag and the drawing.
            let flag = |key: &str| data.get(key).and_then(Json::as_bool).unwrap_or(false);
            let inner = flag("isInIteration")
                || flag("isInLoop")
                || matches!(text(data, "type"), Some("iteration-start" | "loop-start"));
            text(raw, "parentId").filter(|id| inner && !id.is_empty())?
        }
    };
    Some(id.to_owned())
}

fn retry(data: &Json) -> RetryConfig {
    let Some(config) = data.get("retry_config").filter(|config| config.is_object()) else {
        return RetryConfig::default();
    };
    let number = |key: &str| match config.get(key) {
        Some(Json::Number(number)) => number.as_u64().or_else(|| number.as_f64().map(|n| n.max(0.0) as u64)),
        Some(Json::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    RetryConfig {
        enabled: config.get("retry_enabled").and_then(Json::as_bool).unwrap_or(false),
        max_retries: number("max_retries").and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        interval_ms: number("retry_interval").unwrap_or(0),
    }
}

fn error_strategy(data: &Json) -> Result<Option<ErrorStrategy>, String> {
    match data.get("error_strategy") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(name)) => match name.as_str() {
            "" | "none" => Ok(None),
            "fail-branch" => Ok(Some(ErrorStrategy::FailBranch)),
            "default-value" => default_values(data).map(|values| Some(ErrorStrategy::DefaultValue(values))),
            other => Err(format!("unknown error_strategy {other:?}; use fail-branch or default-value")),
        },
        Some(_) => Err("error_strategy must be text".into()),
    }
}

fn default_values(data: &Json) -> Result<IndexMap<String, Value>, String> {
    let items = match data.get("default_value") {
        None | Some(Json::Null) => return Ok(IndexMap::new()),
        Some(Json::Array(items)) => items,
        Some(_) => return Err("default_value must be a list".into()),
    };
    items.iter().map(default_value).collect()
}

fn default_value(item: &Json) -> Result<(String, Value), String> {
    let key = text(item, "key").ok_or("an entry of default_value has no key")?;
    let type_name = text(item, "type").unwrap_or("string");
    let wrong = |why: String| format!("default value of {key}: {why} (DefaultValueTypeError)");
    let declared = ValueType::parse(type_name).ok_or_else(|| wrong(format!("unknown type {type_name:?}")))?;
    let value = item.get("value").unwrap_or(&Json::Null);
    let converted = convert(value, declared).map_err(wrong)?;
    Ok((key.to_owned(), converted))
}

/// A text given for another type is read as that type (DSL reference §7).
fn convert(value: &Json, declared: ValueType) -> Result<Value, String> {
    let typed = |value: &Json| Value::typed(value, declared).map_err(|error| error.to_string());
    match (value, declared) {
        (Json::String(_), ValueType::String | ValueType::Secret) => typed(value),
        (Json::String(text), ValueType::Number | ValueType::Integer | ValueType::Float) => {
            let text = text.trim();
            if let Ok(number) = text.parse::<i64>() {
                return Ok(Value::Int(number));
            }
            text.parse().map(Value::Float).map_err(|_| format!("{text:?} is not a number"))
        }
        (Json::Bool(flag), ValueType::Number) => Ok(Value::Int(i64::from(*flag))),
        (Json::String(text), _) => {
            let parsed: Json = serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))?;
            typed(&parsed)
        }
        _ => typed(value),
    }
}

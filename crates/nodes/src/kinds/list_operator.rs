//! `list-operator`: filters, picks, orders and cuts a list.

#[cfg(test)]
mod tests;

use std::{cmp::Ordering, sync::Arc};

use async_trait::async_trait;
use indexmap::IndexMap;
use ox_dsl::graph::NodeSpec;
use ox_engine::{BuiltNode, Node, NodeContext, NodeFailure, NodeOutput, Pool};
use ox_types::{File, Json, Value, ValueType};
use serde::Deserialize;
use serde_json::json;

use crate::{NodeKind, Ports, config, kind::pure, python, template};

#[derive(Deserialize)]
struct Config {
    variable: Vec<String>,
    #[serde(default, deserialize_with = "config::nullable")]
    filter_by: Filter,
    #[serde(default, deserialize_with = "config::nullable")]
    extract_by: Extract,
    #[serde(default, deserialize_with = "config::nullable")]
    order_by: Order,
    #[serde(default, deserialize_with = "config::nullable")]
    limit: Limit,
}

#[derive(Default, Deserialize)]
struct Filter {
    #[serde(default, deserialize_with = "config::nullable")]
    enabled: bool,
    #[serde(default, deserialize_with = "config::nullable")]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(default, deserialize_with = "config::nullable")]
    key: String,
    #[serde(default = "contains")]
    comparison_operator: String,
    #[serde(default)]
    value: Json,
}

fn contains() -> String {
    "contains".into()
}

#[derive(Default, Deserialize)]
struct Extract {
    #[serde(default, deserialize_with = "config::nullable")]
    enabled: bool,
    #[serde(default)]
    serial: Json,
}

#[derive(Default, Deserialize)]
struct Order {
    #[serde(default, deserialize_with = "config::nullable")]
    enabled: bool,
    #[serde(default, deserialize_with = "config::nullable")]
    key: String,
    #[serde(default, deserialize_with = "config::nullable")]
    value: Direction,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    #[default]
    Asc,
    Desc,
}

#[derive(Deserialize)]
struct Limit {
    #[serde(default, deserialize_with = "config::nullable")]
    enabled: bool,
    #[serde(default = "no_limit")]
    size: i64,
}

impl Default for Limit {
    fn default() -> Self {
        Self { enabled: false, size: no_limit() }
    }
}

const fn no_limit() -> i64 {
    -1
}

pub struct ListOperator;

impl NodeKind for ListOperator {
    fn kind(&self) -> &'static str {
        "list-operator"
    }

    fn default_config(&self) -> Json {
        json!({
            "variable": [],
            "filter_by": {"enabled": false, "conditions": []},
            "extract_by": {"enabled": false, "serial": "1"},
            "order_by": {"enabled": false, "key": "", "value": "asc"},
            "limit": {"enabled": false, "size": 10},
        })
    }

    fn build(&self, spec: &NodeSpec, _ports: &Arc<Ports>) -> Result<BuiltNode, String> {
        config::read(spec).map(|config| pure(Runner(config)))
    }
}

struct Runner(Config);

/// Class name and text of a failure.
type Refusal = (&'static str, String);

fn invalid_condition(operator: &str) -> Refusal {
    ("InvalidConditionError", format!("Invalid condition: {operator}"))
}

fn invalid_value(value: &Json) -> Refusal {
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    ("InvalidFilterValueError", format!("Invalid filter value: {shown}"))
}

fn invalid_key(key: &str) -> Refusal {
    ("InvalidKeyError", format!("Invalid key: {key}"))
}

#[async_trait]
impl Node for Runner {
    async fn run(&self, cx: NodeContext) -> Result<NodeOutput, Box<NodeFailure>> {
        let selector = python::list(&self.0.variable);
        let value = cx.pool.get(&self.0.variable).ok_or_else(|| {
            NodeFailure::new("ListOperatorError", format!("Variable not found for selector: {selector}"))
        })?;
        let shown = IndexMap::from_iter([("variable".to_owned(), value.clone())]);
        let fail = |(kind, text): Refusal| {
            let mut failure = NodeFailure::new(kind, text);
            failure.inputs = shown.clone();
            failure.process_data = shown.clone();
            failure
        };
        let (kind, items) = match &value {
            Value::None => (ValueType::ArrayAny, Vec::new()),
            Value::Array(kind, items) if items.is_empty() || is_supported(*kind) => (*kind, Vec::clone(items)),
            other => {
                let class = python::class(&other.to_json());
                let text = format!("Variable {selector} is not an array type, actual type: {class}");
                return Err(fail(("ListOperatorError", text)));
            }
        };
        let items = if items.is_empty() { items } else { self.apply(kind, items, &cx.pool).map_err(fail)? };
        let record = |item: Option<&Value>| item.cloned().unwrap_or_default();
        let outputs = IndexMap::from_iter([
            ("first_record".to_owned(), record(items.first())),
            ("last_record".to_owned(), record(items.last())),
            ("result".to_owned(), Value::array_of(kind, items)),
        ]);
        Ok(NodeOutput { inputs: shown.clone(), process_data: shown, outputs, ..NodeOutput::default() })
    }
}

const fn is_supported(kind: ValueType) -> bool {
    matches!(kind, ValueType::ArrayFile | ValueType::ArrayString | ValueType::ArrayNumber | ValueType::ArrayBoolean)
}

impl Runner {
    fn apply(&self, kind: ValueType, mut items: Vec<Value>, pool: &Pool) -> Result<Vec<Value>, Refusal> {
        if self.0.filter_by.enabled {
            for condition in &self.0.filter_by.conditions {
                let value = match &condition.value {
                    Json::String(text) => Json::from(template::text(text, pool)),
                    other => other.clone(),
                };
                let mut kept = Vec::with_capacity(items.len());
                for item in items {
                    if matches(kind, &item, condition, &value)? {
                        kept.push(item);
                    }
                }
                items = kept;
            }
        }
        if self.0.extract_by.enabled {
            let item = nth(&items, &self.0.extract_by.serial, pool)?;
            items = vec![item];
        }
        if self.0.order_by.enabled {
            order(kind, &mut items, &self.0.order_by)?;
        }
        if self.0.limit.enabled {
            // Compat: as a Python slice, a negative size counts from the end.
            let size = usize::try_from(self.0.limit.size.unsigned_abs()).unwrap_or(usize::MAX);
            let size = if self.0.limit.size < 0 { items.len().saturating_sub(size) } else { size };
            items.truncate(size);
        }
        Ok(items)
    }
}

fn nth(items: &[Value], serial: &Json, pool: &Pool) -> Result<Value, Refusal> {
    let text = match serial {
        Json::Null => "1".to_owned(),
        Json::String(text) => template::text(text, pool),
        other => other.to_string(),
    };
    let wrong = |why: String| ("ValueError", format!("Invalid serial index: {why}"));
    let number = python::int(&text).map_err(|why| ("ValueError", why))?;
    if number < 1 {
        return Err(wrong(format!("must be >= 1, got {number}")));
    }
    let item = usize::try_from(number - 1).ok().and_then(|index| items.get(index));
    item.cloned().ok_or_else(|| wrong(format!("must be <= {}, got {number}", items.len())))
}

fn matches(kind: ValueType, item: &Value, condition: &Condition, value: &Json) -> Result<bool, Refusal> {
    let operator = condition.comparison_operator.as_str();
    match (kind, item) {
        (ValueType::ArrayString, item) => by_text(item.as_str().unwrap_or_default(), operator, value),
        (ValueType::ArrayNumber, item) => by_number(number(item), operator, value),
        (ValueType::ArrayBoolean, Value::Bool(item)) => {
            let wanted = value.as_bool().or_else(|| value.as_str()?.trim().to_ascii_lowercase().parse().ok());
            let wanted = wanted.ok_or_else(|| invalid_value(value))?;
            match operator {
                "is" => Ok(*item == wanted),
                "is not" => Ok(*item != wanted),
                other => Err(invalid_condition(other)),
            }
        }
        (ValueType::ArrayFile, Value::File(file)) => by_file(file, &condition.key, operator, value),
        _ => Ok(false),
    }
}

fn by_text(text: &str, operator: &str, value: &Json) -> Result<bool, Refusal> {
    match operator {
        "empty" => return Ok(text.is_empty()),
        "not empty" => return Ok(!text.is_empty()),
        _ => {}
    }
    let value = value.as_str().ok_or_else(|| invalid_value(value))?;
    match operator {
        "contains" => Ok(text.contains(value)),
        "not contains" => Ok(!text.contains(value)),
        "start with" => Ok(text.starts_with(value)),
        "end with" => Ok(text.ends_with(value)),
        "is" => Ok(text == value),
        "is not" => Ok(text != value),
        "in" => Ok(value.contains(text)),
        "not in" => Ok(!value.contains(text)),
        other => Err(invalid_condition(other)),
    }
}

fn by_number(number: f64, operator: &str, value: &Json) -> Result<bool, Refusal> {
    let wanted = value.as_f64().or_else(|| python::float(value.as_str()?).ok()).ok_or_else(|| invalid_value(value))?;
    let ordering = number.partial_cmp(&wanted);
    match operator {
        "=" => Ok(ordering == Some(Ordering::Equal)),
        "≠" => Ok(ordering != Some(Ordering::Equal)),
        "<" => Ok(ordering == Some(Ordering::Less)),
        ">" => Ok(ordering == Some(Ordering::Greater)),
        "≥" => Ok(matches!(ordering, Some(Ordering::Greater | Ordering::Equal))),
        "≤" => Ok(matches!(ordering, Some(Ordering::Less | Ordering::Equal))),
        other => Err(invalid_condition(other)),
    }
}

fn by_file(file: &File, key: &str, operator: &str, value: &Json) -> Result<bool, Refusal> {
    let attribute = file.attribute(key).ok_or_else(|| invalid_key(key))?;
    match key {
        "type" | "transfer_method" => {
            let list = value.as_array().ok_or_else(|| invalid_value(value))?;
            let is_in = list.iter().any(|item| item.as_str() == attribute.as_str());
            match operator {
                "in" => Ok(is_in),
                "not in" => Ok(!is_in),
                other => Err(invalid_condition(other)),
            }
        }
        "size" => by_number(number(&attribute), operator, value),
        _ => by_text(attribute.as_str().unwrap_or_default(), operator, value),
    }
}

#[expect(clippy::cast_precision_loss, reason = "as Python compares an integer with a float of usual size")]
fn number(value: &Value) -> f64 {
    match value {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Bool(value) => f64::from(u8::from(*value)),
        _ => f64::NAN,
    }
}

fn order(kind: ValueType, items: &mut [Value], order: &Order) -> Result<(), Refusal> {
    let compare: fn(&Value, &Value) -> Ordering = |left, right| match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        _ => number(left).total_cmp(&number(right)),
    };
    let key = |item: &Value| match item {
        Value::File(file) if kind == ValueType::ArrayFile => match file.attribute(&order.key)? {
            Value::None => Some(Value::from("")),
            attribute => Some(attribute),
        },
        other => Some(other.clone()),
    };
    let mut keyed = Vec::with_capacity(items.len());
    for item in items.iter() {
        keyed.push((key(item).ok_or_else(|| invalid_key(&order.key))?, item.clone()));
    }
    // Stable both ways, as Python's sort is.
    keyed.sort_by(|(left, _), (right, _)| match order.value {
        Direction::Asc => compare(left, right),
        Direction::Desc => compare(right, left),
    });
    for (place, (_, item)) in items.iter_mut().zip(keyed) {
        *place = item;
    }
    Ok(())
}

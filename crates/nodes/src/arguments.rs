//! Arguments of tools, agents and datasources: `{name: {type: mixed|variable|constant, value}}`.

use indexmap::IndexMap;
use ox_engine::{NodeFailure, Pool};
use ox_types::{Json, Value};
use serde::{Deserialize, Deserializer, de::Error};

use crate::{python, template};

/// Where an argument comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// A text with variables.
    Mixed(String),
    Variable(Vec<String>),
    Constant(Json),
}

/// Arguments by name, in their order; null for those that are not set.
pub type Arguments = IndexMap<String, Option<Argument>>;

impl Argument {
    /// Reads one; nothing for what is not set.
    ///
    /// # Errors
    /// When the value does not fit the type.
    fn read(json: &Json) -> Result<Option<Self>, String> {
        let Some(fields) = json.as_object().filter(|fields| fields.contains_key("type")) else {
            // Compat: early files have bare values.
            return Ok((!json.is_null()).then(|| Self::Constant(json.clone())));
        };
        let value = fields.get("value").unwrap_or(&Json::Null);
        if value.is_null() {
            return Ok(None);
        }
        match fields.get("type").and_then(Json::as_str) {
            Some("mixed") => match value {
                Json::String(text) => Ok(Some(Self::Mixed(text.clone()))),
                _ => Err("value must be a string".into()),
            },
            Some("variable") => serde_json::from_value(value.clone())
                .map(|selector| Some(Self::Variable(selector)))
                .map_err(|_| "value must be a list of strings".into()),
            Some("constant") => Ok(Some(Self::Constant(value.clone()))),
            other => Err(format!("unknown type {}", other.unwrap_or("that is not text"))),
        }
    }

    /// The argument's value.
    ///
    /// # Errors
    /// When its variable does not exist.
    pub fn resolve(&self, pool: &Pool) -> Result<Value, String> {
        match self {
            Self::Mixed(text) => Ok(Value::from(template::text(text, pool))),
            Self::Variable(selector) => {
                pool.get(selector).ok_or_else(|| format!("Variable {} does not exist", python::list(selector)))
            }
            // Compat: a constant text may hold variables too.
            Self::Constant(Json::String(text)) => Ok(Value::from(template::text(text, pool))),
            Self::Constant(json) => Ok(Value::from_json(json)),
        }
    }

    /// The value as the trace shows it, secrets masked.
    fn shown(&self, pool: &Pool) -> Value {
        match self {
            Self::Mixed(text) | Self::Constant(Json::String(text)) => Value::from(template::log(text, pool)),
            Self::Variable(selector) => match pool.get(selector).unwrap_or_default() {
                secret @ Value::Secret(_) => Value::from(secret.log()),
                other => other,
            },
            Self::Constant(json) => Value::from_json(json),
        }
    }
}

/// Reads a map of arguments; entries that are not set are kept as null.
pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arguments, D::Error> {
    let json = Option::<IndexMap<String, Json>>::deserialize(deserializer)?.unwrap_or_default();
    json.into_iter()
        .map(|(name, json)| match Argument::read(&json) {
            Ok(argument) => Ok((name, argument)),
            Err(why) => Err(D::Error::custom(format!("{name}: {why}"))),
        })
        .collect()
}

/// Values of all arguments.
///
/// # Errors
/// Of this class, when a variable does not exist.
pub fn resolve(arguments: &Arguments, pool: &Pool, class: &str) -> Result<IndexMap<String, Value>, Box<NodeFailure>> {
    arguments
        .iter()
        .map(|(name, argument)| {
            let value = argument.as_ref().map_or(Ok(Value::None), |argument| argument.resolve(pool));
            value.map(|value| (name.clone(), value)).map_err(|why| NodeFailure::new(class, why))
        })
        .collect()
}

/// The arguments as the trace shows them.
pub fn shown(arguments: &Arguments, pool: &Pool) -> IndexMap<String, Value> {
    let show = |argument: &Option<Argument>| argument.as_ref().map_or(Value::None, |argument| argument.shown(pool));
    arguments.iter().map(|(name, argument)| (name.clone(), show(argument))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pool() -> Pool {
        let mut pool = Pool::new();
        pool.set("n", "text", "abc");
        pool.set("n", "list", Value::array(vec![Value::Int(1)]));
        pool.set("env", "key", Value::secret("sk-1234567890"));
        pool
    }

    #[test]
    fn values_by_type() {
        for (json, expected) in [
            (json!({"type": "mixed", "value": "x {{#n.text#}}"}), Ok(json!("x abc"))),
            (json!({"type": "mixed", "value": 5}), Err("value must be a string")),
            (json!({"type": "variable", "value": ["n", "list"]}), Ok(json!([1]))),
            (json!({"type": "variable", "value": "n.list"}), Err("value must be a list of strings")),
            (json!({"type": "variable", "value": ["n", 1]}), Err("value must be a list of strings")),
            (json!({"type": "variable", "value": ["n", "gone"]}), Err("Variable ['n', 'gone'] does not exist")),
            (json!({"type": "constant", "value": 5}), Ok(json!(5))),
            (json!({"type": "constant", "value": {"a": [true]}}), Ok(json!({"a": [true]}))),
            (json!({"type": "constant", "value": "{{#n.text#}}"}), Ok(json!("abc"))),
            (json!({"type": "constant", "value": null}), Ok(json!(null))),
            (json!({"type": "mixed"}), Ok(json!(null))),
            (json!({"type": "guess", "value": 1}), Err("unknown type guess")),
            (json!("bare"), Ok(json!("bare"))),
            (json!(null), Ok(json!(null))),
        ] {
            let got = Argument::read(&json)
                .and_then(|argument| argument.map_or(Ok(Value::None), |argument| argument.resolve(&pool())));
            assert_eq!(got.map(|value| value.to_json()), expected.map_err(str::to_owned), "{json}");
        }
    }

    #[test]
    fn secrets_are_masked_in_the_trace() {
        let arguments = IndexMap::from_iter([
            ("a".to_owned(), Some(Argument::Mixed("Bearer {{#env.key#}}".into()))),
            ("b".to_owned(), Some(Argument::Variable(vec!["env".into(), "key".into()]))),
            ("c".to_owned(), None),
        ]);
        let shown = Value::object(shown(&arguments, &pool())).to_json();
        assert_eq!(shown, json!({"a": "Bearer sk-123************90", "b": "sk-123************90", "c": null}));
        let sent = resolve(&arguments, &pool(), "X").unwrap();
        assert_eq!(sent["a"], Value::from("Bearer sk-1234567890"));
    }
}

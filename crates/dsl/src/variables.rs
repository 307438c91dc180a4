//! Environment and conversation variables (DSL reference §4).

pub use ox_types::HIDDEN;
use ox_types::{Json, Value, ValueType, new_uuid, python_quote};
use serde_json::Map;

/// Largest value, in bytes of its JSON form.
const MAX_BYTES: usize = 200 * 1024;

/// Where a variable lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Environment,
    Conversation,
}

impl Scope {
    /// The first part of its selectors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "env",
            Self::Conversation => "conversation",
        }
    }
}

/// How secrets are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    Plain,
    /// As empty texts (files).
    Empty,
    /// As [`HIDDEN`] (answers of the API).
    Hidden,
}

/// A variable with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    pub id: String,
    pub name: String,
    pub description: String,
    pub value_type: ValueType,
    pub value: Value,
    /// Fields we do not know; they are written back.
    pub extra: Map<String, Json>,
}

/// A variable cannot be used; imports fail with this text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why} ({scope} variable {which})", scope = .scope.as_str())]
pub struct VariableError {
    pub scope: Scope,
    /// Its name, or its number when it has none.
    pub which: String,
    pub why: String,
}

/// Reads a list of variables; a missing list is empty.
///
/// # Errors
/// The first variable that cannot be used.
pub fn parse(list: Option<&Json>, scope: Scope) -> Result<Vec<Variable>, VariableError> {
    let items = match list {
        None | Some(Json::Null) => return Ok(Vec::new()),
        Some(Json::Array(items)) => items,
        Some(_) => {
            return Err(VariableError { scope, which: "list".into(), why: "the variables must be a list".into() });
        }
    };
    items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            Variable::parse(item, scope).map_err(|why| {
                let name = item.get("name").and_then(Json::as_str).filter(|name| !name.is_empty());
                VariableError { scope, which: name.map_or_else(|| (index + 1).to_string(), str::to_owned), why }
            })
        })
        .collect()
}

/// Checks a variable as an editor sends it, and fills in what may be absent: id, description, selector. Its value
/// stays as it was written.
///
/// # Errors
/// Why it cannot be used.
pub fn check(item: &Json, scope: Scope) -> Result<Map<String, Json>, String> {
    let variable = Variable::parse(item, scope)?;
    let mut fields = item.as_object().cloned().unwrap_or_default();
    fields.insert("id".into(), variable.id.into());
    fields.insert("selector".into(), Json::from(vec![scope.as_str(), variable.name.as_str()]));
    if fields.get("description").is_none_or(Json::is_null) {
        fields.insert("description".into(), "".into());
    }
    Ok(fields)
}

/// Writes a list of variables.
#[must_use]
pub fn write(variables: &[Variable], scope: Scope, secrets: Secrets) -> Json {
    Json::Array(variables.iter().map(|variable| variable.to_json(scope, secrets)).collect())
}

/// Puts the stored value where an update sent [`HIDDEN`].
pub fn keep_hidden(updated: &mut [Variable], stored: &[Variable]) {
    for variable in updated.iter_mut().filter(|v| v.value_type == ValueType::Secret) {
        if variable.value.as_str() != Some(HIDDEN) {
            continue;
        }
        let same_id = stored.iter().find(|old| old.id == variable.id);
        if let Some(old) = same_id.or_else(|| stored.iter().find(|old| old.name == variable.name)) {
            variable.value = old.value.clone();
        }
    }
}

impl Variable {
    fn parse(item: &Json, scope: Scope) -> Result<Self, String> {
        let fields = item.as_object().ok_or("a variable must be a mapping")?;
        let text = |key: &str| fields.get(key).and_then(Json::as_str).filter(|text| !text.is_empty());
        let name = text("name").ok_or("missing name")?;
        let type_name = text("value_type").ok_or("missing value type")?;
        let raw = fields.get("value").filter(|value| !value.is_null()).ok_or("missing value")?;
        let (value_type, value) = typed(raw, type_name, scope)?;
        let size = raw.to_string().len();
        if size > MAX_BYTES {
            return Err(format!("variable size {size} exceeds limit {MAX_BYTES}"));
        }
        let known = ["id", "name", "description", "selector", "value_type", "value"];
        Ok(Self {
            id: text("id").map_or_else(|| new_uuid().to_string(), str::to_owned),
            name: name.to_owned(),
            description: text("description").unwrap_or_default().to_owned(),
            value_type,
            value,
            extra: fields
                .iter()
                .filter(|(k, _)| !known.contains(&k.as_str()))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        })
    }

    /// The stored form, with the selector that belongs to the scope.
    #[must_use]
    pub fn to_json(&self, scope: Scope, secrets: Secrets) -> Json {
        let mut fields = self.extra.clone();
        fields.insert("id".into(), self.id.clone().into());
        fields.insert("name".into(), self.name.clone().into());
        fields.insert("description".into(), self.description.clone().into());
        fields.insert("selector".into(), Json::from(vec![scope.as_str(), self.name.as_str()]));
        fields.insert("value_type".into(), exported_type(self.value_type).into());
        let hidden = (self.value_type == ValueType::Secret).then_some(secrets);
        let value = match hidden {
            Some(Secrets::Empty) => Json::from(""),
            Some(Secrets::Hidden) => Json::from(HIDDEN),
            Some(Secrets::Plain) | None => self.value.to_json(),
        };
        fields.insert("value".into(), value);
        Json::Object(fields)
    }
}

/// Integers and floats are both written as numbers.
const fn exported_type(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Integer | ValueType::Float => "number",
        other => other.as_str(),
    }
}

fn typed(raw: &Json, type_name: &str, scope: Scope) -> Result<(ValueType, Value), String> {
    let unsupported = || format!("not supported value type {type_name}");
    let declared = ValueType::parse(&type_name.to_ascii_lowercase()).ok_or_else(unsupported)?;
    let in_scope = match declared {
        ValueType::String | ValueType::Number | ValueType::Integer | ValueType::Float | ValueType::Boolean => true,
        ValueType::Secret => scope == Scope::Environment,
        ValueType::Object
        | ValueType::ArrayString
        | ValueType::ArrayNumber
        | ValueType::ArrayObject
        | ValueType::ArrayBoolean => scope == Scope::Conversation,
        _ => false,
    };
    if !in_scope {
        return Err(unsupported());
    }
    let invalid = |kind: &str| format!("invalid {kind} value {}", shown(raw));
    let value = match declared {
        ValueType::Number | ValueType::Integer | ValueType::Float => match raw {
            Json::Number(_) => Value::from_json(raw),
            // Compat: files of old editors hold numbers as text.
            Json::String(text) => number(text).ok_or_else(|| invalid("number"))?,
            _ => return Err(invalid("number")),
        },
        _ => Value::typed(raw, declared).map_err(|_| invalid(declared.as_str()))?,
    };
    Ok((if declared == ValueType::Number { value.value_type() } else { declared }, value))
}

fn number(text: &str) -> Option<Value> {
    let text = text.trim();
    text.parse().ok().map(Value::Int).or_else(|| text.parse().ok().filter(|n: &f64| n.is_finite()).map(Value::Float))
}

fn shown(raw: &Json) -> String {
    let text = match raw {
        Json::String(text) => python_quote(text),
        other => other.to_string(),
    };
    if text.chars().count() <= 60 { text } else { text.chars().take(57).chain("...".chars()).collect() }
}

#[cfg(test)]
mod tests {
    use ox_types::{Value, ValueType};
    use serde_json::json;

    use super::{HIDDEN, Scope, Secrets, check, keep_hidden, parse, write};

    #[test]
    fn types_and_their_values() {
        let list = json!([
            {"id": "1", "name": "a", "value_type": "string", "value": ""},
            {"name": "b", "value_type": "number", "value": 1},
            {"name": "c", "value_type": "number", "value": 1.0},
            {"name": "d", "value_type": "integer", "value": 7},
            {"name": "e", "value_type": "secret", "value": "s", "description": "key", "color": "red"},
        ]);
        let read = parse(Some(&list), Scope::Environment).unwrap();
        let types: Vec<_> = read.iter().map(|v| v.value_type.as_str()).collect();
        assert_eq!(types, ["string", "integer", "float", "integer", "secret"]);
        assert_eq!(read[2].value.value_type(), ValueType::Float);
        let written = write(&read, Scope::Environment, Secrets::Empty);
        assert_eq!(written[1]["value_type"], "number");
        assert_eq!(written[1]["selector"], json!(["env", "b"]));
        assert_eq!((&written[4]["value"], &written[4]["color"]), (&json!(""), &json!("red")));
        assert_eq!(write(&read, Scope::Environment, Secrets::Hidden)[4]["value"], HIDDEN);
        assert_eq!(write(&read, Scope::Environment, Secrets::Plain)[4]["value"], "s");
        assert_eq!(parse(None, Scope::Conversation), Ok(vec![]));
    }

    #[test]
    fn what_is_refused() {
        let env = [
            (json!({"value_type": "string", "value": ""}), "missing name (env variable 1)"),
            (json!({"name": "a", "value": ""}), "missing value type (env variable a)"),
            (json!({"name": "a", "value_type": "string"}), "missing value (env variable a)"),
            (
                json!({"name": "a", "value_type": "object", "value": {}}),
                "not supported value type object (env variable a)",
            ),
            (json!({"name": "a", "value_type": "x", "value": 1}), "not supported value type x (env variable a)"),
            (
                json!({"name": "a", "value_type": "number", "value": "one"}),
                "invalid number value 'one' (env variable a)",
            ),
            (json!({"name": "a", "value_type": "string", "value": 1}), "invalid string value 1 (env variable a)"),
        ];
        for (item, expected) in env {
            assert_eq!(parse(Some(&json!([item])), Scope::Environment).unwrap_err().to_string(), expected);
        }
        let large = json!([{"name": "a", "value_type": "string", "value": "x".repeat(205_000)}]);
        let error = parse(Some(&large), Scope::Environment).unwrap_err().to_string();
        assert_eq!(error, "variable size 205002 exceeds limit 204800 (env variable a)");
        let secret = json!([{"name": "a", "value_type": "secret", "value": "x"}]);
        assert!(parse(Some(&secret), Scope::Conversation).is_err());
        assert!(parse(Some(&json!({})), Scope::Conversation).is_err());
        let mixed = json!([{"name": "a", "value_type": "array[string]", "value": ["x", 1]}]);
        assert!(parse(Some(&mixed), Scope::Conversation).is_err());
    }

    #[test]
    fn what_an_editor_sends_is_completed() {
        let fields =
            check(&json!({"name": "a", "value_type": "number", "value": "5", "x": 1}), Scope::Environment).unwrap();
        assert!(!fields["id"].as_str().unwrap().is_empty());
        assert_eq!(
            (&fields["selector"], &fields["description"], &fields["value"], &fields["x"]),
            (&json!(["env", "a"]), &json!(""), &json!("5"), &json!(1))
        );
        let known = json!({"id": "7", "name": "a", "value_type": "array[string]", "value": ["x"], "description": "d"});
        let fields = check(&known, Scope::Conversation).unwrap();
        assert_eq!((&fields["id"], &fields["description"]), (&json!("7"), &json!("d")));
        assert_eq!(check(&known, Scope::Environment).unwrap_err(), "not supported value type array[string]");
        assert_eq!(
            check(&json!({"name": "a", "value_type": "number", "value": "x"}), Scope::Conversation).unwrap_err(),
            "invalid number value 'x'"
        );
        assert_eq!(check(&json!(5), Scope::Conversation).unwrap_err(), "a variable must be a mapping");
    }

    #[test]
    fn a_hidden_secret_keeps_its_value() {
        let stored =
            parse(Some(&json!([{"id": "1", "name": "k", "value_type": "secret", "value": "old"}])), Scope::Environment)
                .unwrap();
        let mut updated = parse(
            Some(&json!([{"id": "1", "name": "renamed", "value_type": "secret", "value": HIDDEN},
                {"id": "2", "name": "n", "value_type": "secret", "value": "new"}])),
            Scope::Environment,
        )
        .unwrap();
        keep_hidden(&mut updated, &stored);
        assert_eq!((updated[0].value.clone(), updated[1].value.clone()), (Value::secret("old"), Value::secret("new")));
    }
}

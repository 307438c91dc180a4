//! The operations of the second assigner: what they fit, what they take, what they give.

use std::sync::Arc;

use ox_types::{Json, Value, ValueType};
use serde::Deserialize;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputType {
    Variable,
    Constant,
}

impl InputType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Variable => "variable",
            Self::Constant => "constant",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Operation {
    #[serde(rename = "over-write")]
    OverWrite,
    #[serde(rename = "set")]
    Set,
    #[serde(rename = "clear")]
    Clear,
    #[serde(rename = "+=")]
    Add,
    #[serde(rename = "-=")]
    Subtract,
    #[serde(rename = "*=")]
    Multiply,
    #[serde(rename = "/=")]
    Divide,
    #[serde(rename = "append")]
    Append,
    #[serde(rename = "extend")]
    Extend,
    #[serde(rename = "remove-first")]
    RemoveFirst,
    #[serde(rename = "remove-last")]
    RemoveLast,
}

const fn is_number(kind: ValueType) -> bool {
    matches!(kind, ValueType::Integer | ValueType::Float | ValueType::Number)
}

const fn is_plain(kind: ValueType) -> bool {
    is_number(kind) || matches!(kind, ValueType::String | ValueType::Object | ValueType::Boolean)
}

impl Operation {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OverWrite => "over-write",
            Self::Set => "set",
            Self::Clear => "clear",
            Self::Add => "+=",
            Self::Subtract => "-=",
            Self::Multiply => "*=",
            Self::Divide => "/=",
            Self::Append => "append",
            Self::Extend => "extend",
            Self::RemoveFirst => "remove-first",
            Self::RemoveLast => "remove-last",
        }
    }

    const fn is_arithmetic(self) -> bool {
        matches!(self, Self::Add | Self::Subtract | Self::Multiply | Self::Divide)
    }

    /// Whether it can be applied to a target of this type.
    pub const fn fits(self, target: ValueType) -> bool {
        match self {
            Self::OverWrite | Self::Clear => true,
            Self::Set => is_plain(target),
            Self::Append | Self::Extend | Self::RemoveFirst | Self::RemoveLast => target.is_array(),
            _ => is_number(target),
        }
    }

    /// Whether its value may come from there.
    pub const fn takes(self, input: InputType, target: ValueType) -> bool {
        match input {
            InputType::Variable => !matches!(self, Self::Set) && !self.is_arithmetic(),
            InputType::Constant => match self {
                Self::OverWrite | Self::Set => is_plain(target),
                _ => self.is_arithmetic(),
            },
        }
    }

    /// Whether it needs a value at all.
    pub const fn needs_value(self) -> bool {
        !matches!(self, Self::Clear | Self::RemoveFirst | Self::RemoveLast)
    }

    /// Reads a constant; objects may be written as JSON text.
    pub fn read_constant(self, json: &Json, target: ValueType) -> Value {
        if let (Json::String(text), ValueType::Object, Self::Set | Self::OverWrite) = (json, target, self)
            && let Ok(object @ Json::Object(_)) = serde_json::from_str(text)
        {
            return Value::from_json_plain(&object);
        }
        Value::from_json_plain(json)
    }

    /// The target's new value; nothing when the value is not one for this operation.
    pub fn apply(self, target: &Value, value: &Value) -> Option<Value> {
        let kind = target.value_type();
        match self {
            Self::OverWrite | Self::Set => overwritten(kind, value),
            Self::Clear => kind.zero(),
            Self::Add | Self::Subtract | Self::Multiply | Self::Divide => self.calculate(target, value),
            Self::Append => {
                let mut items = items(target)?;
                items.push(value.clone());
                is_element(kind, value).then(|| Value::array_of(kind, items))
            }
            Self::Extend => {
                let more = value.as_array()?;
                let mut items = items(target)?;
                items.extend(more.iter().cloned());
                more.iter().all(|item| is_element(kind, item)).then(|| Value::array_of(kind, items))
            }
            Self::RemoveFirst => Some(Value::array_of(kind, items(target)?.into_iter().skip(1).collect())),
            Self::RemoveLast => {
                let mut items = items(target)?;
                items.pop();
                Some(Value::array_of(kind, items))
            }
        }
    }

    fn calculate(self, target: &Value, value: &Value) -> Option<Value> {
        let value = match value {
            Value::Bool(value) => Value::Int(i64::from(*value)),
            other => other.clone(),
        };
        if let (Value::Int(left), Value::Int(right)) = (target, &value) {
            let exact = match self {
                Self::Add => left.checked_add(*right),
                Self::Subtract => left.checked_sub(*right),
                Self::Multiply => left.checked_mul(*right),
                _ => None,
            };
            if let Some(exact) = exact {
                return Some(Value::Int(exact));
            }
        }
        let (left, right) = (float(target)?, float(&value)?);
        let result = match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            _ if right == 0.0 => return None,
            _ => left / right,
        };
        Some(Value::Float(result))
    }
}

#[expect(clippy::cast_precision_loss, reason = "as Python turns an integer into a float")]
fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn items(target: &Value) -> Option<Vec<Value>> {
    match target {
        Value::Array(_, items) => Some(Vec::clone(Arc::as_ref(items))),
        _ => None,
    }
}

fn overwritten(kind: ValueType, value: &Value) -> Option<Value> {
    let fits = match kind {
        ValueType::String => matches!(value, Value::String(_) | Value::Secret(_)),
        kind if is_number(kind) => matches!(value, Value::Int(_) | Value::Float(_) | Value::Bool(_)),
        ValueType::Boolean => matches!(value, Value::Bool(_)),
        ValueType::Object => matches!(value, Value::Object(_)),
        kind if kind.is_array() => {
            let items = value.as_array()?;
            return items.iter().all(|item| is_element(kind, item)).then(|| Value::array_of(kind, items.to_vec()));
        }
        _ => false,
    };
    fits.then(|| value.clone())
}

/// Compat: no value passes as an element of a list of files.
fn is_element(array: ValueType, value: &Value) -> bool {
    match array {
        ValueType::ArrayString => matches!(value, Value::String(_) | Value::Secret(_)),
        ValueType::ArrayNumber => matches!(value, Value::Int(_) | Value::Float(_) | Value::Bool(_)),
        ValueType::ArrayObject => matches!(value, Value::Object(_)),
        ValueType::ArrayBoolean => matches!(value, Value::Bool(_)),
        ValueType::ArrayAny => {
            matches!(value, Value::String(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Object(_))
        }
        _ => false,
    }
}

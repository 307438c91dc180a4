use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{File, Json};

/// Fields of an object value, in their order.
pub type Object = IndexMap<String, Value>;

/// A variable value ("segment"). Cloning is cheap: large contents are shared and immutable.
#[derive(Clone, Debug, Default)]
pub enum Value {
    #[default]
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(Arc<str>),
    /// Like a string, but masked in logs.
    Secret(Arc<str>),
    File(Arc<File>),
    Object(Arc<Object>),
    /// Elements with their array type (one of the `Array*` types).
    Array(ValueType, Arc<Vec<Value>>),
}

/// Type of a value, or declared type of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ValueType {
    /// Declared only: a value is an integer or a float.
    #[serde(rename = "number")]
    Number,
    #[serde(rename = "integer")]
    Integer,
    #[serde(rename = "float")]
    Float,
    #[serde(rename = "string")]
    String,
    #[serde(rename = "object")]
    Object,
    #[serde(rename = "secret")]
    Secret,
    #[serde(rename = "file")]
    File,
    #[serde(rename = "boolean", alias = "bool")]
    Boolean,
    #[serde(rename = "none")]
    None,
    #[serde(rename = "group")]
    Group,
    #[serde(rename = "any")]
    Any,
    #[serde(rename = "array[any]", alias = "array")]
    ArrayAny,
    #[serde(rename = "array[string]")]
    ArrayString,
    #[serde(rename = "array[number]")]
    ArrayNumber,
    #[serde(rename = "array[object]")]
    ArrayObject,
    #[serde(rename = "array[file]")]
    ArrayFile,
    #[serde(rename = "array[boolean]")]
    ArrayBoolean,
}

impl ValueType {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::String => "string",
            Self::Object => "object",
            Self::Secret => "secret",
            Self::File => "file",
            Self::Boolean => "boolean",
            Self::None => "none",
            Self::Group => "group",
            Self::Any => "any",
            Self::ArrayAny => "array[any]",
            Self::ArrayString => "array[string]",
            Self::ArrayNumber => "array[number]",
            Self::ArrayObject => "array[object]",
            Self::ArrayFile => "array[file]",
            Self::ArrayBoolean => "array[boolean]",
        }
    }

    /// Reads a wire name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_value(Json::String(text.to_owned())).ok()
    }

    /// Whether this is one of the array types.
    #[must_use]
    pub const fn is_array(self) -> bool {
        matches!(
            self,
            Self::ArrayAny
                | Self::ArrayString
                | Self::ArrayNumber
                | Self::ArrayObject
                | Self::ArrayFile
                | Self::ArrayBoolean
        )
    }

    /// The value a variable of this type starts with; files have none.
    #[must_use]
    pub fn zero(self) -> Option<Value> {
        Some(match self {
            Self::Number | Self::Integer => Value::Int(0),
            Self::Float => Value::Float(0.0),
            Self::String | Self::Secret | Self::Group => Value::from(""),
            Self::Object => Value::Object(Arc::default()),
            Self::Boolean => Value::Bool(false),
            Self::None | Self::Any => Value::None,
            Self::File => return None,
            array => Value::Array(array, Arc::default()),
        })
    }
}

impl std::fmt::Display for ValueType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A value is not of its declared type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Type mismatch: expected {expected}, but got {actual}")]
pub struct TypeMismatch {
    pub expected: ValueType,
    pub actual: String,
}

impl Value {
    /// Builds a value from JSON; objects marked as files become files, array types are inferred.
    #[must_use]
    pub fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::None,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => {
                number.as_i64().map_or_else(|| Self::Float(number.as_f64().unwrap_or(f64::NAN)), Self::Int)
            }
            Json::String(text) => Self::from(text.as_str()),
            Json::Array(items) => Self::array(items.iter().map(Self::from_json).collect()),
            Json::Object(map) => File::from_json(json).map_or_else(
                || Self::object(map.iter().map(|(key, value)| (key.clone(), Self::from_json(value))).collect()),
                |file| Self::File(Arc::new(file)),
            ),
        }
    }

    /// Builds a value of a declared type (engine reference §1.1).
    ///
    /// # Errors
    /// When the JSON is of another type; null only fits `none`.
    pub fn typed(json: &Json, declared: ValueType) -> Result<Self, TypeMismatch> {
        let mismatch = |actual: &str| TypeMismatch { expected: declared, actual: actual.to_owned() };
        let value = Self::from_json(json);
        if declared == ValueType::Any {
            return Ok(value);
        }
        if matches!(value, Self::None) && declared != ValueType::None {
            return Err(mismatch("None"));
        }
        match (&value, declared) {
            (Self::Array(_, items), array) if items.is_empty() && array.is_array() => {
                Ok(Self::Array(array, Arc::clone(items)))
            }
            (Self::Int(_) | Self::Float(_), ValueType::Number) => Ok(value),
            (Self::String(text), ValueType::Secret) => Ok(Self::Secret(Arc::clone(text))),
            _ if value.value_type() == declared => Ok(value),
            _ => Err(mismatch(value.value_type().as_str())),
        }
    }

    /// An object value.
    #[must_use]
    pub fn object(fields: Object) -> Self {
        Self::Object(Arc::new(fields))
    }

    /// An array value with its type inferred from the elements.
    #[must_use]
    pub fn array(items: Vec<Self>) -> Self {
        Self::Array(infer_array_type(&items), Arc::new(items))
    }

    /// An array value of a declared array type.
    #[must_use]
    pub fn array_of(array_type: ValueType, items: Vec<Self>) -> Self {
        Self::Array(array_type, Arc::new(items))
    }

    /// A secret text.
    #[must_use]
    pub fn secret(text: &str) -> Self {
        Self::Secret(Arc::from(text))
    }

    /// The type of this value; never `number`, `any` or `group`.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::None => ValueType::None,
            Self::Bool(_) => ValueType::Boolean,
            Self::Int(_) => ValueType::Integer,
            Self::Float(_) => ValueType::Float,
            Self::String(_) => ValueType::String,
            Self::Secret(_) => ValueType::Secret,
            Self::File(_) => ValueType::File,
            Self::Object(_) => ValueType::Object,
            Self::Array(array_type, _) => *array_type,
        }
    }

    /// JSON form; secrets are written plain: mask before showing.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::None => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(value) => Json::from(*value),
            Self::Float(value) => serde_json::Number::from_f64(*value).map_or(Json::Null, Json::Number),
            Self::String(text) | Self::Secret(text) => Json::String(text.to_string()),
            Self::File(file) => file.to_json(),
            Self::Object(fields) => {
                Json::Object(fields.iter().map(|(key, value)| (key.clone(), value.to_json())).collect())
            }
            Self::Array(_, items) => Json::Array(items.iter().map(Self::to_json).collect()),
        }
    }

    /// The text of a string or secret.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::Secret(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(_, items) => Some(items),
            _ => None,
        }
    }

    /// The fields of an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// Whether this is the null value.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Walks the rest of a selector: file attributes and object keys; arrays cannot be indexed.
    #[must_use]
    pub fn walk<S: AsRef<str>>(&self, path: &[S]) -> Option<Self> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self.clone());
        };
        match self {
            Self::File(file) if rest.is_empty() => file.attribute(first.as_ref()),
            Self::Object(fields) => fields.get(first.as_ref())?.walk(rest),
            _ => None,
        }
    }
}

fn infer_array_type(items: &[Value]) -> ValueType {
    let all = |test: fn(&Value) -> bool| items.iter().all(test);
    if items.is_empty() {
        ValueType::ArrayAny
    } else if all(|v| matches!(v, Value::String(_))) {
        ValueType::ArrayString
    } else if all(|v| matches!(v, Value::Int(_) | Value::Float(_))) {
        ValueType::ArrayNumber
    } else if all(|v| matches!(v, Value::Object(_))) {
        ValueType::ArrayObject
    } else if all(|v| matches!(v, Value::File(_))) {
        ValueType::ArrayFile
    } else if all(|v| matches!(v, Value::Bool(_))) {
        ValueType::ArrayBoolean
    } else {
        ValueType::ArrayAny
    }
}

impl PartialEq for Value {
    /// Equality of content: `1` equals `1.0`, array types are not compared.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            #[expect(clippy::cast_precision_loss, reason = "comparison as Python does it for usual sizes")]
            (Self::Int(a), Self::Float(b)) | (Self::Float(b), Self::Int(a)) => *a as f64 == *b,
            (Self::String(a) | Self::Secret(a), Self::String(b) | Self::Secret(b)) => a == b,
            (Self::File(a), Self::File(b)) => a == b,
            (Self::Object(a), Self::Object(b)) => a == b,
            (Self::Array(_, a), Self::Array(_, b)) => a == b,
            _ => false,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(Arc::from(text))
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(Arc::from(text))
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        Self::from_json(json)
    }
}
impl From<File> for Value {
    fn from(file: File) -> Self {
        Self::File(Arc::new(file))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::String(text) | Self::Secret(text) => serializer.serialize_str(text),
            Self::File(file) => file.to_json().serialize(serializer),
            Self::Object(fields) => fields.serialize(serializer),
            Self::Array(_, items) => items.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer).map(|json| Self::from_json(&json))
    }
}

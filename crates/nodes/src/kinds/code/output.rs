//! Checks what code returned against what its node declares (DSL reference §8.10).

#[cfg(test)]
mod tests;

use indexmap::IndexMap;
use ox_types::{Json, Object, Value, ValueType};

use super::OutputConfig;
use crate::{Limits, python};

type Fields = serde_json::Map<String, Json>;

/// A declared output.
#[derive(Debug)]
pub enum OutputType {
    String,
    Number,
    Boolean,
    /// With the declared fields, or any.
    Object(Option<IndexMap<String, OutputType>>),
    ArrayString,
    ArrayNumber,
    ArrayBoolean,
    ArrayObject(Option<IndexMap<String, OutputType>>),
}

/// A result that does not fit.
#[derive(Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Class name on the wire.
    pub kind: &'static str,
    pub text: String,
}

fn invalid(text: String) -> Mismatch {
    Mismatch { kind: "OutputValidationError", text }
}

/// Reads the declared types.
///
/// # Errors
/// When a type is not one that code can return.
pub fn read_types(configs: IndexMap<String, OutputConfig>) -> Result<IndexMap<String, OutputType>, String> {
    configs
        .into_iter()
        .map(|(name, config)| {
            let children = |config: Option<IndexMap<String, OutputConfig>>| {
                config.filter(|children| !children.is_empty()).map(read_types).transpose()
            };
            let kind = match config.kind.as_str() {
                "string" => OutputType::String,
                "number" => OutputType::Number,
                "boolean" => OutputType::Boolean,
                "object" => OutputType::Object(children(config.children)?),
                "array[string]" => OutputType::ArrayString,
                "array[number]" => OutputType::ArrayNumber,
                "array[boolean]" => OutputType::ArrayBoolean,
                "array[object]" => OutputType::ArrayObject(children(config.children)?),
                other => return Err(format!("Invalid type for code output {name}: {other:?}")),
            };
            Ok((name, kind))
        })
        .collect()
}

/// Checks a result and gives its values in their declared types.
///
/// # Errors
/// What does not fit, with the compatible system's texts.
pub fn check(
    result: &Fields,
    declared: &IndexMap<String, OutputType>,
    limits: &Limits,
) -> Result<IndexMap<String, Value>, Mismatch> {
    Check { limits }.fields(result, declared, "", 1)
}

struct Check<'a> {
    limits: &'a Limits,
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

impl Check<'_> {
    fn depth(&self, depth: usize) -> Result<(), Mismatch> {
        let limit = self.limits.code_max_depth;
        if depth <= limit {
            return Ok(());
        }
        Err(Mismatch { kind: "DepthLimitError", text: format!("Depth limit {limit} reached, object too deep.") })
    }

    fn fields(
        &self,
        result: &Fields,
        declared: &IndexMap<String, OutputType>,
        prefix: &str,
        depth: usize,
    ) -> Result<IndexMap<String, Value>, Mismatch> {
        self.depth(depth)?;
        let mut outputs = IndexMap::with_capacity(declared.len());
        for (name, kind) in declared {
            let path = join(prefix, name);
            let value = result.get(name).ok_or_else(|| invalid(format!("Output {path} is missing.")))?;
            outputs.insert(name.clone(), self.typed(value, kind, &path, depth)?);
        }
        if outputs.len() != result.len() {
            let text = "Not all output parameters are validated.".to_owned();
            return Err(Mismatch { kind: "CodeNodeError", text });
        }
        Ok(outputs)
    }

    fn typed(&self, value: &Json, kind: &OutputType, path: &str, depth: usize) -> Result<Value, Mismatch> {
        if value.is_null() {
            return Ok(Value::None);
        }
        match kind {
            OutputType::String => self.string(value, path),
            OutputType::Number => self.number(value, path),
            OutputType::Boolean => boolean(value, path),
            OutputType::Object(children) => match value {
                Json::Object(fields) => self.object(fields, children.as_ref(), path, depth + 1),
                other => Err(invalid(format!("Output {path} is not an object, got {} instead.", python::class(other)))),
            },
            OutputType::ArrayString => {
                self.array(value, path, ValueType::ArrayString, |item, path, _| self.string(item, path))
            }
            OutputType::ArrayNumber => self.array(value, path, ValueType::ArrayNumber, |item, item_path, index| {
                if !matches!(item, Json::Number(_) | Json::Bool(_)) {
                    let why = format!("The element at index {index} of output variable `{path}` must be a number.");
                    return Err(invalid(why));
                }
                self.number(item, item_path)
            }),
            OutputType::ArrayBoolean => {
                self.array(value, path, ValueType::ArrayBoolean, |item, path, _| boolean(item, path))
            }
            OutputType::ArrayObject(children) => {
                self.array(value, path, ValueType::ArrayObject, |item, item_path, index| match item {
                    Json::Object(fields) => self.object(fields, children.as_ref(), item_path, depth + 1),
                    other => Err(invalid(format!(
                        "Output {item_path} is not an object, got {} instead at index {index}.",
                        python::class(other)
                    ))),
                })
            }
        }
    }

    fn array(
        &self,
        value: &Json,
        path: &str,
        kind: ValueType,
        element: impl Fn(&Json, &str, usize) -> Result<Value, Mismatch>,
    ) -> Result<Value, Mismatch> {
        let Json::Array(items) = value else {
            return Err(invalid(format!("Output {path} is not an array, got {} instead.", python::class(value))));
        };
        let limits = self.limits;
        let bound = match kind {
            ValueType::ArrayString => Some((limits.code_max_string_array, "CODE_MAX_STRING_ARRAY_LENGTH")),
            ValueType::ArrayNumber => Some((limits.code_max_number_array, "CODE_MAX_NUMBER_ARRAY_LENGTH")),
            ValueType::ArrayObject => Some((limits.code_max_object_array, "CODE_MAX_OBJECT_ARRAY_LENGTH")),
            _ => None,
        };
        if let Some((limit, setting)) = bound.filter(|(limit, _)| items.len() > *limit) {
            return Err(invalid(format!(
                "The length of output variable `{path}` must be less than {limit} elements. \
                 An operator can raise this limit with {setting}."
            )));
        }
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            values.push(match item {
                // Compat: null fits every element but a number.
                Json::Null if kind != ValueType::ArrayNumber => Value::None,
                item => element(item, &format!("{path}[{index}]"), index)?,
            });
        }
        Ok(Value::array_of(kind, values))
    }

    fn object(
        &self,
        fields: &Fields,
        children: Option<&IndexMap<String, OutputType>>,
        path: &str,
        depth: usize,
    ) -> Result<Value, Mismatch> {
        match children {
            Some(children) => self.fields(fields, children, path, depth).map(Value::object),
            None => self.untyped_fields(fields, path, depth),
        }
    }

    fn untyped_fields(&self, fields: &Fields, prefix: &str, depth: usize) -> Result<Value, Mismatch> {
        self.depth(depth)?;
        let mut object = Object::with_capacity(fields.len());
        for (name, value) in fields {
            object.insert(name.clone(), self.untyped(value, &join(prefix, name), depth)?);
        }
        Ok(Value::object(object))
    }

    fn untyped(&self, value: &Json, path: &str, depth: usize) -> Result<Value, Mismatch> {
        match value {
            Json::Null => Ok(Value::None),
            Json::Bool(value) => Ok(Value::Bool(*value)),
            Json::Number(_) => self.number(value, path),
            Json::String(_) => self.string(value, path),
            Json::Object(fields) => self.untyped_fields(fields, path, depth + 1),
            Json::Array(items) => self.untyped_array(items, path, depth),
        }
    }

    /// The first element decides what the others must be.
    fn untyped_array(&self, items: &[Json], path: &str, depth: usize) -> Result<Value, Mismatch> {
        let same = |test: fn(&Json) -> bool| items.iter().all(|item| item.is_null() || test(item));
        let fits = match items.first() {
            None => true,
            Some(Json::Null) => items.iter().all(Json::is_null),
            Some(Json::Number(_)) => same(Json::is_number),
            Some(Json::Bool(_)) => same(Json::is_boolean),
            Some(Json::String(_)) => same(Json::is_string),
            Some(Json::Object(_)) => same(Json::is_object),
            Some(Json::Array(_)) => return Err(invalid(format!("Output {path} is not a valid type."))),
        };
        if !fits {
            return Err(invalid(format!(
                "Output {path} is not a valid array. make sure all elements are of the same type."
            )));
        }
        let item = |(index, item)| self.untyped(item, &format!("{path}[{index}]"), depth);
        items.iter().enumerate().map(item).collect::<Result<_, _>>().map(Value::array)
    }

    fn string(&self, value: &Json, path: &str) -> Result<Value, Mismatch> {
        let Json::String(text) = value else {
            let got = python::type_name(value);
            return Err(invalid(format!("Output {path} must be a string, got {got} instead.")));
        };
        let limit = self.limits.code_max_string;
        if text.chars().count() > limit {
            let why = format!("The length of output variable `{path}` must be less than {limit} characters");
            return Err(invalid(why));
        }
        Ok(Value::from(text.replace('\0', "")))
    }

    fn number(&self, value: &Json, path: &str) -> Result<Value, Mismatch> {
        let number = match value {
            Json::Bool(value) => return Ok(Value::Int(i64::from(*value))),
            Json::Number(number) => number,
            other => {
                return Err(invalid(format!("Output {path} is not a number, got {} instead.", python::class(other))));
            }
        };
        let float = number.as_f64().unwrap_or(f64::INFINITY);
        let (min, max) = (self.limits.code_min_number, self.limits.code_max_number);
        if !(min..=max).contains(&float) {
            return Err(invalid(format!(
                "Output variable `{path}` is out of range, it must be between {} and {}.",
                bound(min),
                bound(max)
            )));
        }
        if let Some(whole) = number.as_i64() {
            return Ok(Value::Int(whole));
        }
        // Without an exponent, so every decimal shows.
        let digits = format!("{float}").split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let limit = self.limits.code_max_precision;
        if digits > limit {
            let why = format!("Output variable `{path}` has too high precision, it must be less than {limit} digits.");
            return Err(invalid(why));
        }
        Ok(Value::Float(float))
    }
}

/// The limits are whole numbers that a float cannot hold exactly.
#[expect(clippy::cast_possible_truncation, reason = "saturating is what is wanted")]
fn bound(limit: f64) -> String {
    if limit.fract() == 0.0 { (limit as i64).max(-i64::MAX).to_string() } else { limit.to_string() }
}

fn boolean(value: &Json, path: &str) -> Result<Value, Mismatch> {
    match value {
        Json::Bool(value) => Ok(Value::Bool(*value)),
        other => Err(invalid(format!("Output {path} is not a boolean, got {} instead.", python::class(other)))),
    }
}

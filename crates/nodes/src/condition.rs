//! Conditions, as if-else cases and loops write them (DSL reference §8.9).

#[cfg(test)]
mod tests;

use ox_engine::Pool;
use ox_types::{File, Json, Object, Value, ValueType};
use serde::Deserialize;

use crate::{config::nullable, python, template};

/// How results are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Logic {
    #[default]
    And,
    Or,
}

/// One comparison of a variable with an expected value.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Condition {
    #[serde(default, deserialize_with = "nullable")]
    pub variable_selector: Vec<String>,
    pub comparison_operator: String,
    #[serde(default)]
    pub value: Json,
    #[serde(default)]
    pub sub_variable_condition: Option<SubConditions>,
}

/// Conditions on the attributes of each file of a list.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SubConditions {
    #[serde(default, deserialize_with = "nullable")]
    pub logical_operator: Logic,
    #[serde(default, deserialize_with = "nullable")]
    pub conditions: Vec<SubCondition>,
}

/// One comparison of a file attribute.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SubCondition {
    pub key: String,
    pub comparison_operator: String,
    #[serde(default)]
    pub value: Json,
}

/// What evaluating a list of conditions gave.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// `{actual_value, expected_value, comparison_operator}` of each evaluated condition.
    pub inputs: Vec<Value>,
    pub results: Vec<bool>,
    pub outcome: bool,
}

/// Evaluates conditions in order, stopping as soon as the outcome is sure.
///
/// # Errors
/// A variable is missing or a comparison makes no sense; the text says which.
pub fn evaluate(pool: &Pool, conditions: &[Condition], logic: Logic) -> Result<Evaluation, String> {
    let mut evaluation = Evaluation { outcome: logic == Logic::And, ..Evaluation::default() };
    for condition in conditions {
        let result = evaluate_one(pool, condition, &mut evaluation.inputs)?;
        evaluation.results.push(result);
        if result != (logic == Logic::And) {
            evaluation.outcome = result;
            break;
        }
    }
    Ok(evaluation)
}

fn evaluate_one(pool: &Pool, condition: &Condition, inputs: &mut Vec<Value>) -> Result<bool, String> {
    let operator = condition.comparison_operator.as_str();
    let selector = &condition.variable_selector;
    let actual = pool.get(selector).ok_or_else(|| format!("Variable {} not found", python::list(selector)))?;
    if let (Value::Array(ValueType::ArrayFile, files), "contains" | "not contains" | "all of") = (&actual, operator) {
        let sub = condition.sub_variable_condition.as_ref().ok_or("Sub variable is required")?;
        return on_files(files, sub);
    }
    if matches!(operator, "exists" | "not exists") {
        return compare(&actual, operator, &Value::None);
    }
    let mut expected = match &condition.value {
        Json::String(text) => Value::from(template::text(text, pool)),
        other => Value::from_json_plain(other),
    };
    if matches!(actual, Value::Bool(_) | Value::Array(ValueType::ArrayBoolean, _)) {
        expected = as_boolean(&expected)?;
    }
    inputs.push(Value::object(Object::from_iter([
        ("actual_value".to_owned(), actual.clone()),
        ("expected_value".to_owned(), expected.clone()),
        ("comparison_operator".to_owned(), Value::from(operator)),
    ])));
    compare(&actual, operator, &expected)
}

fn on_files(files: &[Value], sub: &SubConditions) -> Result<bool, String> {
    let mut results = Vec::with_capacity(sub.conditions.len());
    for condition in &sub.conditions {
        let mut each = files.iter().map(|file| match file {
            Value::File(file) => on_file(file, condition),
            _ => Ok(false),
        });
        // Compat: a negated operator must hold for every file, any other for one of them.
        let all = condition.comparison_operator.contains("not");
        results.push(each.try_fold(all, |so_far, result| {
            result.map(|result| if all { so_far && result } else { so_far || result })
        })?);
    }
    Ok(match sub.logical_operator {
        Logic::And => results.iter().all(|result| *result),
        Logic::Or => results.iter().any(|result| *result),
    })
}

fn on_file(file: &File, condition: &SubCondition) -> Result<bool, String> {
    let actual = file.attribute(&condition.key).ok_or_else(|| format!("Invalid key: {}", condition.key))?;
    let expected = Value::from_json_plain(&condition.value);
    if condition.key != "extension" {
        return compare(&actual, &condition.comparison_operator, &expected);
    }
    let dotted = |value: &Value| -> Result<Value, String> {
        match value {
            Value::None => Ok(Value::from("")),
            Value::String(text) if text.is_empty() || text.starts_with('.') => Ok(value.clone()),
            Value::String(text) => Ok(Value::from(format!(".{text}"))),
            _ => Err("Invalid expected value type: string".into()),
        }
    };
    compare(&dotted(&actual)?, &condition.comparison_operator, &dotted(&expected)?)
}

/// Compat: texts written for boolean variables are read as JSON.
fn as_boolean(expected: &Value) -> Result<Value, String> {
    match expected {
        Value::None | Value::Bool(_) => Ok(expected.clone()),
        Value::Int(number) => Ok(Value::Bool(*number != 0)),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Json::Bool(value)) => Ok(Value::Bool(value)),
            Ok(Json::Number(number)) if number.is_i64() => Ok(Value::Bool(number.as_i64() != Some(0))),
            _ => Err(format!("Cannot convert '{text}' to a boolean")),
        },
        Value::Array(_, items) => {
            let items: Result<Vec<Value>, String> = items.iter().map(as_boolean).collect();
            Ok(Value::array(items?))
        }
        other => Err(format!("Cannot convert '{}' to a boolean", ox_types::python_repr(other))),
    }
}

/// Applies one operator.
///
/// # Errors
/// When the operator is unknown or does not fit the values.
pub fn compare(actual: &Value, operator: &str, expected: &Value) -> Result<bool, String> {
    match operator {
        "contains" => contains(actual, expected),
        "not contains" => contains(actual, expected).map(|result| !result),
        "start with" => affix(actual, expected, |text, part| text.starts_with(part)),
        "end with" => affix(actual, expected, |text, part| text.ends_with(part)),
        "is" => is(actual, expected, true),
        "is not" => is(actual, expected, false),
        "empty" => Ok(!python::truthy(actual)),
        "not empty" => Ok(python::truthy(actual)),
        "=" => equals(actual, expected, true),
        "≠" => equals(actual, expected, false),
        ">" => order(actual, expected, |ordering| ordering.is_gt()),
        "<" => order(actual, expected, |ordering| ordering.is_lt()),
        "≥" => order(actual, expected, |ordering| ordering.is_ge()),
        "≤" => order(actual, expected, |ordering| ordering.is_le()),
        "null" | "not exists" => Ok(actual.is_none()),
        "not null" | "exists" => Ok(!actual.is_none()),
        "in" => one_of(actual, expected, true),
        "not in" => one_of(actual, expected, false),
        "all of" => all_of(actual, expected),
        other => Err(format!("Unsupported operator: {other}")),
    }
}

fn contains(actual: &Value, expected: &Value) -> Result<bool, String> {
    if !python::truthy(actual) {
        return Ok(false);
    }
    match actual {
        Value::String(text) | Value::Secret(text) => Ok(text.contains(&printed(expected))),
        Value::Array(_, items) => Ok(items.iter().any(|item| python_equal(item, expected))),
        _ => Err("Invalid actual value type: string or array".into()),
    }
}

/// Python's `str()`; unlike the rendering of templates, null is a word.
fn printed(value: &Value) -> String {
    if value.is_none() { "None".into() } else { ox_types::python_str(value) }
}

/// Python's `==`: booleans equal 0 and 1.
fn python_equal(left: &Value, right: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Bool(value) => Value::Int(i64::from(*value)),
        other => other.clone(),
    };
    number(left) == number(right)
}

fn affix(actual: &Value, expected: &Value, test: fn(&str, &str) -> bool) -> Result<bool, String> {
    if !python::truthy(actual) {
        return Ok(false);
    }
    let text = actual.as_str().ok_or("Invalid actual value type: string")?;
    let part = expected.as_str().ok_or("Invalid expected value type: string")?;
    Ok(test(text, part))
}

fn is(actual: &Value, expected: &Value, wanted: bool) -> Result<bool, String> {
    match actual {
        // Compat: null is neither equal nor unequal to anything.
        Value::None => Ok(false),
        Value::String(_) | Value::Secret(_) | Value::Bool(_) => Ok(python_equal(actual, expected) == wanted),
        _ => Err("Invalid actual value type: string or boolean".into()),
    }
}

fn equals(actual: &Value, expected: &Value, wanted: bool) -> Result<bool, String> {
    let equal = match actual {
        Value::None => return Ok(false),
        Value::Bool(value) => *value == python::truthy(expected),
        Value::Int(value) => *value == to_int(expected)?,
        #[expect(clippy::float_cmp, reason = "the operator means exact equality")]
        Value::Float(value) => *value == to_float(expected)?,
        _ => return Err("Invalid actual value type: number or boolean".into()),
    };
    Ok(equal == wanted)
}

#[expect(clippy::cast_possible_truncation, reason = "Python truncates too; out of range saturates")]
fn to_int(value: &Value) -> Result<i64, String> {
    match value {
        Value::Bool(value) => Ok(i64::from(*value)),
        Value::Int(value) => Ok(*value),
        Value::Float(value) => Ok(value.trunc() as i64),
        Value::String(text) | Value::Secret(text) => python::int(text),
        other => Err(format!("Cannot convert '{}' to number", printed(other))),
    }
}

#[expect(clippy::cast_precision_loss, reason = "as Python compares an integer with a float of usual size")]
fn to_float(value: &Value) -> Result<f64, String> {
    match value {
        Value::Bool(value) => Ok(f64::from(u8::from(*value))),
        Value::Int(value) => Ok(*value as f64),
        Value::Float(value) => Ok(*value),
        Value::String(text) | Value::Secret(text) => python::float(text),
        other => Err(format!("Cannot convert '{}' to number", printed(other))),
    }
}

fn order(actual: &Value, expected: &Value, test: fn(std::cmp::Ordering) -> bool) -> Result<bool, String> {
    if actual.is_none() {
        return Ok(false);
    }
    let unreadable = || format!("Cannot convert '{}' to number", printed(expected));
    let whole = match actual {
        Value::Int(value) => Some(*value),
        Value::Bool(value) => Some(i64::from(*value)),
        Value::Float(_) => None,
        _ => return Err("Invalid actual value type: number".into()),
    };
    let exact = match expected {
        Value::Int(value) => Some(*value),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    if let (Some(left), Some(right)) = (whole, exact) {
        return Ok(test(left.cmp(&right)));
    }
    let right = to_float(expected).map_err(|_| unreadable())?;
    // Not-a-number is in no order with anything.
    Ok(to_float(actual)?.partial_cmp(&right).is_some_and(test))
}

fn one_of(actual: &Value, expected: &Value, wanted: bool) -> Result<bool, String> {
    if !python::truthy(actual) {
        return Ok(!wanted);
    }
    let list = expected.as_array().ok_or("Invalid expected value type: array")?;
    Ok(list.iter().any(|item| python_equal(item, actual)) == wanted)
}

fn all_of(actual: &Value, expected: &Value) -> Result<bool, String> {
    if !python::truthy(actual) {
        return Ok(false);
    }
    let wanted = expected.as_array().ok_or("Invalid expected value type: array")?;
    if !wanted.iter().all(|item| matches!(item, Value::String(_) | Value::Bool(_))) {
        return Err("Invalid expected value type: array of strings or booleans".into());
    }
    let items = actual.as_array().ok_or("Invalid actual value type: array")?;
    Ok(wanted.iter().all(|item| items.iter().any(|other| python_equal(other, item))))
}

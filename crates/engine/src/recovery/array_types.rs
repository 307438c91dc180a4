//! What the JSON texts of a record do not say of its values.

use std::{collections::BTreeMap, sync::Arc};

use ox_types::{Object, Value, ValueType};
use serde::{Deserialize, Serialize};

use crate::Selector;

/// Places of a node's results.
const OUTPUTS: &str = "/outputs";
const UPDATES: &str = "/updates";

/// Array types that do not follow from a value's JSON form, by JSON pointer: of an empty list, above all.
/// Written beside the JSON and given back to what is read from it: `{"/files": "array[file]"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ArrayTypes(BTreeMap<String, ValueType>);

impl ArrayTypes {
    /// Of what a node execution gave.
    #[must_use]
    pub fn of_result(outputs: &Object, updates: &[(Selector, Value)]) -> Self {
        let mut found = Self::default();
        let mut place = OUTPUTS.to_owned();
        found.note_fields(&mut place, outputs);
        for (index, (_, value)) in updates.iter().enumerate().filter(|(_, (_, value))| is_nested(value)) {
            found.note(&mut format!("{UPDATES}/{index}"), value);
        }
        found
    }

    /// Nothing but what the JSON says.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives what was read from the JSON the types that were noted.
    pub fn restore(&self, outputs: &mut Object, updates: &mut [(Selector, Value)]) {
        for (pointer, array_type) in &self.0 {
            if let Some((name, rest)) = pointer.strip_prefix(OUTPUTS).and_then(next) {
                if let Some(value) = outputs.get_mut(&name) {
                    set(value, rest, *array_type);
                }
            } else if let Some((index, rest)) = pointer.strip_prefix(UPDATES).and_then(next)
                && let Some((_, value)) = index.parse().ok().and_then(|index: usize| updates.get_mut(index))
            {
                set(value, rest, *array_type);
            }
        }
    }

    fn note(&mut self, place: &mut String, value: &Value) {
        match value {
            Value::Array(array_type, items) => {
                if !follows(*array_type, items) {
                    self.0.insert(place.clone(), *array_type);
                }
                for (index, item) in items.iter().enumerate().filter(|(_, item)| is_nested(item)) {
                    let length = place.len();
                    place.push('/');
                    place.push_str(&index.to_string());
                    self.note(place, item);
                    place.truncate(length);
                }
            }
            Value::Object(fields) => self.note_fields(place, fields),
            _ => {}
        }
    }

    fn note_fields(&mut self, place: &mut String, fields: &Object) {
        for (name, field) in fields.iter().filter(|(_, field)| is_nested(field)) {
            let length = place.len();
            place.push('/');
            place.push_str(&name.replace('~', "~0").replace('/', "~1"));
            self.note(place, field);
            place.truncate(length);
        }
    }
}

const fn is_nested(value: &Value) -> bool {
    matches!(value, Value::Array(..) | Value::Object(_))
}

/// Whether the type of an array is the one that its elements tell.
fn follows(array_type: ValueType, items: &[Value]) -> bool {
    let all = |test: fn(&Value) -> bool| items.iter().all(test);
    match array_type {
        ValueType::ArrayAny if items.is_empty() => true,
        _ if items.is_empty() => false,
        ValueType::ArrayString => all(|item| matches!(item, Value::String(_))),
        ValueType::ArrayNumber => all(|item| matches!(item, Value::Int(_) | Value::Float(_))),
        ValueType::ArrayObject => all(|item| matches!(item, Value::Object(_))),
        ValueType::ArrayFile => all(|item| matches!(item, Value::File(_))),
        ValueType::ArrayBoolean => all(|item| matches!(item, Value::Bool(_))),
        _ => Value::array(items.to_vec()).value_type() == array_type,
    }
}

/// The first name of a pointer, and what comes after it.
fn next(pointer: &str) -> Option<(String, &str)> {
    let pointer = pointer.strip_prefix('/')?;
    let (name, rest) = pointer.split_at(pointer.find('/').unwrap_or(pointer.len()));
    Some((name.replace("~1", "/").replace("~0", "~"), rest))
}

/// Sets the type of the array at a pointer; what is not there, or is no array, is left as it is.
fn set(value: &mut Value, pointer: &str, array_type: ValueType) {
    match (value, next(pointer)) {
        (Value::Array(known, _), None) if array_type.is_array() => *known = array_type,
        (Value::Array(_, items), Some((index, rest))) => {
            if let Some(item) = index.parse().ok().and_then(|index: usize| Arc::make_mut(items).get_mut(index)) {
                set(item, rest, array_type);
            }
        }
        (Value::Object(fields), Some((name, rest))) => {
            if let Some(field) = Arc::make_mut(fields).get_mut(&name) {
                set(field, rest, array_type);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;

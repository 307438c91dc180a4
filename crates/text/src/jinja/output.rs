//! Values printed as Python prints them.

use minijinja::{
    Error, Output, State,
    value::{Tuple, Value, ValueKind},
};
use ox_types::{python_float, python_quote};

/// Deepest nesting that is printed.
const MAX_DEPTH: usize = 64;

/// Writes the value of a `{{ … }}`.
pub fn format(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Number if value.is_integer() => minijinja::escape_formatter(out, state, value),
        ValueKind::Number => match f64::try_from(value.clone()) {
            Ok(number) => out.write_str(&python_float(number)).map_err(Error::from),
            Err(_) => minijinja::escape_formatter(out, state, value),
        },
        ValueKind::Seq | ValueKind::Map => {
            let mut text = String::new();
            repr(value, 0, &mut text);
            out.write_str(&text).map_err(Error::from)
        }
        _ => minijinja::escape_formatter(out, state, value),
    }
}

/// Python's `repr()`.
fn repr(value: &Value, depth: usize, out: &mut String) {
    if depth > MAX_DEPTH {
        out.push_str("...");
        return;
    }
    match value.kind() {
        ValueKind::Undefined => out.push_str("Undefined"),
        ValueKind::String => out.push_str(&python_quote(value.as_str().unwrap_or_default())),
        ValueKind::Number if !value.is_integer() => match f64::try_from(value.clone()) {
            Ok(number) => out.push_str(&python_float(number)),
            Err(_) => out.push_str(&value.to_string()),
        },
        ValueKind::Seq => {
            let is_tuple = value.downcast_object_ref::<Tuple>().is_some();
            out.push(if is_tuple { '(' } else { '[' });
            let mut count = 0;
            for item in value.try_iter().into_iter().flatten() {
                if count > 0 {
                    out.push_str(", ");
                }
                repr(&item, depth + 1, out);
                count += 1;
            }
            out.push_str(match (is_tuple, count) {
                (true, 1) => ",)",
                (true, _) => ")",
                (false, _) => "]",
            });
        }
        ValueKind::Map => {
            out.push('{');
            for (index, key) in value.try_iter().into_iter().flatten().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                repr(&key, depth + 1, out);
                out.push_str(": ");
                repr(&value.get_item(&key).unwrap_or_default(), depth + 1, out);
            }
            out.push('}');
        }
        _ => out.push_str(&value.to_string()),
    }
}

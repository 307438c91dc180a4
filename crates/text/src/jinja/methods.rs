//! Methods of Python's texts and lists that the template crate lacks.

use minijinja::{
    Error, ErrorKind, State,
    value::{Tuple, Value, ValueKind, from_args},
};
use minijinja_contrib::pycompat;

use super::{filters::MAX_WIDTH, widths};

/// What `value.method(…)` gives where the value has no such method of its own.
pub fn call(state: &mut State<'_, '_>, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    if let Some(text) = value.as_str()
        && let Some(result) = text_method(text, method, args)
    {
        return result;
    }
    match (value.kind(), method) {
        (ValueKind::Seq, "index") => index_of(value, args),
        // Values do not change: a copy is the same.
        (ValueKind::Seq | ValueKind::Map, "copy") => Ok(value.clone()),
        (ValueKind::String, "format") => {
            widths::check_braces(value.as_str().unwrap_or_default(), args)?;
            pycompat::unknown_method_callback(state, value, method, args)
        }
        _ => pycompat::unknown_method_callback(state, value, method, args),
    }
}

fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

fn text_method(text: &str, method: &str, args: &[Value]) -> Option<Result<Value, Error>> {
    Some(match method {
        "zfill" => zfill(text, args),
        "ljust" | "rjust" | "center" => justified(text, method, args),
        "swapcase" => Ok(Value::from(text.chars().map(swapped).collect::<String>())),
        "casefold" => Ok(Value::from(text.to_lowercase())),
        "isdecimal" => Ok(Value::from(!text.is_empty() && text.chars().all(char::is_numeric))),
        "partition" | "rpartition" => partition(text, method == "partition", args),
        "rsplit" => rsplit(text, args),
        "removeprefix" => from_args::<(&str,)>(args).map(|(cut,)| Value::from(text.strip_prefix(cut).unwrap_or(text))),
        "removesuffix" => from_args::<(&str,)>(args).map(|(cut,)| Value::from(text.strip_suffix(cut).unwrap_or(text))),
        "index" => from_args::<(&str,)>(args).and_then(|(what,)| {
            let (before, _) = text.split_once(what).ok_or_else(|| invalid("substring not found"))?;
            Ok(Value::from(before.chars().count()))
        }),
        _ => return None,
    })
}

fn swapped(character: char) -> String {
    if character.is_uppercase() { character.to_lowercase().collect() } else { character.to_uppercase().collect() }
}

fn bounded(width: i64) -> Result<usize, Error> {
    let width = usize::try_from(width).unwrap_or(0);
    if width > MAX_WIDTH { Err(invalid("the width is too large")) } else { Ok(width) }
}

fn zfill(text: &str, args: &[Value]) -> Result<Value, Error> {
    let (width,) = from_args(args)?;
    let missing = bounded(width)?.saturating_sub(text.chars().count());
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sign = text.strip_suffix(digits).unwrap_or_default();
    Ok(Value::from(format!("{sign}{}{digits}", "0".repeat(missing))))
}

fn justified(text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (width, fill): (i64, Option<&str>) = from_args(args)?;
    let width = bounded(width)?;
    let fill = fill.unwrap_or(" ");
    if fill.chars().count() != 1 {
        return Err(invalid("The fill character must be exactly one character long"));
    }
    let pad = width.saturating_sub(text.chars().count());
    let left = match method {
        "ljust" => 0,
        "rjust" => pad,
        _ => pad / 2 + (pad & width & 1),
    };
    Ok(Value::from(format!("{}{text}{}", fill.repeat(left), fill.repeat(pad - left))))
}

fn partition(text: &str, first: bool, args: &[Value]) -> Result<Value, Error> {
    let (separator,): (&str,) = from_args(args)?;
    let found = if first { text.split_once(separator) } else { text.rsplit_once(separator) };
    let parts = match found {
        Some((before, after)) => [before, separator, after],
        None if first => [text, "", ""],
        None => ["", "", text],
    };
    Ok(Value::from(Tuple::from(parts.map(Value::from))))
}

fn rsplit(text: &str, args: &[Value]) -> Result<Value, Error> {
    let (separator, most): (Option<&str>, Option<i64>) = from_args(args)?;
    let most = most.and_then(|most| usize::try_from(most).ok()).map_or(usize::MAX, |most| most.saturating_add(1));
    let mut parts: Vec<&str> = match separator {
        Some("") => return Err(invalid("empty separator")),
        Some(separator) => text.rsplitn(most, separator).collect(),
        None => text.trim().rsplitn(most, char::is_whitespace).filter(|part| !part.is_empty()).collect(),
    };
    parts.reverse();
    Ok(Value::from(parts.into_iter().map(Value::from).collect::<Vec<_>>()))
}

fn index_of(value: &Value, args: &[Value]) -> Result<Value, Error> {
    let (what,): (&Value,) = from_args(args)?;
    for (index, item) in value.try_iter()?.enumerate() {
        if item == *what {
            return Ok(Value::from(index));
        }
    }
    Err(invalid("the value is not in the list"))
}

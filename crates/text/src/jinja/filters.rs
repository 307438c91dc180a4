//! Filters of Jinja2 that the template crate lacks or does differently.

#![expect(clippy::needless_pass_by_value, reason = "filters get their arguments by value")]

use minijinja::{
    Environment, Error, ErrorKind, State,
    value::{Kwargs, Rest, Value, ValueKind},
};
use ox_types::{Json, python_float};

use super::widths;

/// Widest text a filter makes by padding.
pub const MAX_WIDTH: usize = 100_000;

pub fn register(environment: &mut Environment<'static>) {
    environment.add_filter("batch", batch);
    environment.add_filter("center", center);
    for name in ["d", "default"] {
        environment.add_filter(name, default);
    }
    for name in ["e", "escape", "forceescape"] {
        environment.add_filter(name, escape);
    }
    environment.add_filter("float", float);
    environment.add_filter("format", widths::format);
    environment.add_filter("indent", indent);
    environment.add_filter("int", int);
    environment.add_filter("replace", replace);
    environment.add_filter("slice", slice);
    environment.add_filter("tojson", tojson);
    environment.add_filter("truncate", truncate);
    environment.add_filter("urlencode", urlencode);
    environment.add_filter("wordcount", wordcount);
    environment.add_filter("wordwrap", wordwrap);
}

fn invalid(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

/// An argument given by position or by name.
fn argument(values: &[Value], index: usize, kwargs: &Kwargs, name: &str) -> Result<Option<Value>, Error> {
    let named = kwargs.get::<Option<Value>>(name)?;
    Ok(values.get(index).cloned().or(named).filter(|value| !value.is_undefined() && !value.is_none()))
}

fn width(value: Option<Value>, default: usize) -> Result<usize, Error> {
    let width = value.map_or(Ok(default), |value| {
        usize::try_from(value).map_err(|_| invalid("the width must be a positive whole number"))
    })?;
    if width > MAX_WIDTH { Err(invalid(format!("a width above {MAX_WIDTH} is not allowed"))) } else { Ok(width) }
}

/// The number of pieces, or the length of each, and what fills the last ones up. Of nothing, too, many are made.
fn pieces(args: &[Value], kwargs: &Kwargs, name: &str) -> Result<(usize, Option<Value>), Error> {
    let count = argument(args, 0, kwargs, name)?;
    let count = count.ok_or_else(|| Error::new(ErrorKind::MissingArgument, "a number of pieces is missing"))?;
    let fill = argument(args, 1, kwargs, "fill_with")?;
    kwargs.assert_all_used()?;
    Ok((width(Some(count), 0)?, fill))
}

/// `v|batch(linecount, fill_with=None)`.
fn batch(state: &State, value: Value, args: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let (length, fill) = pieces(&args, &kwargs, "linecount")?;
    minijinja::filters::batch(state, value, length, fill)
}

/// `v|slice(slices, fill_with=None)`.
fn slice(state: &State, value: Value, args: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let (count, fill) = pieces(&args, &kwargs, "slices")?;
    minijinja::filters::slice(state, value, count, fill)
}

/// `s|center(width=80)`, padding placed as Python's `str.center` does.
fn center(value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<String, Error> {
    let width = width(argument(&args, 0, &kwargs, "width")?, 80)?;
    kwargs.assert_all_used()?;
    let text = value.to_string();
    let pad = width.saturating_sub(text.chars().count());
    let left = pad / 2 + (pad & width & 1);
    Ok(format!("{}{text}{}", " ".repeat(left), " ".repeat(pad - left)))
}

/// `v|default(default_value='', boolean=False)`.
fn default(value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let named = kwargs.get::<Option<Value>>("default_value")?;
    let other = args.first().cloned().or(named).unwrap_or_else(|| Value::from(""));
    let boolean = argument(&args, 1, &kwargs, "boolean")?.is_some_and(|flag| flag.is_true());
    kwargs.assert_all_used()?;
    Ok(if value.is_undefined() || boolean && !value.is_true() { other } else { value.clone() })
}

/// `s|replace(old, new, count=None)`.
fn replace(value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<String, Error> {
    let text = |index, name| {
        argument(&args, index, &kwargs, name)?.map(|text| text.to_string()).ok_or_else(|| {
            Error::new(ErrorKind::MissingArgument, "replace needs what to replace and what to put there")
        })
    };
    let (old, new) = (text(0, "old")?, text(1, "new")?);
    let count = argument(&args, 2, &kwargs, "count")?.map(i64::try_from).transpose()?;
    kwargs.assert_all_used()?;
    let value = value.to_string();
    Ok(match count.and_then(|count| usize::try_from(count).ok()) {
        Some(count) => value.replacen(&old, &new, count),
        None => value.replace(&old, &new),
    })
}

/// `v|urlencode`: a text as a part of a path, a mapping as a query.
fn urlencode(value: &Value) -> Result<String, Error> {
    let encoded = minijinja::filters::urlencode(value)?;
    Ok(if value.kind() == ValueKind::Map { encoded.replace("%20", "+").replace('/', "%2F") } else { encoded })
}

/// `s|escape`, with the references Jinja2 writes.
fn escape(value: &Value) -> Value {
    if value.is_safe() {
        return value.clone();
    }
    let text = value.to_string();
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            plain => out.push(plain),
        }
    }
    Value::from_safe_string(out)
}

/// `v|int(default=0, base=10)`: the default where it is no number.
fn int(value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let default = argument(&args, 0, &kwargs, "default")?.unwrap_or_else(|| Value::from(0));
    let base = argument(&args, 1, &kwargs, "base")?.map_or(Ok(10), u32::try_from)?;
    kwargs.assert_all_used()?;
    if let Some(text) = value.as_str() {
        let text = text.trim().replace('_', "").to_ascii_lowercase();
        let prefix = match base {
            2 => "0b",
            8 => "0o",
            16 => "0x",
            _ => "",
        };
        let digits = text.strip_prefix(prefix).unwrap_or(&text);
        let whole = (2..=36).contains(&base).then(|| i64::from_str_radix(digits, base).ok()).flatten();
        return Ok(whole.map(Value::from).or_else(|| text.parse().ok().and_then(truncated)).unwrap_or(default));
    }
    match value.kind() {
        ValueKind::Number if value.is_integer() => Ok(value.clone()),
        ValueKind::Bool => Ok(Value::from(i64::from(value.is_true()))),
        ValueKind::Number => Ok(f64::try_from(value.clone()).ok().and_then(truncated).unwrap_or(default)),
        _ => Ok(default),
    }
}

fn truncated(number: f64) -> Option<Value> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    (number.abs() < 9.2e18).then(|| Value::from(number as i64))
}

/// `v|float(default=0.0)`: the default where it is no number.
fn float(value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let default = argument(&args, 0, &kwargs, "default")?.unwrap_or_else(|| Value::from(0.0));
    kwargs.assert_all_used()?;
    let number = match value.kind() {
        ValueKind::String => value.as_str().and_then(|text| text.trim().parse::<f64>().ok()),
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        _ => None,
    };
    Ok(number.map_or(default, Value::from))
}

/// `s|indent(width=4, first=False, blank=False)`; the width may be a text.
fn indent(value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<String, Error> {
    let indention = match argument(&args, 0, &kwargs, "width")? {
        Some(text) if text.as_str().is_some() => text.to_string(),
        number => " ".repeat(width(number, 4)?),
    };
    let first = argument(&args, 1, &kwargs, "first")?.is_some_and(|flag| flag.is_true());
    let blank = argument(&args, 2, &kwargs, "blank")?.is_some_and(|flag| flag.is_true());
    kwargs.assert_all_used()?;
    let text = value.to_string();
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let indents = if index == 0 { first } else { blank || !line.is_empty() };
        if indents {
            out.push_str(&indention);
        }
        out.push_str(line);
    }
    Ok(out)
}

/// `s|truncate(length=255, killwords=False, end='...', leeway=5)`.
fn truncate(value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<String, Error> {
    let number = |value: Option<Value>, default: usize| {
        value.map_or(Ok(default), |value| usize::try_from(value).map_err(|_| invalid("length must be a whole number")))
    };
    let length = number(argument(&args, 0, &kwargs, "length")?, 255)?;
    let killwords = argument(&args, 1, &kwargs, "killwords")?.is_some_and(|flag| flag.is_true());
    let end = argument(&args, 2, &kwargs, "end")?.map_or_else(|| "...".to_owned(), |end| end.to_string());
    let leeway = number(argument(&args, 3, &kwargs, "leeway")?, 5)?;
    kwargs.assert_all_used()?;
    let end_length = end.chars().count();
    if length < end_length {
        return Err(invalid(format!("expected length >= {end_length}, got {length}")));
    }
    let text = value.to_string();
    if text.chars().count() <= length.saturating_add(leeway) {
        return Ok(text);
    }
    let cut: String = text.chars().take(length - end_length).collect();
    let kept = if killwords { cut.as_str() } else { cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head) };
    Ok(format!("{kept}{end}"))
}

/// `s|wordcount`: runs of word characters.
fn wordcount(value: &Value) -> usize {
    let text = value.to_string();
    text.split(|character: char| !(character.is_alphanumeric() || character == '_'))
        .filter(|word| !word.is_empty())
        .count()
}

/// `s|wordwrap(width=79, break_long_words=True, wrapstring=None, break_on_hyphens=True)`.
fn wordwrap(value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let width = width(argument(&args, 0, &kwargs, "width")?, 79)?;
    let mut named = vec![("width", Value::from(width))];
    for (index, name) in [(1, "break_long_words"), (2, "wrapstring"), (3, "break_on_hyphens")] {
        if let Some(value) = argument(&args, index, &kwargs, name)? {
            named.push((name, value));
        }
    }
    kwargs.assert_all_used()?;
    minijinja_contrib::filters::wordwrap(&Value::from(value.to_string()), named.into_iter().collect())
}

/// `v|tojson(indent=None)`: sorted keys, ASCII only, safe inside HTML, as Jinja2 writes it.
fn tojson(value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let step = match argument(&args, 0, &kwargs, "indent")? {
        Some(step) => Some(width(Some(step), 0)?.min(64)),
        None => None,
    };
    kwargs.assert_all_used()?;
    if value.kind() == ValueKind::Undefined {
        return Err(invalid("Object of type Undefined is not JSON serializable"));
    }
    let json = serde_json::to_value(value).map_err(|error| invalid(error.to_string()))?;
    let mut out = String::new();
    write_json(&json, step, 0, &mut out);
    // Inside HTML nothing is escaped again; elsewhere safe and plain texts are the same.
    Ok(Value::from_safe_string(out))
}

fn write_json(json: &Json, step: Option<usize>, depth: usize, out: &mut String) {
    let new_line = |depth: usize, out: &mut String| {
        if let Some(step) = step {
            out.push('\n');
            out.push_str(&" ".repeat(step * depth));
        }
    };
    let separator = |index: usize, out: &mut String| {
        if index > 0 {
            out.push_str(if step.is_some() { "," } else { ", " });
        }
    };
    match json {
        Json::Array(items) if !items.is_empty() => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separator(index, out);
                new_line(depth + 1, out);
                write_json(item, step, depth + 1, out);
            }
            new_line(depth, out);
            out.push(']');
        }
        Json::Object(fields) if !fields.is_empty() => {
            out.push('{');
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(b.0));
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                separator(index, out);
                new_line(depth + 1, out);
                write_ascii(key, out);
                out.push_str(": ");
                write_json(value, step, depth + 1, out);
            }
            new_line(depth, out);
            out.push('}');
        }
        Json::String(text) => write_ascii(text, out),
        Json::Number(number) if number.is_f64() => out.push_str(&python_float(number.as_f64().unwrap_or_default())),
        other => out.push_str(&other.to_string()),
    }
}

fn write_ascii(text: &str, out: &mut String) {
    let quoted = Json::String(text.to_owned()).to_string();
    for character in quoted.chars() {
        match character {
            '<' | '>' | '&' | '\'' | '\u{7f}'.. => {
                let mut units = [0; 2];
                if character == '\u{7f}' {
                    out.push(character);
                    continue;
                }
                for unit in character.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            plain => out.push(plain),
        }
    }
}

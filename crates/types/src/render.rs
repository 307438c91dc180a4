//! Text forms of values as the compatible system prints them (engine reference §1.2).

use crate::{Json, Value};

impl Value {
    /// Plain text form, used in templates and prompts.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::File(_) => String::new(),
            Self::Object(_) => json_line(&self.to_json()),
            Self::Array(kind, items) => match kind {
                _ if items.is_empty() => String::new(),
                crate::ValueType::ArrayString => json_line(&self.to_json()),
                crate::ValueType::ArrayFile => String::new(),
                _ => python_repr(self),
            },
            other => python_str(other),
        }
    }

    /// Markdown form, used for what a person reads.
    #[must_use]
    pub fn markdown(&self) -> String {
        match self {
            Self::Object(_) => json_pretty(&self.to_json()),
            Self::File(file) => {
                let url = file.url.as_deref().or(file.remote_url.as_deref()).unwrap_or_default();
                let name = file.filename.as_deref().unwrap_or(url);
                let mark = if file.kind == crate::FileKind::Image { "!" } else { "" };
                format!("{mark}[{name}]({url})")
            }
            Self::Array(crate::ValueType::ArrayFile, items) => lines(items.iter().map(Self::markdown)),
            Self::Array(_, items) => lines(items.iter().map(|item| match item {
                Self::None => "- None".into(),
                item => format!("- {}", python_str(item)),
            })),
            other => other.text(),
        }
    }

    /// Form for logs: secrets are masked.
    #[must_use]
    pub fn log(&self) -> String {
        match self {
            Self::Secret(text) => mask(text),
            Self::Object(_) => json_pretty(&self.to_json()),
            Self::File(_) => String::new(),
            Self::Array(crate::ValueType::ArrayFile, _) => String::new(),
            Self::Array(..) => python_repr(self),
            other => other.text(),
        }
    }
}

fn lines(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join("\n")
}

fn mask(secret: &str) -> String {
    let count = secret.chars().count();
    if count == 0 {
        return String::new();
    }
    if count <= 8 {
        return "*".repeat(20);
    }
    let head: String = secret.chars().take(6).collect();
    let tail: String = secret.chars().skip(count - 2).collect();
    format!("{head}{}{tail}", "*".repeat(12))
}

/// Python's `str()` of a value.
#[must_use]
pub fn python_str(value: &Value) -> String {
    match value {
        Value::None => String::new(),
        Value::String(text) | Value::Secret(text) => text.to_string(),
        other => python_repr(other),
    }
}

/// Python's `repr()` of a value.
#[must_use]
pub fn python_repr(value: &Value) -> String {
    match value {
        Value::None => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => python_float(*number),
        Value::String(text) | Value::Secret(text) => python_quote(text),
        Value::File(file) => python_repr(&Value::from_json_plain(&file.to_json())),
        Value::Array(_, items) => format!("[{}]", items.iter().map(python_repr).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let body: Vec<_> =
                fields.iter().map(|(key, value)| format!("{}: {}", python_quote(key), python_repr(value))).collect();
            format!("{{{}}}", body.join(", "))
        }
    }
}

impl Value {
    /// Like [`Value::from_json`], but a marked file stays an object.
    #[must_use]
    pub fn from_json_plain(json: &Json) -> Self {
        match json {
            Json::Object(map) => {
                Self::object(map.iter().map(|(key, value)| (key.clone(), Self::from_json_plain(value))).collect())
            }
            Json::Array(items) => Self::array(items.iter().map(Self::from_json_plain).collect()),
            other => Self::from_json(other),
        }
    }
}

/// Shortest text that reads back as the same float, in Python's notation.
#[must_use]
pub fn python_float(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let exponent_form = format!("{number:e}");
    let (mantissa, exponent) = exponent_form.split_once('e').unwrap_or((&exponent_form, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{number}");
    if plain.contains('.') { plain } else { format!("{plain}.0") }
}

/// Python's `repr()` of a text.
#[must_use]
pub fn python_quote(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => out.push_str(&match c as u32 {
                code @ 0..0x100 => format!("\\x{code:02x}"),
                code @ 0x100..0x1_0000 => format!("\\u{code:04x}"),
                code => format!("\\U{code:08x}"),
            }),
        }
    }
    out.push(quote);
    out
}

/// Python's `str.isprintable` for one character, as far as assigned characters go.
fn is_printable(character: char) -> bool {
    const HIDDEN: [(u32, u32); 25] = [
        (0x7f, 0xa0),
        (0xad, 0xad),
        (0x600, 0x605),
        (0x61c, 0x61c),
        (0x6dd, 0x6dd),
        (0x70f, 0x70f),
        (0x890, 0x891),
        (0x8e2, 0x8e2),
        (0x1680, 0x1680),
        (0x180e, 0x180e),
        (0x2000, 0x200f),
        (0x2028, 0x202f),
        (0x205f, 0x206f),
        (0x3000, 0x3000),
        (0xd800, 0xf8ff),
        (0xfeff, 0xfeff),
        (0xfff9, 0xfffb),
        (0x110bd, 0x110bd),
        (0x110cd, 0x110cd),
        (0x13430, 0x13438),
        (0x1bca0, 0x1bca3),
        (0x1d173, 0x1d17a),
        (0xe0001, 0xe0001),
        (0xe0020, 0xe007f),
        (0xf_0000, 0x10_ffff),
    ];
    let code = character as u32;
    code >= 0x20 && !HIDDEN.iter().any(|&(from, to)| (from..=to).contains(&code))
}

/// JSON on one line with Python's separators `", "` and `": "`, unicode kept.
#[must_use]
pub fn json_line(json: &Json) -> String {
    let mut out = String::new();
    write_line(json, &mut out);
    out
}

fn write_line(json: &Json, out: &mut String) {
    match json {
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_line(item, out);
            }
            out.push(']');
        }
        Json::Object(map) => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                out.push_str(&Json::String(key.clone()).to_string());
                out.push_str(": ");
                write_line(value, out);
            }
            out.push('}');
        }
        Json::Number(number) if number.is_f64() => out.push_str(&python_float(number.as_f64().unwrap_or(f64::NAN))),
        other => out.push_str(&other.to_string()),
    }
}

/// JSON indented by two spaces, unicode kept, numbers as Python writes them.
#[must_use]
pub fn json_pretty(json: &Json) -> String {
    let mut out = String::new();
    write_pretty(json, 0, &mut out);
    out
}

fn write_pretty(json: &Json, depth: usize, out: &mut String) {
    fn new_line(depth: usize, first: bool, out: &mut String) {
        out.push_str(if first { "\n" } else { ",\n" });
        (0..depth).for_each(|_| out.push_str("  "));
    }
    match json {
        Json::Array(items) if !items.is_empty() => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                new_line(depth + 1, index == 0, out);
                write_pretty(item, depth + 1, out);
            }
            new_line(depth, true, out);
            out.push(']');
        }
        Json::Object(map) if !map.is_empty() => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                new_line(depth + 1, index == 0, out);
                out.push_str(&Json::String(key.clone()).to_string());
                out.push_str(": ");
                write_pretty(value, depth + 1, out);
            }
            new_line(depth, true, out);
            out.push('}');
        }
        other => write_line(other, out),
    }
}

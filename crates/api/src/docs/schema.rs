//! Types and schemas of the document as HTML.

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::Value;

/// How deep unnamed objects are written out.
const DEPTH: usize = 4;

/// The text under a key; nothing where there is none.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a list under a key.
pub fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A text that is no HTML.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A text of the handlers: what stands between backticks is code.
pub fn rich(text: &str) -> String {
    let pieces = escaped(text);
    let mut out = String::with_capacity(pieces.len());
    let mut pieces = pieces.split('`').peekable();
    let mut is_code = false;
    while let Some(piece) = pieces.next() {
        // The last one without its end is text.
        if is_code && pieces.peek().is_some() {
            _ = write!(out, "<code>{piece}</code>");
        } else {
            out.push_str(piece);
        }
        is_code = !is_code;
    }
    out
}

/// The named schemas of a document, and those a page has named so far.
pub struct Schemas<'a> {
    document: &'a Value,
    named: BTreeSet<&'a str>,
}

impl<'a> Schemas<'a> {
    pub fn new(document: &'a Value) -> Self {
        Self { document, named: BTreeSet::new() }
    }

    /// What a reference stands for; anything else is itself.
    pub fn resolved(&self, value: &'a Value) -> &'a Value {
        let pointer = text(value, "$ref").strip_prefix('#');
        pointer.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(value)
    }

    /// A type in a few words.
    pub fn type_of(&mut self, schema: &'a Value) -> String {
        self.within(schema, DEPTH)
    }

    fn within(&mut self, schema: &'a Value, depth: usize) -> String {
        if let Some(name) = text(schema, "$ref").strip_prefix("#/components/schemas/") {
            self.named.insert(name);
            let name = escaped(name);
            return format!("<a href=\"#schema-{name}\">{name}</a>");
        }
        for (key, word) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
            let parts: Vec<&Value> = list(schema, key).collect();
            if !parts.is_empty() {
                let parts: Vec<String> = parts.into_iter().map(|part| self.within(part, depth)).collect();
                return parts.join(word);
            }
        }
        let values: Vec<String> = list(schema, "enum").map(|value| code(&value.to_string())).collect();
        if !values.is_empty() {
            return values.join(", ");
        }
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::String(kind)) => vec![kind.as_str()],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => return "anything".to_owned(),
        };
        let types: Vec<String> = types.into_iter().map(|kind| self.one(schema, kind, depth)).collect();
        types.join(" or ")
    }

    fn one(&mut self, schema: &'a Value, kind: &str, depth: usize) -> String {
        match kind {
            "array" => match schema.get("items").filter(|_| depth > 0) {
                Some(items) => format!("list of {}", self.within(items, depth - 1)),
                None => "list".to_owned(),
            },
            "object" => match schema.get("properties").and_then(Value::as_object).filter(|_| depth > 0) {
                Some(fields) => {
                    let fields: Vec<String> = fields
                        .iter()
                        .map(|(name, field)| format!("{}: {}", code(name), self.within(field, depth - 1)))
                        .collect();
                    format!("{{{}}}", fields.join(", "))
                }
                None => "object".to_owned(),
            },
            kind => match text(schema, "format") {
                "" => escaped(kind),
                format => format!("{} ({})", escaped(kind), escaped(format)),
            },
        }
    }

    /// Every schema that was named, and those that they name.
    pub fn write_named(&mut self, body: &mut String) {
        let mut written: BTreeSet<&str> = BTreeSet::new();
        while let Some(name) = self.named.iter().copied().find(|name| !written.contains(name)) {
            written.insert(name);
            let path = format!("/components/schemas/{name}");
            let Some(schema) = self.document.pointer(&path) else { continue };
            self.write(body, name, schema);
        }
    }

    fn write(&mut self, body: &mut String, name: &str, schema: &'a Value) {
        let name = escaped(name);
        let about = rich(text(schema, "description"));
        _ = write!(body, "<section id=\"schema-{name}\"><h3><code>{name}</code></h3><p>{about}</p>");
        let Some(fields) = schema.get("properties").and_then(Value::as_object) else {
            _ = write!(body, "<p>{}</p></section>", self.type_of(schema));
            return;
        };
        let needed: Vec<&str> = list(schema, "required").filter_map(Value::as_str).collect();
        body.push_str("<div class=\"scroll\"><table><tr><th>Field</th><th>Type</th><th>About</th></tr>");
        for (field, kind) in fields {
            let mark = if needed.contains(&field.as_str()) { " (required)" } else { "" };
            let about = rich(text(kind, "description"));
            let kind = self.type_of(kind);
            _ = write!(body, "<tr><td>{}{mark}</td><td>{kind}</td><td>{about}</td></tr>", code(field));
        }
        body.push_str("</table></div></section>");
    }
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_no_html() {
        assert_eq!(escaped("<a b=\"c\">'&"), "&lt;a b=&quot;c&quot;&gt;&#39;&amp;");
        assert_eq!(rich("see `a<b` and `c"), "see <code>a&lt;b</code> and c");
    }

    #[test]
    fn types_in_words() {
        let document = json!({"components": {"schemas": {
            "A": {"type": "object", "description": "An `A`.", "required": ["b"],
                "properties": {"b": {"$ref": "#/components/schemas/B"}}},
            "B": {"type": "string", "enum": ["x", "y"]},
            "C": {"type": "string"},
        }}});
        let schemas = [
            (json!({"type": ["string", "null"], "format": "uuid"}), "string (uuid) or null (uuid)"),
            (json!({"type": "array", "items": {"type": "integer"}}), "list of integer"),
            (json!({"oneOf": [{"type": "null"}, {"type": "string"}]}), "null or string"),
            (json!({"type": "object", "properties": {"k": {"type": "string"}}}), "{<code>k</code>: string}"),
            (json!({"type": "object"}), "object"),
            (json!({}), "anything"),
            (json!({"$ref": "#/components/schemas/A"}), "<a href=\"#schema-A\">A</a>"),
        ];
        let mut page = Schemas::new(&document);
        for (schema, expected) in &schemas {
            assert_eq!(page.type_of(schema), *expected, "{schema}");
        }
        let mut body = String::new();
        page.write_named(&mut body);
        assert!(body.contains("schema-A") && body.contains("schema-B") && !body.contains("schema-C"), "{body}");
        assert!(body.contains("<td><code>b</code> (required)</td><td><a href=\"#schema-B\">B</a></td>"), "{body}");
    }
}

//! `$ref`: what is referred to is put in its place, as far as that ends.

use ox_types::Json;
use serde_json::{Map, Value};

use super::Invalid;

/// How deep references and schemas nest.
const MAX_DEPTH: usize = 24;
/// Values that one document may become.
const MAX_VALUES: usize = 400_000;

/// Puts in place what a document refers to.
pub struct Resolver<'a> {
    document: &'a Json,
    made: usize,
    most: usize,
}

impl<'a> Resolver<'a> {
    /// For a document.
    pub const fn new(document: &'a Json) -> Self {
        Self::making(document, MAX_VALUES)
    }

    /// For a document of which no more than this many values are made.
    pub const fn making(document: &'a Json, most: usize) -> Self {
        Self { document, made: 0, most }
    }

    /// The value with everything in place. Where a schema contains itself, the inner one is left open.
    ///
    /// # Errors
    /// When a reference leads nowhere or outside, or the result is too large.
    pub fn resolve(&mut self, value: &Json) -> Result<Json, Invalid> {
        self.within(value, &mut Vec::new(), 0)
    }

    fn within(&mut self, value: &Json, open: &mut Vec<String>, depth: usize) -> Result<Json, Invalid> {
        self.made += 1;
        if self.made > self.most {
            return Err(Invalid(format!(
                "The document becomes too large when its references are put in place ({} values).",
                self.most
            )));
        }
        if depth > MAX_DEPTH {
            return Ok(Value::Object(Map::new()));
        }
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(target)) = fields.get("$ref") {
                    return self.referred(target, open, depth);
                }
                let mut out = Map::new();
                for (name, inner) in fields {
                    out.insert(name.clone(), self.within(inner, open, depth + 1)?);
                }
                Ok(Value::Object(out))
            }
            Value::Array(items) => items.iter().map(|item| self.within(item, open, depth + 1)).collect(),
            plain => Ok(plain.clone()),
        }
    }

    fn referred(&mut self, target: &str, open: &mut Vec<String>, depth: usize) -> Result<Json, Invalid> {
        let Some(pointer) = target.strip_prefix('#') else {
            return Err(Invalid(format!(
                "The reference '{target}' leads outside the document; put what it means into it."
            )));
        };
        if open.iter().any(|known| known == target) {
            return Ok(serde_json::json!({"type": "object"}));
        }
        let pointer = pointer.replace("%7B", "{").replace("%7D", "}").replace("%20", " ");
        let found = self.document.pointer(&pointer);
        let found = found.ok_or_else(|| Invalid(format!("The reference '{target}' leads nowhere.")))?;
        open.push(target.to_owned());
        let resolved = self.within(found, open, depth + 1);
        open.pop();
        resolved
    }
}

//! Variable templates: `{{#node.var#}}` in workflow texts, `{{name}}` in prompts of basic apps.
//!
//! Compat: a literal piece that happens to spell a selector is text, not a variable.

use ox_types::Value;

/// A text split at its variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    pub segments: Vec<Segment>,
}

/// One piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    Literal(String),
    /// Node id (or `sys`, `env`, `conversation`), name, then keys.
    Variable(Vec<String>),
}

impl Template {
    /// Splits a text. Every text is a template; what is not exactly `{{#node.var#}}` is literal.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut segments = Vec::new();
        let mut literal_start = 0;
        let mut search = 0;
        while let Some(found) = text.get(search..).and_then(|rest| rest.find("{{#")) {
            let open = search + found;
            let Some((selector, end)) = text.get(open + 3..).and_then(selector) else {
                search = open + 1;
                continue;
            };
            push_literal(&mut segments, text.get(literal_start..open));
            segments.push(Segment::Variable(selector));
            search = open + 3 + end;
            literal_start = search;
        }
        push_literal(&mut segments, text.get(literal_start..));
        Self { segments }
    }

    /// The selectors in order of appearance, repeated ones included.
    pub fn selectors(&self) -> impl Iterator<Item = &[String]> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Variable(selector) => Some(selector.as_slice()),
            Segment::Literal(_) => None,
        })
    }

    /// Whether there is no variable in it.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.selectors().next().is_none()
    }

    /// Text form, for prompts and requests. A variable that is not found leaves its name.
    pub fn text(&self, lookup: impl FnMut(&[String]) -> Option<Value>) -> String {
        self.render(lookup, Value::text)
    }

    /// Markdown form, for what a person reads.
    pub fn markdown(&self, lookup: impl FnMut(&[String]) -> Option<Value>) -> String {
        self.render(lookup, Value::markdown)
    }

    /// Form for logs: secrets are masked.
    pub fn log(&self, lookup: impl FnMut(&[String]) -> Option<Value>) -> String {
        self.render(lookup, Value::log)
    }

    fn render(&self, mut lookup: impl FnMut(&[String]) -> Option<Value>, form: impl Fn(&Value) -> String) -> String {
        let mut out = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => out.push_str(text),
                Segment::Variable(selector) => match lookup(selector) {
                    Some(value) => out.push_str(&form(&value)),
                    None => out.push_str(&selector.join(".")),
                },
            }
        }
        out
    }
}

fn push_literal(segments: &mut Vec<Segment>, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        segments.push(Segment::Literal(text.to_owned()));
    }
}

/// Reads `id.name(.name)*#}}` and how many bytes it takes: an id of 1–50 word characters, then 1–10
/// identifiers of up to 30 characters.
fn selector(text: &str) -> Option<(Vec<String>, usize)> {
    let end = text.as_bytes().iter().take(400).position(|byte| *byte == b'#')?;
    let inner = text.get(..end)?;
    if !text.get(end..)?.starts_with("#}}") {
        return None;
    }
    let parts: Vec<&str> = inner.split('.').collect();
    let (id, names) = parts.split_first()?;
    let names_fit = (1..=10).contains(&names.len()) && names.iter().all(|name| is_identifier(name));
    (is_word(id, 50) && names_fit).then(|| (parts.iter().map(|&part| part.to_owned()).collect(), end + 3))
}

fn is_word(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_identifier(text: &str) -> bool {
    is_word(text, 30) && !text.starts_with(|first: char| first.is_ascii_digit())
}

/// A prompt of a basic app or of a classifier: `{{name}}`, `{{#query#}}`, `{{#context#}}`,
/// `{{#histories#}}`, and `{{#node.var#}}` where the caller has such values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    segments: Vec<PromptSegment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PromptSegment {
    Literal(String),
    Key(String),
}

impl Prompt {
    /// Splits a prompt.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut segments = Vec::new();
        let mut literal_start = 0;
        let mut search = 0;
        let literal = |segments: &mut Vec<PromptSegment>, from: usize, to: usize| {
            if let Some(piece) = text.get(from..to).filter(|piece| !piece.is_empty()) {
                segments.push(PromptSegment::Literal(piece.to_owned()));
            }
        };
        while let Some(found) = text.get(search..).and_then(|rest| rest.find("{{")) {
            let open = search + found;
            let Some(key) = text.get(open + 2..).and_then(prompt_key) else {
                search = open + 1;
                continue;
            };
            literal(&mut segments, literal_start, open);
            segments.push(PromptSegment::Key(key.to_owned()));
            search = open + 4 + key.len();
            literal_start = search;
        }
        literal(&mut segments, literal_start, text.len());
        Self { segments }
    }

    /// The names in order of appearance; special ones with their `#`.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            PromptSegment::Key(key) => Some(key.as_str()),
            PromptSegment::Literal(_) => None,
        })
    }

    /// Fills in the values. An unknown name stays as written, null is empty, and special tokens
    /// (`<|…|>`) are taken out of values so that input cannot forge a role.
    pub fn render(&self, mut lookup: impl FnMut(&str) -> Option<Value>) -> String {
        let mut out = String::new();
        for segment in &self.segments {
            match segment {
                PromptSegment::Literal(text) => out.push_str(text),
                PromptSegment::Key(key) => match lookup(key) {
                    Some(value) => out.push_str(&strip_special_tokens(&value.text())),
                    None => {
                        out.push_str("{{");
                        out.push_str(key);
                        out.push_str("}}");
                    }
                },
            }
        }
        out
    }
}

/// The key at the start of a text that follows `{{`, if `}}` closes it.
fn prompt_key(text: &str) -> Option<&str> {
    let end = text.as_bytes().iter().take(400).position(|byte| *byte == b'}')?;
    let key = text.get(..end).filter(|_| text.get(end..).is_some_and(|rest| rest.starts_with("}}")))?;
    let inner = key.strip_prefix('#').and_then(|rest| rest.strip_suffix('#'));
    let valid = match inner {
        Some("query" | "context" | "histories") => true,
        Some(path) => path.split_once('.').is_some_and(|(id, rest)| {
            is_word(id, 50)
                && (1..=100).contains(&rest.len())
                && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.')
        }),
        None => is_identifier(key),
    };
    valid.then_some(key)
}

fn strip_special_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<|") {
        // A token stays on one line.
        match after.split_once("|>").filter(|(token, _)| !token.contains('\n')) {
            Some((_, following)) => {
                out.push_str(before);
                rest = following;
            }
            None => {
                out.push_str(before);
                out.push_str("<|");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;

//! Reading JSON that people and models wrote: broken quotes, commas, comments and brackets.

use ox_types::Json;

/// Deepest nesting that is read; beyond it the rest of the text is dropped.
const MAX_DEPTH: usize = 100;

/// Reads a text as JSON, repairing what can be. Text around the values is skipped; several values
/// make a list. Nothing when there is no object and no list in it.
#[must_use]
pub fn repair(text: &str) -> Option<Json> {
    if let Ok(json) = serde_json::from_str(text) {
        return Some(json);
    }
    let mut reader = Reader { text: text.chars().collect(), at: 0 };
    let mut values = Vec::new();
    while let Some(next) = reader.peek() {
        if matches!(next, '{' | '[') {
            values.push(reader.value(0));
        } else {
            reader.at += 1;
        }
    }
    match values.len() {
        0 => None,
        1 => values.pop(),
        _ => Some(Json::Array(values)),
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn ahead(&self, by: usize) -> Option<char> {
        self.text.get(self.at + by).copied()
    }

    /// Skips white space and comments.
    fn skip_blank(&mut self) {
        while let Some(next) = self.peek() {
            match (next, self.ahead(1)) {
                (next, _) if next.is_whitespace() => self.at += 1,
                ('/', Some('/')) | ('#', _) => self.skip_while(|next| next != '\n'),
                ('/', Some('*')) => {
                    self.at += 2;
                    while self.peek().is_some() && !(self.peek() == Some('*') && self.ahead(1) == Some('/')) {
                        self.at += 1;
                    }
                    self.at += 2;
                }
                _ => break,
            }
        }
    }

    fn skip_while(&mut self, test: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&test) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Json {
        self.skip_blank();
        if depth > MAX_DEPTH {
            self.at = self.text.len();
            return Json::Null;
        }
        match self.peek() {
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some(quote) if closing(quote).is_some() => Json::String(self.quoted(quote)),
            Some(_) => word(&self.bare(&[',', '}', ']', '\n'])),
            None => Json::Null,
        }
    }

    fn object(&mut self, depth: usize) -> Json {
        self.at += 1;
        let mut fields = serde_json::Map::new();
        loop {
            self.skip_blank();
            match self.peek() {
                None => break,
                Some('}') => {
                    self.at += 1;
                    break;
                }
                // The bracket of an outer list: this object was not closed.
                Some(']') => break,
                Some(',') => {
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            let before = self.at;
            let key = match self.peek() {
                Some(quote) if closing(quote).is_some() => self.quoted(quote),
                _ => self.bare(&[':', ',', '}', '\n']),
            };
            self.skip_blank();
            let value = if self.peek() == Some(':') {
                self.at += 1;
                self.skip_blank();
                if matches!(self.peek(), Some(',' | '}')) { Json::from("") } else { self.value(depth + 1) }
            } else {
                Json::from("")
            };
            if !key.is_empty() {
                fields.insert(key, value);
            }
            if self.at == before {
                self.at += 1;
            }
        }
        Json::Object(fields)
    }

    fn array(&mut self, depth: usize) -> Json {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_blank();
            match self.peek() {
                None => break,
                Some(']') => {
                    self.at += 1;
                    break;
                }
                Some('}') => break,
                Some(',') => self.at += 1,
                Some(_) => {
                    let before = self.at;
                    items.push(self.value(depth + 1));
                    if self.at == before {
                        self.at += 1;
                    }
                }
            }
        }
        Json::Array(items)
    }

    /// A text in quotes. A quote inside that no separator follows belongs to the text.
    fn quoted(&mut self, quote: char) -> String {
        let close = closing(quote).unwrap_or(quote);
        self.at += 1;
        let mut out = String::new();
        while let Some(next) = self.peek() {
            self.at += 1;
            if next == '\\' {
                self.escape(&mut out);
            } else if next == close && self.ends_here() {
                break;
            } else {
                out.push(next);
            }
        }
        out
    }

    /// Whether what follows a quote can follow a finished text.
    fn ends_here(&self) -> bool {
        let mut rest = self.text.get(self.at..).unwrap_or_default().iter();
        match rest.find(|next| !next.is_whitespace()) {
            None => true,
            Some(next) => {
                let line_ended = self.peek() == Some('\n') || self.peek() == Some('\r');
                matches!(next, ',' | ':' | '}' | ']') || line_ended
            }
        }
    }

    fn escape(&mut self, out: &mut String) {
        let Some(next) = self.peek() else { return };
        self.at += 1;
        match next {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => {
                let unit = self.hex();
                let high = unit.filter(|unit| (0xd800..0xdc00).contains(unit));
                let code = match high {
                    Some(high) if self.peek() == Some('\\') && self.ahead(1) == Some('u') => {
                        self.at += 2;
                        let low = self.hex().unwrap_or(0xfffd);
                        Some(0x10000 + ((high - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff))
                    }
                    _ => unit,
                };
                out.push(code.and_then(char::from_u32).unwrap_or('\u{fffd}'));
            }
            other => out.push(other),
        }
    }

    fn hex(&mut self) -> Option<u32> {
        let digits: String = self.text.get(self.at..self.at + 4)?.iter().collect();
        let code = u32::from_str_radix(&digits, 16).ok()?;
        self.at += 4;
        Some(code)
    }

    /// Text without quotes up to one of the ends.
    fn bare(&mut self, ends: &[char]) -> String {
        let start = self.at;
        while let Some(next) = self.peek() {
            let comment = next == '/' && self.ahead(1) == Some('*');
            if ends.contains(&next) || comment {
                break;
            }
            self.at += 1;
        }
        self.text.get(start..self.at).unwrap_or_default().iter().collect::<String>().trim().to_owned()
    }
}

const fn closing(quote: char) -> Option<char> {
    match quote {
        '"' | '\'' | '`' => Some(quote),
        '“' => Some('”'),
        '‘' => Some('’'),
        _ => None,
    }
}

fn word(text: &str) -> Json {
    match text {
        "true" | "True" => Json::Bool(true),
        "false" | "False" => Json::Bool(false),
        "null" | "None" | "undefined" => Json::Null,
        other => serde_json::from_str(other).unwrap_or_else(|_| Json::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn hostile_texts_end_in_bounded_time() {
        for piece in [
            "[", "{", "[[", "{\"a\":", "{\"", "\"", "[\"", "'", "{'a':'b'", "\\", "{\"a\\\"", "/*", "//\n", "[1,", "}",
            "]{", "<think>{",
        ] {
            for text in [piece.repeat(200_000 / piece.len()), piece.repeat(10_000) + &"}]".repeat(10_000)] {
                let began = std::time::Instant::now();
                let json = repair(&text);
                assert!(began.elapsed() < std::time::Duration::from_secs(5), "{piece}: {:?}", began.elapsed());
                drop(json);
            }
        }
    }

    #[test]
    fn repairs_what_people_write() {
        for (text, expected) in [
            (r#"{"a": 1}"#, Some(json!({"a": 1}))),
            (r#"{"a": 1,}"#, Some(json!({"a": 1}))),
            (r#"{'a': 'b', c: d e}"#, Some(json!({"a": "b", "c": "d e"}))),
            (r#"{"a": True, "b": None,"#, Some(json!({"a": true, "b": null}))),
            (r#"{"a": [1, 2"#, Some(json!({"a": [1, 2]}))),
            (r#"{"a": "he said "hi" to me"}"#, Some(json!({"a": "he said \"hi\" to me"}))),
            ("{\"a\": \"line\nbreak\"}", Some(json!({"a": "line\nbreak"}))),
            ("```json\n{\"a\": 1} // done\n```", Some(json!({"a": 1}))),
            ("{\"a\": 1 /* one */, # two\n \"b\": 2}", Some(json!({"a": 1, "b": 2}))),
            ("<think>x</think>{\"a\": 1}", Some(json!({"a": 1}))),
            ("[1] and {\"a\": 1}", Some(json!([[1], {"a": 1}]))),
            (r#"{"a": , "b": 1}"#, Some(json!({"a": "", "b": 1}))),
            (r#"{"a": "\ud83d\ude00"#, Some(json!({"a": "😀"}))),
            ("{“a”: “b”}", Some(json!({"a": "b"}))),
            ("", None),
            ("plain text", None),
            ("\"text\"", Some(json!("text"))),
        ] {
            assert_eq!(repair(text), expected, "{text}");
        }
        assert!(repair(&"[".repeat(100_000)).is_some());
    }

    proptest! {
        #[test]
        fn never_panics_and_ends(text in "[\\[\\]{}\"',:\\\\a-c0-9 \\n/#*u]{0,200}") {
            let _ = repair(&text);
        }
    }
}

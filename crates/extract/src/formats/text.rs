//! Formats that are text already.

use ox_types::{Json, json_pretty};

use crate::{Budget, Error, budget::Text, charset::decode};

/// JSON, written anew with two spaces.
pub fn json(bytes: &[u8]) -> Result<String, Error> {
    let text = decode(bytes);
    let json: Json = serde_json::from_str(&text).map_err(|error| Error::broken("JSON", error))?;
    Ok(json_pretty(&json))
}

/// Every document of a YAML file, written anew; keys keep their order.
pub fn yaml(bytes: &[u8]) -> Result<String, Error> {
    let text = decode(bytes);
    let mut out = Vec::new();
    for document in documents(&text) {
        let json = ox_text::yaml::parse(&document).map_err(|error| Error::broken("YAML", error))?;
        let written = ox_text::yaml::write(&json).map_err(|error| Error::broken("YAML", error))?;
        out.push(written.strip_prefix("---\n").unwrap_or(&written).to_owned());
    }
    Ok(out.join("---\n"))
}

/// Splits at document marks. A mark inside a block scalar would have to be indented, so a line that begins with it
/// is one.
fn documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        let is_mark = |mark: &str| line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        if is_mark("---") || is_mark("...") {
            documents.push(line.get(3..).unwrap_or_default().trim().to_owned() + "\n");
        } else if let Some(last) = documents.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    let says_something = |document: &String| {
        document.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with(['#', '%']))
    };
    let mut kept: Vec<String> = documents.into_iter().filter(says_something).collect();
    for document in &mut kept {
        if document.starts_with('%') {
            // Directives say nothing about the content.
            *document = document.lines().filter(|line| !line.starts_with('%')).collect::<Vec<_>>().join("\n");
        }
    }
    kept
}

/// Who says what: one line per speaker, what one speaker says in a row put together.
pub fn vtt(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    let text = decode(bytes);
    let mut said: Vec<(String, String)> = Vec::new();
    let mut blocks = Vec::new();
    let mut block = Vec::new();
    for line in text.lines().chain([""]) {
        budget.tick()?;
        if line.trim().is_empty() {
            blocks.push(std::mem::take(&mut block));
        } else {
            block.push(line);
        }
    }
    for block in blocks {
        let Some(timing) = block.iter().position(|line| line.contains("-->")) else { continue };
        let words = block.get(timing + 1..).unwrap_or_default().join(" ");
        let (speaker, words) = spoken(&words);
        match said.last_mut() {
            Some((last, before)) if *last == speaker => {
                before.push(' ');
                before.push_str(&words);
            }
            _ => said.push((speaker, words)),
        }
    }
    let mut out = Text::new(budget);
    for (speaker, words) in said {
        out.line(&format!("{speaker} \"{words}\""))?;
    }
    Ok(out.finish())
}

/// Speaker (`<v Name>`) and words of a cue, without tags.
fn spoken(cue: &str) -> (String, String) {
    let (mut speaker, mut words) = (String::new(), String::new());
    let mut rest = cue;
    while let Some((before, after)) = rest.split_once('<') {
        words.push_str(before);
        let Some((tag, following)) = after.split_once('>') else {
            words.push('<');
            rest = after;
            continue;
        };
        let voice = tag.strip_prefix('v').and_then(|tag| tag.split_once(char::is_whitespace));
        if let Some((classes, name)) = voice
            && (classes.is_empty() || classes.starts_with('.'))
            && speaker.is_empty()
        {
            name.trim().clone_into(&mut speaker);
        }
        rest = following;
    }
    words.push_str(rest);
    (speaker, words.trim().to_owned())
}

/// `key: value` lines; comments stay.
pub fn properties(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    let text = decode(bytes);
    let mut out = Text::new(budget);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.trim().to_owned();
        if line.is_empty() {
            continue;
        }
        if line.starts_with(['#', '!']) {
            out.line(&line)?;
            continue;
        }
        // An odd number of backslashes at the end: the line goes on.
        while line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1 {
            budget.tick()?;
            line.pop();
            let Some(next) = lines.next() else { break };
            line.push_str(next.trim_start());
        }
        let (key, value) = pair(&line);
        out.line(&format!("{key}: {value}"))?;
    }
    Ok(out.finish())
}

/// Splits at the first `=`, `:` or white space that is not escaped.
fn pair(line: &str) -> (String, String) {
    let mut escaped = false;
    let mut split = line.len();
    for (at, character) in line.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '=' | ':' => {
                split = at;
                break;
            }
            other if other.is_whitespace() => {
                split = at;
                break;
            }
            _ => {}
        }
    }
    let key = line.get(..split).unwrap_or_default();
    let mut value = line.get(split..).unwrap_or_default().trim_start();
    value = value.strip_prefix(['=', ':']).unwrap_or(value).trim();
    (unescaped(key), unescaped(value))
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match rest.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('u') => {
                let digits: String = rest.clone().take(4).collect();
                match u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32) {
                    Some(found) if digits.len() == 4 => {
                        out.push(found);
                        (0..4).for_each(|_| _ = rest.next());
                    }
                    _ => out.push('u'),
                }
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn budget() -> Budget {
        Budget::new(Limits::default())
    }

    #[test]
    fn json_is_written_anew() {
        assert_eq!(
            json("{\"b\":1,\"a\":[\"\u{4f60}\",1.0]}".as_bytes()).unwrap(),
            "{\n  \"b\": 1,\n  \"a\": [\n    \"\u{4f60}\",\n    1.0\n  ]\n}"
        );
        let error = json(b"{\"a\": }").unwrap_err().to_string();
        assert_eq!(error, "Failed to extract text from JSON: expected value at line 1 column 7");
        assert!(json("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn yaml_keeps_its_order_and_its_documents() {
        for (text, expected) in [
            ("b: 1\na:   [x,  z]\n", "b: 1\na:\n- x\n- z\n"),
            ("a: 1\n---\nb: 2\n", "a: 1\n---\nb: 2\n"),
            ("---\na: |\n  x\n  y\n...\n", "a: |\n  x\n  y\n"),
            ("# only a comment\n", ""),
            ("%YAML 1.1\n---\na: 1\n", "a: 1\n"),
        ] {
            assert_eq!(yaml(text.as_bytes()).unwrap(), expected, "{text}");
        }
        assert!(yaml(b"a: [1").unwrap_err().to_string().starts_with("Failed to extract text from YAML: line "));
    }

    #[test]
    fn speech() {
        let text = "WEBVTT\n\nNOTE hidden\n\n1\n00:00.000 --> 00:01.000\n<v Ann>Hello\n<b>there</b>\n\n00:01.000 --> 00:02.000\n<v Ann>again</v>\n\n\
            00:02.000 --> 00:03.000\n<v.loud Bob>Hi\n\n00:03.000 --> 00:04.000\nno name\n";
        assert_eq!(vtt(text.as_bytes(), &budget()).unwrap(), "Ann \"Hello there again\"\nBob \"Hi\"\n \"no name\"");
    }

    #[test]
    fn settings() {
        let text =
            "# comment\n! other\n\na=1\nb : two words\nc three\nd\\=e=f\nlong=one \\\n   two\nuni=\\u4f60\\n\nempty=\n";
        assert_eq!(
            properties(text.as_bytes(), &budget()).unwrap(),
            "# comment\n! other\na: 1\nb: two words\nc: three\nd=e: f\nlong: one two\nuni: \u{4f60}\n\nempty: "
        );
    }
}

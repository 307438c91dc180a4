//! Server-sent events, read from whatever pieces the network gives.

use crate::error::ErrorClass;

/// Longest line that is buffered (images travel as base64 in one line).
const MAX_LINE: usize = 32 * 1024 * 1024;

/// One event: its name and its data lines joined by newlines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub name: String,
    pub data: String,
}

/// Cuts bytes into events. Takes `\n`, `\r\n` and `\r`, comments, a BOM, and pieces cut anywhere.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    after_cr: bool,
    started: bool,
    name: String,
    data: Vec<String>,
    ready: std::collections::VecDeque<Event>,
}

impl Decoder {
    /// Takes the next piece.
    ///
    /// # Errors
    /// When a line is longer than any honest one.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), ErrorClass> {
        let mut rest = piece;
        while !rest.is_empty() {
            if self.after_cr {
                self.after_cr = false;
                if let Some(after) = rest.strip_prefix(b"\n") {
                    rest = after;
                    continue;
                }
            }
            let end = rest.iter().position(|byte| *byte == b'\n' || *byte == b'\r');
            let (part, after) = match end {
                Some(end) => (rest.get(..end), rest.get(end..)),
                None => (Some(rest), None),
            };
            self.line.extend_from_slice(part.unwrap_or_default());
            if self.line.len() > MAX_LINE {
                return Err(ErrorClass::Garbage);
            }
            let Some(after) = after else { return Ok(()) };
            self.after_cr = after.first() == Some(&b'\r');
            rest = after.get(1..).unwrap_or_default();
            self.end_line();
        }
        Ok(())
    }

    /// Tells that nothing more comes: an event without its empty line still counts.
    pub fn finish(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.end_event();
    }

    /// The next complete event.
    pub fn next_event(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let mut text = String::from_utf8_lossy(&line);
        if !self.started {
            self.started = true;
            if let Some(rest) = text.strip_prefix('\u{feff}') {
                text = rest.to_owned().into();
            }
        }
        if text.is_empty() {
            self.end_event();
            return;
        }
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                // Compat: some servers forget the empty line between events; one JSON document is one event.
                let whole = self.data.len() == 1 && self.data.first().is_some_and(|first| is_document(first));
                if whole && is_document(value) {
                    self.end_event();
                }
                self.data.push(value.to_owned());
            }
            "event" => value.clone_into(&mut self.name),
            _ => {}
        }
    }

    fn end_event(&mut self) {
        let name = std::mem::take(&mut self.name);
        if !self.data.is_empty() {
            let data = std::mem::take(&mut self.data).join("\n");
            self.ready.push_back(Event { name, data });
        }
    }
}

fn is_document(text: &str) -> bool {
    text == "[DONE]" || (text.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<String> {
        let mut decoder = Decoder::default();
        for piece in pieces {
            decoder.push(piece).unwrap();
        }
        decoder.finish();
        std::iter::from_fn(|| decoder.next_event()).map(|event| event.data).collect()
    }

    #[test]
    fn line_ends_comments_and_cuts() {
        for (input, expected) in [
            ("data: {\"a\":1}\n\ndata: [DONE]\n\n", vec!["{\"a\":1}", "[DONE]"]),
            ("data: {\"a\":1}\r\n\r\ndata: {\"b\":2}\r\n\r\n", vec!["{\"a\":1}", "{\"b\":2}"]),
            ("data: x\r\rdata: y\r\r", vec!["x", "y"]),
            (": OPENROUTER PROCESSING\n\n: ping\n\ndata:x\n\n", vec!["x"]),
            ("\u{feff}data: x\n\n", vec!["x"]),
            ("event: e\nid: 1\nretry: 5\ndata: a\ndata: b\n\n", vec!["a\nb"]),
            ("data: last", vec!["last"]),
            ("garbage\n\nalso: garbage\ndata: x\n\n", vec!["x"]),
            ("data: {\"a\":1}\ndata: {\"b\":2}\ndata: [DONE]\n", vec!["{\"a\":1}", "{\"b\":2}", "[DONE]"]),
            ("data: 你好\n\n", vec!["你好"]),
        ] {
            assert_eq!(events(&[input.as_bytes()]), expected, "{input:?}");
            let bytes: Vec<&[u8]> = input.as_bytes().chunks(1).collect();
            assert_eq!(events(&bytes), expected, "byte by byte {input:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn cuts_do_not_change_the_events(lines in proptest::collection::vec("(data: ?)?[a-c{}\":\\[\\]\r ]{0,6}", 0..12), cut in 1_usize..7) {
            let text = lines.join("\n");
            let whole = events(&[text.as_bytes()]);
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(cut).collect();
            proptest::prop_assert_eq!(events(&pieces), whole);
        }
    }
}

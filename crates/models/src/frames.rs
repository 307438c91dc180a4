//! From bytes to events, in the three ways vendors cut their streams.

use std::collections::VecDeque;

use crate::sse::{self, Event};

/// Longest line or message that is buffered.
const MAX_FRAME: usize = 32 * 1024 * 1024;

/// How a stream is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Events,
    /// One JSON document on each line.
    Lines,
    /// Amazon's `application/vnd.amazon.eventstream`.
    Amazon,
}

/// Cuts bytes into events, whatever pieces the network gives.
pub enum Frames {
    Events(sse::Decoder),
    Lines(Lines),
    Amazon(Amazon),
}

impl Frames {
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::Events => Self::Events(sse::Decoder::default()),
            Framing::Lines => Self::Lines(Lines::default()),
            Framing::Amazon => Self::Amazon(Amazon::default()),
        }
    }

    /// Takes the next piece, or tells what is wrong with it.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), &'static str> {
        match self {
            Self::Events(decoder) => decoder.push(piece).map_err(|_| "the provider sent a line without end"),
            Self::Lines(lines) => lines.push(piece),
            Self::Amazon(amazon) => amazon.push(piece),
        }
    }

    /// Tells that nothing more comes.
    pub fn finish(&mut self) {
        match self {
            Self::Events(decoder) => decoder.finish(),
            Self::Lines(lines) => lines.end_line(),
            // A message that was cut off is no message.
            Self::Amazon(_) => {}
        }
    }

    /// The next complete event.
    pub fn next_event(&mut self) -> Option<Event> {
        match self {
            Self::Events(decoder) => decoder.next_event(),
            Self::Lines(lines) => lines.ready.pop_front(),
            Self::Amazon(amazon) => amazon.ready.pop_front(),
        }
    }
}

/// Newline-delimited JSON.
#[derive(Debug, Default)]
pub struct Lines {
    line: Vec<u8>,
    ready: VecDeque<Event>,
}

impl Lines {
    fn push(&mut self, piece: &[u8]) -> Result<(), &'static str> {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if self.line.len() > MAX_FRAME {
                return Err("the provider sent a line without end");
            }
            if part.last() == Some(&b'\n') {
                self.end_line();
            }
        }
        Ok(())
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_matches(['\r', '\n', ' ', '\t', '\u{feff}']);
        if !text.is_empty() {
            self.ready.push_back(Event { name: String::new(), data: text.to_owned() });
        }
    }
}

/// Messages of Amazon's event stream: lengths, a checksum, headers, payload, a checksum.
#[derive(Debug, Default)]
pub struct Amazon {
    buffer: Vec<u8>,
    ready: VecDeque<Event>,
}

const PRELUDE: usize = 12;
const BROKEN: &str = "a message of the event stream is broken";

impl Amazon {
    fn push(&mut self, piece: &[u8]) -> Result<(), &'static str> {
        self.buffer.extend_from_slice(piece);
        let mut taken = 0;
        while let Some(rest) = self.buffer.get(taken..).filter(|rest| rest.len() >= PRELUDE) {
            let total = number(rest, 0).ok_or(BROKEN)?;
            let head = rest.get(..8).ok_or(BROKEN)?;
            // Checked before the length is believed: bytes that are no message must not be waited for.
            if number(rest, 8) != Some(crc32(head) as usize) || !(PRELUDE + 4..=MAX_FRAME).contains(&total) {
                return Err(BROKEN);
            }
            let Some(message) = rest.get(..total) else { break };
            self.ready.push_back(read_message(message).ok_or(BROKEN)?);
            taken += total;
        }
        self.buffer.drain(..taken);
        Ok(())
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(bytes)).ok()
}

fn read_message(message: &[u8]) -> Option<Event> {
    let end = message.len().checked_sub(4)?;
    if number(message, end)? != crc32(message.get(..end)?) as usize {
        return None;
    }
    let headers = number(message, 4)?;
    let headers_end = PRELUDE.checked_add(headers).filter(|headers_end| *headers_end <= end)?;
    let mut headers = message.get(PRELUDE..headers_end)?;
    let (mut kind, mut exception) = (String::new(), None);
    while !headers.is_empty() {
        let (name, value, rest) = read_header(headers)?;
        match name {
            ":event-type" => value.unwrap_or_default().clone_into(&mut kind),
            ":exception-type" | ":error-code" => exception = value,
            _ => {}
        }
        headers = rest;
    }
    // An exception is told by its name, which no event has.
    let name = exception.map_or(kind, |exception| format!("exception:{exception}"));
    Some(Event { name, data: String::from_utf8_lossy(message.get(headers_end..end)?).into_owned() })
}

/// Name, value if it is text, and what follows.
fn read_header(bytes: &[u8]) -> Option<(&str, Option<&str>, &[u8])> {
    let length = usize::from(*bytes.first()?);
    let name = std::str::from_utf8(bytes.get(1..=length)?).ok()?;
    let (kind, rest) = bytes.get(1 + length..)?.split_first()?;
    let size = match kind {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        6 | 7 => {
            let size = usize::from(u16::from_be_bytes(rest.get(..2)?.try_into().ok()?));
            let value = rest.get(2..2 + size)?;
            let text = std::str::from_utf8(value).ok().filter(|_| *kind == 7);
            return Some((name, text, rest.get(2 + size..)?));
        }
        9 => 16,
        _ => return None,
    };
    Some((name, None, rest.get(size..)?))
}

/// The checksum of Ethernet and zip files.
pub fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    let mut crc = u32::MAX;
    for byte in bytes {
        let index = (crc ^ u32::from(*byte)) & 0xff;
        crc = TABLE.get(index as usize).copied().unwrap_or_default() ^ (crc >> 8);
    }
    !crc
}

#[expect(clippy::indexing_slicing, reason = "a table made by the compiler, which would refuse an index past its end")]
#[expect(clippy::cast_possible_truncation, reason = "the index is below 256")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let (mut value, mut bit) = (index as u32, 0);
        while bit < 8 {
            value = if value & 1 == 1 { 0xedb8_8320 ^ (value >> 1) } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
        let mut head = Vec::new();
        for (name, value) in headers {
            head.push(u8::try_from(name.len()).unwrap());
            head.extend_from_slice(name.as_bytes());
            head.push(7);
            head.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
            head.extend_from_slice(value.as_bytes());
        }
        let total = PRELUDE + head.len() + payload.len() + 4;
        let mut out = u32::try_from(total).unwrap().to_be_bytes().to_vec();
        out.extend_from_slice(&u32::try_from(head.len()).unwrap().to_be_bytes());
        out.extend_from_slice(&crc32(&out).to_be_bytes());
        out.extend_from_slice(&head);
        out.extend_from_slice(payload.as_bytes());
        out.extend_from_slice(&crc32(&out).to_be_bytes());
        out
    }

    fn events(framing: Framing, bytes: &[u8], cut: usize) -> Vec<(String, String)> {
        let mut frames = Frames::new(framing);
        for piece in bytes.chunks(cut) {
            frames.push(piece).unwrap();
        }
        frames.finish();
        std::iter::from_fn(|| frames.next_event()).map(|event| (event.name, event.data)).collect()
    }

    #[test]
    fn lines_cut_anywhere() {
        let text = "\u{feff}{\"a\":1}\r\n\n{\"b\":\"\u{4f60}\"}\n  {\"c\":3}";
        for cut in 1..=text.len() {
            let found: Vec<String> =
                events(Framing::Lines, text.as_bytes(), cut).into_iter().map(|(_, data)| data).collect();
            assert_eq!(found, ["{\"a\":1}", "{\"b\":\"\u{4f60}\"}", "{\"c\":3}"], "{cut}");
        }
    }

    #[test]
    fn amazon_messages_cut_anywhere() {
        // The check value of this checksum.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        let mut bytes = message(&[(":event-type", "messageStart"), (":content-type", "application/json")], "{}");
        bytes.extend(message(&[(":exception-type", "throttlingException")], "{\"message\":\"slow\"}"));
        for cut in 1..=bytes.len() {
            let found = events(Framing::Amazon, &bytes, cut);
            let expected = [("messageStart", "{}"), ("exception:throttlingException", "{\"message\":\"slow\"}")];
            let expected = expected.map(|(name, data)| (name.to_owned(), data.to_owned()));
            assert_eq!(found, expected, "{cut}");
        }
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            let mut amazon = Amazon::default();
            assert!(amazon.push(&broken).is_err(), "byte {at}");
        }
        assert!(Amazon::default().push(b"<html>a page instead</html>").is_err());
    }
}

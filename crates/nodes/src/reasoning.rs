//! Keeping a model's reasoning apart from its answer (engine reference §10.3).

use ox_models::ChatDelta;
use serde::Deserialize;

const OPEN: &str = "<think";
const CLOSE: &str = "</think>";
/// Longest attributes of an opening tag.
const MAX_ATTRIBUTES: usize = 512;

/// What happens with reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// It stays in the text, between tags.
    #[default]
    Tagged,
    /// It goes into `reasoning_content`.
    Separated,
}

/// A piece to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Reasoning(String),
    ReasoningEnd,
}

/// Splits an answer while it comes. A tag that is not complete yet is held back.
pub struct Splitter {
    format: Format,
    /// Everything, with native reasoning between tags.
    raw: String,
    /// Native reasoning of the provider, being written.
    in_native: bool,
    native: String,
    held: String,
    in_think: bool,
    shown_text: bool,
}

impl Splitter {
    pub const fn new(format: Format) -> Self {
        Self {
            format,
            raw: String::new(),
            in_native: false,
            native: String::new(),
            held: String::new(),
            in_think: false,
            shown_text: false,
        }
    }

    /// Takes a piece and tells what can be shown.
    pub fn push(&mut self, delta: &ChatDelta) -> Vec<Piece> {
        match self.format {
            Format::Tagged => self.push_tagged(delta),
            Format::Separated => self.push_separated(delta),
        }
    }

    fn push_tagged(&mut self, delta: &ChatDelta) -> Vec<Piece> {
        let mut piece = String::new();
        if !delta.reasoning.is_empty() {
            if !self.in_native {
                self.in_native = true;
                piece.push_str("<think>\n");
            }
            piece.push_str(&delta.reasoning);
        }
        if !delta.text.is_empty() {
            if self.in_native {
                self.in_native = false;
                piece.push_str("\n</think>");
            }
            piece.push_str(&delta.text);
        }
        if piece.is_empty() {
            return Vec::new();
        }
        self.raw.push_str(&piece);
        vec![Piece::Text(piece)]
    }

    fn push_separated(&mut self, delta: &ChatDelta) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if !delta.reasoning.is_empty() {
            self.in_native = true;
            self.native.push_str(&delta.reasoning);
            pieces.push(Piece::Reasoning(delta.reasoning.clone()));
        }
        if !delta.text.is_empty() {
            if self.in_native {
                self.in_native = false;
                pieces.push(Piece::ReasoningEnd);
            }
            self.raw.push_str(&delta.text);
            self.held.push_str(&delta.text);
            self.release(false, &mut pieces);
        }
        pieces
    }

    /// The answer is complete: what is held back is what it looks like.
    pub fn end(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if self.in_native {
            self.in_native = false;
            match self.format {
                Format::Tagged => {
                    self.raw.push_str("\n</think>");
                    pieces.push(Piece::Text("\n</think>".into()));
                }
                Format::Separated => pieces.push(Piece::ReasoningEnd),
            }
        }
        self.release(true, &mut pieces);
        if self.in_think {
            pieces.push(Piece::ReasoningEnd);
        }
        pieces
    }

    fn release(&mut self, is_end: bool, pieces: &mut Vec<Piece>) {
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_str();
        loop {
            let tag = if self.in_think { find_close(rest) } else { find_open(rest) };
            let (before, after) = match tag {
                Tag::At { start, end } => (rest.get(..start), rest.get(end..)),
                Tag::Maybe { start } if !is_end => (rest.get(..start), None),
                _ => (Some(rest), None),
            };
            let before = before.unwrap_or_default();
            self.show(before, pieces);
            let Some(after) = after else {
                self.held = rest.get(before.len()..).unwrap_or_default().to_owned();
                return;
            };
            if self.in_think {
                pieces.push(Piece::ReasoningEnd);
            }
            self.in_think = !self.in_think;
            rest = after;
        }
    }

    fn show(&mut self, text: &str, pieces: &mut Vec<Piece>) {
        if self.in_think {
            if !text.is_empty() {
                pieces.push(Piece::Reasoning(text.to_owned()));
            }
            return;
        }
        // Nothing but white space before the answer proper.
        let text = if self.shown_text { text } else { text.trim_start() };
        if !text.is_empty() {
            self.shown_text = true;
            pieces.push(Piece::Text(text.to_owned()));
        }
    }

    /// Everything the model wrote.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Text and reasoning of the whole answer.
    pub fn result(self) -> (String, String) {
        match self.format {
            Format::Tagged => (self.raw, String::new()),
            Format::Separated => {
                let (text, reasoning) = split(&self.raw);
                let native = self.native.trim();
                let all: Vec<&str> = [native, &reasoning].into_iter().filter(|part| !part.is_empty()).collect();
                (text, all.join("\n"))
            }
        }
    }
}

/// Takes the reasoning out of a whole text.
pub fn split(text: &str) -> (String, String) {
    let mut out = String::new();
    let mut thoughts = Vec::new();
    let mut rest = text;
    while let Tag::At { start, end } = find_open(rest) {
        out.push_str(rest.get(..start).unwrap_or_default());
        let inside = rest.get(end..).unwrap_or_default();
        let (thought, after) = match find_close(inside) {
            Tag::At { start, end } => (inside.get(..start), inside.get(end..)),
            _ => (Some(inside), None),
        };
        let thought = thought.unwrap_or_default().trim();
        if !thought.is_empty() {
            thoughts.push(thought.to_owned());
        }
        rest = after.unwrap_or_default();
    }
    out.push_str(rest);
    (collapse_blank_lines(out.trim()), thoughts.join("\n"))
}

/// Runs of blank lines become one.
fn collapse_blank_lines(text: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    for line in text.split('\n') {
        let both_blank = line.trim().is_empty() && out.last().is_some_and(|last| last.is_empty());
        if !both_blank {
            out.push(if line.trim().is_empty() { "" } else { line });
        }
    }
    out.join("\n")
}

/// What was found of a tag.
enum Tag {
    At {
        start: usize,
        end: usize,
    },
    /// What begins here can still become one.
    Maybe {
        start: usize,
    },
    No,
}

fn starts_with_ignoring_case(text: &str, tag: &str) -> bool {
    text.get(..tag.len()).is_some_and(|head| head.eq_ignore_ascii_case(tag))
}

/// Whether the text is a beginning of the tag.
fn begins(text: &str, tag: &str) -> bool {
    tag.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text))
}

fn find_open(text: &str) -> Tag {
    for (start, _) in text.match_indices('<') {
        let rest = text.get(start..).unwrap_or_default();
        if begins(rest, OPEN) {
            return Tag::Maybe { start };
        }
        if !starts_with_ignoring_case(rest, OPEN) {
            continue;
        }
        let attributes = rest.get(OPEN.len()..).unwrap_or_default();
        if !attributes.starts_with(|next: char| next == '>' || next.is_whitespace()) {
            continue;
        }
        match attributes.find('>') {
            Some(length) if length <= MAX_ATTRIBUTES => {
                return Tag::At { start, end: start + OPEN.len() + length + 1 };
            }
            None if attributes.len() <= MAX_ATTRIBUTES => return Tag::Maybe { start },
            _ => {}
        }
    }
    Tag::No
}

fn find_close(text: &str) -> Tag {
    for (start, _) in text.match_indices('<') {
        let rest = text.get(start..).unwrap_or_default();
        if starts_with_ignoring_case(rest, CLOSE) {
            return Tag::At { start, end: start + CLOSE.len() };
        }
        if begins(rest, CLOSE) {
            return Tag::Maybe { start };
        }
    }
    Tag::No
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_texts() {
        for (text, answer, reasoning) in [
            ("plain", "plain", ""),
            ("<think>a</think>b", "b", "a"),
            ("<THINK id=\"1\">\n a \n</Think>\n\nb", "b", "a"),
            ("x<think>a</think>y<think>b</think>z", "xyz", "a\nb"),
            ("<think>never closed", "", "never closed"),
            ("<thinking>no</thinking>", "<thinking>no</thinking>", ""),
            ("a\n\n\n\nb", "a\n\nb", ""),
            ("<think></think>", "", ""),
            ("a < b <think", "a < b <think", ""),
        ] {
            assert_eq!(split(text), (answer.to_owned(), reasoning.to_owned()), "{text}");
        }
    }

    fn run(format: Format, deltas: &[(&str, &str)]) -> (Vec<Piece>, (String, String)) {
        let mut splitter = Splitter::new(format);
        let mut pieces = Vec::new();
        for (reasoning, text) in deltas {
            let delta = ChatDelta { text: (*text).into(), reasoning: (*reasoning).into(), ..ChatDelta::default() };
            pieces.extend(splitter.push(&delta));
        }
        pieces.extend(splitter.end());
        (pieces, splitter.result())
    }

    fn joined(pieces: &[Piece]) -> (String, String) {
        let mut both = (String::new(), String::new());
        for piece in pieces {
            match piece {
                Piece::Text(text) => both.0.push_str(text),
                Piece::Reasoning(text) => both.1.push_str(text),
                Piece::ReasoningEnd => both.1.push('|'),
            }
        }
        both
    }

    #[test]
    fn live_pieces() {
        let (pieces, result) = run(Format::Tagged, &[("why", ""), ("", "an"), ("", "swer")]);
        assert_eq!(joined(&pieces).0, "<think>\nwhy\n</think>answer");
        assert_eq!(result, ("<think>\nwhy\n</think>answer".into(), String::new()));

        let (pieces, result) = run(Format::Separated, &[("why", ""), ("", "an"), ("", "swer")]);
        assert_eq!(joined(&pieces), ("answer".into(), "why|".into()));
        assert_eq!(result, ("answer".into(), "why".into()));

        let tags = [("", "<th"), ("", "ink>wh"), ("", "y</thi"), ("", "nk>\n\n"), ("", "ans"), ("", "wer <b")];
        let (pieces, result) = run(Format::Separated, &tags);
        assert_eq!(joined(&pieces), ("answer <b".into(), "why|".into()));
        assert_eq!(result, ("answer <b".into(), "why".into()));

        let (pieces, _) = run(Format::Tagged, &[("", "a"), ("", ""), ("", "b")]);
        assert_eq!(pieces, [Piece::Text("a".into()), Piece::Text("b".into())]);
    }

    proptest! {
        #[test]
        fn live_and_whole_agree(parts in proptest::collection::vec("(<think>|</think>|<|think|>|[a-c é]){0,6}", 0..8)) {
            let deltas: Vec<(&str, &str)> = parts.iter().map(|part| ("", part.as_str())).collect();
            let (pieces, (text, _)) = run(Format::Separated, &deltas);
            let shown = joined(&pieces).0;
            prop_assert_eq!(shown.trim(), text);
        }
    }
}

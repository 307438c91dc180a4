//! New inputs from old ones.

use serde_json::Value as Json;

use crate::targets::Shape;

const MAX_INPUT: usize = 64 * 1024;
/// Larger ones are tried, but nothing is made of them.
pub const MAX_KEPT: usize = 12 * 1024;
const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "1e400",
    "-0.0",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1e-400",
    "NaN",
    "0x7f",
    "1_000",
    "٣",
    "2147483648",
    "999999999999999999999999999999",
];
const COMMON: &[&str] = &[
    "",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\u{feff}",
    "\u{202e}",
    "\u{1f600}",
    "é",
    "ẞ",
    "İ",
    "{{",
    "}}",
    "{%",
    "%}",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "\\",
    ":",
    ": ",
    "- ",
    "&a",
    "*a",
    "<<: ",
    "|",
    ">",
    "!!binary ",
    "null",
    "true",
    "~",
    "#",
    ",",
    "{}",
    "[]",
];

/// An input that behaved in a way of its own.
pub struct Entry {
    pub bytes: Vec<u8>,
    /// What it says, where inputs are documents.
    pub tree: Option<Json>,
}

impl Entry {
    pub fn new(bytes: Vec<u8>, shape: Shape) -> Self {
        let tree = match shape {
            Shape::Text => None,
            Shape::Json => serde_json::from_slice(&bytes).ok(),
            Shape::Yaml => std::str::from_utf8(&bytes).ok().and_then(|text| ox_text::yaml::parse(text).ok()),
        };
        Self { bytes, tree: tree.filter(|tree: &Json| tree.is_object() || tree.is_array()) }
    }
}

/// Changes inputs at random, the same way for the same seed.
pub struct Mutator {
    state: u64,
    words: &'static [&'static str],
}

impl Mutator {
    pub const fn new(seed: u64, words: &'static [&'static str]) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, words }
    }

    fn random(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { usize::try_from(self.random() >> 11).unwrap_or(0) % limit }
    }

    fn pick(&mut self, list: &'static [&'static str]) -> Option<&'static str> {
        let at = self.below(list.len());
        list.get(at).copied()
    }

    /// A changed copy of something in the corpus.
    pub fn next(&mut self, corpus: &[Entry], shape: Shape) -> Vec<u8> {
        // Newer finds are more interesting than seeds.
        let mut pick = || {
            let at = if self.below(2) == 0 {
                self.below(corpus.len())
            } else {
                corpus.len() - 1 - self.below(corpus.len().min(64))
            };
            corpus.get(at)
        };
        // Small ones are tried more often in the same time.
        let Some(entry) = [pick(), pick()].into_iter().flatten().min_by_key(|entry| entry.bytes.len()) else {
            return Vec::new();
        };
        if let Some(tree) = &entry.tree
            && self.below(10) < 7
            && let Some(input) = self.next_tree(tree, corpus, shape)
        {
            return input;
        }
        let mut input = entry.bytes.clone();
        for _ in 0..=self.below(5) {
            let other = self.below(corpus.len());
            self.change(&mut input, corpus.get(other).map_or(&[], |other| &other.bytes));
        }
        input.truncate(MAX_INPUT);
        input
    }

    fn next_tree(&mut self, tree: &Json, corpus: &[Entry], shape: Shape) -> Option<Vec<u8>> {
        let mut tree = tree.clone();
        for _ in 0..=self.below(4) {
            let other = self.below(corpus.len());
            let other = corpus.get(other).and_then(|other| other.tree.as_ref()).unwrap_or(&Json::Null);
            self.change_tree(&mut tree, other);
        }
        let text = match shape {
            Shape::Text => return None,
            Shape::Yaml if self.below(4) > 0 => ox_text::yaml::write(&tree).ok()?,
            Shape::Yaml | Shape::Json => tree.to_string(),
        };
        (text.len() <= 2 * MAX_INPUT).then(|| text.into_bytes())
    }

    pub fn number(&mut self) -> &'static str {
        self.pick(NUMBERS).unwrap_or_default()
    }

    /// A word of the target, seldom one of all targets.
    pub fn any_word(&mut self) -> &'static str {
        let list = if self.below(4) == 0 { COMMON } else { self.words };
        self.pick(list).unwrap_or_default()
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let most = if self.below(4) == 0 { length } else { 32 };
        start..(start + self.below(most + 1)).min(length)
    }

    pub fn change(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(input.len() + 1);
        match self.below(11) {
            0 => {
                let bit = self.below(8);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            1 => {
                let value = u8::try_from(self.below(256)).unwrap_or(0);
                input.insert(at, value);
            }
            2 | 3 => {
                let word = self.pick(self.words).unwrap_or_default();
                input.splice(at..at, word.bytes());
            }
            4 => {
                let word = self.pick(COMMON).unwrap_or_default();
                input.splice(at..at, word.bytes());
            }
            5 => {
                let range = self.range(input.len());
                input.drain(range);
            }
            6 => {
                let range = self.range(input.len());
                let piece = input.get(range).unwrap_or_default().to_vec();
                let times = if self.below(30) == 0 { 1 + self.below(2000) } else { 1 + self.below(4) };
                let times = times.min(MAX_INPUT / piece.len().max(1));
                input.splice(at..at, piece.repeat(times));
            }
            7 => {
                let range = self.range(other.len());
                let gone = self.range(input.len());
                input.splice(gone, other.get(range).unwrap_or_default().iter().copied());
            }
            8 => self.change_line(input, other),
            9 => self.change_number(input, at),
            _ => self.nest(input, at),
        }
    }

    fn change_line(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let mut lines: Vec<Vec<u8>> = input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let theirs: Vec<&[u8]> = other.split(|byte| *byte == b'\n').collect();
        let (at, from) = (self.below(lines.len()), self.below(theirs.len()));
        let line = theirs.get(from).copied().unwrap_or_default().to_vec();
        let last = lines.len() - 1;
        match self.below(4) {
            0 => lines.insert(at, line),
            1 => drop(lines.remove(at)),
            2 => lines.swap(at, from.min(last)),
            _ => {
                let indent = vec![b' '; self.below(12)];
                if let Some(line) = lines.get_mut(at) {
                    *line = [indent, line.trim_ascii_start().to_vec()].concat();
                }
            }
        }
        *input = lines.join(&b'\n');
    }

    fn change_number(&mut self, input: &mut Vec<u8>, from: usize) {
        let digits = |byte: &u8| byte.is_ascii_digit();
        let Some(start) = input.get(from..).and_then(|rest| rest.iter().position(digits)).map(|at| from + at) else {
            return;
        };
        let length = input.get(start..).map_or(0, |rest| rest.iter().take_while(|byte| digits(byte)).count());
        let number = self.pick(NUMBERS).unwrap_or_default();
        input.splice(start..start + length, number.bytes());
    }

    fn nest(&mut self, input: &mut Vec<u8>, at: usize) {
        let pairs = [
            ("[", "]"),
            ("{\"a\":", "}"),
            ("{{", "}}"),
            ("(", ")"),
            ("- ", ""),
            ("not ", ""),
            ("{a: ", "}"),
            ("-", ""),
        ];
        let pick = self.below(pairs.len());
        let Some((open, close)) = pairs.get(pick) else { return };
        let depth = if self.below(30) == 0 { 10_000 } else { 1 + self.below(300) };
        input.splice(at..at, [open.repeat(depth), close.repeat(depth)].concat().bytes());
    }
}

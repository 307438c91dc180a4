//! The separators of a rule: literal texts with escapes.

use regex::{Regex, RegexBuilder};

/// Room for the search of all separators at once.
const SEARCH_SIZE: usize = 64 * 1024 * 1024;

/// What a text is split at.
pub enum Separators {
    One(String),
    /// All of them at once, the longest first.
    Many(Regex),
}

impl Separators {
    pub fn new(written: &[String]) -> Self {
        let mut literal: Vec<String> =
            written.iter().map(|text| unescape(text)).filter(|text| !text.is_empty()).collect();
        literal.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let first = literal.first().cloned().unwrap_or_default();
        if literal.len() < 2 {
            return Self::One(first);
        }
        let pattern: Vec<String> = literal.iter().map(|text| regex::escape(text)).collect();
        let search = RegexBuilder::new(&pattern.join("|")).size_limit(SEARCH_SIZE).build();
        search.map_or(Self::One(first), Self::Many)
    }

    /// The pieces between separators and where they begin; the separators are gone.
    pub fn each(&self, text: &str, take: &mut dyn FnMut(usize, &str)) {
        let mut from = 0;
        let mut cut = |at: usize, length: usize| {
            take(from, text.get(from..at).unwrap_or_default());
            from = at + length;
        };
        match self {
            Self::One(separator) if separator.is_empty() => {}
            Self::One(separator) => text.match_indices(separator.as_str()).for_each(|(at, found)| cut(at, found.len())),
            Self::Many(search) => search.find_iter(text).for_each(|found| cut(found.start(), found.len())),
        }
        take(from, text.get(from..).unwrap_or_default());
    }
}

/// A separator as it is typed: `\n` and its kin are what they stand for, an unknown escape stays as it is.
pub fn unescape(written: &str) -> String {
    let mut out = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at).unwrap_or_default());
        let after = rest.get(at + 1..).unwrap_or_default();
        let (text, length) = escape(after).unwrap_or(('\\', 0));
        out.push(text);
        rest = after.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The character that an escape stands for, and how long the escape is without its backslash.
fn escape(after: &str) -> Option<(char, usize)> {
    let simple = |character| Some((character, 1));
    let code = |digits: usize| {
        let text = after.get(1..1 + digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        Some((char::from_u32(u32::from_str_radix(text, 16).ok()?)?, 1 + digits))
    };
    match after.chars().next()? {
        'n' => simple('\n'),
        't' => simple('\t'),
        'r' => simple('\r'),
        'f' => simple('\x0c'),
        'v' => simple('\x0b'),
        'a' => simple('\x07'),
        'b' => simple('\x08'),
        quoted @ ('\\' | '\'' | '"') => simple(quoted),
        'x' => code(2),
        'u' => code(4),
        'U' => code(8),
        '0'..='7' => {
            let length = after.bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            Some((char::from_u32(u32::from_str_radix(after.get(..length)?, 8).ok()?)?, length))
        }
        _ => None,
    }
}

//! Cutting a text into words, whatever scripts it mixes.
//!
//! Scripts with spaces give words. `E-1042`, `foo_bar` and `state-of-the-art` give their parts and the whole.
//! Scripts without spaces (and Korean, whose words carry their particles) give every pair of neighbours; single
//! characters are kept apart from the pairs, for questions of one character.

use std::ops::Range;

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use super::{fold::fold, stop};

/// Longer words are cut: what is asked is cut at the same place.
const WORD: usize = 100;
/// More parts than this are a sentence or a path, not one name.
const PARTS: usize = 8;

/// What of a text is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Words and pairs of characters.
    Words,
    /// Stop words alone.
    Common,
    /// Every character of scripts without spaces.
    Characters,
    /// Characters of such scripts that have no neighbour to make a pair with.
    Lone,
}

#[derive(Clone)]
pub(super) struct Segmenter {
    part: Part,
    chars: Vec<char>,
    /// The terms of the current text, one after the other.
    text: String,
    ends: Vec<usize>,
    token: Token,
}

impl Segmenter {
    pub(super) fn new(part: Part) -> Self {
        Self { part, chars: Vec::new(), text: String::new(), ends: Vec::new(), token: Token::default() }
    }

    fn end(&mut self) {
        if self.text.len() > self.ends.last().copied().unwrap_or(0) {
            self.ends.push(self.text.len());
        }
    }

    fn cut(&mut self, text: &str) {
        self.text.clear();
        self.ends.clear();
        let mut chars = std::mem::take(&mut self.chars);
        chars.clear();
        fold(text, &mut chars);
        let mut at = 0;
        while let Some(c) = chars.get(at) {
            let from = at;
            match class(*c) {
                Class::Wide => {
                    at = run(&chars, at, Class::Wide);
                    self.wide(chars.get(from..at).unwrap_or_default());
                }
                Class::Word => at = self.name(&chars, at),
                Class::Other => at += 1,
            }
        }
        self.chars = chars;
    }

    fn wide(&mut self, run: &[char]) {
        match self.part {
            Part::Words => {
                for pair in run.windows(2) {
                    self.text.extend(pair);
                    self.end();
                }
            }
            Part::Characters => self.singles(run),
            Part::Lone if run.len() == 1 => self.singles(run),
            Part::Lone | Part::Common => {}
        }
    }

    fn singles(&mut self, run: &[char]) {
        for c in run {
            self.text.push(*c);
            self.end();
        }
    }

    /// A word, or several that one sign each holds together; answers where it ends.
    fn name(&mut self, chars: &[char], from: usize) -> usize {
        let mut parts: Vec<Range<usize>> = Vec::new();
        let mut at = from;
        let mut apostrophe = false;
        loop {
            let end = run(chars, at, Class::Word);
            parts.push(at..end);
            at = end;
            let next = chars.get(at + 1).is_some_and(|c| class(*c) == Class::Word);
            match chars.get(at) {
                Some(sign) if next && is_joiner(*sign) => {
                    apostrophe |= *sign == '\'';
                    at += 1;
                }
                _ => break,
            }
        }
        let suffix = suffix(chars, at);
        match self.part {
            Part::Words => self.names(chars, &mut parts, apostrophe, suffix.clone()),
            Part::Common => {
                for part in parts {
                    let start = self.text.len();
                    self.word(chars, part);
                    if !self.text.get(start..).is_some_and(stop::is_stop) {
                        self.text.truncate(start);
                    }
                    self.end();
                }
            }
            Part::Characters | Part::Lone => {}
        }
        suffix.end
    }

    fn names(&mut self, chars: &[char], parts: &mut Vec<Range<usize>>, apostrophe: bool, suffix: Range<usize>) {
        if apostrophe && parts.len() > 1 && parts.last().is_some_and(|last| is_ending(chars, last)) {
            parts.pop();
        }
        for part in parts.iter() {
            self.word(chars, part.clone());
            self.end();
        }
        if let (Some(last), false) = (parts.last(), suffix.is_empty()) {
            self.word(chars, last.clone());
            self.text.extend(chars.get(suffix).unwrap_or_default());
            self.end();
        }
        if (2..=PARTS).contains(&parts.len()) {
            let letters = parts
                .iter()
                .any(|part| chars.get(part.clone()).is_some_and(|part| part.iter().any(|c| c.is_alphabetic())));
            let start = self.text.len();
            for (index, part) in parts.iter().enumerate() {
                if index > 0 && !letters {
                    self.text.push('.');
                }
                self.word(chars, part.clone());
            }
            shorten(&mut self.text, start);
            self.end();
        }
    }

    fn word(&mut self, chars: &[char], part: Range<usize>) {
        let start = self.text.len();
        for c in chars.get(part).unwrap_or_default().iter().take(WORD) {
            if c.is_ascii() {
                self.text.push(c.to_ascii_lowercase());
            } else {
                // The dot that a small letter gets from `İ` is a mark.
                self.text.extend(c.to_lowercase().filter(|c| *c != '\u{307}'));
            }
        }
        shorten(&mut self.text, start);
    }
}

fn shorten(text: &mut String, start: usize) {
    if let Some((cut, _)) = text.get(start..).and_then(|word| word.char_indices().nth(WORD)) {
        text.truncate(start + cut);
    }
}

impl Tokenizer for Segmenter {
    type TokenStream<'a> = Segments<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Segments<'a> {
        self.cut(text);
        self.token.reset();
        Segments { text: &self.text, ends: &self.ends, token: &mut self.token, next: 0, from: 0 }
    }
}

pub(super) struct Segments<'a> {
    text: &'a str,
    ends: &'a [usize],
    token: &'a mut Token,
    next: usize,
    from: usize,
}

impl TokenStream for Segments<'_> {
    fn advance(&mut self) -> bool {
        let Some(end) = self.ends.get(self.next) else { return false };
        self.token.text.clear();
        self.token.text.push_str(self.text.get(self.from..*end).unwrap_or_default());
        self.token.position = self.next;
        self.token.offset_from = self.from;
        self.token.offset_to = *end;
        self.next += 1;
        self.from = *end;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Wide,
    Other,
}

fn class(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Class::Word } else { Class::Other };
    }
    match c {
        '\u{E00}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' if c.is_alphanumeric() => Class::Wide,
        // Signs of sound that no word of Thai, Lao, Burmese or Khmer is without.
        '\u{E47}'..='\u{E4E}'
        | '\u{EC8}'..='\u{ECD}'
        | '\u{1037}'
        | '\u{1039}'..='\u{103A}'
        | '\u{17C6}'..='\u{17D3}' => Class::Wide,
        '\u{30FB}' | '\u{30A0}' => Class::Other,
        '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{1100}'..='\u{11FF}'
        | '\u{AC00}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFD}' => Class::Wide,
        c if c.is_alphanumeric() => Class::Word,
        _ => Class::Other,
    }
}

fn run(chars: &[char], from: usize, of: Class) -> usize {
    let length = chars.get(from..).unwrap_or_default().iter().take_while(|c| class(**c) == of).count();
    from + length
}

fn is_joiner(c: char) -> bool {
    matches!(c, '-' | '_' | '.' | '/' | ':' | '@' | '#' | '\'' | '+' | '&' | '~')
}

/// `'s`, `'t`, `'ll` and their like.
fn is_ending(chars: &[char], part: &Range<usize>) -> bool {
    let part: String = chars.get(part.clone()).unwrap_or_default().iter().map(char::to_ascii_lowercase).collect();
    matches!(part.as_str(), "s" | "t" | "d" | "m" | "ll" | "re" | "ve")
}

/// `++` of C++, `#` of C#.
fn suffix(chars: &[char], at: usize) -> Range<usize> {
    let signs = chars.get(at..).unwrap_or_default().iter().take_while(|c| matches!(c, '+' | '#')).count();
    let end = at + signs;
    if signs <= 2 && chars.get(end).is_none_or(|c| class(*c) != Class::Word) { at..end } else { at..at }
}

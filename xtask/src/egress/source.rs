//! What of a source file is shipped: comments, texts and tests taken out.

use std::{fs, path::Path};

/// The code of a file, each character with its line; no whitespace around `::`.
pub struct Shipped {
    text: Vec<char>,
    lines: Vec<usize>,
}

impl Shipped {
    /// The lines on which a name begins.
    pub fn lines_with(&self, name: &str) -> Vec<usize> {
        let wanted: Vec<char> = name.chars().collect();
        let part_of_name = |character: Option<&char>| character.is_some_and(|c| c.is_alphanumeric() || *c == '_');
        let mut found = Vec::new();
        for (at, window) in self.text.windows(wanted.len().max(1)).enumerate() {
            if window != wanted.as_slice() {
                continue;
            }
            let before = at.checked_sub(1).and_then(|before| self.text.get(before));
            let after = self.text.get(at + wanted.len());
            let cut = part_of_name(before) && part_of_name(wanted.first())
                || part_of_name(after) && part_of_name(wanted.last()) && !name.ends_with("exec");
            if let Some(line) = self.lines.get(at).filter(|line| !cut && !found.contains(*line)) {
                found.push(*line);
            }
        }
        found
    }
}

/// Reads a file's text.
pub fn shipped(text: &str) -> Shipped {
    let mut code: Vec<char> = blanked(text);
    without_tests(&mut code);
    let (mut out, mut lines, mut line) = (Vec::new(), Vec::new(), 1);
    let mut at = 0;
    while let Some(character) = code.get(at).copied() {
        let is_break = character == '\n';
        if character.is_whitespace() {
            let next =
                code.get(at..).and_then(|rest| rest.iter().position(|c| !c.is_whitespace())).map(|skip| at + skip);
            let before_path = next.is_some_and(|next| code.get(next..next + 2) == Some(&[':', ':']));
            let after_path = out.ends_with(&[':', ':']);
            if !before_path && !after_path {
                out.push(if is_break { '\n' } else { ' ' });
                lines.push(line);
            }
        } else {
            out.push(character);
            lines.push(line);
        }
        line += usize::from(is_break);
        at += 1;
    }
    Shipped { text: out, lines }
}

/// The text with comments, strings and character literals made of blanks; line breaks stay.
fn blanked(text: &str) -> Vec<char> {
    let source: Vec<char> = text.chars().collect();
    let mut out = source.clone();
    let mut at = 0;
    while at < source.len() {
        let end = literal_end(&source, at);
        match end {
            Some(end) => {
                for place in out.get_mut(at..end.min(source.len())).into_iter().flatten() {
                    if *place != '\n' {
                        *place = ' ';
                    }
                }
                at = end.max(at + 1);
            }
            None => at += 1,
        }
    }
    out
}

/// Where the comment, string or character that begins here ends.
fn literal_end(source: &[char], at: usize) -> Option<usize> {
    let rest = source.get(at..)?;
    let find = |from: usize, what: &[char]| {
        let found = rest.get(from..)?.windows(what.len()).position(|window| window == what)?;
        Some(at + from + found + what.len())
    };
    let whole = source.len();
    match rest {
        ['/', '/', ..] => Some(find(2, &['\n']).map_or(whole, |end| end - 1)),
        ['/', '*', ..] => Some(find(2, &['*', '/']).unwrap_or(whole)),
        ['r', ..] if !name_before(source, at) => {
            let hashes = rest.iter().skip(1).take_while(|c| **c == '#').count();
            if rest.get(1 + hashes) != Some(&'"') {
                return None;
            }
            let mut end = vec!['"'];
            end.extend(std::iter::repeat_n('#', hashes));
            Some(find(2 + hashes, &end).unwrap_or(whole))
        }
        ['"', ..] => {
            let mut place = 1;
            while let Some(character) = rest.get(place) {
                match character {
                    '\\' => place += 2,
                    '"' => return Some(at + place + 1),
                    _ => place += 1,
                }
            }
            Some(whole)
        }
        ['\'', '\\', _, more @ ..] => {
            let close = more.iter().take(10).position(|c| *c == '\'')?;
            Some(at + 3 + close + 1)
        }
        ['\'', _, '\'', ..] => Some(at + 3),
        _ => None,
    }
}

fn name_before(source: &[char], at: usize) -> bool {
    at.checked_sub(1).and_then(|before| source.get(before)).is_some_and(|c| c.is_alphanumeric() || *c == '_')
}

/// Blanks every item that only tests have.
fn without_tests(code: &mut [char]) {
    let mark: Vec<char> = "#[cfg(test)]".chars().collect();
    let mut from = 0;
    while let Some(found) = code.get(from..).and_then(|rest| rest.windows(mark.len()).position(|w| w == mark)) {
        let start = from + found;
        let mut at = start + mark.len();
        // To the end of the item: a semicolon, or the brace that closes its body.
        let (mut depth, mut brackets) = (0_usize, 0_usize);
        while let Some(character) = code.get(at) {
            at += 1;
            match character {
                '[' | '(' => brackets += 1,
                ']' | ')' => brackets = brackets.saturating_sub(1),
                '{' => depth += 1,
                '}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                ';' if depth == 0 && brackets == 0 => break,
                _ => {}
            }
        }
        for place in code.get_mut(start..at).into_iter().flatten() {
            if *place != '\n' {
                *place = ' ';
            }
        }
        from = at;
    }
}

/// Whether a file is a module that only tests have: it, or one it lies in, is declared so.
pub fn is_test(file: &Path) -> bool {
    let (Some(folder), Some(stem)) = (file.parent(), file.file_stem().and_then(|stem| stem.to_str())) else {
        return false;
    };
    if folder.file_name().is_some_and(|name| name == "src") {
        return ["lib.rs", "main.rs"].iter().any(|root| declares_test(&folder.join(root), stem));
    }
    let parent = folder.with_extension("rs");
    declares_test(&parent, stem) || parent.exists() && is_test(&parent)
}

fn declares_test(file: &Path, module: &str) -> bool {
    let Ok(text) = fs::read_to_string(file) else { return false };
    let mut words = text.split_whitespace().peekable();
    let mut is_test = false;
    while let Some(word) = words.next() {
        match word {
            "#[cfg(test)]" => is_test = true,
            "pub" | "pub(crate)" | "pub(super)" => {}
            "mod" => {
                if is_test && words.peek().is_some_and(|name| name.trim_end_matches(';') == module) {
                    return true;
                }
                is_test = false;
            }
            word if word.starts_with("#[") => {}
            _ => is_test = false,
        }
    }
    false
}

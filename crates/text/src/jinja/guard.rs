//! Keeps templates from overflowing the stack: the template machine recurses over long chains of
//! operators, over `elif` chains, and over nested values, none of which it limits itself.

/// Operators that may follow one another in an expression, those around it included.
const MAX_CHAIN: usize = 300;
/// `elif` branches that may be open at once.
const MAX_BRANCHES: usize = 200;
/// Templates up to this length cannot nest values deeply by repeating a statement.
const LIGHT_BYTES: usize = 4_096;
/// Ways to come back to a value again and again while rendering.
const HEAVY_WORDS: [&str; 4] = ["namespace", "macro", "recursive", "call"];
/// What rendering a heavy template may nest and still be taken apart again.
const HEAVY_STACK_BYTES: usize = 256 << 20;
/// Steps of a heavy template: each level of nesting takes at least five.
pub const HEAVY_FUEL: u64 = 400_000;

/// Whether a template can build deeply nested values.
pub fn is_heavy(source: &str) -> bool {
    source.len() > LIGHT_BYTES || HEAVY_WORDS.iter().any(|word| source.contains(word))
}

/// Runs work on a stack that holds whatever a heavy template builds.
pub fn with_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("template".into()).stack_size(HEAVY_STACK_BYTES);
        let thread = thread.spawn_scoped(scope, work).map_err(|error| format!("no thread to render with: {error}"))?;
        thread.join().map_err(|_| "the template machine failed on this template".to_owned())
    })
}

/// Checks the chains in a template; the error is the line of the first that is too long.
pub fn check(source: &str) -> Result<(), usize> {
    let mut scanner = Scanner { bytes: source.as_bytes(), at: 0, branches: Vec::new() };
    if scanner.run() { Ok(()) } else { Err(scanner.bytes.iter().take(scanner.at).filter(|b| **b == b'\n').count() + 1) }
}

/// Follows the template machine's own reading of tags, strings, comments and raw blocks. Where a
/// template is not well-formed it may stop: the machine stops there too.
struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Count of `elif` of each open `if`.
    branches: Vec<usize>,
}

impl Scanner<'_> {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn find(&self, needle: &[u8]) -> Option<usize> {
        self.rest().windows(needle.len()).position(|window| window == needle).map(|found| self.at + found)
    }

    /// False when a chain is too long.
    fn run(&mut self) -> bool {
        while let Some(open) = self.rest().iter().position(|byte| *byte == b'{').map(|found| self.at + found) {
            let kind = self.bytes.get(open + 1).copied();
            self.at = open + 1;
            match kind {
                Some(b'#') => match self.find(b"#}") {
                    Some(end) => self.at = end + 2,
                    None => return true,
                },
                Some(b'{') => {
                    self.at = open + 2;
                    if !self.code(b"}}") {
                        return false;
                    }
                }
                Some(b'%') => {
                    self.at = open + 2;
                    if let Some(after) = self.basic_tag(self.at, b"raw") {
                        self.at = after;
                        self.skip_raw();
                    } else if !self.statement() {
                        return false;
                    }
                }
                _ => {}
            }
        }
        true
    }

    /// The place after a tag that holds only this word, when it begins here.
    fn basic_tag(&self, from: usize, word: &[u8]) -> Option<usize> {
        let mut at = from;
        let skip_white = |at: &mut usize| {
            while self.bytes.get(*at).is_some_and(u8::is_ascii_whitespace) {
                *at += 1
            }
        };
        if matches!(self.bytes.get(at), Some(b'-' | b'+')) {
            at += 1;
        }
        skip_white(&mut at);
        if !self.bytes.get(at..)?.starts_with(word) {
            return None;
        }
        at += word.len();
        skip_white(&mut at);
        if matches!(self.bytes.get(at), Some(b'-' | b'+')) {
            at += 1;
        }
        self.bytes.get(at..)?.starts_with(b"%}").then_some(at + 2)
    }

    fn skip_raw(&mut self) {
        while let Some(open) = self.find(b"{%") {
            self.at = open + 2;
            if let Some(after) = self.basic_tag(self.at, b"endraw") {
                self.at = after;
                return;
            }
        }
        self.at = self.bytes.len();
    }

    fn statement(&mut self) -> bool {
        let start = self.rest().iter().take_while(|b| b.is_ascii_whitespace() || matches!(b, b'-' | b'+')).count();
        let word: Vec<u8> = self.rest().iter().skip(start).take_while(|b| b.is_ascii_alphanumeric()).copied().collect();
        match word.as_slice() {
            b"if" => self.branches.push(0),
            b"endif" => {
                self.branches.pop();
            }
            b"elif" => {
                if let Some(count) = self.branches.last_mut() {
                    *count += 1;
                }
                if self.branches.iter().sum::<usize>() > MAX_BRANCHES {
                    return false;
                }
            }
            _ => {}
        }
        self.code(b"%}")
    }

    /// Reads to the end of a tag. `chain` counts the operators at this level of brackets, those of
    /// the levels around it included.
    fn code(&mut self, end: &[u8]) -> bool {
        let mut chain = 0;
        let mut levels: Vec<(usize, usize)> = Vec::new();
        let mut base = 0;
        while let Some(byte) = self.bytes.get(self.at).copied() {
            if levels.is_empty() && self.rest().starts_with(end) {
                self.at += 2;
                return true;
            }
            self.at += 1;
            match byte {
                b'\'' | b'"' => self.string(byte),
                b'(' | b'[' | b'{' => {
                    chain += 1;
                    levels.push((base, chain));
                    base = chain;
                }
                b')' | b']' | b'}' => match levels.pop() {
                    Some((outer_base, outer_chain)) => (base, chain) = (outer_base, outer_chain),
                    None => return true,
                },
                b',' => chain = base,
                b'.' | b'|' | b'~' | b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'=' | b'!' => chain += 1,
                _ if byte.is_ascii_alphabetic() => chain += usize::from(self.word(byte)),
                _ => {}
            }
            if chain > MAX_CHAIN {
                return false;
            }
        }
        true
    }

    fn string(&mut self, quote: u8) {
        while let Some(byte) = self.bytes.get(self.at).copied() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == quote {
                return;
            }
        }
    }

    /// Reads the rest of a word and tells whether it is an operator.
    fn word(&mut self, first: u8) -> bool {
        let start = self.at - 1;
        while self.bytes.get(self.at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || !b.is_ascii()) {
            self.at += 1;
        }
        let word = self.bytes.get(start..self.at).unwrap_or_default();
        matches!(first, b'n' | b'i' | b'a' | b'o') && matches!(word, b"not" | b"if" | b"is" | b"and" | b"or" | b"in")
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn chains_are_counted_where_they_nest() {
        let fits = [
            "{{ a.b.c | e }}".to_owned(),
            format!("{{{{ [{}] }}}}", "a.b|e, ".repeat(2_000)),
            format!("{{{{ '{}' }}}}", ".".repeat(5_000)),
            format!("{{# {} #}}", ".b".repeat(5_000)),
            format!("{{% raw %}}{{{{ \"{}{{%- endraw -%}}", ".b".repeat(5_000)),
            "{{ a.b }}".repeat(5_000),
            "text . | ".repeat(5_000),
            "{% if a %}{% elif b %}{% endif %}".repeat(1_000),
            "{{ \"a\\\"}}\" }}".to_owned(),
        ];
        for template in fits {
            assert_eq!(check(&template), Ok(()), "{}", template.chars().take(60).collect::<String>());
        }
        let long = [
            format!("{{{{ a{} }}}}", ".b".repeat(400)),
            format!("{{{{ a{} }}}}", "[0, 1]".repeat(400)),
            format!("{{{{ {}a }}}}", "not ".repeat(400)),
            format!("{{{{ a{} }}}}", " if a else a".repeat(400)),
            format!("{{{{ f(x{}, (y{})) }}}}", ".b".repeat(200), ".b".repeat(400)),
            format!("{{% set x{} %}}{{% endset %}}", "|e".repeat(400)),
            format!("{{% raw %}}{{{{ \"{{% endraw %}}{{{{ a{} }}}}", ".b".repeat(400)),
            format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(400)),
            format!("{{{{ {{'}}': a{}}} }}}}", ".b".repeat(400)),
            format!("{{{{ '}}}}' ~ a{} }}}}", ".b".repeat(400)),
            format!("{{#- #}}{{{{- a{} }}}}", ".b".repeat(400)),
        ];
        for template in long {
            assert_eq!(check(&template), Err(1), "{}", template.chars().take(60).collect::<String>());
        }
        assert_eq!(check(&format!("\n\n{{{{ a{} }}}}", ".b".repeat(400))), Err(3));
    }
}

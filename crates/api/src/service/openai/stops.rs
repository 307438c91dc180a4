//! Texts at which an answer ends, also when they come in pieces.

/// Lets text through up to the first of some words.
#[derive(Clone, Debug, Default)]
pub struct Stops {
    words: Vec<String>,
    /// The end of the text so far that may be the beginning of a word.
    held: String,
}

impl Stops {
    /// For these words; empty ones are none.
    pub fn new(words: Vec<String>) -> Self {
        Self { words: words.into_iter().filter(|word| !word.is_empty()).collect(), held: String::new() }
    }

    /// Whether every text passes.
    pub const fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The part of the text that may be shown, and whether a word has come.
    pub fn pass(&mut self, text: &str) -> (String, bool) {
        if self.words.is_empty() {
            return (text.to_owned(), false);
        }
        self.held.push_str(text);
        let first = self.words.iter().filter_map(|word| self.held.find(word.as_str())).min();
        if let Some(at) = first {
            let mut shown = std::mem::take(&mut self.held);
            shown.truncate(at);
            return (shown, true);
        }
        let begins = |tail: &str| self.words.iter().any(|word| word.starts_with(tail));
        let keep = self.held.char_indices().map(|(at, _)| at).find(|at| self.held.get(*at..).is_some_and(begins));
        let rest = keep.map(|at| self.held.split_off(at)).unwrap_or_default();
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// What was held back, when no more text comes.
    pub fn rest(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &[&str], pieces: &[&str]) -> (String, bool) {
        let mut stops = Stops::new(words.iter().map(|word| (*word).to_owned()).collect());
        let mut out = String::new();
        for piece in pieces {
            let (text, is_over) = stops.pass(piece);
            out.push_str(&text);
            if is_over {
                return (out, true);
            }
        }
        out.push_str(&stops.rest());
        (out, false)
    }

    #[test]
    fn words_are_found_across_pieces_and_the_first_wins() {
        for (words, pieces, expected) in [
            (&[][..], &["a", "b"][..], ("ab", false)),
            (&["END"], &["a E", "N", "D b"], ("a ", true)),
            (&["END"], &["a E", "N", "x"], ("a ENx", false)),
            (&["END"], &["a EN"], ("a EN", false)),
            (&["\n\n", "b"], &["a\n", "b"], ("a\n", true)),
            (&["字尾"], &["文字", "尾巴"], ("文", true)),
            (&["aab"], &["aa", "ab", "c"], ("a", true)),
            (&[""], &["a"], ("a", false)),
        ] {
            let (text, is_over) = run(words, pieces);
            assert_eq!((text.as_str(), is_over), expected, "{words:?} {pieces:?}");
        }
    }
}

//! Stop words that we heed ourselves: some protocols have no word for them, some models refuse them, some servers
//! take a few of them only. Where a server heeds them, it never writes one, and nothing is found here.

use ox_types::Json;
use serde_json::Map;

/// Words that are watched for; what a request names beyond them is left to the server.
const MAX_WORDS: usize = 64;

/// The stop words of a request, those among its parameters included.
pub fn wanted(stop: &[String], parameters: &Map<String, Json>) -> Vec<String> {
    let configured = match parameters.get("stop") {
        Some(Json::String(word)) => vec![word.clone()],
        Some(Json::Array(words)) => words.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let mut wanted: Vec<String> = Vec::new();
    for word in stop.iter().cloned().chain(configured).take(MAX_WORDS) {
        if !word.is_empty() && !wanted.contains(&word) {
            wanted.push(word);
        }
    }
    wanted
}

/// Watches a text that comes in pieces.
#[derive(Debug, Default)]
pub struct Watch {
    words: Vec<String>,
    /// The end of what came, as far as it may be the beginning of a stop word.
    held: String,
}

/// What of a piece may be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub text: String,
    /// A stop word came: nothing after it is to be told.
    pub is_end: bool,
}

impl Watch {
    pub const fn new(words: Vec<String>) -> Self {
        Self { words, held: String::new() }
    }

    /// The next piece.
    pub fn push(&mut self, piece: String) -> Told {
        if self.words.is_empty() {
            return Told { text: piece, is_end: false };
        }
        let mut text = std::mem::take(&mut self.held);
        text.push_str(&piece);
        if let Some(at) = self.words.iter().filter_map(|word| text.find(word.as_str())).min() {
            text.truncate(at);
            return Told { text, is_end: true };
        }
        let kept = self.words.iter().map(|word| begun(&text, word)).max().unwrap_or(0);
        self.held = text.split_off(text.len().saturating_sub(kept));
        Told { text, is_end: false }
    }

    /// What was held back: no stop word came of it.
    pub fn rest(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Bytes at the end of a text with which a word may have begun.
fn begun(text: &str, word: &str) -> usize {
    let beginnings = word.char_indices().map(|(at, _)| at).filter(|at| *at > 0).rev();
    let mut beginnings = beginnings.filter_map(|at| word.get(..at));
    beginnings.find(|beginning| text.ends_with(*beginning)).map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is told of the pieces, one after another, and whether a word ended them.
    fn told(words: &[&str], pieces: &[&str]) -> (Vec<String>, bool) {
        let mut watch = Watch::new(words.iter().map(|&word| word.to_owned()).collect());
        let mut out = Vec::new();
        for piece in pieces {
            let told = watch.push((*piece).to_owned());
            out.push(told.text);
            if told.is_end {
                return (out, true);
            }
        }
        out.push(watch.rest());
        (out, false)
    }

    #[test]
    fn words_over_the_borders_of_pieces() {
        for (words, pieces, expected, is_end) in [
            (&["END"][..], &["a END b"][..], &["a "][..], true),
            (&[], &["a", "b"], &["a", "b", ""], false),
            (&["END"], &["END"], &[""], true),
            (&["Observation"], &["so: Obs", "erv", "ation: 4"], &["so: ", "", ""], true),
            (&["Observation"], &["so: Obs", "ession"], &["so: ", "Obsession", ""], false),
            (&["END"], &["an E", "N"], &["an ", "", "EN"], false),
            // The earliest counts, whichever word it is.
            (&["b", "ab"], &["xab"], &["x"], true),
            (&["stop", "\n\n"], &["one\n", "\ntwo stop"], &["one", ""], true),
            // A beginning within a beginning.
            (&["aab"], &["aa", "ab"], &["", "a"], true),
            (&["aab"], &["aaa", "c"], &["a", "aac", ""], false),
            // Characters of several bytes stay whole.
            (&["观察：5"], &["好观", "察", "：", "4"], &["好", "", "", "观察：4", ""], false),
            (&["观察"], &["好观", "察到"], &["好", ""], true),
        ] {
            let (texts, ended) = told(words, pieces);
            assert_eq!((texts.iter().map(String::as_str).collect::<Vec<_>>(), ended), (expected.to_vec(), is_end));
        }
    }

    #[test]
    fn one_character_at_a_time_is_the_same_as_all_at_once() {
        let words = ["Observation:", "\nEND", "结束"];
        for text in ["I think.\nObservatio Observation: 4", "a\n\nEND of it", "结果结束吧", "\nEN\nObservation", "结"]
        {
            let letters: Vec<String> = text.chars().map(String::from).collect();
            let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
            let (slow, slowly_ended) = told(&words, &letters);
            let (fast, ended) = told(&words, &[text]);
            assert_eq!((slow.concat(), slowly_ended), (fast.concat(), ended), "{text:?}");
        }
    }

    #[test]
    fn words_of_a_request() {
        for (stop, parameters, expected) in [
            (&["a", "", "a"][..], json!({}), &["a"][..]),
            (&["a"], json!({"stop": ["b", "a", 1, ""]}), &["a", "b"]),
            (&[], json!({"stop": "b"}), &["b"]),
            (&[], json!({"stop": null}), &[]),
        ] {
            let stop: Vec<String> = stop.iter().map(|&word| word.to_owned()).collect();
            assert_eq!(wanted(&stop, parameters.as_object().unwrap()), expected, "{parameters}");
        }
    }
}

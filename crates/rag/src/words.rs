//! The words of a text by which texts are compared.

use std::collections::BTreeSet;

/// English words that say nothing about what a text is about, in alphabetical order.
const STOP: &[&str] = &[
    "a", "about", "above", "after", "again", "against", "all", "am", "an", "and", "any", "are", "as", "at", "be",
    "because", "been", "before", "being", "below", "between", "both", "but", "by", "can", "did", "do", "does", "doing",
    "down", "during", "each", "few", "for", "from", "further", "had", "has", "have", "having", "he", "her", "here",
    "hers", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "just", "me", "more", "most", "my", "no",
    "nor", "not", "now", "of", "off", "on", "once", "only", "or", "other", "our", "out", "over", "own", "same", "she",
    "should", "so", "some", "such", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
    "those", "through", "to", "too", "under", "until", "up", "very", "was", "we", "were", "what", "when", "where",
    "which", "while", "who", "whom", "why", "will", "with", "would", "you", "your",
];

/// The words of a text in small letters, without those that say nothing. Where words are not set apart (Chinese,
/// Japanese, Korean) every two neighbouring signs are one.
#[must_use]
pub fn words(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut word = String::new();
    let mut signs: Vec<char> = Vec::new();
    for character in text.chars().flat_map(char::to_lowercase).chain([' ']) {
        let is_sign = is_ideographic(character);
        if !is_sign {
            end_signs(&mut signs, &mut found);
        }
        if is_sign || !character.is_alphanumeric() {
            end_word(&mut word, &mut found);
        }
        if is_sign {
            signs.push(character);
        } else if character.is_alphanumeric() {
            word.push(character);
        }
    }
    found
}

fn end_word(word: &mut String, found: &mut BTreeSet<String>) {
    let word = std::mem::take(word);
    if !word.is_empty() && STOP.binary_search(&word.as_str()).is_err() {
        found.insert(word);
    }
}

fn end_signs(signs: &mut Vec<char>, found: &mut BTreeSet<String>) {
    match signs.as_slice() {
        [] => {}
        [one] => _ = found.insert(one.to_string()),
        many => found.extend(many.windows(2).map(|pair| pair.iter().collect::<String>())),
    }
    signs.clear();
}

/// Signs of languages that do not set words apart.
pub const fn is_ideographic(character: char) -> bool {
    matches!(
        character,
        '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_languages() {
        for (text, expected) in [
            ("", &[][..]),
            ("The cat, and THE dog!", &["cat", "dog"]),
            ("e-mail v2.0", &["0", "e", "mail", "v2"]),
            ("知识库", &["知识", "识库"]),
            ("用Rust写", &["rust", "写", "用"]),
            ("검색 엔진", &["검색", "엔진"]),
            ("Größe ÉTÉ", &["größe", "été"]),
        ] {
            let found = words(text);
            assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{text}");
        }
        assert!(STOP.is_sorted());
    }
}

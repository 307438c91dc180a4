//! From a text to the words under which it is found: one way for what is stored and for what is asked.

mod fold;
mod segment;
mod stop;
#[cfg(test)]
mod tests;

use tantivy::tokenizer::{AsciiFoldingFilter, Language, Stemmer, StopWordFilter, TextAnalyzer, TokenStream as _};

pub(crate) use segment::Part;
use segment::Segmenter;

/// Words: stems without stop words, and pairs of characters where a script has no spaces.
pub(crate) fn words() -> TextAnalyzer {
    TextAnalyzer::builder(Segmenter::new(Part::Words))
        .filter(AsciiFoldingFilter)
        .filter(StopWordFilter::remove(stop::WORDS.iter().map(|word| (*word).to_owned())))
        .filter(Stemmer::new(Language::English))
        .build()
}

/// One of the other ways of cutting a text.
pub(crate) fn part(part: Part) -> TextAnalyzer {
    TextAnalyzer::from(Segmenter::new(part))
}

/// The different terms of a text, in the order of their first appearance.
pub(crate) fn terms(mut analyzer: TextAnalyzer, text: &str) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut terms = Vec::new();
    analyzer.token_stream(text).process(&mut |token| {
        if !seen.contains(&token.text) {
            seen.insert(token.text.clone());
            terms.push(token.text.clone());
        }
    });
    terms
}

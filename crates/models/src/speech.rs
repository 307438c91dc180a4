//! Speech: what is asked of models that listen and of models that speak.

use std::pin::Pin;

use bytes::Bytes;
use futures::Stream;
use ox_types::Json;

use crate::{ModelError, ModelSpec};

/// A recording to be written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TranscriptionRequest {
    pub model: String,
    pub audio: Bytes,
    /// Tells the provider the format.
    pub filename: String,
    pub mime: String,
}

/// A text to be spoken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpeechRequest {
    pub model: String,
    pub text: String,
    /// The wire name of a voice.
    pub voice: String,
}

/// MP3 as it is made. Dropping it cancels the call.
pub type SpeechStream = Pin<Box<dyn Stream<Item = Result<Bytes, ModelError>> + Send>>;

/// A voice of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    /// For people.
    pub name: String,
    /// For requests.
    pub value: String,
}

/// Characters of one call when a model does not tell its limit.
const WORD_LIMIT: usize = 3_500;

impl ModelSpec {
    /// The voices that speak a language (`en-US`), or all of them.
    #[must_use]
    pub fn voices(&self, language: Option<&str>) -> Vec<Voice> {
        let Some(Json::Array(voices)) = self.model_properties.get("voices") else { return Vec::new() };
        let speaks = |voice: &Json| match (language, voice.get("language").and_then(Json::as_array)) {
            (Some(wanted), Some(known)) => known.is_empty() || known.iter().any(|one| one.as_str() == Some(wanted)),
            _ => true,
        };
        let text = |voice: &Json, key: &str| voice.get(key).and_then(Json::as_str).map(str::to_owned);
        let voice = |voice: &Json| {
            let value = text(voice, "mode")?;
            Some(Voice { name: text(voice, "name").unwrap_or_else(|| value.clone()), value })
        };
        voices.iter().filter(|voice| speaks(voice)).filter_map(voice).collect()
    }

    /// The voice where none is chosen.
    #[must_use]
    pub fn default_voice(&self) -> Option<String> {
        let told = self.model_properties.get("default_voice").and_then(Json::as_str).map(str::to_owned);
        told.or_else(|| self.voices(None).into_iter().next().map(|voice| voice.value))
    }

    /// Characters that one call may speak.
    #[must_use]
    pub fn word_limit(&self) -> usize {
        let told = self.model_properties.get("word_limit").and_then(Json::as_u64);
        told.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0).unwrap_or(WORD_LIMIT)
    }
}

/// A text in pieces of at most so many characters, cut at the ends of sentences, else of words.
#[must_use]
pub fn spoken_pieces(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(1);
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while let Some((end, _)) = rest.char_indices().nth(limit) {
        let head = rest.get(..end).unwrap_or(rest);
        let after = |found: Option<(usize, char)>| found.map(|(at, c)| at + c.len_utf8());
        let sentence = after(head.char_indices().rev().find(|(_, c)| ends_sentence(*c)));
        let word = after(head.char_indices().rev().find(|(_, c)| c.is_whitespace()));
        let cut = sentence.or(word).unwrap_or(end);
        let (piece, more) = rest.split_at(cut);
        pieces.push(piece.trim().to_owned());
        rest = more.trim_start();
    }
    pieces.push(rest.to_owned());
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Ends a sentence in the scripts that have such a sign.
#[must_use]
pub const fn ends_sentence(character: char) -> bool {
    matches!(character, '.' | '!' | '?' | '\n' | ';' | '\u{3002}' | '\u{ff01}' | '\u{ff1f}' | '\u{ff1b}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_with_sentences_then_with_words() {
        for (text, limit, expected) in [
            ("", 5, &[][..]),
            ("short", 5, &["short"]),
            ("One. Two words. Three", 12, &["One.", "Two words.", "Three"]),
            ("aaa bbb ccc", 5, &["aaa", "bbb", "ccc"]),
            ("abcdefgh", 3, &["abc", "def", "gh"]),
            ("\u{4f60}\u{597d}\u{3002}\u{518d}\u{89c1}", 3, &["\u{4f60}\u{597d}\u{3002}", "\u{518d}\u{89c1}"]),
        ] {
            assert_eq!(spoken_pieces(text, limit), expected, "{text}");
        }
    }
}

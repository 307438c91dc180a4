//! How long a text is.

use std::sync::Arc;

use crate::{RuleError, Unit};

/// Counts the tokens of a text.
pub type Count = Arc<dyn Fn(&str) -> usize + Send + Sync>;

/// Most bytes that are given to a tokenizer at once: some need time that grows faster than the text.
const SLICE: usize = 2048;
/// Characters that make one unit where a text offers no place to split at and tokens are counted.
const BLOCK: usize = 8;

pub enum Measure {
    Characters,
    Tokens(Count),
}

impl Measure {
    pub fn new(unit: Unit, count: Option<&Count>) -> Result<Self, RuleError> {
        match unit {
            Unit::Characters => Ok(Self::Characters),
            Unit::Tokens => count.map(|count| Self::Tokens(Arc::clone(count))).ok_or(RuleError::Uncounted),
        }
    }

    /// The length of a text when it is no more than this; never looks much further than that.
    pub fn within(&self, text: &str, limit: usize) -> Option<usize> {
        let length = match self {
            Self::Characters => text.chars().take(limit.saturating_add(1)).count(),
            Self::Tokens(count) => {
                let mut length = 0;
                let mut rest = text;
                while !rest.is_empty() && length <= limit {
                    let (slice, after) = rest.split_at(slice_end(rest));
                    // Nothing is free, so that every loop over parts ends.
                    length += count(slice).max(1);
                    rest = after;
                }
                length
            }
        };
        (length <= limit).then_some(length)
    }

    pub fn length(&self, text: &str) -> usize {
        self.within(text, usize::MAX - 1).unwrap_or(usize::MAX)
    }

    /// The smallest parts of a text, by the places where they begin and end.
    pub fn units(&self, text: &str, take: &mut dyn FnMut(usize, usize)) {
        let size = match self {
            Self::Characters => 1,
            Self::Tokens(_) => BLOCK,
        };
        let mut from = 0;
        for (index, (at, _)) in text.char_indices().enumerate() {
            if index > 0 && index % size == 0 {
                take(from, at);
                from = at;
            }
        }
        if from < text.len() {
            take(from, text.len());
        }
    }
}

/// Where the part of a text that is counted at once ends: after white space if there is some.
fn slice_end(text: &str) -> usize {
    if text.len() <= SLICE {
        return text.len();
    }
    let end = text.floor_char_boundary(SLICE);
    let slice = text.get(..end).unwrap_or_default();
    match slice.rfind(char::is_whitespace) {
        Some(at) if at > 0 => at,
        _ => end.max(1),
    }
}

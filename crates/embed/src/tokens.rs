//! From texts to the numbers of their tokens.

use std::path::Path;

use tokenizers::{Tokenizer, TruncationParams};

use crate::{Description, Error, description};

/// A token has seldom more characters: what is longer than this is cut before anybody looks at it.
const CHARACTERS_OF_TOKEN: usize = 32;

/// One text, or a question with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Text(String),
    Pair(String, String),
}

/// The tokens of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    pub ids: Vec<u32>,
    /// To which of a pair's texts each token belongs.
    pub types: Vec<u32>,
}

/// The tokenizer of a model.
pub struct Reader {
    tokenizer: Tokenizer,
    max_characters: usize,
}

impl Reader {
    /// Reads `tokenizer.json`; what it says about lengths and padding does not count.
    pub fn load(about: &Description) -> Result<Self, Error> {
        let file = about.dir.join("tokenizer.json");
        let bytes = description::read(&file)?;
        let damaged = |why: String| Error::damaged(&file, why);
        let mut tokenizer =
            Tokenizer::from_bytes(bytes).map_err(|error| damaged(format!("cannot be read: {error}")))?;
        check_vocabulary(&tokenizer, about, &file)?;
        tokenizer.with_padding(None);
        let truncation = TruncationParams { max_length: about.max_tokens, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|error| damaged(error.to_string()))?;
        Ok(Self { tokenizer, max_characters: about.max_tokens * CHARACTERS_OF_TOKEN })
    }

    /// The tokens of an item, no more than the model takes.
    pub fn tokens(&self, item: &Item) -> Result<Tokens, Error> {
        let encoding = match item {
            Item::Text(text) => self.tokenizer.encode_fast(self.cut(text), true),
            Item::Pair(first, second) => self.tokenizer.encode_fast((self.cut(first), self.cut(second)), true),
        };
        let encoding = encoding.map_err(|error| Error::internal(format!("the text cannot be split: {error}")))?;
        Ok(Tokens { ids: encoding.get_ids().to_vec(), types: encoding.get_type_ids().to_vec() })
    }

    fn cut<'t>(&self, text: &'t str) -> &'t str {
        let text = text.trim_start();
        text.char_indices().nth(self.max_characters).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
    }
}

/// A number of a token must be a row of the table.
fn check_vocabulary(tokenizer: &Tokenizer, about: &Description, file: &Path) -> Result<(), Error> {
    let rows = about.config.vocab_size;
    let highest = tokenizer.get_vocab(true).into_values().max().unwrap_or(0);
    if usize::try_from(highest).is_ok_and(|highest| highest < rows) {
        return Ok(());
    }
    Err(Error::damaged(file, format!("has a token with the number {highest}, but the model has {rows} tokens")))
}

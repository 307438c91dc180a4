//! What many questions tell about the two sides of a hybrid search.
//!
//! A side can rank by chance for a whole knowledge base: an embedding model that does not know its language, questions in
//! another language than the texts. One question hardly shows it, since the best of chance stands out a little too. Over
//! some questions it shows twice: the sides never agree, and what one of them finds stands out no more than chance does.
//! Then that side is doubted, and the search is as good as the other one alone. Where they do not agree and both stand
//! out as they usually do, nobody can tell which one is wrong, and both stay.
//!
//! It takes more to change the mind than to keep it, so that the order of findings does not flicker.

use std::collections::VecDeque;

/// A side of a hybrid search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Words,
    Meaning,
}

/// What one question tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// From 0 to 1: how far the best of one side is among the best of the other.
    pub agreement: f64,
    /// How far the best of words, and of meaning, is above what chance gives, in units of noise.
    pub words: f64,
    pub meaning: f64,
}

/// What sides that know something usually have: BM25 and MiniLM on the sets of `bench/known_items.py`.
const USUAL_WORDS: f64 = 3.6;
const USUAL_MEANING: f64 = 1.3;
/// Older questions fade.
const REMEMBERED: u32 = 64;
/// Questions before a side that disagrees is doubted, and before one that stands out by nothing is.
const FIRST: u32 = 8;
const LATER: u32 = 32;
/// Sides that agree less than so are strangers; more than so, both know something.
const STRANGERS: f64 = 0.12;
const DISTANT: f64 = 0.35;
const FRIENDS: f64 = 0.45;
/// Of what is usual: a side with less is no more than chance.
const CHANCE: f64 = 0.15;
/// Of what is usual: a doubted side that agrees again needs so much.
const RECOVERED: f64 = 0.3;
/// Of two strangers the one with less than so much of the other is doubted, and until it has so much again.
const WEAKER: f64 = 0.5;
const EQUAL: f64 = 0.75;

/// A running account of one knowledge base.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The last questions: asking one again tells nothing new.
    questions: VecDeque<u64>,
    count: u32,
    agreement: f64,
    words: f64,
    meaning: f64,
    doubted: Option<Side>,
}

impl Trust {
    /// The side that finds no more than chance does.
    #[must_use]
    pub const fn doubted(&self) -> Option<Side> {
        self.doubted
    }

    /// Takes in what a question told; `question` tells it from others.
    pub fn learn(&mut self, question: u64, seen: Seen) {
        if self.questions.contains(&question) {
            return;
        }
        self.questions.push_back(question);
        if self.questions.len() > REMEMBERED as usize {
            self.questions.pop_front();
        }
        self.count = self.count.saturating_add(1);
        let part = 1.0 / f64::from(self.count.min(REMEMBERED));
        let follow = |mean: &mut f64, value: f64| *mean += (value - *mean) * part;
        follow(&mut self.agreement, seen.agreement);
        follow(&mut self.words, seen.words);
        follow(&mut self.meaning, seen.meaning);
        self.doubted = self.judged();
    }

    fn judged(&self) -> Option<Side> {
        let words = self.words.max(0.0) / USUAL_WORDS;
        let meaning = self.meaning.max(0.0) / USUAL_MEANING;
        match self.doubted {
            None => {
                let side = if words < meaning { Side::Words } else { Side::Meaning };
                let (less, more) = (words.min(meaning), words.max(meaning));
                let are_strangers = self.count >= FIRST && self.agreement < STRANGERS && less < WEAKER * more;
                let is_chance = self.count >= LATER && self.agreement < DISTANT && less < CHANCE;
                (are_strangers || is_chance).then_some(side)
            }
            Some(side) => {
                let (own, other) = if side == Side::Words { (words, meaning) } else { (meaning, words) };
                let agrees = self.agreement > FRIENDS || (self.agreement > 2.0 * STRANGERS && own > RECOVERED);
                (!agrees && own <= EQUAL * other).then_some(side)
            }
        }
    }
}

//! Splitting a text into pieces that are not too long.
//!
//! Everything here works on places in the text that is split and holds no more than one piece at a time, so its time
//! grows with the length of the text alone, whatever the text and the separators are.

mod measure;
mod merge;
mod separator;
#[cfg(test)]
mod tests;

pub use measure::Count;

use measure::Measure;
use merge::Merger;
use separator::Separators;

use crate::{RuleError, Segmentation};

/// Where a text that is too long is split, the best place first.
const LEVELS: [&str; 5] = ["\n\n", "。", ". ", " ", ""];
/// Length and overlap of the pieces when nobody made a rule.
const AUTOMATIC: (usize, usize) = (500, 50);

/// Takes a piece and the place in the text where it begins.
pub type Sink<'s> = &'s mut dyn FnMut(usize, &str);

/// A way of splitting.
pub struct Splitter {
    /// Nothing: by the levels alone.
    separators: Option<Separators>,
    size: usize,
    overlap: usize,
    measure: Measure,
}

/// Which of the two recursive ways: the one of a rule's separator does not look at white space as closely.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    First,
    Deeper,
}

impl Splitter {
    /// The splitter of the automatic mode.
    pub const fn automatic() -> Self {
        let (size, overlap) = AUTOMATIC;
        Self { separators: None, size, overlap, measure: Measure::Characters }
    }

    /// The splitter of a rule.
    ///
    /// # Errors
    /// When its overlap is larger than its pieces, or it counts what nobody can count.
    pub fn new(rule: &Segmentation, count: Option<&Count>) -> Result<Self, RuleError> {
        rule.check_overlap()?;
        let size = rule.max_tokens.max(1);
        Ok(Self {
            separators: Some(Separators::new(&rule.separators)),
            size,
            // Every piece brings something new: pieces that repeat each other but for a letter would grow without bound.
            overlap: rule.chunk_overlap.min(size - size.div_ceil(10)),
            measure: Measure::new(rule.unit, count)?,
        })
    }

    /// Gives the pieces one after another.
    pub fn each(&self, text: &str, sink: Sink<'_>) {
        let Some(separators) = &self.separators else {
            return self.descend(text, 0, &LEVELS, Way::Deeper, sink);
        };
        separators.each(text, &mut |at, piece| {
            // A piece that fits is a chunk as it is, however short.
            if self.measure.within(piece, self.size).is_some() {
                sink(at, piece);
            } else {
                self.descend(piece, at, &LEVELS, Way::First, sink);
            }
        });
    }

    /// Splits at the first level that occurs in the text, puts short parts together and splits long ones further.
    /// `base` is where the text begins.
    fn descend(&self, text: &str, base: usize, levels: &[&str], way: Way, sink: Sink<'_>) {
        let chosen = levels.iter().position(|level| level.is_empty() || text.contains(level));
        let Some((level, deeper)) = chosen.and_then(|at| levels.get(at..)).and_then(<[&str]>::split_first) else {
            return sink(base, text);
        };
        if level.is_empty() && way == Way::First {
            return self.fill(text, base, sink);
        }
        let mut merger = Merger::new(text, base, self.size, self.overlap);
        let mut take = |from: usize, to: usize| {
            let part = text.get(from..to).unwrap_or_default();
            if part.is_empty() || (part == "\n" && !level.is_empty()) {
                return;
            }
            match self.measure.within(part, self.size.saturating_sub(1)) {
                Some(length) => merger.push(from, to, length, sink),
                None => {
                    merger.flush(sink);
                    self.descend(part, base + from, deeper, Way::Deeper, sink);
                }
            }
        };
        match *level {
            "" => self.measure.units(text, &mut take),
            " " if way == Way::First => words(text, &mut take),
            level => parts(text, level, &mut take),
        }
        merger.flush(sink);
    }

    /// A text without any place to split at: as much as fits, the last of it once more at the beginning of the next.
    fn fill(&self, text: &str, base: usize, sink: Sink<'_>) {
        let (mut start, mut length) = (0, 0);
        let (mut overlap_from, mut overlap) = (None, 0);
        let fresh = self.size.saturating_sub(self.overlap);
        self.measure.units(text, &mut |from, to| {
            let unit = self.measure.length(text.get(from..to).unwrap_or_default());
            if length + unit <= self.size {
                if length + unit > fresh {
                    overlap_from.get_or_insert(from);
                    overlap += unit;
                }
                length += unit;
                return;
            }
            if let Some(piece) = text.get(start..from).filter(|piece| !piece.is_empty()) {
                sink(base + start, piece);
            }
            start = overlap_from.take().unwrap_or(from);
            length = unit + std::mem::take(&mut overlap);
        });
        if let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
            sink(base + start, rest);
        }
    }
}

/// The parts between the places where a separator stands; it stays at the end of the part before it.
fn parts(text: &str, separator: &str, take: &mut dyn FnMut(usize, usize)) {
    let mut from = 0;
    for (at, found) in text.match_indices(separator) {
        take(from, at + found.len());
        from = at + found.len();
    }
    take(from, text.len());
}

/// The words of a text, each with one space of those after it. (The system we follow leaves the space out as well,
/// which glues the words of long lines together.)
fn words(text: &str, take: &mut dyn FnMut(usize, usize)) {
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find(' ')) {
        let end = from + found;
        if found > 0 {
            take(from, end + 1);
        }
        let after = text.get(end..).unwrap_or_default();
        from = end + (after.len() - after.trim_start_matches(' ').len());
    }
    take(from, text.len());
}

//! Putting short parts together.

use std::collections::VecDeque;

use super::Sink;

/// Parts that wait until no more fit.
pub struct Merger<'t> {
    text: &'t str,
    base: usize,
    size: usize,
    overlap: usize,
    /// Begin, end and length.
    parts: VecDeque<(usize, usize, usize)>,
    total: usize,
}

impl<'t> Merger<'t> {
    pub const fn new(text: &'t str, base: usize, size: usize, overlap: usize) -> Self {
        Self { text, base, size, overlap, parts: VecDeque::new(), total: 0 }
    }

    /// Adds a part. When it does not fit, what waits is given away, and of it only the last whole parts that come to no
    /// more than the overlap stay.
    pub fn push(&mut self, from: usize, to: usize, length: usize, sink: Sink<'_>) {
        if self.total + length > self.size && !self.parts.is_empty() {
            self.emit(sink);
            while self.total > self.overlap || (self.total + length > self.size && self.total > 0) {
                let Some((_, _, gone)) = self.parts.pop_front() else { break };
                self.total -= gone;
            }
        }
        self.parts.push_back((from, to, length));
        self.total += length;
    }

    /// Gives away what waits.
    pub fn flush(&mut self, sink: Sink<'_>) {
        self.emit(sink);
        self.parts.clear();
        self.total = 0;
    }

    fn emit(&self, sink: Sink<'_>) {
        let Some((begin, _, _)) = self.parts.front() else { return };
        let joined: String = self.parts.iter().filter_map(|(from, to, _)| self.text.get(*from..*to)).collect();
        let trimmed = joined.trim();
        if !trimmed.is_empty() {
            let lead = joined.len() - joined.trim_start().len();
            sink(self.base + begin + lead, trimmed);
        }
    }
}

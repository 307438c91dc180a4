//! The best of many, without keeping the many.

use std::{cmp::Ordering, collections::BinaryHeap};

struct Entry {
    score: f32,
    row: usize,
}

impl Ord for Entry {
    /// The worst is the greatest: the heap gives it up first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.score.total_cmp(&self.score).then_with(|| self.row.cmp(&other.row))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

/// The `count` rows with the highest scores.
pub(super) struct Nearest {
    count: usize,
    heap: BinaryHeap<Entry>,
}

impl Nearest {
    pub(super) fn new(count: usize) -> Self {
        Self { count, heap: BinaryHeap::new() }
    }

    pub(super) fn push(&mut self, score: f32, row: usize) {
        let entry = Entry { score, row };
        if self.heap.len() < self.count {
            self.heap.push(entry);
        } else if self.heap.peek().is_some_and(|worst| entry < *worst) {
            self.heap.pop();
            self.heap.push(entry);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Their numbers, in no order.
    pub(super) fn rows(self) -> impl Iterator<Item = usize> {
        self.heap.into_iter().map(|entry| entry.row)
    }
}

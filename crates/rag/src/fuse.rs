//! Putting findings in one order.

mod hybrid;
#[cfg(test)]
mod tests;
mod trust;
mod weighted;

use std::{collections::HashMap, hash::Hash};

pub use hybrid::{Candidate, Fused, candidates, hybrid, weighed};
pub use trust::{Seen, Side, Trust};
pub use weighted::{Weighed, weighted_score};

/// Something found, with a score: the higher the better.
pub trait Found {
    type Id: Clone + Eq + Hash;

    fn id(&self) -> Self::Id;
    fn score(&self) -> f64;
}

impl<K: Clone + Eq + Hash> Found for (K, f64) {
    type Id = K;

    fn id(&self) -> K {
        self.0.clone()
    }

    fn score(&self) -> f64 {
        self.1
    }
}

/// The best first; what is equally good stays in its order, what has no score comes last.
pub fn sort<T: Found>(found: &mut [T]) {
    let score = |one: &T| if one.score().is_nan() { f64::NEG_INFINITY } else { one.score() };
    found.sort_by(|a, b| score(b).total_cmp(&score(a)));
}

/// Many lists as one, each finding once with its best score, the best first.
#[must_use]
pub fn merge<T: Found>(lists: impl IntoIterator<Item = Vec<T>>) -> Vec<T> {
    let mut places: HashMap<T::Id, usize> = HashMap::new();
    let mut merged: Vec<T> = Vec::new();
    for one in lists.into_iter().flatten() {
        let place = *places.entry(one.id()).or_insert(merged.len());
        match merged.get_mut(place) {
            // A score that is no number loses against any.
            Some(known) if one.score() > known.score() || known.score().is_nan() => *known = one,
            Some(_) => {}
            None => merged.push(one),
        }
    }
    sort(&mut merged);
    merged
}

/// The end of every search: the best first, nothing under the threshold, no more than `top_k`. Nothing may be cut off
/// before the last step that gives scores.
#[must_use]
pub fn cut<T: Found>(mut found: Vec<T>, threshold: Option<f64>, top_k: usize) -> Vec<T> {
    if let Some(threshold) = threshold {
        found.retain(|one| one.score() >= threshold);
    }
    sort(&mut found);
    found.truncate(top_k);
    found
}

/// Findings that belong to one parent.
#[derive(Clone, Debug, PartialEq)]
pub struct Group<P, T> {
    pub parent: P,
    /// The best score among them.
    pub score: f64,
    /// The best first.
    pub found: Vec<T>,
}

/// Children under their parents, the parent with the best child first.
#[must_use]
pub fn group<P: Clone + Eq + Hash, T: Found>(found: Vec<T>, parent: impl Fn(&T) -> P) -> Vec<Group<P, T>> {
    let mut places: HashMap<P, usize> = HashMap::new();
    let mut groups: Vec<Group<P, T>> = Vec::new();
    for one in found {
        let parent = parent(&one);
        let place = *places.entry(parent.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => {
                group.score = group.score.max(one.score());
                group.found.push(one);
            }
            None => groups.push(Group { parent, score: one.score(), found: vec![one] }),
        }
    }
    for group in &mut groups {
        sort(&mut group.found);
    }
    groups.sort_by(|a, b| b.score.total_cmp(&a.score));
    groups
}

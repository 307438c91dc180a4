//! The weighted score of meaning and words over a few findings.

use std::collections::{BTreeSet, HashMap};

use super::sort;
use crate::words::words;

/// A finding that is weighed.
#[derive(Clone, Debug)]
pub struct Weighed<'t, K> {
    pub id: K,
    pub text: &'t str,
    /// How close its meaning is to the question's: the cosine of their vectors.
    pub meaning: f64,
}

/// `vector × meaning + keyword × words`, the best first. The words of question and text are compared as sets, the rarer
/// among the findings a word is the more it counts.
#[must_use]
pub fn weighted_score<K: Clone + Eq + std::hash::Hash>(
    question: &str,
    found: &[Weighed<'_, K>],
    (vector, keyword): (f64, f64),
) -> Vec<(K, f64)> {
    let asked = words(question);
    let texts: Vec<BTreeSet<String>> = found.iter().map(|one| words(one.text)).collect();
    let mut occurs: HashMap<&str, f64> = HashMap::new();
    for word in texts.iter().flatten() {
        *occurs.entry(word).or_default() += 1.0;
    }
    let count = found.len() as f64;
    let weight = |word: &str| occurs.get(word).map_or(0.0, |occurs| ((1.0 + count) / (1.0 + occurs)).ln() + 1.0);
    let length = |words: &BTreeSet<String>| words.iter().map(|word| weight(word).powi(2)).sum::<f64>().sqrt();
    let asked_length = length(&asked);
    let mut out: Vec<(K, f64)> = found
        .iter()
        .zip(&texts)
        .map(|(one, text)| {
            let product: f64 = asked.intersection(text).map(|word| weight(word).powi(2)).sum();
            let lengths = asked_length * length(text);
            let shared = if lengths > 0.0 { product / lengths } else { 0.0 };
            (one.id.clone(), vector * one.meaning + keyword * shared)
        })
        .collect();
    sort(&mut out);
    out
}

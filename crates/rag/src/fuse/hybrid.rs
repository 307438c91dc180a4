//! One order from two: by the words of a question and by its meaning.

use std::{collections::HashMap, hash::Hash};

use super::sort;

/// The two sides as long as nothing speaks for one of them, and the most that either may have.
const EVEN: f64 = 0.5;
const MOST: f64 = 0.85;
/// How far the best usually stand out of a side's findings: a side that does better than this is trusted more. Measured
/// on the sets of `bench/known_items.py` with BM25 and MiniLM, also with half of either side's knowledge taken away:
/// words stand out by far more, right or wrong.
const USUAL_WORDS: f64 = 0.71;
const USUAL_MEANING: f64 = 0.285;
/// Above one: a side that tells nothing apart would only bring its noise.
const TRUST: i32 = 3;
/// How many of the best are looked at.
const BEST: usize = 10;

/// Something that words or meaning has found, with the scores of both as far as they are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate<K> {
    pub id: K,
    /// BM25.
    pub words: Option<f64>,
    /// The cosine of the vectors.
    pub meaning: Option<f64>,
}

/// What either side has found, each finding once. Whoever can should fill in the scores that are missing: a finding
/// that only one side has returned is seldom worth nothing to the other.
#[must_use]
pub fn candidates<K: Clone + Eq + Hash>(words: &[(K, f64)], meaning: &[(K, f64)]) -> Vec<Candidate<K>> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut out: Vec<Candidate<K>> = Vec::with_capacity(words.len() + meaning.len());
    let sides = words.iter().map(|found| (found, true)).chain(meaning.iter().map(|found| (found, false)));
    for ((id, score), is_words) in sides {
        let place = *places.entry(id.clone()).or_insert(out.len());
        if place == out.len() {
            out.push(Candidate { id: id.clone(), words: None, meaning: None });
        }
        if let Some(candidate) = out.get_mut(place) {
            let side = if is_words { &mut candidate.words } else { &mut candidate.meaning };
            *side = Some(side.map_or(*score, |known| known.max(*score)));
        }
    }
    out
}

/// The candidates in one order, the best first. `share` is the part of meaning; without one it follows from how clearly
/// each side tells its findings apart.
///
/// Scores are from 0 to 1 and on the scale of meaning: the best has the best cosine. So a threshold says the same here
/// as in a search by meaning alone, and a question about something else finds nothing that is good.
#[must_use]
pub fn hybrid<K: Clone + Eq + Hash>(candidates: &[Candidate<K>], share: Option<f64>) -> Vec<(K, f64)> {
    let words = normal(candidates.iter().map(|one| one.words), Some(0.0));
    let meaning = normal(candidates.iter().map(|one| one.meaning), None);
    let share = share.unwrap_or_else(|| adaptive(&words, &meaning)).clamp(0.0, 1.0);
    let mut out: Vec<(K, f64)> = candidates
        .iter()
        .zip(words.iter().zip(&meaning))
        .map(|(one, (words, meaning))| (one.id.clone(), (1.0 - share) * words + share * meaning))
        .collect();
    sort(&mut out);
    let best = candidates.iter().filter_map(|one| one.meaning).filter(|cosine| cosine.is_finite()).reduce(f64::max);
    if let (Some(best), Some(top)) = (best, out.first().map(|(_, score)| *score).filter(|top| *top > 0.0)) {
        let scale = best.clamp(0.0, 1.0) / top;
        out.iter_mut().for_each(|(_, score)| *score *= scale);
    }
    out
}

/// Scores from 0, the worst there is or `floor`, to 1, the best. What is unknown is the worst.
fn normal(scores: impl Iterator<Item = Option<f64>> + Clone, floor: Option<f64>) -> Vec<f64> {
    let known = || scores.clone().flatten().filter(|score| score.is_finite());
    let low = floor.unwrap_or_else(|| known().fold(f64::INFINITY, f64::min));
    let high = known().fold(f64::NEG_INFINITY, f64::max);
    let width = high - low;
    scores
        .map(|score| match score.filter(|score| score.is_finite()) {
            Some(score) if width > 0.0 => ((score - low) / width).clamp(0.0, 1.0),
            // All alike: each is as good as the best.
            Some(_) if high >= low => 1.0,
            _ => 0.0,
        })
        .collect()
}

/// The part of meaning that the scores speak for.
fn adaptive(words: &[f64], meaning: &[f64]) -> f64 {
    let words = (sharpness(words) / USUAL_WORDS).powi(TRUST);
    let meaning = (sharpness(meaning) / USUAL_MEANING).powi(TRUST);
    if words + meaning <= 0.0 {
        return EVEN;
    }
    (meaning / (words + meaning)).clamp(1.0 - MOST, MOST)
}

/// How far the best stands above the next ones.
fn sharpness(scores: &[f64]) -> f64 {
    let mut best: Vec<f64> = scores.to_vec();
    best.sort_by(|a, b| b.total_cmp(a));
    let next: Vec<f64> = best.iter().copied().skip(1).take(BEST).collect();
    match (best.first(), next.len()) {
        (Some(first), count) if count > 0 => first - next.iter().sum::<f64>() / count as f64,
        (Some(first), _) => *first,
        (None, _) => 0.0,
    }
}

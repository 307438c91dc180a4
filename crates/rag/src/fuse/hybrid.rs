//! One order from two: by the words of a question and by its meaning.
//!
//! Two scores say nothing about each other, so they are not added. Each becomes *evidence*: how far it stands out of what
//! its own side gives by chance. The best scores of anything random lie in a known way: the distance of one to the next,
//! times its rank, is always about the same (for tails that fall exponentially; those of BM25 and of cosines do, near
//! enough). That distance is the side's unit of noise for this question, whatever model or language it is, and the best
//! of `n` is by chance about `ln n` units above the last of them. What is above that is the logarithm of how much
//! likelier it is that a finding is right than that it is noise, and such logarithms are added. So a side decides where
//! it has something to say, and where it has not, it is quiet: nothing is set by hand for a model.
//!
//! One question cannot tell a side that stands out rightly from one that does so wrongly; many can: see [`Trust`].
//!
//! [`Trust`]: super::Trust

use std::{cmp::Ordering, collections::HashMap, hash::Hash};

use super::{
    sort,
    trust::{Seen, Side},
};

/// How many of the best tell what noise is.
const LOOKED: usize = 50;
/// Above what chance gives, in units of noise, before it counts in full.
const CAUTION: f64 = 1.0;
/// From here on evidence grows by its logarithm: no side is surer than that.
const SURE: f64 = 12.0;
/// The best of a few words' findings is at most so many units of noise: how noise lies is then not known.
const FEW: f64 = 8.0;
/// What is left of a side that is doubted: it orders what the other one does not.
const DOUBTED: f64 = 0.02;
/// The best of one side that the other is expected to have among its best.
const BEST: usize = 10;
/// With fewer cosines agreement is chance.
const ENOUGH: usize = 30;

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

/// What both sides together say.
#[derive(Clone, Debug, PartialEq)]
pub struct Fused<K> {
    /// The best first.
    pub order: Vec<(K, f64)>,
    /// What this question tells about the two sides; `None` when it is too little.
    pub seen: Option<Seen>,
}

/// The candidates in one order by the evidence of both sides, of which one may be `doubted`.
///
/// Scores are from 0 to 1 and on the scale of meaning: they are the cosines of the candidates, handed out in the new
/// order. So a threshold leaves as many as in a search by meaning, and a question about something else finds nothing
/// that is good.
#[must_use]
pub fn hybrid<K: Clone + Eq + Hash>(candidates: &[Candidate<K>], doubted: Option<Side>) -> Fused<K> {
    // What does not have a word of the question has none of the score.
    let words: Vec<f64> = candidates.iter().map(|one| finite(one.words).unwrap_or(0.0)).collect();
    let meaning: Vec<Option<f64>> = candidates.iter().map(|one| finite(one.meaning)).collect();
    let by_words = Noise::of_words(candidates.iter().filter_map(|one| finite(one.words)));
    let by_meaning = Noise::of_meaning(meaning.iter().copied().flatten());
    let part = |side| if doubted == Some(side) { DOUBTED } else { 1.0 };
    let mut found: Vec<(usize, f64)> = (0..candidates.len())
        .zip(words.iter().zip(&meaning))
        .map(|(place, (words, meaning))| {
            let said = |noise: &Option<Noise>, score: f64| noise.as_ref().map_or(0.0, |noise| noise.evidence(score));
            let meaning = meaning.map_or(0.0, |cosine| said(&by_meaning, cosine));
            (place, part(Side::Words) * said(&by_words, *words) + part(Side::Meaning) * meaning)
        })
        .collect();
    sort(&mut found);
    let mut scores: Vec<f64> = meaning.iter().map(|cosine| cosine.unwrap_or(0.0).clamp(0.0, 1.0)).collect();
    if meaning.iter().all(Option::is_none) {
        scores = normal(candidates.iter().map(|one| one.words), Some(0.0));
    }
    scores.sort_by(|a, b| b.total_cmp(a));
    let order = found
        .iter()
        .zip(scores)
        .filter_map(|((place, _), score)| candidates.get(*place).map(|one| (one.id.clone(), score)))
        .collect();
    let seen =
        by_words.zip(by_meaning).filter(|_| meaning.iter().flatten().count() >= ENOUGH).map(|(first, second)| {
            let meaning: Vec<f64> = meaning.iter().map(|cosine| cosine.unwrap_or(f64::NEG_INFINITY)).collect();
            Seen { agreement: agreement(&words, &meaning), words: first.excess(), meaning: second.excess() }
        });
    Fused { order, seen }
}

/// The candidates in one order by a weighted sum, the best first. `share` is the part of meaning; scores are on its
/// scale: the best has the best cosine.
#[must_use]
pub fn weighed<K: Clone + Eq + Hash>(candidates: &[Candidate<K>], share: f64) -> Vec<(K, f64)> {
    let words = normal(candidates.iter().map(|one| one.words), Some(0.0));
    let meaning = normal(candidates.iter().map(|one| one.meaning), None);
    let share = share.clamp(0.0, 1.0);
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

fn finite(score: Option<f64>) -> Option<f64> {
    score.filter(|score| score.is_finite())
}

/// How a side's scores lie where they are chance.
struct Noise {
    /// The best score, and the last of those that were looked at.
    best: f64,
    base: f64,
    /// The unit of noise.
    unit: f64,
    /// How many were looked at, as a logarithm: how many units above the last one the best is by chance.
    chance: f64,
}

impl Noise {
    fn of_meaning(scores: impl Iterator<Item = f64>) -> Option<Self> {
        let mut scores: Vec<f64> = scores.collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        scores.truncate(LOOKED);
        Self::of(&scores, 0.0)
    }

    /// Where words find little, the others have nothing.
    fn of_words(scores: impl Iterator<Item = f64>) -> Option<Self> {
        let mut scores: Vec<f64> = scores.collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        let best = *scores.first()?;
        let least = if scores.len() < LOOKED { best / FEW } else { 0.0 };
        scores.resize(LOOKED, 0.0);
        Self::of(&scores, least)
    }

    /// Of scores, the best first. The very best does not count: it may be right, and is then no noise.
    fn of(scores: &[f64], least: f64) -> Option<Self> {
        let (best, base) = (*scores.first()?, *scores.last()?);
        let apart = |(rank, pair): (usize, &[f64])| match pair {
            [above, below] => (rank + 1) as f64 * (above - below),
            _ => 0.0,
        };
        let unit = match scores.len() {
            0..=2 => best - base,
            count => scores.windows(2).enumerate().skip(1).map(apart).sum::<f64>() / (count - 2) as f64,
        };
        let unit = unit.max(least);
        (unit > 0.0).then(|| Self { best, base, unit, chance: (scores.len() as f64).ln() })
    }

    /// How far the best is above what chance gives, in units of noise.
    fn excess(&self) -> f64 {
        (self.best - self.base) / self.unit - self.chance
    }

    /// What a score says for its finding: next to nothing within the noise, above it ever more.
    fn evidence(&self, score: f64) -> f64 {
        let above = (score - self.base) / self.unit - self.chance - CAUTION;
        let said = above.max(0.0) + (-above.abs()).exp().ln_1p();
        if said > SURE { SURE + (said - SURE).ln_1p() } else { said }
    }
}

/// How often the best of one side is among the best of the other: none, one of them, both.
fn agreement(words: &[f64], meaning: &[f64]) -> f64 {
    let best = |scores: &[f64]| {
        let mut places: Vec<usize> = (0..scores.len()).collect();
        let score = |place: &usize| scores.get(*place).copied().unwrap_or(f64::NEG_INFINITY);
        places.sort_by(|a, b| score(b).partial_cmp(&score(a)).unwrap_or(Ordering::Equal));
        places.truncate(BEST);
        places
    };
    let (words, meaning) = (best(words), best(meaning));
    let has = |list: &[usize], one: Option<&usize>| one.is_some_and(|one| list.contains(one));
    (f64::from(has(&meaning, words.first())) + f64::from(has(&words, meaning.first()))) / 2.0
}

//! Where a search spends its time, and what each side says of a hit.

use std::time::Duration;

use ox_vector::Hit;

/// The scores of each side for one hit, as far as they are known. Each is on its own scale.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// BM25.
    pub words: Option<f64>,
    /// The cosine of the vectors.
    pub meaning: Option<f64>,
    /// What the rerank model said.
    pub rerank: Option<f64>,
}

impl Scores {
    /// Of two nodes of one segment, the better of each side.
    pub(super) fn best(self, other: Self) -> Self {
        let better = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
        Self {
            words: better(self.words, other.words),
            meaning: better(self.meaning, other.meaning),
            rerank: better(self.rerank, other.rerank),
        }
    }
}

/// How long each step of a search took; none where it was not taken. Words and vectors of a store outside are looked
/// for at the same time, so the steps may sum to more than the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub embedding: Option<Duration>,
    pub words: Option<Duration>,
    pub vectors: Option<Duration>,
    pub rerank: Option<Duration>,
    pub total: Duration,
}

/// A node that was found, and what is known of it.
#[derive(Clone, Copy)]
pub(super) struct Node {
    pub hit: Hit,
    pub scores: Scores,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_has_the_better_score_of_each_side() {
        let scores = |words, meaning| Scores { words, meaning, rerank: None };
        for (a, b, best) in [
            (scores(Some(2.0), None), scores(None, Some(0.5)), scores(Some(2.0), Some(0.5))),
            (scores(Some(2.0), Some(0.1)), scores(Some(3.0), Some(0.05)), scores(Some(3.0), Some(0.1))),
            (Scores::default(), scores(None, Some(-0.2)), scores(None, Some(-0.2))),
            (Scores::default(), Scores::default(), Scores::default()),
        ] {
            assert_eq!((a.best(b), b.best(a)), (best, best), "{a:?} {b:?}");
        }
    }
}

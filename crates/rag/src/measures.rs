//! How good an order is, against what somebody has judged.

use std::{collections::HashMap, hash::Hash};

/// Judged results and how relevant each is; what is missing is not.
pub type Judged<K> = HashMap<K, f64>;

/// Normalised discounted cumulative gain of the first `k`: 1 when the best come first. Nothing relevant: 0.
#[must_use]
pub fn ndcg_at<K: Eq + Hash>(ranked: &[K], judged: &Judged<K>, k: usize) -> f64 {
    let gained = gain(ranked.iter().map(|id| judged.get(id).copied().unwrap_or(0.0)), k);
    let mut best: Vec<f64> = judged.values().copied().filter(|relevance| *relevance > 0.0).collect();
    best.sort_by(|a, b| b.total_cmp(a));
    let ideal = gain(best.into_iter(), k);
    if ideal > 0.0 { gained / ideal } else { 0.0 }
}

fn gain(relevance: impl Iterator<Item = f64>, k: usize) -> f64 {
    relevance.take(k).zip(2_u32..).map(|(relevance, place)| relevance.max(0.0) / f64::from(place).log2()).sum()
}

/// The share of what is relevant among the first `k`. Nothing relevant: 0.
#[must_use]
pub fn recall_at<K: Eq + Hash>(ranked: &[K], judged: &Judged<K>, k: usize) -> f64 {
    let relevant = judged.values().filter(|relevance| **relevance > 0.0).count();
    let found = ranked.iter().take(k).filter(|id| judged.get(id).is_some_and(|relevance| *relevance > 0.0)).count();
    if relevant == 0 { 0.0 } else { found as f64 / relevant as f64 }
}

/// One over the place of the first that is relevant; 0 when none is.
#[must_use]
pub fn reciprocal_rank<K: Eq + Hash>(ranked: &[K], judged: &Judged<K>) -> f64 {
    let first = ranked.iter().position(|id| judged.get(id).is_some_and(|relevance| *relevance > 0.0));
    first.map_or(0.0, |place| 1.0 / (place as f64 + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        let judged: Judged<&str> = HashMap::from([("a", 2.0), ("b", 1.0), ("c", 0.0), ("z", 1.0)]);
        // The ideal is 2/log2(2) + 1/log2(3) + 1/log2(4) = 2 + 0.63093 + 0.5 = 3.13093.
        for (ranked, k, ndcg, recall, rank) in [
            (&["a", "b", "z"][..], 10, 1.0, 1.0, 1.0),
            // 1/log2(3) + 2/log2(5) = 0.63093 + 0.86135 = 1.49228
            (&["c", "b", "x", "a"], 10, 0.476_63, 2.0 / 3.0, 0.5),
            // 1/log2(2) over 2 + 0.63093
            (&["b", "c", "a"], 2, 0.380_09, 1.0 / 3.0, 1.0),
            (&["x", "y"], 10, 0.0, 0.0, 0.0),
            (&[], 10, 0.0, 0.0, 0.0),
            (&["a"], 0, 0.0, 0.0, 1.0),
        ] {
            assert!((ndcg_at(ranked, &judged, k) - ndcg).abs() < 1e-5, "{ranked:?}: {}", ndcg_at(ranked, &judged, k));
            assert!((recall_at(ranked, &judged, k) - recall).abs() < 1e-9, "{ranked:?}");
            assert!((reciprocal_rank(ranked, &judged) - rank).abs() < 1e-9, "{ranked:?}");
        }
        let nothing = Judged::from([("c", 0.0)]);
        assert_eq!((ndcg_at(&["c"], &nothing, 5), recall_at(&["c"], &nothing, 5)), (0.0, 0.0));
    }
}

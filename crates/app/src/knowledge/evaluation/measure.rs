//! From what was expected and what was found to three numbers.

use std::collections::{HashMap, HashSet};

use ox_db::model::Expected;
use ox_rag::measures;
use ox_types::{DocumentId, SegmentId};

/// How far down the order counts.
pub(super) const DEPTH: usize = 10;

/// What is told apart: whole documents, or chunks where chunks are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Document(DocumentId),
    Segment(SegmentId),
}

/// The measures of one question by one setting.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Measures {
    pub recall: f64,
    pub ndcg: f64,
    pub reciprocal_rank: f64,
    /// What is told apart: its place among all chunks (from 0), and whether it was expected.
    pub distinct: Vec<(usize, bool)>,
}

/// Measures what was found, the best first. Chunks of one document count once where the document is expected; `top_k`
/// of them are what an app would be given.
pub(super) fn measure(expected: &[Expected], found: &[(DocumentId, SegmentId)], top_k: usize) -> Measures {
    let wanted: HashSet<Key> =
        expected.iter().map(|one| one.segment_id.map_or(Key::Document(one.document_id), Key::Segment)).collect();
    let by_chunk = expected.iter().any(|one| one.segment_id.is_some());
    let key = |(document, segment): &(DocumentId, SegmentId)| {
        let (of_chunk, of_document) = (Key::Segment(*segment), Key::Document(*document));
        if wanted.contains(&of_chunk) {
            of_chunk
        } else if wanted.contains(&of_document) || !by_chunk {
            of_document
        } else {
            of_chunk
        }
    };
    let mut seen = HashSet::new();
    let distinct: Vec<(usize, Key)> = found.iter().map(key).enumerate().filter(|(_, key)| seen.insert(*key)).collect();
    let judged: HashMap<Key, f64> = wanted.iter().map(|key| (*key, 1.0)).collect();
    let order: Vec<Key> = distinct.iter().map(|(_, key)| *key).collect();
    let given: Vec<Key> = distinct.iter().filter(|(rank, _)| *rank < top_k).map(|(_, key)| *key).collect();
    Measures {
        recall: measures::recall_at(&given, &judged, given.len()),
        ndcg: measures::ndcg_at(&order, &judged, DEPTH),
        reciprocal_rank: measures::reciprocal_rank(&order, &judged),
        distinct: distinct.into_iter().map(|(rank, key)| (rank, wanted.contains(&key))).collect(),
    }
}

mod crash;
mod model;
mod search;
mod vectors;

use std::{path::Path, sync::Arc};

use super::*;
use crate::node::{Node, NodeKind};

/// The node of a number: its id, its own segment, and its document of ten.
fn node(number: u128, text: &str) -> Node {
    Node {
        id: Uuid::from_u128(number),
        document_id: document(number / 10),
        segment_id: Uuid::from_u128(number + (1 << 64)),
        kind: NodeKind::Segment,
        text: text.to_owned(),
        keywords: Vec::new(),
        vector: None,
    }
}

fn document(number: u128) -> Uuid {
    Uuid::from_u128(number + (2 << 64))
}

fn with_vector(number: u128, text: &str, vector: &[f32]) -> Node {
    Node { vector: Some(vector.to_vec()), ..node(number, text) }
}

fn mark(seq: i64) -> Mark {
    Mark { seq, node: Uuid::from_u128(seq as u128) }
}

fn small() -> Options {
    Options { exact_until: 200, tail_until: 50, memory: 16 << 20, codes: 0 }
}

fn open(dir: &Path) -> LocalIndex {
    LocalIndex::open(dir, small()).unwrap()
}

fn put(nodes: impl IntoIterator<Item = Node>) -> Vec<Change> {
    nodes.into_iter().map(Change::Put).collect()
}

fn scope(documents: impl IntoIterator<Item = u128>) -> Scope {
    Scope::Documents(Arc::new(documents.into_iter().map(document).collect()))
}

fn numbers(hits: &[Hit]) -> Vec<u128> {
    hits.iter().map(|hit| hit.id.as_u128()).collect()
}

fn found(index: &LocalIndex, query: &str) -> Vec<u128> {
    numbers(&index.search_text(query, 10, &Scope::All).unwrap())
}

/// Numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// From minus one to one.
    fn number(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    fn vector(&mut self, dimension: usize) -> Vec<f32> {
        let vector: Vec<f32> = (0..dimension).map(|_| self.number()).collect();
        unit(&vector).unwrap()
    }

    fn near(&mut self, center: &[f32], spread: f32) -> Vec<f32> {
        let vector: Vec<f32> = center.iter().map(|value| value + spread * self.number()).collect();
        unit(&vector).unwrap()
    }
}

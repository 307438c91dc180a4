//! How far words and meaning are trusted, for each knowledge base that is searched by both.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use moka::sync::Cache;
use ox_rag::fuse::{Seen, Side, Trust};
use ox_types::DatasetId;

/// Knowledge bases that are remembered; one that is not begins anew.
const KEPT: u64 = 4096;

/// Kept in memory: a server that starts has learnt it again after a few questions. Another generation of the index may
/// be of another model, and begins anew.
#[derive(Clone)]
pub(super) struct Trusts(Cache<(DatasetId, i32), Shared>);

impl Default for Trusts {
    fn default() -> Self {
        Self(Cache::new(KEPT))
    }
}

impl Trusts {
    pub(super) fn of(&self, dataset: DatasetId, generation: i32) -> Shared {
        self.0.get_with((dataset, generation), Shared::default)
    }
}

/// The account of one knowledge base.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Trust>>);

impl Shared {
    pub(super) fn doubted(&self) -> Option<Side> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).doubted()
    }

    pub(super) fn learn(&self, question: &str, seen: Seen) {
        let mut hasher = DefaultHasher::new();
        question.trim().hash(&mut hasher);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).learn(hasher.finish(), seen);
    }
}

//! Words and vectors of one question, looked for at the same time.

use std::{
    panic,
    sync::PoisonError,
    thread,
    time::{Duration, Instant},
};

use super::LocalIndex;
use crate::{
    error::Error,
    node::{Hit, Scope},
};

/// What words and vectors found, and how long that took.
#[derive(Debug, Default)]
pub struct Both {
    pub words: Vec<Hit>,
    pub words_took: Duration,
    pub vectors: Vec<Hit>,
    pub vectors_took: Duration,
}

impl LocalIndex {
    /// What [`Self::search_text`] and [`Self::search_vector`] find. In a large index each has a processor of its own; in
    /// a small one that would take longer than the search.
    pub fn search_both(&self, text: &str, vector: &[f32], top: usize, scope: &Scope) -> Result<Both, Error> {
        let words = || timed(|| self.search_text(text, top, scope));
        let vectors = || timed(|| self.search_vector(vector, top, scope));
        let (words, vectors) = if self.is_large() {
            thread::scope(|threads| {
                let helper = thread::Builder::new().name("index-words".to_owned()).spawn_scoped(threads, words);
                let vectors = vectors();
                let words = match helper {
                    Ok(helper) => helper.join().unwrap_or_else(|reason| panic::resume_unwind(reason)),
                    // No thread is to be had: one after the other.
                    Err(_) => words(),
                };
                (words, vectors)
            })
        } else {
            (words(), vectors())
        };
        let ((words, words_took), (vectors, vectors_took)) = (words, vectors);
        Ok(Both { words: words?, words_took, vectors: vectors?, vectors_took })
    }

    fn is_large(&self) -> bool {
        let shared = self.shared();
        let vectors = shared.vectors.read().unwrap_or_else(PoisonError::into_inner);
        vectors.rows.live() > shared.options.exact_until
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let done = work();
    (done, began.elapsed())
}

//! How documents become chunks and findings become an answer: cleaning, splitting, filters, ranking, measures.
//!
//! Pure: texts, rules and scores in, chunks and orders out. What it is not: it reads no files, keeps no index, asks no
//! model and knows no database; the use cases of `app::knowledge` do.

mod hash;

pub use hash::text_hash;

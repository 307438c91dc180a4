//! How documents become chunks and findings become an answer: cleaning, splitting, filters, ranking, measures.
//!
//! Pure: texts, rules and scores in, chunks and orders out. What it is not: it reads no files, keeps no index, asks no
//! model and knows no database; the use cases of `app::knowledge` do.
//!
//! Invariants: no letter of a text is lost between a document and its chunks; the time of splitting grows with the
//! text alone, whatever the rule and the text are; the same input gives the same output.

mod chunker;
mod clean;
mod filter;
pub mod fuse;
mod hash;
mod heading;
pub mod measures;
mod qa;
mod retrieval;
mod rule;
mod split;
mod words;

pub use chunker::{Chunk, Chunker};
pub use clean::{Cleaning, clean};
pub use filter::{Condition, Filter, Join, Operator};
pub use hash::text_hash;
pub use qa::qa_pairs;
pub use retrieval::{
    KeywordSetting, MAX_FULL_CONTEXT, MAX_NEIGHBOURS, MAX_TOP_K, Rerank, RerankMode, RerankModel, RetrievalSettings,
    SearchMethod, SettingsError, VectorSetting, WeightType, Weights,
};
pub use rule::{
    ChunkForm, MAX_SEGMENT_LENGTH, MIN_SEGMENT_LENGTH, ParentMode, PreProcessing, ProcessRule, RuleError, RuleMode,
    Rules, Segmentation, Unit,
};
pub use split::Count;
pub use words::words;

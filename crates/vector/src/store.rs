//! Vector stores outside: one trait, one driver per kind of server.
//!
//! A store keeps vectors alone: words are found by the index of our own whatever the store.

mod chroma;
mod elastic;
mod milvus;
mod pgvector;
mod point;
mod qdrant;
mod registry;
mod rest;
mod weaviate;

use async_trait::async_trait;
use uuid::Uuid;

pub use point::{Point, collection};
pub use registry::{StoreSettingError, connect, is_store_setting};

use crate::node::{Hit, Scope};

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or is not ready: the same call may work later.
    #[error("the vector store {store} cannot be reached: {why}")]
    Unreachable { store: &'static str, why: String },
    /// It answered that it will not.
    #[error("the vector store {store} refused to {doing}: {why}")]
    Refused { store: &'static str, doing: &'static str, why: String },
    /// The collection's vectors are of another model.
    #[error("a vector of {got} dimensions does not go with a collection of {expected}")]
    Dimension { expected: usize, got: usize },
    /// It answered something that is no answer to the question.
    #[error("the vector store {store} answered what is no answer: {why}")]
    Strange { store: &'static str, why: String },
}

/// A vector store. A collection that is not there is empty; what is put or removed is so for the next search.
#[async_trait]
pub trait VectorStore: Send + Sync {
    /// Its name in `VECTOR_STORE`.
    fn name(&self) -> &'static str;

    /// Where it is, without secrets: at another place is another store.
    fn place(&self) -> String;

    /// Whether it can be reached and is of a version that the driver knows.
    async fn check(&self) -> Result<(), StoreError>;

    /// Puts points in, in place of those with their ids; makes the collection if it is absent.
    async fn put(&self, collection: &str, points: &[Point]) -> Result<(), StoreError>;

    /// Takes points out.
    async fn remove(&self, collection: &str, ids: &[Uuid]) -> Result<(), StoreError>;

    /// The nearest points of the scope with their cosine, best first: `top` of them if the scope has so many.
    async fn search(&self, collection: &str, vector: &[f32], top: usize, scope: &Scope)
    -> Result<Vec<Hit>, StoreError>;

    /// Every point that is in, in no order.
    async fn ids(&self, collection: &str) -> Result<Vec<Uuid>, StoreError>;

    /// Removes a collection with all that is in it.
    async fn drop_collection(&self, collection: &str) -> Result<(), StoreError>;
}

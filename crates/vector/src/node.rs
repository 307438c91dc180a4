//! What is put in and what is found.

use std::{collections::HashSet, sync::Arc};

use uuid::Uuid;

/// How far an index has read the changes of its dataset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    pub seq: i64,
    /// The last node of that change which was read.
    pub node: Uuid,
}

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    Segment,
    Child,
    Summary,
    /// A picture, which is found by its vector alone.
    Picture,
}

/// A text or a picture that can be found.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub id: Uuid,
    pub document_id: Uuid,
    /// What is answered when it is found.
    pub segment_id: Uuid,
    pub kind: NodeKind,
    /// Of a picture what it is named by: nothing is found by that.
    pub text: String,
    /// Words that a person gave it; they count more.
    pub keywords: Vec<String>,
    /// Of length one; `None` where only words count.
    pub vector: Option<Vec<f32>>,
}

/// One change of an index.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Puts a node in, in place of the one with its id.
    Put(Node),
    /// Takes a node out, if it is in.
    Remove(Uuid),
}

/// A node that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    pub id: Uuid,
    pub segment_id: Uuid,
    pub document_id: Uuid,
    pub kind: NodeKind,
    /// BM25 for words; cosine for vectors.
    pub score: f32,
}

/// Where is looked.
#[derive(Clone, Debug, Default)]
pub enum Scope {
    #[default]
    All,
    /// Only in these documents.
    Documents(Arc<HashSet<Uuid>>),
}

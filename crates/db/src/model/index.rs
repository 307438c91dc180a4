use ox_types::{DatasetId, DocumentId, SegmentId, TenantId};
use uuid::Uuid;

/// A text or a picture that is to be found.
#[derive(Clone, Debug, PartialEq)]
pub struct NewIndexNode {
    /// `index_node_id` of its segment or child chunk.
    pub id: Uuid,
    pub document_id: DocumentId,
    pub segment_id: SegmentId,
    pub kind: IndexNodeKind,
    /// Of a picture the id of its file.
    pub content: String,
    pub keywords: Vec<String>,
    /// Its vector; `None` where only words count.
    pub embedding_id: Option<Uuid>,
    /// Whether it is found at once.
    pub active: bool,
}

/// What an index node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexNodeKind {
    Segment,
    Child,
    Summary,
    Picture,
}

impl IndexNodeKind {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Child => "child",
            Self::Summary => "summary",
            Self::Picture => "image",
        }
    }

    pub(crate) fn of(text: &str) -> Self {
        match text {
            "child" => Self::Child,
            "summary" => Self::Summary,
            "image" => Self::Picture,
            _ => Self::Segment,
        }
    }
}

/// Which nodes of a dataset a change is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexNodes<'a> {
    Documents(&'a [DocumentId]),
    Segments(&'a [SegmentId]),
    Nodes(&'a [Uuid]),
    All,
}

/// The last change of a node, in the order of changes.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexChange {
    pub seq: i64,
    pub id: Uuid,
    pub document_id: DocumentId,
    pub segment_id: SegmentId,
    pub kind: IndexNodeKind,
    pub content: String,
    pub keywords: Vec<String>,
    pub embedding: Option<Vec<f32>>,
    /// `false`: it is to be taken out of the index.
    pub active: bool,
}

/// Where the index of a dataset stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexState {
    pub tenant_id: TenantId,
    pub dataset_id: DatasetId,
    /// The last change.
    pub seq: i64,
    pub generation: i32,
    /// Who has read no further than this must start anew.
    pub purged_seq: i64,
}

/// How far a vector store outside has read the changes of one generation of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexMark {
    pub tenant_id: TenantId,
    pub dataset_id: DatasetId,
    pub generation: i32,
    /// The last change that is in.
    pub seq: i64,
    /// Its last node.
    pub node_id: Uuid,
    /// All was in once: questions are answered from the store.
    pub is_ready: bool,
    /// What failed last; none when the last step went well.
    pub error: Option<String>,
    /// Failures in a row.
    pub attempts: i32,
}

/// How much a vector store has not read yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexLag {
    /// Datasets that are in it, or are to be.
    pub datasets: u64,
    /// Of these, those with changes that it has not read.
    pub behind: u64,
    /// Such changes.
    pub changes: u64,
    /// Collections that are still to be removed.
    pub gone: u64,
    /// One of the failures, if something fails.
    pub error: Option<String>,
}

/// A row of an index, without what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    pub id: Uuid,
    pub seq: i64,
    pub active: bool,
    pub has_vector: bool,
}

/// A vector that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEmbedding {
    /// Of the text.
    pub hash: String,
    /// Of length one.
    pub vector: Vec<f32>,
}

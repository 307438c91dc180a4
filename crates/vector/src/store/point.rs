//! What stores keep, in the form that Dify's drivers gave it.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::node::{Hit, Node, NodeKind};

/// A vector with what it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub id: Uuid,
    pub dataset_id: Uuid,
    pub document_id: Uuid,
    pub segment_id: Uuid,
    pub kind: NodeKind,
    pub text: String,
    /// Of length one.
    pub vector: Vec<f32>,
}

impl Point {
    /// A node of a dataset; `None` if it has no vector.
    pub fn of(node: Node, dataset_id: Uuid) -> Option<Self> {
        let Node { id, document_id, segment_id, kind, text, vector, .. } = node;
        Some(Self { id, dataset_id, document_id, segment_id, kind, text, vector: vector? })
    }

    /// Its metadata. Compat: the first three names are Dify's, so that either finds what the other stored.
    pub(super) fn metadata(&self) -> Value {
        json!({
            "doc_id": self.id,
            "document_id": self.document_id,
            "dataset_id": self.dataset_id,
            "segment_id": self.segment_id,
            "kind": match self.kind {
                NodeKind::Segment => "segment",
                NodeKind::Child => "child",
                NodeKind::Summary => "summary",
                NodeKind::Picture => "image",
            },
        })
    }
}

/// The hit that metadata tell of; `None` if they are not of a point.
pub(super) fn hit(metadata: &Map<String, Value>, score: f64) -> Option<Hit> {
    let id = |name: &str| metadata.get(name)?.as_str()?.parse::<Uuid>().ok();
    let node = id("doc_id")?;
    #[expect(clippy::cast_possible_truncation, reason = "a cosine")]
    let score = score as f32;
    Some(Hit {
        id: node,
        // What Dify stored does not say.
        segment_id: id("segment_id").unwrap_or(node),
        document_id: id("document_id")?,
        kind: match metadata.get("kind").and_then(Value::as_str) {
            Some("child") => NodeKind::Child,
            Some("summary") => NodeKind::Summary,
            Some("image") => NodeKind::Picture,
            _ => NodeKind::Segment,
        },
        score,
    })
}

/// The name of a dataset's collection: Dify's for the first generation.
pub fn collection(prefix: &str, dataset: Uuid, generation: i64) -> String {
    let dataset = dataset.to_string().replace('-', "_");
    if generation <= 1 {
        format!("{prefix}_{dataset}_Node")
    } else {
        // Before the id: some stores cut long names at the end.
        format!("{prefix}_g{generation}_{dataset}_Node")
    }
}

/// The best first; of equal ones the older id first.
pub(super) fn sorted(mut hits: Vec<Hit>, top: usize) -> Vec<Hit> {
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
    hits.truncate(top);
    hits
}

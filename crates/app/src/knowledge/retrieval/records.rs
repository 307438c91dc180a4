//! From index nodes to the segments they stand for.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use ox_db::{model::Dataset, repo};
use ox_rag::fuse;
use ox_types::{DocumentId, SegmentId};
use ox_vector::NodeKind;
use uuid::Uuid;

use super::{Around, Own, Place, Record, Retriever, Scores, parts::Node};
use crate::{
    Result,
    knowledge::{files_of, pictures::node_id},
};

impl Retriever {
    /// The segments of scored nodes, each once with its best score. What is gone or switched off meanwhile is left out.
    pub(super) async fn records(
        &self,
        dataset: &Arc<Dataset>,
        scored: Vec<(Uuid, f64)>,
        nodes: &HashMap<Uuid, Node>,
    ) -> Result<Vec<Record>> {
        let of = |id: &Uuid| nodes.get(id).map(|node| node.hit);
        let found: Vec<(Uuid, f64)> = scored.into_iter().filter(|(id, _)| nodes.contains_key(id)).collect();
        let groups = fuse::group(found, |(id, _)| of(id).map_or(Uuid::nil(), |hit| hit.segment_id));
        let segment_ids: Vec<SegmentId> = groups.iter().map(|group| SegmentId(group.parent)).collect();
        let tenant = dataset.tenant_id;
        let segments = repo::retrieval::segments(&self.db, tenant, &segment_ids).await?;
        let mut segments: HashMap<Uuid, _> = segments.into_iter().map(|row| (row.id.0, row)).collect();
        let wanted: HashSet<DocumentId> = segments.values().map(|row| row.document_id).collect();
        let documents = repo::retrieval::documents(&self.db, tenant, &wanted.into_iter().collect::<Vec<_>>()).await?;
        let documents: HashMap<DocumentId, _> = documents.into_iter().map(|row| (row.id, row)).collect();
        let is_child = |id: &Uuid| of(id).is_some_and(|hit| hit.kind == NodeKind::Child);
        let found_children: Vec<Uuid> =
            groups.iter().flat_map(|group| &group.found).map(|(id, _)| *id).filter(is_child).collect();
        let children = repo::retrieval::children(&self.db, tenant, &found_children).await?;
        let children: HashMap<Uuid, _> =
            children.into_iter().filter_map(|row| Some((row.index_node_id?, row))).collect();
        let mut files = files_of(&self.db, dataset, &segment_ids).await?;
        let is_told = |(id, _): &(Uuid, f64)| of(id).is_some_and(|hit| hit.kind == NodeKind::Summary);
        let told: Vec<SegmentId> = groups
            .iter()
            .filter(|group| group.found.iter().any(is_told))
            .map(|group| SegmentId(group.parent))
            .collect();
        let mut summaries = repo::summaries::of_segments(&self.db, tenant, &told).await?;
        let record = |group: fuse::Group<Uuid, (Uuid, f64)>| {
            let segment = segments.remove(&group.parent)?;
            let document = documents.get(&segment.document_id)?.clone();
            let children =
                group.found.iter().filter_map(|(id, score)| Some((children.get(id)?.clone(), *score))).collect();
            let mut files = files.remove(&segment.id).unwrap_or_default();
            let is_seen = |id: &Uuid| of(id).is_some_and(|hit| hit.kind == NodeKind::Picture);
            let seen: Vec<Uuid> = group.found.iter().map(|(id, _)| *id).filter(is_seen).collect();
            // The pictures that were found come first, the nearest before the others.
            if !seen.is_empty() {
                files.sort_by_cached_key(|file| {
                    let node = node_id(group.parent, file.id);
                    seen.iter().position(|id| *id == node).unwrap_or(usize::MAX)
                });
            }
            let summary = summaries.remove(&segment.id).and_then(|summary| summary.content);
            let own = Own { document, segment, children, summary, files, around: Around::default() };
            let place = Place::Own(Box::new(own));
            let known = group.found.iter().filter_map(|(id, _)| nodes.get(id));
            let scores = known.fold(Scores::default(), |best, node| best.best(node.scores));
            Some(Record { dataset: Arc::clone(dataset), place, score: group.score, scores })
        };
        Ok(groups.into_iter().filter_map(record).collect())
    }
}

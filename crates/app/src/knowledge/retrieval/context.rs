//! More than what was found: what stands beside it, or all there is where that is little.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use ox_db::{
    model::{Dataset, FoundDocument, FoundRow},
    repo,
};
use ox_types::{DocumentId, SegmentId};
use ox_vector::Scope;

use super::{Around, Own, Place, Record, Retriever, Scores};
use crate::{Result, knowledge::files_of};

/// Segments of a knowledge base that is given as a whole.
const SEGMENTS: u64 = 2000;

type Positions = HashMap<DocumentId, HashSet<i32>>;

impl Retriever {
    /// All of a knowledge base, in the order of its documents; none when it has more characters than `limit`.
    pub(super) async fn whole(&self, dataset: &Arc<Dataset>, limit: u64, scope: &Scope) -> Result<Option<Vec<Record>>> {
        let (segments, characters) = repo::retrieval::size(&self.db, dataset.id).await?;
        if segments == 0 || segments > SEGMENTS || characters > limit {
            return Ok(None);
        }
        let mut rows = repo::retrieval::whole(&self.db, dataset.id, SEGMENTS).await?;
        if let Scope::Documents(fitting) = scope {
            rows.retain(|row| fitting.contains(&row.document_id.0));
        }
        let ids: HashSet<DocumentId> = rows.iter().map(|row| row.document_id).collect();
        let ids: Vec<DocumentId> = ids.into_iter().collect();
        let documents = repo::retrieval::documents(&self.db, dataset.tenant_id, &ids).await?;
        let documents: HashMap<DocumentId, FoundDocument> =
            documents.into_iter().map(|document| (document.id, document)).collect();
        let segments: Vec<SegmentId> = rows.iter().map(|row| row.id).collect();
        let mut files = files_of(&self.db, dataset, &segments).await?;
        let record = |segment: FoundRow| {
            let document = documents.get(&segment.document_id)?.clone();
            let files = files.remove(&segment.id).unwrap_or_default();
            let own = Own { document, segment, children: Vec::new(), summary: None, files, around: Around::default() };
            let place = Place::Own(Box::new(own));
            Some(Record { dataset: Arc::clone(dataset), place, score: 1.0, scores: Scores::default() })
        };
        Ok(Some(rows.into_iter().filter_map(record).collect()))
    }

    /// Reads what stands beside records, as many segments on each side as `count` says. No text is read twice: the
    /// better record has it.
    pub(super) async fn widen(&self, records: &mut [Record], count: impl Fn(&Record) -> u32 + Sync) -> Result<()> {
        let mut taken: Positions = HashMap::new();
        for own in records.iter().filter_map(own_of) {
            taken.entry(own.document.id).or_default().insert(own.segment.position);
        }
        let mut wanted: Vec<(usize, Vec<i32>, Vec<i32>)> = Vec::new();
        for (at, record) in records.iter().enumerate() {
            let Some(own) = own_of(record).filter(|own| own.segment.answer.is_none()) else { continue };
            let (here, span) = (own.segment.position, i32::try_from(count(record)).unwrap_or_default());
            let taken = taken.entry(own.document.id).or_default();
            // From the record outwards: what another record has ends the row.
            let mut side = |step: i32| {
                let places = (1..=span).map(|distance| here.saturating_add(distance.saturating_mul(step)));
                places.take_while(|place| *place > 0 && taken.insert(*place)).collect::<Vec<_>>()
            };
            let (mut before, after) = (side(-1), side(1));
            before.reverse();
            if !(before.is_empty() && after.is_empty()) {
                wanted.push((at, before, after));
            }
        }
        let mut places: HashMap<DocumentId, Vec<i32>> = HashMap::new();
        for (at, before, after) in &wanted {
            if let Some(own) = records.get(*at).and_then(own_of) {
                places.entry(own.document.id).or_default().extend(before.iter().chain(after));
            }
        }
        if places.is_empty() {
            return Ok(());
        }
        let Some(tenant) = records.first().map(|record| record.dataset.tenant_id) else { return Ok(()) };
        let places: Vec<(DocumentId, Vec<i32>)> = places.into_iter().collect();
        let rows = repo::retrieval::at_positions(&self.db, tenant, &places).await?;
        let texts: HashMap<(DocumentId, i32), String> =
            rows.into_iter().map(|row| ((row.document_id, row.position), row.content)).collect();
        for (at, before, after) in wanted {
            let Some(Record { place: Place::Own(own), .. }) = records.get_mut(at) else { continue };
            let id = own.document.id;
            let read = |list: Vec<i32>| list.into_iter().filter_map(|place| texts.get(&(id, place)).cloned()).collect();
            own.around = Around { before: read(before), after: read(after) };
        }
        Ok(())
    }
}

fn own_of(record: &Record) -> Option<&Own> {
    match &record.place {
        Place::Own(own) => Some(own),
        Place::External(_) => None,
    }
}

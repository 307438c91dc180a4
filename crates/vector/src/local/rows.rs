//! What is known of the rows of the vector file: whose they are, which still count, and their bytes.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    codes::{Asked, Codes, length},
    graph::{Graph, GraphError},
    nearest::Nearest,
    schema::Identity,
};
use crate::node::{Hit, NodeKind, Scope};

/// Of a larger index a scope may have this part and still be looked at row by row.
const SCANNED_PART: usize = 32;

#[derive(Clone, Copy)]
struct Row {
    id: Uuid,
    segment_id: Uuid,
    document: u32,
    kind: NodeKind,
    live: bool,
}

const DEAD: Row = Row { id: Uuid::nil(), segment_id: Uuid::nil(), document: 0, kind: NodeKind::Segment, live: false };

struct Document {
    id: Uuid,
    /// Some may be dead.
    rows: Vec<u32>,
    live: usize,
}

/// The numbers that the words know vectors by. They never change; rows do when dead ones are left out.
#[derive(Clone, Default)]
pub(super) struct Numbers {
    /// Of the first rows, ascending.
    pub base: Vec<u64>,
    /// Of the row after these; from there on they count up.
    pub after: u64,
}

impl Numbers {
    pub(super) fn of(&self, row: usize) -> u64 {
        self.base.get(row).copied().unwrap_or_else(|| self.after + (row - self.base.len()) as u64)
    }

    pub(super) fn row(&self, number: u64) -> Option<usize> {
        match number.checked_sub(self.after) {
            Some(further) => Some(self.base.len() + usize::try_from(further).ok()?),
            None => self.base.binary_search(&number).ok(),
        }
    }
}

pub(super) struct Rows {
    pub dimension: usize,
    rows: Vec<Row>,
    live: usize,
    documents: Vec<Document>,
    by_id: HashMap<Uuid, u32>,
    pub numbers: Numbers,
    pub codes: Codes,
}

/// The documents that a search is limited to.
struct Reach {
    wanted: Option<Vec<bool>>,
    live: usize,
}

impl Rows {
    pub(super) fn new(dimension: usize, numbers: Numbers, rows: usize, codes: Codes) -> Self {
        let rows = vec![DEAD; rows];
        Self { dimension, rows, live: 0, documents: Vec::new(), by_id: HashMap::new(), numbers, codes }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn live(&self) -> usize {
        self.live
    }

    pub(super) fn is_live(&self, row: usize) -> bool {
        self.rows.get(row).is_some_and(|row| row.live)
    }

    pub(super) fn identity(&self, row: usize) -> Option<Identity> {
        let found = self.rows.get(row)?;
        Some(Identity {
            id: found.id,
            segment_id: found.segment_id,
            document_id: self.documents.get(found.document as usize)?.id,
            kind: found.kind,
            vector: Some(self.numbers.of(row)),
        })
    }

    /// Says whose a row is. False when there is no such row, or it is another's.
    pub(super) fn place(&mut self, row: usize, identity: &Identity) -> bool {
        let document = self.document(identity.document_id);
        let Some(place) = self.rows.get_mut(row).filter(|row| !row.live) else { return false };
        *place = Row { id: identity.id, segment_id: identity.segment_id, document, kind: identity.kind, live: true };
        self.live += 1;
        if let (Some(document), Ok(row)) = (self.documents.get_mut(document as usize), u32::try_from(row)) {
            document.rows.push(row);
            document.live += 1;
        }
        true
    }

    fn document(&mut self, id: Uuid) -> u32 {
        let next = u32::try_from(self.documents.len()).unwrap_or(u32::MAX);
        let documents = &mut self.documents;
        *self.by_id.entry(id).or_insert_with(|| {
            documents.push(Document { id, rows: Vec::new(), live: 0 });
            next
        })
    }

    pub(super) fn push(&mut self, identity: &Identity, vector: &[f32]) {
        self.codes.push(vector);
        self.rows.push(DEAD);
        self.place(self.rows.len() - 1, identity);
    }

    pub(super) fn kill(&mut self, row: usize) {
        let Some(dead) = self.rows.get_mut(row).filter(|row| row.live) else { return };
        dead.live = false;
        self.live -= 1;
        let Some(document) = self.documents.get_mut(dead.document as usize) else { return };
        document.live -= 1;
        if document.rows.len() > 2 * document.live + 16 {
            let rows = &self.rows;
            document.rows.retain(|row| rows.get(*row as usize).is_some_and(|row| row.live));
        }
    }

    pub(super) fn hit(&self, row: usize, score: f32) -> Option<Hit> {
        let found = self.rows.get(row)?;
        let document = self.documents.get(found.document as usize)?;
        Some(Hit { id: found.id, segment_id: found.segment_id, document_id: document.id, kind: found.kind, score })
    }

    /// Rows of the scope that are probably the nearest: at least `least` of them if the scope has so many.
    pub(super) fn candidates(
        &self,
        graph: Option<&Graph>,
        asked: &Asked,
        (count, least): (usize, usize),
        scope: &Scope,
        exact_until: usize,
    ) -> Result<Vec<usize>, GraphError> {
        let reach = self.reach(scope);
        if reach.live == 0 {
            return Ok(Vec::new());
        }
        let graph = graph.filter(|graph| graph.covered() > 0);
        if let Some(graph) = graph.filter(|_| reach.live > exact_until.max(self.live / SCANNED_PART)) {
            let mut nearest = Nearest::new(count);
            for (score, row) in graph.search(&asked.codes, count, |row| self.wanted(row, &reach))? {
                nearest.push(score, row);
            }
            self.scan(graph.covered()..self.rows.len(), Some(graph), asked, &reach, &mut nearest);
            if nearest.len() >= least.min(reach.live) {
                return Ok(nearest.rows().collect());
            }
        }
        let mut nearest = Nearest::new(count);
        match scope {
            Scope::All => self.scan(0..self.rows.len(), graph, asked, &reach, &mut nearest),
            Scope::Documents(ids) => {
                let documents = ids.iter().filter_map(|id| self.documents.get(*self.by_id.get(id)? as usize));
                for document in documents {
                    let rows = document.rows.iter().map(|row| *row as usize);
                    self.scan(rows, graph, asked, &reach, &mut nearest);
                }
            }
        }
        Ok(nearest.rows().collect())
    }

    fn reach(&self, scope: &Scope) -> Reach {
        let Scope::Documents(ids) = scope else { return Reach { wanted: None, live: self.live } };
        let (mut wanted, mut live) = (vec![false; self.documents.len()], 0);
        for document in ids.iter().filter_map(|id| self.by_id.get(id)) {
            let at = *document as usize;
            if let (Some(document), Some(place)) = (self.documents.get(at), wanted.get_mut(at)) {
                live += document.live;
                *place = true;
            }
        }
        Reach { wanted: Some(wanted), live }
    }

    fn wanted(&self, row: usize, reach: &Reach) -> bool {
        self.rows.get(row).is_some_and(|row| {
            let inside = |wanted: &Vec<bool>| wanted.get(row.document as usize).copied().unwrap_or(false);
            row.live && reach.wanted.as_ref().is_none_or(inside)
        })
    }

    fn scan(
        &self,
        rows: impl Iterator<Item = usize>,
        graph: Option<&Graph>,
        asked: &Asked,
        reach: &Reach,
        nearest: &mut Nearest,
    ) {
        let mut buffer = vec![0; self.dimension];
        for row in rows.filter(|row| self.wanted(*row, reach)) {
            if let Some((codes, size)) = self.codes.get(row) {
                nearest.push(asked.near(codes, size), row);
            } else if graph.is_some_and(|graph| graph.codes(row, &mut buffer)) {
                nearest.push(asked.near(&buffer, length(&buffer)), row);
            }
        }
    }
}

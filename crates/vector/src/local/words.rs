//! Questions to the full-text index: words in, the best nodes out.

use std::{cmp::Ordering, collections::BinaryHeap};

use tantivy::{
    DocId, Score, Term,
    query::{BooleanQuery, BoostQuery, ConstScoreQuery, EnableScoring, Occur, Query, TermQuery, TermSetQuery},
    schema::{Field, IndexRecordOption},
};

use super::schema::{Fields, Snapshot};
use crate::{
    node::{Hit, Scope},
    text::{self, Part},
};

/// Words that a person gave count this much more.
const KEYWORD_BOOST: Score = 2.0;
/// A question's rarest words; more of them cost time and change nothing.
const TERMS: usize = 96;
/// Of a longer question the beginning is read.
const QUERY: usize = 32 * 1024;
/// Up to here documents are looked up as terms; above, each match is asked for its document.
const DOCUMENTS_AS_TERMS: usize = 1024;

/// The best `top` nodes of the scope, best first; of equal ones the older id first.
pub(super) fn search(
    snapshot: &Snapshot,
    fields: &Fields,
    query: &str,
    top: usize,
    scope: &Scope,
) -> tantivy::Result<Vec<Hit>> {
    let nothing = matches!(scope, Scope::Documents(documents) if documents.is_empty());
    if top == 0 || nothing || snapshot.searcher.num_docs() == 0 {
        return Ok(Vec::new());
    }
    let query = cut(query);
    let words = text::terms(text::words(), query);
    let lone = text::terms(text::part(Part::Lone), query);
    let mut wanted = Vec::new();
    for (field, boost, terms) in
        [(fields.text, 1.0, &words), (fields.keywords, KEYWORD_BOOST, &words), (fields.characters, 1.0, &lone)]
    {
        wanted.extend(terms.iter().map(|term| Wanted { field, boost, term: Term::from_field_text(field, term) }));
    }
    let hits = best(snapshot, fields, wanted, top, scope)?;
    if !hits.is_empty() {
        return Ok(hits);
    }
    // No pair of characters was found together: then the characters alone; no word but stop words: then these.
    for (field, part) in [(fields.characters, Part::Characters), (fields.common, Part::Common)] {
        if part == Part::Common && !words.is_empty() {
            break;
        }
        let terms = text::terms(text::part(part), query);
        let wanted = terms.iter().map(|term| Wanted { field, boost: 1.0, term: Term::from_field_text(field, term) });
        let hits = best(snapshot, fields, wanted.collect(), top, scope)?;
        if !hits.is_empty() {
            return Ok(hits);
        }
    }
    Ok(Vec::new())
}

fn cut(query: &str) -> &str {
    let mut end = query.len().min(QUERY);
    while !query.is_char_boundary(end) {
        end -= 1;
    }
    query.get(..end).unwrap_or_default()
}

struct Wanted {
    field: Field,
    boost: Score,
    term: Term,
}

fn best(
    snapshot: &Snapshot,
    fields: &Fields,
    wanted: Vec<Wanted>,
    top: usize,
    scope: &Scope,
) -> tantivy::Result<Vec<Hit>> {
    let searcher = &snapshot.searcher;
    let mut known = Vec::new();
    for wanted in wanted {
        let frequency = searcher.doc_freq(&wanted.term)?;
        if frequency > 0 {
            known.push((frequency, wanted));
        }
    }
    if known.is_empty() {
        return Ok(Vec::new());
    }
    known.sort_by_key(|(frequency, _)| *frequency);
    known.truncate(TERMS);
    let clauses = known.into_iter().map(|(_, wanted)| {
        let record =
            if wanted.field == fields.common { IndexRecordOption::Basic } else { IndexRecordOption::WithFreqs };
        let query: Box<dyn Query> = Box::new(TermQuery::new(wanted.term, record));
        let boosted: Box<dyn Query> =
            if wanted.boost == 1.0 { query } else { Box::new(BoostQuery::new(query, wanted.boost)) };
        (Occur::Should, boosted)
    });
    let any = BooleanQuery::new(clauses.collect());
    let documents = match scope {
        Scope::All => None,
        Scope::Documents(documents) => Some(documents),
    };
    let query: Box<dyn Query> = match documents {
        Some(documents) if documents.len() <= DOCUMENTS_AS_TERMS => {
            let inside = documents.iter().map(|id| Term::from_field_bytes(fields.document, id.as_bytes()));
            let inside = ConstScoreQuery::new(Box::new(TermSetQuery::new(inside)), 0.0);
            Box::new(BooleanQuery::new(vec![(Occur::Must, Box::new(any)), (Occur::Must, Box::new(inside))]))
        }
        _ => Box::new(any),
    };
    let asked = documents.filter(|documents| documents.len() > DOCUMENTS_AS_TERMS);
    let weight = query.weight(EnableScoring::enabled_from_searcher(searcher))?;
    let mut found = Found { top, heap: BinaryHeap::new() };
    for (segment, reader) in searcher.segment_readers().iter().enumerate() {
        let threshold = found.threshold();
        weight.for_each_pruning(threshold, reader, &mut |doc, score| {
            let inside = !reader.is_deleted(doc)
                && asked.is_none_or(|asked| {
                    snapshot.document(segment, doc).is_some_and(|document| asked.contains(&document))
                });
            if inside {
                found.push(score, segment, doc);
            }
            found.threshold()
        })?;
    }
    Ok(found.hits(snapshot))
}

struct Entry {
    score: Score,
    segment: usize,
    doc: DocId,
}

impl Ord for Entry {
    /// The worst is the greatest: the heap gives it up first.
    fn cmp(&self, other: &Self) -> Ordering {
        let address = |entry: &Self| (entry.segment, entry.doc);
        other.score.total_cmp(&self.score).then_with(|| address(self).cmp(&address(other)))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

struct Found {
    top: usize,
    heap: BinaryHeap<Entry>,
}

impl Found {
    /// The score that one must be better than.
    fn threshold(&self) -> Score {
        if self.heap.len() < self.top { Score::MIN } else { self.heap.peek().map_or(Score::MIN, |worst| worst.score) }
    }

    fn push(&mut self, score: Score, segment: usize, doc: DocId) {
        self.heap.push(Entry { score, segment, doc });
        if self.heap.len() > self.top {
            self.heap.pop();
        }
    }

    fn hits(self, snapshot: &Snapshot) -> Vec<Hit> {
        let mut hits: Vec<Hit> = self
            .heap
            .into_iter()
            .filter_map(|entry| snapshot.identity(entry.segment, entry.doc).map(|node| (entry.score, node)))
            .map(|(score, node)| Hit {
                id: node.id,
                segment_id: node.segment_id,
                document_id: node.document_id,
                kind: node.kind,
                score,
            })
            .collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
        hits
    }
}

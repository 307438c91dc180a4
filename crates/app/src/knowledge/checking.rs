//! Whether the copies of what can be found hold just that: nothing missing, nothing that is gone, nothing twice.
//!
//! A copy is compared with the database as it was at the copy's mark: what changed since then is not wrong, only late.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    time::Duration,
};

use ox_db::{
    Database,
    model::IndexState,
    repo::{index_marks, index_nodes},
};
use ox_types::{DatasetId, boxed};
use ox_vector::{LocalIndex, Mark, Options};
use serde::Serialize;
use uuid::Uuid;

use super::{
    index::{Kind, blocking},
    outside::Outside,
};
use crate::{Error, Result};

/// Rows looked at together.
const ROWS: u64 = 5000;
/// Datasets listed together.
const PAGE: u64 = 500;
/// A store that is written to meanwhile is looked at so often before it counts as wrong.
const LOOKS: usize = 4;
const BETWEEN: Duration = Duration::from_secs(1);
/// Ids that are named.
const EXAMPLES: usize = 5;

/// What was found of one copy of one dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub dataset: String,
    /// `local`, `local words`, or the store and its place.
    pub index: String,
    /// What should be in.
    pub nodes: u64,
    pub missing: u64,
    /// What is in and should not be.
    pub orphans: u64,
    /// What is in more than once.
    pub duplicates: u64,
    /// Changes that it has not read yet; that is not wrong.
    pub behind: u64,
    /// Why it could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Uuid>,
}

impl Finding {
    /// Whether something is in that should not be, or the other way round.
    #[must_use]
    pub const fn is_wrong(&self) -> bool {
        self.missing + self.orphans + self.duplicates > 0
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub datasets: u64,
    pub nodes: u64,
    pub missing: u64,
    pub orphans: u64,
    pub duplicates: u64,
    pub behind: u64,
    /// Collections of what is gone that are still in the store.
    pub to_be_removed: u64,
    pub skipped: u64,
    /// Copies that are wrong, late or could not be looked at.
    pub findings: Vec<Finding>,
}

impl Report {
    fn add(&mut self, finding: Finding) {
        self.nodes += finding.nodes;
        self.missing += finding.missing;
        self.orphans += finding.orphans;
        self.duplicates += finding.duplicates;
        self.behind += finding.behind;
        self.skipped += u64::from(finding.skipped.is_some());
        if finding.is_wrong() || finding.behind > 0 || finding.skipped.is_some() {
            self.findings.push(finding);
        }
    }

    /// Whether a copy is wrong.
    #[must_use]
    pub const fn is_wrong(&self) -> bool {
        self.missing + self.orphans + self.duplicates > 0
    }
}

/// The datasets that have an index, all or one.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn states(db: &Database, only: Option<DatasetId>) -> Result<Vec<IndexState>> {
    let mut out: Vec<IndexState> = Vec::new();
    loop {
        let page = index_marks::indexed(db, out.last().map(|state| state.dataset_id), PAGE).await?;
        if page.is_empty() {
            break;
        }
        out.extend(page);
    }
    out.retain(|state| only.is_none_or(|only| only == state.dataset_id));
    Ok(out)
}

/// Compares the local copies under a directory, and those in a store, with the database.
///
/// # Errors
/// When the database or the store fails.
#[boxed]
pub async fn check(db: &Database, home: &Path, outside: Option<&Outside>, only: Option<DatasetId>) -> Result<Report> {
    let mut report = Report::default();
    for state in states(db, only).await? {
        report.datasets += 1;
        for kind in [Kind::Full, Kind::Words] {
            let dir = kind.dir(&home.join("index"), state.dataset_id, state.generation);
            if dir.exists() {
                report.add(local(db, &dir, state, kind).await?);
            }
        }
        let Some(outside) = outside else { continue };
        report.add(patiently(db, outside, state).await?);
    }
    if let Some(outside) = outside {
        report.to_be_removed = outside.lag().await?.gone;
    }
    Ok(report)
}

/// What of a generation should be in a copy at its mark, with whether it has a vector, and what may be in it or not.
struct Expected {
    nodes: HashMap<Uuid, bool>,
    changing: HashSet<Uuid>,
}

async fn expected(db: &Database, state: IndexState, mark: Mark) -> Result<Expected> {
    let mut out = Expected { nodes: HashMap::new(), changing: HashSet::new() };
    let mut after = (0, Uuid::nil());
    loop {
        let rows = index_nodes::entries(db, state, after, ROWS).await?;
        let Some(last) = rows.last() else { return Ok(out) };
        after = (last.seq, last.id);
        for row in rows {
            if (Mark { seq: row.seq, node: row.id }) > mark {
                out.changing.insert(row.id);
            } else if row.active {
                out.nodes.insert(row.id, row.has_vector);
            }
        }
    }
}

fn compare(state: IndexState, index: String, mark: Mark, expected: &Expected, there: &[Uuid]) -> Finding {
    let distinct: HashSet<Uuid> = there.iter().copied().collect();
    let missing: Vec<Uuid> = expected.nodes.keys().filter(|id| !distinct.contains(id)).copied().collect();
    // What was removed for good since its mark is not told any more.
    let knows_all = mark.seq >= state.purged_seq;
    let is_orphan = |id: &&Uuid| knows_all && !expected.nodes.contains_key(id) && !expected.changing.contains(id);
    let orphans: Vec<Uuid> = distinct.iter().filter(is_orphan).copied().collect();
    Finding {
        dataset: state.dataset_id.to_string(),
        index,
        nodes: expected.nodes.len() as u64,
        missing: missing.len() as u64,
        orphans: orphans.len() as u64,
        duplicates: (there.len() - distinct.len()) as u64,
        behind: (state.seq - mark.seq).max(0).unsigned_abs(),
        skipped: None,
        examples: missing.into_iter().chain(orphans).take(EXAMPLES).collect(),
    }
}

async fn local(db: &Database, dir: &Path, state: IndexState, kind: Kind) -> Result<Finding> {
    let name = if kind == Kind::Full { "local" } else { "local words" };
    let path = dir.to_owned();
    let opened = blocking(move || Ok(LocalIndex::open(&path, Options::default()))).await?;
    let index = match opened {
        Ok(index) => index,
        Err(error) => {
            let skipped = Some(error.to_string());
            let dataset = state.dataset_id.to_string();
            return Ok(Finding { dataset, index: name.to_owned(), skipped, ..Finding::default() });
        }
    };
    let mark = index.mark();
    let expected = expected(db, state, mark).await?;
    let with_vectors: Vec<Uuid> = match kind {
        Kind::Full => expected.nodes.iter().filter(|(_, has)| **has).map(|(id, _)| *id).collect(),
        Kind::Words => Vec::new(),
    };
    blocking(move || {
        let there = index.ids().map_err(Error::internal)?;
        let mut finding = compare(state, name.to_owned(), mark, &expected, &there);
        let known: HashSet<Uuid> = there.into_iter().collect();
        for ids in with_vectors.chunks(1000) {
            let vectors = index.vectors(ids).map_err(Error::internal)?;
            let without = ids.iter().zip(vectors).filter(|(id, vector)| vector.is_none() && known.contains(id));
            finding.missing += without.count() as u64;
        }
        Ok(finding)
    })
    .await
}

async fn patiently(db: &Database, outside: &Outside, state: IndexState) -> Result<Finding> {
    let mut finding = Finding::default();
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(BETWEEN).await;
        }
        let Some(now) = index_nodes::state(db, state.tenant_id, state.dataset_id).await? else {
            return Ok(Finding::default());
        };
        finding = in_store(db, outside, now).await?;
        if !finding.is_wrong() {
            break;
        }
    }
    Ok(finding)
}

async fn in_store(db: &Database, outside: &Outside, state: IndexState) -> Result<Finding> {
    let mark = outside.mark(state).await?;
    let mark = mark.map_or(Mark::default(), |mark| Mark { seq: mark.seq, node: mark.node_id });
    let there = outside.ids(state).await?;
    let mut expected = expected(db, state, mark).await?;
    expected.nodes.retain(|_, has_vector| *has_vector);
    let mut finding = compare(state, outside.key().to_owned(), mark, &expected, &there);
    if expected.nodes.is_empty() && expected.changing.is_empty() && there.is_empty() {
        finding.behind = 0;
    }
    if mark == Mark::default() {
        // It is being filled anew: what is in there is searched, and what should not be goes first.
        finding.orphans = 0;
    }
    if !index_nodes::has_vectors(db, state).await? && there.is_empty() {
        // Nothing of it belongs into the store.
        finding.behind = 0;
    }
    Ok(finding)
}

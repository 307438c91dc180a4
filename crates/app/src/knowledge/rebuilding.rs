//! Making copies anew, or in another store, from the stored chunks and vectors, while the old ones serve.

use std::{path::Path, time::Duration};

use ox_db::{
    Database,
    model::{IndexState, NewIndexRebuild, Process, RebuildKind, RebuildOrigin},
    repo::{index_nodes, leases},
    shared_now,
};
use ox_types::{DatasetId, boxed};
use ox_vector::{LocalIndex, Options};
use uuid::Uuid;

use super::{
    checking::states,
    index::{self, Kind, blocking},
    outside::{Outside, follow::Followed},
    rebuilds::{LOCAL, record::Record},
};
use crate::{Error, Result, runs::recovery::LONGEST_LEASE};

/// How long a server may take to take a copy over.
const TAKEOVER: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);
/// How often a command says that it is there.
const BEAT: Duration = Duration::from_secs(5);

const KINDS: [Kind; 2] = [Kind::Full, Kind::Words];

/// What is being done to a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Changes are read, and their words and vectors written, batch by batch.
    Reading,
    /// Vectors are added to the graph that leads to the nearest.
    Graph,
}

impl Phase {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Graph => "graph",
        }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub dataset: DatasetId,
    /// From 1.
    pub number: usize,
    pub of: usize,
    pub phase: Phase,
    /// Of this dataset: changes that were read, or vectors in the graph.
    pub count: u64,
    /// How many these will be, as far as is known by now.
    pub total: u64,
    pub is_done: bool,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub datasets: usize,
    /// Copies that a running server has not taken over yet; it does when it next looks, or starts.
    pub waiting: usize,
}

/// Announces a command beside the servers: leases of those that nobody knows count for nothing. It [`stay`]s announced.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn enter(db: &Database) -> Result<Uuid> {
    let at = shared_now(db).await?;
    let id = ox_types::new_uuid();
    let pid = i64::from(std::process::id());
    let host = "command".to_owned();
    let process = Process { id, host, pid, started_at: at, heartbeat_at: at, expires_at: at + LONGEST_LEASE };
    let tx = db.begin().await?;
    leases::register(&tx, process).await?;
    tx.commit().await?;
    Ok(id)
}

/// Keeps a command announced while it works; ends when it is not any more.
#[boxed]
pub async fn stay(db: &Database, process: Uuid) -> Error {
    loop {
        tokio::time::sleep(BEAT).await;
        match beat(db, process).await {
            Ok(true) => {}
            Ok(false) => {
                let text = "The servers took this command for dead, and what it held. Begin again.";
                return Error::new(409, "command_struck_off", text);
            }
            Err(error) => tracing::warn!(error = %error.message, "this command could not say that it is there"),
        }
    }
}

async fn beat(db: &Database, process: Uuid) -> Result<bool> {
    let tx = db.begin().await?;
    let is_known = leases::heartbeat(&tx, process, LONGEST_LEASE).await?;
    tx.commit().await?;
    Ok(is_known)
}

/// Takes leave.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn leave(db: &Database, process: Uuid) -> Result<()> {
    let tx = db.begin().await?;
    leases::release(&tx, process).await?;
    Ok(tx.commit().await?)
}

/// What a command is to make anew, and as whom.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub process: Uuid,
    pub kind: RebuildKind,
    /// One knowledge base alone.
    pub only: Option<DatasetId>,
}

impl Order {
    fn of(self, state: IndexState, target: &str) -> NewIndexRebuild {
        NewIndexRebuild {
            tenant_id: state.tenant_id,
            dataset_id: state.dataset_id,
            kind: self.kind,
            origin: RebuildOrigin::Command,
            target: target.to_owned(),
            created_by: None,
        }
    }
}

/// Fills a store; `anew`: also what it has. How far it is stands in the record of each knowledge base.
///
/// # Errors
/// When the store or the database fails; 409 where a knowledge base is worked on already.
#[boxed]
pub async fn fill(
    db: &Database,
    outside: &Outside,
    order: Order,
    anew: bool,
    tell: &(dyn Fn(Step) + Send + Sync),
) -> Result<Summary> {
    let mut all = Vec::new();
    for state in states(db, order.only).await? {
        if index_nodes::has_vectors(db, state).await? {
            all.push(state);
        }
    }
    let of = all.len();
    for (place, state) in all.iter().enumerate() {
        let (dataset, phase) = (state.dataset_id, Phase::Reading);
        let step = |count, total, is_done| Step { dataset, number: place + 1, of, phase, count, total, is_done };
        let record = Record::begin(db, order.of(*state, outside.name()), order.process).await?;
        let told = |count: u64, total: u64| {
            record.tell(phase, count, total);
            tell(step(count, total, false));
        };
        let total = record.during(fill_one(db, outside, *state, anew, &told)).await?;
        tell(step(total, total, true));
    }
    Ok(Summary { datasets: of, waiting: 0 })
}

/// Fills a store with one knowledge base, and tells how many changes are in, and of how many; returns how many.
pub(super) async fn fill_one(
    db: &Database,
    outside: &Outside,
    state: IndexState,
    anew: bool,
    tell: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<u64> {
    if anew {
        outside.reset(state).await?;
    }
    let mut all = 0;
    loop {
        let after = outside.mark(state).await?.map_or((0, Uuid::nil()), |mark| (mark.seq, mark.node_id));
        let left = index_nodes::count_after(db, state, after).await?;
        all = left.max(all);
        let (before, total) = (all - left, all);
        match outside.follow(state, &|count| tell(before + count, total.max(before + count))).await? {
            Followed::Done => return Ok(all),
            // Another task or server does it.
            Followed::Busy => {
                tell(before, total);
                tokio::time::sleep(PAUSE).await;
            }
        }
        if outside.mark(state).await?.is_some_and(|mark| mark.seq >= state.seq) {
            tell(all, all);
            return Ok(all);
        }
    }
}

/// Makes local copies anew; `missing`: only those with vectors that are not there, as before moving back from a store.
/// How far it is stands in the record of each knowledge base.
///
/// # Errors
/// When the database or the disk fails; 409 where a knowledge base is worked on already.
#[boxed]
pub async fn local(
    db: &Database,
    home: &Path,
    order: Order,
    missing: bool,
    tell: &(dyn Fn(Step) + Send + Sync),
) -> Result<Summary> {
    let all = states(db, order.only).await?;
    let of = all.len();
    let mut waiting = 0;
    for (place, state) in all.iter().enumerate() {
        let dataset = state.dataset_id;
        let step = |phase, count, total, is_done| Step { dataset, number: place + 1, of, phase, count, total, is_done };
        let record = Record::begin(db, order.of(*state, LOCAL), order.process).await?;
        let told = |phase: Phase, count: u64, total: u64| {
            record.tell(phase, count, total);
            tell(step(phase, count, total, false));
        };
        let ears = Ears { record: &record, tell: &told, swap: &|| {} };
        let done = record.during(local_one(db, home, *state, missing, &ears)).await;
        if record.is_lost() {
            discard(home, *state).await;
        }
        let (total, left) = done?;
        waiting += left;
        tell(step(Phase::Reading, total, total, true));
    }
    Ok(Summary { datasets: of, waiting })
}

/// Who hears of the work on the copies of one knowledge base.
pub(super) struct Ears<'a> {
    /// Asked whether the work is still wanted, before a copy is handed over.
    pub record: &'a Record,
    /// The phase, how much of it is done, and of how much.
    pub tell: &'a (dyn Fn(Phase, u64, u64) + Send + Sync),
    /// A copy is whole, and whoever has the old one open is to take it over.
    pub swap: &'a (dyn Fn() + Send + Sync),
}

/// Makes the local copies of one knowledge base anew. Returns how many changes are in, and how many copies wait to be
/// taken over.
pub(super) async fn local_one(
    db: &Database,
    home: &Path,
    state: IndexState,
    missing: bool,
    ears: &Ears<'_>,
) -> Result<(u64, usize)> {
    let dir = |kind: Kind| kind.dir(&home.join("index"), state.dataset_id, state.generation);
    let is_there = |kind: &Kind| dir(*kind).exists();
    let mut kinds: Vec<Kind> = KINDS.into_iter().filter(is_there).collect();
    if missing {
        kinds = if is_there(&Kind::Full) { Vec::new() } else { vec![Kind::Full] };
    } else if kinds.is_empty() {
        kinds.push(Kind::Full);
    }
    let (mut total, mut waiting) = (0, 0);
    for kind in kinds {
        total = index_nodes::count_after(db, state, (0, Uuid::nil())).await?;
        let told = |phase, count: u64, of: Option<u64>| (ears.tell)(phase, count, of.unwrap_or(total).max(count));
        let is_taken = one(db, &dir(kind), state, kind, &told, ears).await?;
        waiting += usize::from(!is_taken);
    }
    Ok((total, waiting))
}

/// Throws away what was made of copies before it was stopped.
pub(super) async fn discard(home: &Path, state: IndexState) {
    for kind in KINDS {
        let dir = kind.dir(&home.join("index"), state.dataset_id, state.generation);
        if index::is_swap_wanted(&dir) {
            // It is whole: who has the old one open takes it.
            continue;
        }
        let next = index::beside(&dir, "next");
        if let Err(error) = blocking(move || index::remove(&next).map_err(Error::internal)).await {
            tracing::debug!(%error, dataset = %state.dataset_id, "a copy in the making is removed by the next rebuild");
        }
    }
}

/// Is told how far a copy is: what is done, how much of it, and of how many where that is not the number of changes.
type Told<'a> = dyn Fn(Phase, u64, Option<u64>) + Send + Sync + 'a;

/// Makes a copy beside the one that serves, and has it take its place; false when a server has not done so yet.
async fn one(
    db: &Database,
    dir: &Path,
    state: IndexState,
    kind: Kind,
    tell: &Told<'_>,
    ears: &Ears<'_>,
) -> Result<bool> {
    let next = index::beside(dir, "next");
    let (path, place) = (next.clone(), dir.to_owned());
    let copy = blocking(move || {
        index::unwant_swap(&place).map_err(Error::internal)?;
        index::remove(&path).map_err(Error::internal)?;
        std::fs::create_dir_all(&path).map_err(Error::internal)?;
        LocalIndex::open(&path, Options::default()).map_err(Error::internal)
    })
    .await?;
    let copy = Unfinished(copy);
    let read = |count| tell(Phase::Reading, count, None);
    if index::catch_up(db, &copy.0, state, kind, &read).await? == index::Caught::Left {
        let text = format!("Knowledge base {} was embedded anew meanwhile. Begin again.", state.dataset_id);
        return Err(Error::new(409, "index_changed", text));
    }
    grow(&copy.0, tell).await?;
    ears.record.confirm().await?;
    let place = dir.to_owned();
    let is_taken = blocking(move || {
        drop(copy);
        index::want_swap(&place).map_err(Error::internal)?;
        index::finish_swap(&place).map_err(Error::internal)
    });
    if is_taken.await? {
        return Ok(true);
    }
    (ears.swap)();
    let began = std::time::Instant::now();
    while index::is_swap_wanted(dir) {
        if began.elapsed() > TAKEOVER {
            return Ok(false);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(true)
}

/// A copy in the making: when that is given up, nothing is done for it behind the scenes any more.
struct Unfinished(LocalIndex);

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Waits until the graph of a copy is whole, and tells how far it is.
async fn grow(copy: &LocalIndex, tell: &Told<'_>) -> Result<()> {
    let growing = copy.clone();
    let mut work = Box::pin(blocking(move || {
        growing.settle();
        Ok(())
    }));
    loop {
        let done = tokio::time::timeout(PAUSE, &mut work).await;
        // It may wait for the rows that are being added.
        let asked = copy.clone();
        if let Some(growth) = blocking(move || Ok(asked.growth())).await? {
            tell(Phase::Graph, growth.covered as u64, Some(growth.rows as u64));
        }
        if let Ok(done) = done {
            return done;
        }
    }
}

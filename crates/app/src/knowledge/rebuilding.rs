//! Making copies anew, or in another store, from the stored chunks and vectors, while the old ones serve.

use std::{path::Path, time::Duration};

use ox_db::{
    Database,
    model::{IndexState, Process},
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
};
use crate::{Error, Result, runs::recovery::LONGEST_LEASE};

/// How long a server may take to take a copy over.
const TAKEOVER: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);
/// How often a command says that it is there.
const BEAT: Duration = Duration::from_secs(5);

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

/// Fills a store; `anew`: also what it has.
///
/// # Errors
/// When the store or the database fails.
#[boxed]
pub async fn fill(
    db: &Database,
    outside: &Outside,
    only: Option<DatasetId>,
    anew: bool,
    tell: &(dyn Fn(Step) + Send + Sync),
) -> Result<Summary> {
    let mut all = Vec::new();
    for state in states(db, only).await? {
        if index_nodes::has_vectors(db, state).await? {
            all.push(state);
        }
    }
    let of = all.len();
    for (index, state) in all.iter().enumerate() {
        let step = |count, total, is_done| Step {
            dataset: state.dataset_id,
            number: index + 1,
            of,
            phase: Phase::Reading,
            count,
            total,
            is_done,
        };
        if anew {
            outside.reset(*state).await?;
        }
        let mut total;
        loop {
            let after = outside.mark(*state).await?.map_or((0, Uuid::nil()), |mark| (mark.seq, mark.node_id));
            total = index_nodes::count_after(db, *state, after).await?;
            match outside.follow(*state, &|count| tell(step(count, total.max(count), false))).await? {
                Followed::Done => break,
                // A server does it.
                Followed::Busy => tokio::time::sleep(PAUSE).await,
            }
            if outside.mark(*state).await?.is_some_and(|mark| mark.seq >= state.seq) {
                break;
            }
        }
        tell(step(total, total, true));
    }
    Ok(Summary { datasets: of, waiting: 0 })
}

/// Makes local copies anew; `missing`: only those with vectors that are not there, as before moving back from a store.
///
/// # Errors
/// When the database or the disk fails.
#[boxed]
pub async fn local(
    db: &Database,
    home: &Path,
    only: Option<DatasetId>,
    missing: bool,
    tell: &(dyn Fn(Step) + Send + Sync),
) -> Result<Summary> {
    let all = states(db, only).await?;
    let (of, root) = (all.len(), home.join("index"));
    let mut waiting = 0;
    for (place, state) in all.iter().enumerate() {
        let step = |phase, count, total, is_done| Step {
            dataset: state.dataset_id,
            number: place + 1,
            of,
            phase,
            count,
            total,
            is_done,
        };
        let dir = |kind: Kind| kind.dir(&root, state.dataset_id, state.generation);
        let is_there = |kind: &Kind| dir(*kind).exists();
        let mut kinds: Vec<Kind> = [Kind::Full, Kind::Words].into_iter().filter(is_there).collect();
        if missing {
            kinds = if is_there(&Kind::Full) { Vec::new() } else { vec![Kind::Full] };
        } else if kinds.is_empty() {
            kinds.push(Kind::Full);
        }
        let mut total = 0;
        for kind in kinds {
            total = index_nodes::count_after(db, *state, (0, Uuid::nil())).await?;
            let told = |phase, count, of: Option<u64>| tell(step(phase, count, of.unwrap_or(total).max(count), false));
            let is_taken = one(db, &dir(kind), *state, kind, &told).await?;
            waiting += usize::from(!is_taken);
        }
        tell(step(Phase::Reading, total, total, true));
    }
    Ok(Summary { datasets: of, waiting })
}

/// Is told how far a copy is: what is done, how much of it, and of how many where that is not the number of changes.
type Told<'a> = dyn Fn(Phase, u64, Option<u64>) + Send + Sync + 'a;

/// Makes a copy beside the one that serves, and has it take its place; false when a server has not done so yet.
async fn one(db: &Database, dir: &Path, state: IndexState, kind: Kind, tell: &Told<'_>) -> Result<bool> {
    let next = index::beside(dir, "next");
    let path = next.clone();
    let copy = blocking(move || {
        index::remove(&path).map_err(Error::internal)?;
        std::fs::create_dir_all(&path).map_err(Error::internal)?;
        LocalIndex::open(&path, Options::default()).map_err(Error::internal)
    })
    .await?;
    let read = |count| tell(Phase::Reading, count, None);
    if index::catch_up(db, &copy, state, kind, &read).await? == index::Caught::Left {
        let text = format!("Knowledge base {} was embedded anew meanwhile. Begin again.", state.dataset_id);
        return Err(Error::new(409, "index_changed", text));
    }
    grow(&copy, tell).await?;
    let place = dir.to_owned();
    let is_taken = blocking(move || {
        drop(copy);
        index::want_swap(&place).map_err(Error::internal)?;
        index::finish_swap(&place).map_err(Error::internal)
    });
    if is_taken.await? {
        return Ok(true);
    }
    let began = std::time::Instant::now();
    while index::is_swap_wanted(dir) {
        if began.elapsed() > TAKEOVER {
            return Ok(false);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(true)
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

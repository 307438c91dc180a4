//! The record of a rebuild: written while the work goes on, at most once a second, with the lease it keeps.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ox_db::{
    Database,
    model::{IndexRebuild, NewIndexRebuild, RebuildStep},
    repo::index_rebuilds,
};
use uuid::Uuid;

use crate::{Error, Result, knowledge::rebuilding::Phase};

/// How long a process may be silent before its work counts as interrupted.
pub(super) const LEASE: Duration = Duration::from_secs(30);
/// How often what is new is written.
const PACE: Duration = Duration::from_secs(1);
/// How often something is written though nothing is new.
const BEAT: Duration = Duration::from_secs(5);
/// Characters of an error that are kept.
const MAX_ERROR: usize = 2000;

/// An attempt of this process, and how far it is.
pub(in crate::knowledge) struct Record {
    db: Database,
    attempt: IndexRebuild,
    seen: Mutex<Seen>,
    is_lost: AtomicBool,
}

struct Seen {
    step: RebuildStep,
    /// Since when the phase lasts, and from which count on.
    began: Instant,
    from: i64,
    is_new: bool,
}

impl Record {
    /// Over an attempt that is this process's.
    pub(super) fn of(db: &Database, attempt: IndexRebuild) -> Self {
        let seen = Seen { step: attempt.step.clone(), began: Instant::now(), from: 0, is_new: false };
        Self { db: db.clone(), attempt, seen: Mutex::new(seen), is_lost: AtomicBool::new(false) }
    }

    /// Begins one.
    ///
    /// # Errors
    /// 409 while another runs.
    pub(in crate::knowledge) async fn begin(db: &Database, new: NewIndexRebuild, process: Uuid) -> Result<Self> {
        let dataset = new.dataset_id;
        let tx = db.begin().await?;
        let begun = index_rebuilds::begin(&tx, new, process, LEASE).await?;
        tx.commit().await?;
        let taken = || {
            let text = format!("The index of knowledge base {dataset} is being made anew or moved. Wait for its end.");
            Error::conflict("rebuild_running", text)
        };
        Ok(Self::of(db, begun.ok_or_else(taken)?))
    }

    /// How far it is; written a moment later.
    pub(in crate::knowledge) fn tell(&self, phase: Phase, count: u64, total: u64) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let count = number(count);
        if seen.step.phase != phase.name() || count < seen.step.done {
            (seen.began, seen.from) = (Instant::now(), count);
            phase.name().clone_into(&mut seen.step.phase);
        }
        let millis = u64::try_from(seen.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        seen.step.rate = per_second(count - seen.from, millis);
        (seen.step.done, seen.step.total, seen.is_new) = (count, number(total), true);
    }

    /// Begins with another copy or store; written at once, so that nobody stops what cannot be stopped.
    ///
    /// # Errors
    /// 409 when it was stopped before; when the database fails.
    pub(super) async fn turn_to(&self, target: &str) -> Result<()> {
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.step =
                RebuildStep { target: target.to_owned(), phase: "waiting".to_owned(), ..RebuildStep::default() };
            (seen.began, seen.from) = (Instant::now(), 0);
        }
        self.confirm().await
    }

    /// Writes how far it is at once.
    ///
    /// # Errors
    /// 409 when it was stopped, or is another's by now; when the database fails.
    pub(in crate::knowledge) async fn confirm(&self) -> Result<()> {
        if self.write().await? { Ok(()) } else { Err(self.lost()) }
    }

    /// Does the work while the record is kept, and writes how it ended. It is given up when it was stopped, or when
    /// another has taken it over.
    ///
    /// # Errors
    /// As the work; 409 when it was given up.
    pub(in crate::knowledge) async fn during<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let done = self.meanwhile(work).await;
        self.end(&done).await;
        done
    }

    /// As [`Self::during`], without its end.
    pub(super) async fn meanwhile<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            done = Box::pin(work) => done,
            error = self.keep() => Err(error),
        }
    }

    /// Writes how it ended; what was stopped has its end already.
    pub(super) async fn end<T>(&self, done: &Result<T>) {
        if self.is_lost() {
            return;
        }
        if let Err(error) = self.write_end(done).await {
            // Its lease runs out: it counts as interrupted.
            tracing::error!(%error, dataset = %self.attempt.dataset_id, "the end of a rebuild cannot be written");
        }
    }

    async fn write_end<T>(&self, done: &Result<T>) -> Result<()> {
        let error = done.as_ref().err().map(|error| error.message.chars().take(MAX_ERROR).collect::<String>());
        // What was told last is what is shown afterwards.
        self.write().await?;
        let tx = self.db.begin().await?;
        index_rebuilds::finish(&tx, &self.attempt, error.as_deref()).await?;
        Ok(tx.commit().await?)
    }

    /// Whether it was stopped, or is another's.
    pub(in crate::knowledge) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    fn lost(&self) -> Error {
        self.is_lost.store(true, Ordering::Release);
        Error::conflict(
            "rebuild_stopped",
            "It was stopped, or another process has taken it over. The old index serves.",
        )
    }

    /// Keeps the record; ends when it is not ours any more.
    async fn keep(&self) -> Error {
        let mut written = Instant::now();
        loop {
            tokio::time::sleep(PACE).await;
            let is_new = self.seen.lock().unwrap_or_else(PoisonError::into_inner).is_new;
            if !is_new && written.elapsed() < BEAT {
                continue;
            }
            match self.write().await {
                Ok(true) => written = Instant::now(),
                Ok(false) => return self.lost(),
                Err(error) => tracing::warn!(%error, "how far a rebuild is cannot be written; it is tried again"),
            }
        }
    }

    async fn write(&self) -> Result<bool> {
        let step = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.is_new = false;
            seen.step.clone()
        };
        let tx = self.db.begin().await?;
        let is_ours = index_rebuilds::keep(&tx, &self.attempt, &step, LEASE).await?;
        tx.commit().await?;
        Ok(is_ours)
    }
}

/// `None` while too little was done, or too little time has passed, to tell.
fn per_second(count: i64, millis: u64) -> Option<i64> {
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    (millis >= 100 && count > 0).then(|| count.saturating_mul(1000) / millis)
}

#[cfg(test)]
mod tests {
    use super::per_second;

    #[test]
    fn a_rate_waits_until_it_means_something() {
        for (count, millis, expected) in [
            (0, 5000, None),
            (500, 0, None),
            (500, 99, None),
            (500, 250, Some(2000)),
            (1, 3000, Some(0)),
            (i64::MAX, 1000, Some(i64::MAX / 1000)),
        ] {
            assert_eq!(per_second(count, millis), expected, "{count} in {millis} ms");
        }
    }
}

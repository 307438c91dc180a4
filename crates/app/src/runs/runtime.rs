//! What lives as long as the process: the recorder, the runs under way, the caches.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ox_db::Database;
use ox_engine::RunHandle;
use ox_types::{AppId, RunId, TaskId, boxed};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{
    delta::DbJournal,
    hub::Hub,
    limits::{ActiveRuns, RunPermit},
    published::Published,
    recorder::{Journal, Recorder},
};
use crate::{Error, Result, Settings};

/// What a stopped run says.
pub const STOPPED_BY_USER: &str = "Stopped by user.";

/// The running side of the apps.
pub struct Runtime {
    /// This process in the database.
    pub process_id: Uuid,
    pub published: Published,
    pub recorder: Recorder,
    /// For what the recorder has given up.
    pub(crate) journal: Arc<dyn Journal>,
    pub active: ActiveRuns,
    /// Owns every task that belongs to a run.
    pub tracker: TaskTracker,
    live: Mutex<HashMap<TaskId, Arc<LiveRun>>>,
    /// The apps that called one another to come to a run, outermost first; only of runs that are tools.
    callers: Mutex<HashMap<TaskId, Arc<[Above]>>>,
    /// No new runs are taken.
    closing: AtomicBool,
    /// Keys whose use has been noted in the last minute.
    pub(crate) noted_keys: Mutex<HashMap<Uuid, Instant>>,
}

/// A run under way in this process.
pub struct LiveRun {
    pub task_id: TaskId,
    pub app_id: AppId,
    pub run_id: Option<RunId>,
    pub user_id: Uuid,
    /// Only its user may stop it.
    pub is_chat: bool,
    pub hub: Arc<Hub>,
    pub started: Instant,
    pub(crate) control: Control,
    /// Somebody has asked for its end.
    pub(crate) is_stopping: AtomicBool,
    /// It was given up here, for another process to go on with.
    pub(crate) left: AtomicBool,
    pub(crate) _permit: Option<RunPermit>,
}

/// A run that has called another app as a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Above {
    pub app_id: AppId,
    pub task_id: TaskId,
}

/// How a run is stopped.
pub(crate) enum Control {
    Engine(RunHandle),
    Basic(CancellationToken),
}

impl LiveRun {
    /// Asks the run to end.
    pub fn stop(&self, reason: &str) {
        self.is_stopping.store(true, Ordering::Release);
        match &self.control {
            Control::Engine(handle) => handle.stop(reason),
            Control::Basic(token) => token.cancel(),
        }
    }
}

impl Runtime {
    /// Starts the recorder over a database.
    #[must_use]
    pub fn new(db: &Database, settings: &Settings) -> Arc<Self> {
        let process_id = ox_types::new_uuid();
        Self::build(db, settings, Arc::new(DbJournal::new(db.clone(), process_id)), process_id)
    }

    /// Starts the recorder over a journal of the caller's.
    #[must_use]
    pub fn with_journal(db: &Database, settings: &Settings, journal: Arc<dyn Journal>) -> Arc<Self> {
        Self::build(db, settings, journal, ox_types::new_uuid())
    }

    fn build(db: &Database, settings: &Settings, journal: Arc<dyn Journal>, process_id: Uuid) -> Arc<Self> {
        let (recorder, task) = Recorder::new(Arc::clone(&journal));
        // Not tracked: it ends by itself when the last run has let go of it.
        tokio::spawn(task);
        Arc::new(Self {
            process_id,
            published: Published::new(db.clone()),
            recorder,
            journal,
            active: ActiveRuns::new(settings.limits.max_active_runs),
            tracker: TaskTracker::new(),
            live: Mutex::default(),
            callers: Mutex::default(),
            closing: AtomicBool::new(false),
            noted_keys: Mutex::default(),
        })
    }

    /// Takes a place for a run of an app that has no ceiling here: its editors try it out.
    ///
    /// # Errors
    /// 429 when there is none, 503 while shutting down.
    pub(crate) fn enter(&self, app_id: AppId) -> Result<RunPermit> {
        self.enter_beside(app_id, 0, 0)
    }

    /// Takes a place for a run of an app with a ceiling, beside those in other processes.
    pub(super) fn enter_beside(&self, app_id: AppId, limit: u64, elsewhere: u64) -> Result<RunPermit> {
        if self.closing.load(Ordering::Acquire) {
            let error = Error::new(503, "service_unavailable", "The server is shutting down. Please try again.");
            return Err(Error { retry_after: Some(2), ..error });
        }
        self.active.enter(app_id, limit, elsewhere)
    }

    pub(crate) fn add(&self, run: LiveRun) -> Arc<LiveRun> {
        let run = Arc::new(run);
        self.lock().insert(run.task_id, Arc::clone(&run));
        metrics::gauge!("oxidify_workflow_runs_active").increment(1.0);
        run
    }

    /// Notes by which apps a run is called that is about to begin; forgotten when it is removed.
    pub(crate) fn called_by(&self, task_id: TaskId, callers: Vec<Above>) {
        if !callers.is_empty() {
            self.callers.lock().unwrap_or_else(PoisonError::into_inner).insert(task_id, callers.into());
        }
    }

    /// The apps that called one another to come to a run, outermost first.
    #[must_use]
    pub(crate) fn callers_of(&self, task_id: TaskId) -> Arc<[Above]> {
        let callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.get(&task_id).cloned().unwrap_or_default()
    }

    pub(crate) fn remove(&self, task_id: TaskId) {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner).remove(&task_id);
        if self.lock().remove(&task_id).is_some() {
            metrics::gauge!("oxidify_workflow_runs_active").decrement(1.0);
        }
    }

    /// A run under way here.
    #[must_use]
    pub fn find(&self, task_id: TaskId) -> Option<Arc<LiveRun>> {
        self.lock().get(&task_id).cloned()
    }

    /// Some run under way here, if there is one.
    #[must_use]
    pub fn any_task(&self) -> Option<TaskId> {
        self.lock().keys().next().copied()
    }

    /// A workflow run under way here.
    #[must_use]
    pub fn find_run(&self, run_id: RunId) -> Option<Arc<LiveRun>> {
        self.lock().values().find(|run| run.run_id == Some(run_id)).cloned()
    }

    /// A run under way here that something holds for.
    pub(crate) fn find_live(&self, is_it: impl Fn(&LiveRun) -> bool) -> Option<Arc<LiveRun>> {
        self.lock().values().find(|run| is_it(run)).cloned()
    }

    /// Stops a run of an app that is under way here; tells whether there is one. That of another user,
    /// where the user counts, is left alone without a word.
    pub fn stop(&self, app_id: AppId, task_id: TaskId, user_id: Option<Uuid>) -> bool {
        let Some(run) = self.find(task_id).filter(|run| run.app_id == app_id) else { return false };
        let is_foreign = run.is_chat && user_id.is_some_and(|user| user != run.user_id);
        if !is_foreign {
            run.stop(STOPPED_BY_USER);
        }
        true
    }

    /// Stops every run of an app that is under way here.
    pub(crate) fn stop_app(&self, app_id: AppId) {
        let runs: Vec<Arc<LiveRun>> = self.lock().values().filter(|run| run.app_id == app_id).cloned().collect();
        for run in runs {
            run.stop("The app was deleted.");
        }
    }

    /// Gives up every run here: another process has taken them.
    pub(crate) fn abandon_all(&self) {
        let runs: Vec<Arc<LiveRun>> = self.lock().values().cloned().collect();
        for run in runs {
            if let Control::Engine(handle) = &run.control {
                run.left.store(true, Ordering::Release);
                handle.abandon();
            }
        }
    }

    /// Age of the oldest run under way, for the stuck-run alert.
    #[must_use]
    pub fn oldest(&self) -> Duration {
        self.lock().values().map(|run| run.started.elapsed()).max().unwrap_or_default()
    }

    /// Ends the process's part: no new runs; waits for those under way, then leaves the rest to be taken over.
    #[boxed]
    pub async fn shutdown(&self, grace: Duration) {
        self.closing.store(true, Ordering::Release);
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_ok() {
            return;
        }
        let left: Vec<Arc<LiveRun>> = self.lock().values().cloned().collect();
        tracing::warn!(runs = left.len(), "runs are left to be taken over");
        for run in &left {
            match &run.control {
                Control::Engine(handle) => {
                    run.left.store(true, Ordering::Release);
                    handle.abandon();
                }
                // A basic chat cannot go on elsewhere: it keeps the answer so far.
                Control::Basic(token) => token.cancel(),
            }
        }
        if tokio::time::timeout(Duration::from_secs(5), self.tracker.wait()).await.is_err() {
            tracing::error!("some runs did not let go in time");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TaskId, Arc<LiveRun>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

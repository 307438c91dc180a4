//! JavaScript inside this process, on blocking threads.

#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::{CodeError, CodeOutput, CodeRequest, CodeRunner, Language, quickjs, result::parse_result};

/// How much longer than its limit a call is awaited: some native loops do not ask the clock.
const GRACE: Duration = Duration::from_millis(500);

/// Runs JavaScript without a confined process: for tests of crates whose program cannot start workers. The server
/// never uses it.
pub struct InProcess {
    workers: Arc<Semaphore>,
    waiting: Semaphore,
}

impl InProcess {
    /// A driver in which `workers` calls run at once and `queue` more may wait.
    #[must_use]
    pub fn new(workers: usize, queue: usize) -> Self {
        let workers = workers.max(1);
        Self { workers: Arc::new(Semaphore::new(workers)), waiting: Semaphore::new(workers + queue) }
    }
}

impl Default for InProcess {
    fn default() -> Self {
        Self::new(4, 1000)
    }
}

/// Tells a running script to stop when its caller is gone.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl CodeRunner for InProcess {
    async fn run(&self, request: CodeRequest) -> Result<CodeOutput, CodeError> {
        if request.language != Language::JavaScript {
            return Err(CodeError::Unsupported("Python code needs the confined code worker.".into()));
        }
        let _place = self.waiting.try_acquire().map_err(|_| CodeError::Busy)?;
        let worker = Arc::clone(&self.workers).acquire_owned().await;
        let worker = worker.map_err(|error| CodeError::Internal(error.to_string()))?;
        let limits = request.limits;
        let stop = StopOnDrop(Arc::default());
        let flag = Arc::clone(&stop.0);
        let work = tokio::task::spawn_blocking(move || {
            // The worker is busy until the script really ends, even when nobody waits for it any more.
            let _worker = worker;
            parse_result(&quickjs::Fresh::new()?.run_main(&request, &flag)?)
        });
        match tokio::time::timeout(limits.timeout + GRACE, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(CodeError::Internal(error.to_string())),
            Err(_) => Err(CodeError::timeout(limits)),
        }
    }
}

//! JavaScript: confined worker processes, each for one workspace, with a fresh runtime for every run.

use std::{
    io,
    os::fd::OwnedFd,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::net::UnixStream;

use crate::{
    CodeError, CodeRequest, Settings,
    child::{Job, Start},
    confine::Confinement,
    frame,
    layers::{Layers, Level},
    process::Worker,
};

/// Runs after which a worker is replaced.
const MAX_RUNS: u32 = 1_000;
/// Workers that are kept without work, whatever workspaces they belong to.
const MAX_IDLE: usize = 16;
/// A worker without work for so long is let go.
const MAX_REST: Duration = Duration::from_secs(300);
const START: Duration = Duration::from_secs(15);
/// How much longer than its limit a run is awaited: some native loops do not ask the clock.
const GRACE: Duration = Duration::from_millis(250);
/// What a worker needs besides the memory of the code: the program, inputs and outputs.
const OWN_MEMORY: u64 = 160 << 20;

/// The JavaScript driver.
pub struct JavaScript {
    settings: Settings,
    idle: Mutex<Vec<Process>>,
}

struct Process {
    /// `None` until it ran code for somebody.
    workspace: Option<String>,
    stream: UnixStream,
    worker: Worker,
    layers: Layers,
    runs: u32,
    rested: Instant,
}

impl JavaScript {
    pub fn new(settings: Settings) -> Self {
        Self { settings, idle: Mutex::default() }
    }

    /// Layers of a worker; starts one, which is then there for the first run.
    pub async fn check(&self) -> Result<Layers, CodeError> {
        let process = self.start().await?;
        let layers = process.layers.clone();
        self.idle().push(process);
        Ok(layers)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Process>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `main` returns as JSON text, or what a whole script prints.
    pub async fn run(&self, request: CodeRequest, script: bool) -> Result<String, CodeError> {
        let limits = request.limits;
        let mut process = match self.take(&request.workspace) {
            Some(process) => process,
            None => self.start().await?,
        };
        process.workspace = Some(request.workspace.clone());
        process.runs += 1;
        let job = Job { request, script };
        let body = serde_json::to_vec(&job).map_err(|error| CodeError::Internal(error.to_string()))?;
        // A worker of this run ends with this future: it goes back only when the run ended well.
        let result = tokio::time::timeout(limits.timeout + GRACE, exchange(&mut process.stream, &body, &job)).await;
        let result = match result {
            Ok(Ok(result)) => result,
            Ok(Err(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
                let size = error.to_string().parse().unwrap_or(usize::MAX);
                Err(CodeError::OutputTooLarge { size, limit: limits.output_bytes })
            }
            // The kernel ended it: the only limit there is besides those of the interpreter.
            Ok(Err(_)) => Err(CodeError::Memory { limit_mib: limits.memory_bytes >> 20 }),
            Err(_) => Err(CodeError::timeout(limits)),
        };
        let sound = matches!(&result, Ok(_) | Err(CodeError::Exception { .. } | CodeError::BadResult(_)));
        if sound && process.runs < MAX_RUNS {
            process.rested = Instant::now();
            self.give_back(process);
        }
        result
    }

    fn take(&self, workspace: &str) -> Option<Process> {
        let mut idle = self.idle();
        let now = Instant::now();
        let old: Vec<Process> = idle.extract_if(.., |process| now - process.rested > MAX_REST).collect();
        let own = idle.iter().rposition(|process| process.workspace.as_deref() == Some(workspace));
        let found = own.or_else(|| idle.iter().position(|process| process.workspace.is_none()));
        let taken = found.map(|at| idle.remove(at));
        drop(idle);
        drop(old);
        taken
    }

    fn give_back(&self, process: Process) {
        let mut idle = self.idle();
        idle.push(process);
        let oldest = (idle.len() > MAX_IDLE).then(|| idle.remove(0));
        drop(idle);
        drop(oldest);
    }

    async fn start(&self) -> Result<Process, CodeError> {
        let internal = |error: io::Error| CodeError::Internal(format!("cannot start a JavaScript worker: {error}"));
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(internal)?;
        ours.set_nonblocking(true).map_err(internal)?;
        let memory_bytes = self.settings.memory_bytes as u64 + OWN_MEMORY;
        let confinement =
            Confinement { without: self.settings.without, users: 1, memory_bytes, ..Confinement::default() };
        let start = Start { confinement, python: None };
        let mut worker = Worker::start(&self.settings.program, &start, OwnedFd::from(theirs)).map_err(internal)?;
        let mut stream = UnixStream::from_std(ours).map_err(internal)?;
        let hello = tokio::time::timeout(START, frame::receive(&mut stream, 64 << 10)).await;
        let Ok(Ok(hello)) = hello else {
            return Err(internal(io::Error::other(worker.complaint().await)));
        };
        let layers: Layers = serde_json::from_slice(&hello).map_err(|error| internal(error.into()))?;
        if layers.level() == Level::Weak && !self.settings.accept_weak {
            let missing = layers.missing().join("; ");
            return Err(CodeError::Off(format!("this machine cannot confine it well, missing: {missing}")));
        }
        Ok(Process { workspace: None, stream, worker, layers, runs: 0, rested: Instant::now() })
    }

    /// Process ids of the idle workers, for tests.
    pub fn ids(&self) -> Vec<u32> {
        self.idle().iter().filter_map(|process| process.worker.id()).collect()
    }
}

async fn exchange(stream: &mut UnixStream, body: &[u8], job: &Job) -> io::Result<Result<String, CodeError>> {
    frame::send(stream, body).await?;
    // Quotes and escapes may double the text.
    let answer = frame::receive(stream, job.request.limits.output_bytes.saturating_mul(2) + 64 * 1024).await?;
    Ok(serde_json::from_slice(&answer)?)
}

//! JavaScript and growing templates: confined worker processes, each for one workspace, with a fresh runtime for
//! every run.

use ox_types::boxed;
use std::{
    io,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ox_text::jinja::JinjaError;
use tokio::{io::BufReader, net::UnixStream};

use crate::{
    CodeError, CodeRequest, Settings, TemplateRequest,
    child::{Done, Job, Start},
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
    /// Kind of work and workspace; `None` until it worked for somebody.
    owner: Option<String>,
    stream: BufReader<UnixStream>,
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
    #[boxed]
    pub async fn check(&self) -> Result<Layers, CodeError> {
        let process = self.start(self.settings.accept_weak).await?;
        let layers = process.layers.clone();
        self.idle().push(process);
        Ok(layers)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Process>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `main` returns as JSON text, or what a whole script prints.
    #[boxed]
    pub async fn run(&self, request: CodeRequest, script: bool) -> Result<String, CodeError> {
        let limits = request.limits;
        let mut process = self.take(format!("code {}", request.caller.workspace), self.settings.accept_weak).await?;
        let job = if script { Job::Script(request) } else { Job::Main(request) };
        let done = tokio::time::timeout(limits.timeout + GRACE, process.exchange(&job, limits.output_bytes)).await;
        let result = match done {
            Ok(Ok(Done::Code(result))) => result,
            Ok(Ok(Done::Template(_))) => return Err(CodeError::Internal("a worker answered something else".into())),
            Ok(Err(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
                let size = error.to_string().parse().unwrap_or(usize::MAX);
                Err(CodeError::OutputTooLarge { size, limit: limits.output_bytes })
            }
            // The kernel ended it: the only limit there is besides those of the interpreter.
            Ok(Err(_)) => Err(CodeError::Memory { limit_mib: limits.memory_bytes >> 20 }),
            Err(_) => Err(CodeError::timeout(limits)),
        };
        // A worker goes back only when its run ended well; else it ends with this future.
        if matches!(&result, Ok(_) | Err(CodeError::Exception { .. } | CodeError::BadResult(_))) {
            self.give_back(process);
        }
        result
    }

    /// Renders a template. Its walls are the memory limit and the clock: a template is read by code that has no way
    /// out, so that a weak sandbox serves as well.
    #[boxed]
    pub async fn render(&self, request: &Arc<TemplateRequest>) -> Result<String, JinjaError> {
        let failed = |error: &dyn std::fmt::Display| JinjaError::Failed { line: None, why: error.to_string() };
        let limit = self.settings.timeout;
        let most = request.limits.output_chars.saturating_mul(4);
        let taken = self.take(format!("template {}", request.workspace), true).await;
        let mut process = taken.map_err(|error| failed(&error))?;
        let job = Job::Template(Arc::clone(request));
        let result = match tokio::time::timeout(limit, process.exchange(&job, most)).await {
            Ok(Ok(Done::Template(result))) => result,
            Ok(Ok(Done::Code(Err(error)))) => return Err(failed(&error)),
            Ok(Ok(Done::Code(Ok(_)))) => return Err(failed(&"a worker answered something else")),
            Ok(Err(_)) => Err(JinjaError::TooMuchMemory(self.settings.memory_bytes >> 20)),
            Err(_) => Err(JinjaError::TooSlow(limit.as_secs())),
        };
        if matches!(&result, Ok(_) | Err(JinjaError::Failed { .. } | JinjaError::Unsupported { .. })) {
            self.give_back(process);
        }
        result
    }

    /// A worker of this owner: one that waits for work, or a new one.
    async fn take(&self, owner: String, accept_weak: bool) -> Result<Process, CodeError> {
        let found = {
            let mut idle = self.idle();
            let now = Instant::now();
            let old: Vec<Process> = idle.extract_if(.., |process| now - process.rested > MAX_REST).collect();
            let own = idle.iter().rposition(|process| process.owner.as_deref() == Some(owner.as_str()));
            let found = own.or_else(|| idle.iter().position(|process| process.owner.is_none()));
            let found = found.map(|at| idle.remove(at));
            drop(idle);
            drop(old);
            found
        };
        let mut process = match found {
            Some(process) => process,
            None => self.start(accept_weak).await?,
        };
        process.owner = Some(owner);
        process.runs += 1;
        Ok(process)
    }

    fn give_back(&self, mut process: Process) {
        if process.runs >= MAX_RUNS {
            return;
        }
        process.rested = Instant::now();
        let mut idle = self.idle();
        idle.push(process);
        let oldest = (idle.len() > MAX_IDLE).then(|| idle.remove(0));
        drop(idle);
        drop(oldest);
    }

    async fn start(&self, accept_weak: bool) -> Result<Process, CodeError> {
        let internal = |error: io::Error| CodeError::Internal(format!("cannot start a JavaScript worker: {error}"));
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(internal)?;
        ours.set_nonblocking(true).map_err(internal)?;
        let memory_bytes = self.settings.memory_bytes as u64 + OWN_MEMORY;
        let confinement =
            Confinement { without: self.settings.without, users: 1, memory_bytes, ..Confinement::default() };
        let start = Start { confinement, python: None };
        let mut worker = Worker::start(&self.settings.program, &start, OwnedFd::from(theirs)).map_err(internal)?;
        let mut stream = BufReader::new(UnixStream::from_std(ours).map_err(internal)?);
        let hello = tokio::time::timeout(START, frame::receive(&mut stream, 64 << 10)).await;
        let Ok(Ok(hello)) = hello else {
            return Err(internal(io::Error::other(worker.complaint().await)));
        };
        let layers: Layers = serde_json::from_slice(&hello).map_err(|error| internal(error.into()))?;
        if layers.level() == Level::Weak && !accept_weak {
            let missing = layers.missing().join("; ");
            return Err(CodeError::Off(format!("this machine cannot confine it well, missing: {missing}")));
        }
        Ok(Process { owner: None, stream, worker, layers, runs: 0, rested: Instant::now() })
    }

    /// Process ids of the idle workers, for tests.
    pub fn ids(&self) -> Vec<u32> {
        self.idle().iter().filter_map(|process| process.worker.id()).collect()
    }
}

impl Process {
    /// Does one job; the answer's text may have `most` bytes.
    async fn exchange(&mut self, job: &Job, most: usize) -> io::Result<Done> {
        frame::send(&mut self.stream, &serde_json::to_vec(job)?).await?;
        // Quotes and escapes may double the text.
        let answer = frame::receive(&mut self.stream, most.saturating_mul(2) + 64 * 1024).await?;
        Ok(serde_json::from_slice(&answer)?)
    }
}

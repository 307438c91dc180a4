//! Work for the processor: a few threads, questions before documents, models for as long as they are asked.

use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{
    Description, Error, Model,
    tokens::{Item, Tokens},
};

/// Tokens that are computed in one go: enough to keep the processor busy, few enough that a question waits shortly and
/// that memory stays small.
const TOKENS_AT_ONCE: usize = 1024;

/// What became of some items.
pub type Answer = Result<(Vec<Vec<f32>>, u64), Error>;

/// Items of one call on their way through a model.
struct Job {
    about: Arc<Description>,
    /// Not yet split into tokens, the last first.
    items: Vec<Item>,
    done: Vec<Vec<f32>>,
    tokens: u64,
    is_urgent: bool,
    answer: oneshot::Sender<Answer>,
}

#[derive(Default)]
struct Waiting {
    urgent: VecDeque<Job>,
    usual: VecDeque<Job>,
    workers: usize,
    idle: usize,
    closed: bool,
}

struct Loaded {
    model: Arc<Model>,
    used: Instant,
}

struct Shared {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    models: Mutex<HashMap<PathBuf, Loaded>>,
    threads: usize,
    keep: Duration,
}

/// Takes work and gives it to its threads, which live as long as there is some.
pub struct Queue {
    shared: Arc<Shared>,
}

impl Queue {
    /// A queue with so many threads at most; a model that nobody asked for so long is forgotten.
    pub fn new(threads: usize, keep: Duration) -> Self {
        let (waiting, wake, models) = (Mutex::default(), Condvar::new(), Mutex::default());
        Self { shared: Arc::new(Shared { waiting, wake, models, threads: threads.max(1), keep }) }
    }

    /// Has items computed, in order. Dropping the receiver ends the work.
    pub fn compute(
        &self,
        about: Arc<Description>,
        mut items: Vec<Item>,
        is_urgent: bool,
    ) -> Result<oneshot::Receiver<Answer>, Error> {
        let (answer, receiver) = oneshot::channel();
        items.reverse();
        let job = Job { about, done: Vec::with_capacity(items.len()), items, tokens: 0, is_urgent, answer };
        let mut waiting = lock(&self.shared.waiting);
        waiting.put(job);
        if waiting.jobs() > waiting.idle && waiting.workers < self.shared.threads {
            waiting.workers += 1;
            let started = start(&self.shared);
            if let Err(error) = started {
                waiting.workers -= 1;
                if waiting.workers == 0 {
                    return Err(error);
                }
            }
        }
        drop(waiting);
        self.shared.wake.notify_one();
        Ok(receiver)
    }

    /// How many models are in memory.
    pub fn loaded(&self) -> usize {
        lock(&self.shared.models).len()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        lock(&self.shared.waiting).closed = true;
        self.shared.wake.notify_all();
    }
}

impl Waiting {
    fn put(&mut self, job: Job) {
        if job.is_urgent { self.urgent.push_back(job) } else { self.usual.push_back(job) }
    }

    fn jobs(&self) -> usize {
        self.urgent.len() + self.usual.len()
    }

    fn take(&mut self) -> Option<Job> {
        self.urgent.pop_front().or_else(|| self.usual.pop_front())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a thread that is a pool of its own: what candle wants to do in parallel, it then does one after the other.
/// Texts are many; computing several of them at a time uses the processor better than several threads for one.
fn start(shared: &Arc<Shared>) -> Result<(), Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "local-model".into()).build();
    let shared = Arc::clone(shared);
    pool.map_err(Error::internal)?.spawn(move || work(&shared));
    Ok(())
}

fn work(shared: &Shared) {
    while let Some(job) = next(shared) {
        // A defect in a dependency must not take the thread's place in the count with it.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| step(shared, job)));
        if let Ok(Some(rest)) = done {
            lock(&shared.waiting).put(rest);
        }
        forget(shared);
    }
    forget(shared);
}

/// The next job; `None` when there was none for so long that the thread is not needed.
fn next(shared: &Shared) -> Option<Job> {
    let mut waiting = lock(&shared.waiting);
    let until = Instant::now() + shared.keep;
    loop {
        if let Some(job) = waiting.take() {
            return Some(job);
        }
        let left = until.saturating_duration_since(Instant::now());
        if waiting.closed || left.is_zero() {
            waiting.workers -= 1;
            return None;
        }
        waiting.idle += 1;
        waiting = shared.wake.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        waiting.idle -= 1;
    }
}

/// Computes some texts of a job. What is left of it goes to the end of the line, so that calls take turns.
fn step(shared: &Shared, mut job: Job) -> Option<Job> {
    if job.answer.is_closed() {
        return None;
    }
    let computed = model(shared, &job.about).and_then(|model| some(&model, &mut job));
    let answer = match computed {
        Ok(()) if job.items.is_empty() => Ok((std::mem::take(&mut job.done), job.tokens)),
        Ok(()) => return Some(job),
        Err(error) => Err(error),
    };
    // Nobody waits any more: fine.
    let _ = job.answer.send(answer);
    None
}

fn some(model: &Model, job: &mut Job) -> Result<(), Error> {
    let mut texts: Vec<Tokens> = Vec::new();
    let mut count = 0;
    while count < TOKENS_AT_ONCE
        && let Some(item) = job.items.pop()
    {
        let text = model.tokens(&item)?;
        count += text.ids.len();
        texts.push(text);
    }
    job.tokens += count as u64;
    job.done.extend(model.compute(&texts)?);
    Ok(())
}

/// The model in memory, from the disk when it is not there.
fn model(shared: &Shared, about: &Description) -> Result<Arc<Model>, Error> {
    let mut models = lock(&shared.models);
    if let Some(loaded) = models.get_mut(&about.dir) {
        loaded.used = Instant::now();
        return Ok(Arc::clone(&loaded.model));
    }
    // The other threads wait: they want the same one nearly always.
    let started = Instant::now();
    let model = Arc::new(Model::load(about)?);
    tracing::info!(model = about.name, ms = started.elapsed().as_millis(), "a local model is loaded");
    models.insert(about.dir.clone(), Loaded { model: Arc::clone(&model), used: Instant::now() });
    Ok(model)
}

fn forget(shared: &Shared) {
    lock(&shared.models).retain(|dir, loaded| {
        let is_kept = loaded.used.elapsed() < shared.keep;
        if !is_kept {
            tracing::info!(model = %dir.display(), "a local model is unloaded: nobody asked it for a while");
        }
        is_kept
    });
}

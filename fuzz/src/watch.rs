//! A second thread that looks at how long an input takes and how much memory the process has.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// An input may take this long; what takes longer is tried again, for on a busy machine anything may once.
pub const SLOW: Duration = Duration::from_secs(5);
/// An input that takes this long is given up, and the process with it.
const STUCK: Duration = Duration::from_secs(60);
/// What the process may hold more than at its start.
const MEMORY: u64 = 1 << 30;

struct Current {
    input: Vec<u8>,
    began: Option<Instant>,
    told: bool,
}

/// Watches one target.
pub struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// A stack that overflows ends the process at once; what did it is then found here.
    last: Option<File>,
}

struct Shared {
    name: &'static str,
    folder: PathBuf,
    slow: Duration,
    current: Mutex<Current>,
    stopped: AtomicBool,
    findings: AtomicUsize,
}

impl Watch {
    pub fn start(name: &'static str, folder: &Path, slow: Duration) -> Self {
        let current = Mutex::new(Current { input: Vec::new(), began: None, told: false });
        let shared = Shared {
            name,
            folder: folder.to_owned(),
            slow,
            current,
            stopped: AtomicBool::new(false),
            findings: AtomicUsize::new(0),
        };
        let shared = Arc::new(shared);
        let watched = Arc::clone(&shared);
        let base = resident();
        let last = File::create(folder.join(format!("{name}-last"))).ok();
        let thread = std::thread::spawn(move || {
            while !watched.stopped.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(100));
                watched.look(base);
            }
        });
        Self { shared, thread: Some(thread), last }
    }

    pub fn begin(&self, input: &[u8]) {
        if let Some(last) = &self.last {
            // Without it only the last input of a crash is not known.
            let _ = last.write_all_at(input, 0).and_then(|()| last.set_len(input.len() as u64));
        }
        let mut current = self.shared.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.input.clear();
        current.input.extend_from_slice(input);
        current.began = Some(Instant::now());
        current.told = false;
    }

    /// How long the input took, if that is too long and nothing has been said of it.
    pub fn end(&self) -> Option<Duration> {
        let mut current = self.shared.current.lock().unwrap_or_else(PoisonError::into_inner);
        let took = current.began.take()?.elapsed();
        (took > self.shared.slow && !current.told).then_some(took)
    }

    /// An input took too long again.
    pub fn slow(&self, input: &[u8], took: Duration) {
        self.shared.tell("slow", input, took);
    }

    /// How many inputs took too much.
    pub fn stop(mut self) -> usize {
        self.shared.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.shared.findings.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn look(&self, base: u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(began) = current.began else { return };
        let took = began.elapsed();
        let more = resident().saturating_sub(base);
        let is_stuck = took > STUCK;
        if (more > MEMORY || is_stuck) && !current.told {
            current.told = true;
            self.tell(if is_stuck { "slow" } else { "large" }, &current.input, took);
        }
        if is_stuck || more > 3 * MEMORY {
            crate::say(&format!("{}: given up", self.name));
            std::process::abort();
        }
    }

    /// Keeps and reports an input that is a finding.
    fn tell(&self, what: &str, input: &[u8], took: Duration) {
        let number = self.findings.fetch_add(1, Ordering::Relaxed);
        let file = self.folder.join(format!("{}-{what}-{number}", self.name));
        let _ = fs::write(&file, input);
        crate::say(&format!("{}: TOO {} after {took:?}: {}", self.name, what.to_uppercase(), file.display()));
    }
}

/// Bytes of memory the process holds.
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

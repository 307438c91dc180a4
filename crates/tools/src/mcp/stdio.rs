//! MCP servers that are programs of the operator's, spoken to over their standard input and output.
//!
//! A program is started when it is first needed and serves all calls of its workspace at the same time, each with a
//! limit of its own. It is ended when nobody has asked it for a while, when it says too much at once, and when it does
//! not answer any more; the next call starts it again. A call is never made twice.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ox_sandbox::{Companion, Launch};
use ox_types::Json;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{ChildStderr, ChildStdin, ChildStdout},
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::{
    Error,
    session::{INITIALIZED, agreed, hello, reply},
    transport::{Meaning, asked, meaning},
};
use crate::call::told;

/// Bytes of one line.
const MAX_LINE: usize = 8 * 1024 * 1024;
/// Programs at the same time.
const MOST_PROGRAMS: usize = 32;
/// Calls of one program at the same time.
const MOST_CALLS: usize = 256;
/// Lines that wait to be written.
const QUEUE: usize = 64;
/// How long a program is kept that nobody asks.
const IDLE: Duration = Duration::from_secs(600);
/// How long a program may take to read a line.
const WRITE: Duration = Duration::from_secs(30);
/// How long a program may take to show that it is alive.
const PING: Duration = Duration::from_secs(2);
/// Bytes of its complaints that are kept.
const MAX_COMPLAINT: usize = 2000;

/// A program that may be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Whose process it is: nobody shares one with another.
    pub owner: String,
    pub name: String,
    pub launch: Launch,
    /// Values that are not told when it complains.
    pub secrets: Vec<String>,
}

type Key = [u8; 32];
type Slot = tokio::sync::Mutex<Option<Arc<Running>>>;

impl Program {
    fn key(&self) -> Key {
        let mut hash = Sha256::new();
        let launch = &self.launch;
        let program = launch.program.to_string_lossy();
        let texts = [self.owner.as_str(), self.name.as_str(), &*program].into_iter();
        let texts = texts.chain(launch.arguments.iter().map(String::as_str));
        let pairs = launch.environment.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        for text in texts.chain(pairs) {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        }
        hash.finalize().into()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The programs that run.
pub struct Programs {
    guard: Option<PathBuf>,
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

impl Programs {
    /// None yet. They are started behind `guard`, which is this program.
    #[must_use]
    pub fn new(guard: Option<PathBuf>) -> Self {
        Self { guard, slots: Mutex::default() }
    }

    /// A program at work, started where it is not, within a time.
    pub(super) async fn get(&self, program: &Program, wait: Duration) -> Result<Arc<Running>, Error> {
        let slot = self.slot(program.key())?;
        let begun = Instant::now();
        let Ok(mut held) = tokio::time::timeout(wait, slot.lock()).await else {
            return Err(Error::Net(format!("the program '{}' does not start in time", program.name)));
        };
        if let Some(running) = held.take()
            && running.is_well().await
        {
            *held = Some(Arc::clone(&running));
            return Ok(running);
        }
        let left = wait.saturating_sub(begun.elapsed());
        let started = Arc::new(Running::start(self.guard.as_deref(), program, left).await?);
        *held = Some(Arc::clone(&started));
        Ok(started)
    }

    /// The place of a program, after room was made for it.
    fn slot(&self, key: Key) -> Result<Arc<Slot>, Error> {
        let mut slots = lock(&self.slots);
        if let Some(slot) = slots.get(&key) {
            return Ok(Arc::clone(slot));
        }
        if slots.len() >= MOST_PROGRAMS {
            let unused = slots.iter().filter_map(|(key, slot)| Some((*key, unused_for(slot)?)));
            let oldest = unused.max_by_key(|(_, time)| *time).map(|(key, _)| key);
            let Some(oldest) = oldest else {
                return Err(Error::Net(format!("{MOST_PROGRAMS} programs are at work already; try again later")));
            };
            slots.remove(&oldest);
        }
        let slot = Arc::new(Slot::default());
        slots.insert(key, Arc::clone(&slot));
        Ok(slot)
    }
}

/// How long nobody has asked a program; `None` while somebody does.
fn unused_for(slot: &Arc<Slot>) -> Option<Duration> {
    if Arc::strong_count(slot) > 1 {
        return None;
    }
    let held = slot.try_lock().ok()?;
    match held.as_ref() {
        // What has ended goes first.
        None => Some(Duration::MAX),
        Some(running) if Arc::strong_count(running) > 1 => None,
        Some(running) => Some(lock(&running.shared.used).elapsed()),
    }
}

/// A program at work; it ends with this value.
pub struct Running {
    shared: Arc<Shared>,
    next_id: AtomicU64,
    /// What it says about itself.
    pub about: Json,
    _tasks: JoinSet<()>,
}

struct Shared {
    lines: mpsc::Sender<String>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Result<Json, Error>>>>,
    /// Why it has ended.
    ended: Mutex<Option<String>>,
    /// It has not answered in time; it may hang.
    doubted: AtomicBool,
    used: Mutex<Instant>,
    /// The end of what it complains about.
    said: Mutex<Vec<u8>>,
}

impl Shared {
    /// No call is answered any more.
    fn end(&self, why: &str) {
        // First this, then those who wait: whoever comes in between sees it.
        lock(&self.ended).get_or_insert_with(|| why.to_owned());
        let waiting: Vec<_> = lock(&self.waiting).drain().collect();
        for (_, waiting) in waiting {
            // Somebody who has left needs no answer.
            _ = waiting.send(Err(Error::Net(why.to_owned())));
        }
    }

    fn has_ended(&self) -> Option<Error> {
        lock(&self.ended).clone().map(Error::Net)
    }

    fn is_idle(&self) -> bool {
        lock(&self.waiting).is_empty() && lock(&self.used).elapsed() >= IDLE
    }

    /// Takes a line that the program has said.
    fn take(&self, line: &[u8]) {
        let Ok(message) = serde_json::from_slice::<Json>(line) else {
            // Some print what belongs on standard error.
            if !line.trim_ascii().is_empty() {
                tracing::debug!(bytes = line.len(), "a program says something that is no message");
            }
            return;
        };
        match message {
            Json::Array(all) => all.iter().for_each(|message| self.take_one(message)),
            one => self.take_one(&one),
        }
    }

    fn take_one(&self, message: &Json) {
        let id = &message["id"];
        if let Some(method) = message["method"].as_str() {
            if !id.is_null() {
                // One that asks faster than it reads gets no answer.
                _ = self.lines.try_send(line_of(&reply(id, method)));
            }
            return;
        }
        let id = id.as_u64().or_else(|| id.as_str().and_then(|text| text.parse().ok()));
        let Some(id) = id else { return };
        let Some(waiting) = lock(&self.waiting).remove(&id) else { return };
        if let Meaning::Answer(answer) = meaning(message, id) {
            _ = waiting.send(answer);
        }
    }
}

fn line_of(message: &Json) -> String {
    format!("{message}\n")
}

/// A call that is waited for; the program is told when nobody does any more.
struct Waiting<'a> {
    shared: &'a Shared,
    id: u64,
    /// The first call cannot be taken back.
    is_first: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let is_open = lock(&self.shared.waiting).remove(&self.id).is_some();
        if is_open && !self.is_first {
            let told = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": self.id, "reason": "nobody waits"}});
            // A courtesy; the program may go on all the same.
            _ = self.shared.lines.try_send(line_of(&told));
        }
    }
}

impl Running {
    async fn start(guard: Option<&Path>, program: &Program, wait: Duration) -> Result<Self, Error> {
        let name = &program.name;
        let failed = |why: &dyn std::fmt::Display| Error::Net(format!("the program '{name}' cannot be started: {why}"));
        let mut companion = Companion::start(guard, &program.launch).map_err(|error| failed(&error))?;
        let (stdin, stdout, stderr) = (companion.stdin.take(), companion.stdout.take(), companion.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(failed(&"it cannot be spoken to"));
        };
        let (lines, taken) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            lines,
            waiting: Mutex::default(),
            ended: Mutex::default(),
            doubted: AtomicBool::new(false),
            used: Mutex::new(Instant::now()),
            said: Mutex::default(),
        });
        let (quiet, all_said) = oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(speak(stdin, taken, Arc::clone(&shared)));
        tasks.spawn(overhear(stderr, quiet, Arc::clone(&shared)));
        tasks.spawn(listen(companion, stdout, all_said, Arc::clone(&shared)));
        let mut running = Self { shared, next_id: AtomicU64::new(0), about: Json::Null, _tasks: tasks };
        match running.greet(wait).await {
            Ok(about) => running.about = about,
            Err(error) => return Err(running.explained(program, error)),
        }
        tracing::info!(program = name, "an MCP program is at work");
        Ok(running)
    }

    async fn greet(&self, wait: Duration) -> Result<Json, Error> {
        let about = self.ask("initialize", &hello(), wait).await?;
        agreed(&about)?;
        let told = line_of(&json!({"jsonrpc": "2.0", "method": INITIALIZED}));
        self.shared.lines.try_send(told).map_err(|_| Error::Net("the program does not listen".into()))?;
        Ok(about)
    }

    /// A failed start, with what the program said about it.
    fn explained(&self, program: &Program, error: Error) -> Error {
        let mut said = String::from_utf8_lossy(&lock(&self.shared.said)).trim().to_owned();
        for secret in program.secrets.iter().filter(|secret| !secret.is_empty()) {
            said = said.replace(secret.as_str(), "***");
        }
        match error {
            Error::Net(why) if !said.is_empty() => {
                // The last words tell most.
                let skipped = said.chars().count().saturating_sub(300);
                let last: String = said.chars().skip(skipped).collect();
                Error::Net(format!("{why} (program '{}'). It said: {}", program.name, told(&last)))
            }
            Error::Net(why) => Error::Net(format!("{why} (program '{}')", program.name)),
            other => other,
        }
    }

    /// Whether it can be asked; one that left a call without an answer has to show it.
    async fn is_well(&self) -> bool {
        if self.shared.has_ended().is_some() {
            return false;
        }
        if !self.shared.doubted.swap(false, Ordering::Relaxed) {
            return true;
        }
        matches!(self.ask("ping", &json!({}), PING).await, Ok(_) | Err(Error::Remote { .. }))
    }

    /// Asks something, for so long at most.
    pub async fn ask(&self, method: &str, params: &Json, wait: Duration) -> Result<Json, Error> {
        let shared = &self.shared;
        let id = self.next_id.fetch_add(1, Ordering::Relaxed) + 1;
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = lock(&shared.waiting);
            if waiting.len() >= MOST_CALLS {
                return Err(Error::Net(format!("{MOST_CALLS} calls of the program are open already")));
            }
            waiting.insert(id, answer);
        }
        let _waiting = Waiting { shared, id, is_first: id == 1 };
        if let Some(error) = shared.has_ended() {
            return Err(error);
        }
        *lock(&shared.used) = Instant::now();
        let work = async {
            let gone = || Error::Net("the program has ended".into());
            shared.lines.send(line_of(&asked(id, method, params))).await.map_err(|_| gone())?;
            answered.await.map_err(|_| gone())?
        };
        let done = tokio::time::timeout(wait, work).await;
        *lock(&shared.used) = Instant::now();
        done.unwrap_or_else(|_| {
            shared.doubted.store(true, Ordering::Relaxed);
            Err(Error::Net(format!("no answer to {method} within {} s", wait.as_secs())))
        })
    }
}

/// Writes lines, whole ones only: a call that is given up does not cut its line.
async fn speak(mut stdin: ChildStdin, mut lines: mpsc::Receiver<String>, shared: Arc<Shared>) {
    while let Some(line) = lines.recv().await {
        let written = tokio::time::timeout(WRITE, async {
            stdin.write_all(line.as_bytes()).await?;
            stdin.flush().await
        });
        if !matches!(written.await, Ok(Ok(()))) {
            break;
        }
    }
    // The end of its input is the sign for it to end, and its own end is told by whoever listens.
    drop((stdin, lines));
    tokio::time::sleep(PING).await;
    shared.end("the program does not read what it is asked");
}

/// Keeps the end of what a program complains about.
async fn overhear(mut stderr: ChildStderr, quiet: oneshot::Sender<()>, shared: Arc<Shared>) {
    let mut piece = [0; 1024];
    while let Ok(count) = stderr.read(&mut piece).await {
        let Some(said) = piece.get(..count).filter(|said| !said.is_empty()) else { break };
        let mut kept = lock(&shared.said);
        kept.extend_from_slice(said);
        let over = kept.len().saturating_sub(MAX_COMPLAINT);
        kept.drain(..over);
    }
    // Nobody may wait for it.
    _ = quiet.send(());
}

/// Reads lines up to the end of the program, which this brings about when nobody needs it.
async fn listen(companion: Companion, stdout: ChildStdout, all_said: oneshot::Receiver<()>, shared: Arc<Shared>) {
    let mut reader = BufReader::with_capacity(64 * 1024, stdout);
    let mut line = Vec::new();
    let why = loop {
        match tokio::time::timeout(IDLE, read_line(&mut reader, &mut line)).await {
            Err(_) if shared.is_idle() => break "the program was not needed for a while".to_owned(),
            Err(_) => {}
            Ok(Ok(true)) => shared.take(&std::mem::take(&mut line)),
            Ok(Ok(false)) => {
                // Its last words are on their way.
                _ = tokio::time::timeout(PING, all_said).await;
                break "the program has ended".to_owned();
            }
            Ok(Err(why)) => break why,
        }
    };
    drop(companion);
    shared.end(&why);
}

/// Reads on to the end of a line; false at the end of everything. What was read stays in `line` when this is given up.
async fn read_line(reader: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> Result<bool, String> {
    loop {
        let piece = reader.fill_buf().await.map_err(|error| format!("the program cannot be read: {error}"))?;
        if piece.is_empty() {
            return Ok(false);
        }
        let end = piece.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(piece.len(), |at| at + 1);
        if line.len() + used > MAX_LINE {
            return Err(format!("the program says more than {} MB in one line", MAX_LINE / 1024 / 1024));
        }
        line.extend_from_slice(piece.get(..used).unwrap_or_default());
        reader.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_have_an_end() {
        let long = vec![b'x'; MAX_LINE];
        for (said, expected) in [
            (b"one\ntwo".as_slice(), vec![Ok(true), Ok(false)]),
            (b"\n\n".as_slice(), vec![Ok(true), Ok(true), Ok(false)]),
            (b"".as_slice(), vec![Ok(false)]),
            (long.as_slice(), vec![Ok(false)]),
        ] {
            let capacity = if said.len() > 100 { 64 * 1024 } else { 3 };
            let mut reader = BufReader::with_capacity(capacity, said);
            for expected in expected {
                assert_eq!(read_line(&mut reader, &mut Vec::new()).await, expected);
            }
        }
        let longer = vec![b'x'; MAX_LINE + 1];
        let error = read_line(&mut longer.as_slice(), &mut Vec::new()).await.unwrap_err();
        assert!(error.contains("8 MB"), "{error}");
    }

    #[test]
    fn nobody_shares_a_process() {
        let program = |owner: &str, secret: &str| Program {
            owner: owner.into(),
            name: "p".into(),
            launch: Launch { environment: vec![("KEY".into(), secret.into())], ..Launch::default() },
            secrets: Vec::new(),
        };
        assert_eq!(program("a", "1").key(), program("a", "1").key());
        assert_ne!(program("a", "1").key(), program("b", "1").key());
        assert_ne!(program("a", "1").key(), program("a", "2").key());
    }
}

//! The server's end of a zygote: orders copies, and hears when they end.

use ox_types::boxed;
use std::{
    collections::{HashMap, VecDeque},
    io::{self, IoSlice},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, recv, send, sendmsg, socketpair};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    io::{Interest, unix::AsyncFd},
    net::{UnixStream, unix::pipe},
    sync::oneshot,
    task::JoinSet,
};

use super::{drive, setup::ZygoteSetup};
use crate::{
    CodeError, CodeLimits, Settings,
    child::Start,
    confine::Confinement,
    layers::{Layers, Wall},
    process::Worker,
    sys,
};

/// User ids for runs: as many copies may be alive at once.
const USERS: u32 = 240;
/// Copies that wait for code, so that a run need not wait for its copy.
const SPARE: usize = 2;
const START: Duration = Duration::from_secs(20);
const LONGEST_WORD: usize = 4096;

pub struct Zygote {
    pub layers: Layers,
    pub version: String,
    /// Runs can have a network.
    pub network: bool,
    shared: Arc<Shared>,
    started: Instant,
    /// Hears what the zygote says for as long as it lives.
    _reader: JoinSet<()>,
    _worker: Worker,
}

struct Shared {
    control: AsyncFd<OwnedFd>,
    copies: Mutex<Copies>,
}

#[derive(Default)]
struct Copies {
    ordered: u64,
    alive: HashMap<u64, Alive>,
    free_users: Vec<u32>,
    own_users: bool,
    spare: VecDeque<Copy>,
    gone: bool,
}

struct Alive {
    user: Option<u32>,
    ended: oneshot::Sender<i32>,
}

/// What a copy is made for.
#[derive(Clone, std::marker::Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub limits: CodeLimits,
    pub network: bool,
}

/// A copy of the zygote; it ends with this value.
pub struct Copy {
    pub run: UnixStream,
    pub out: pipe::Receiver,
    pub err: pipe::Receiver,
    /// The wait status.
    pub ended: oneshot::Receiver<i32>,
    kind: Kind,
    /// Ends the copy when this value goes.
    _leash: Leash,
}

struct Leash {
    id: u64,
    shared: std::sync::Weak<Shared>,
}

impl Drop for Leash {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        if shared.copies().alive.contains_key(&self.id) {
            // When this cannot be sent the zygote is gone, and its copies with it.
            let _ = shared.tell(&json!({"do": "kill", "id": self.id}), &[]);
        }
    }
}

#[derive(Deserialize)]
struct Hello {
    python: String,
    layers: Layers,
    first_user: Option<u32>,
}

#[derive(Deserialize)]
struct Ended {
    id: u64,
    status: i32,
}

impl Shared {
    fn copies(&self) -> MutexGuard<'_, Copies> {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, word: &serde_json::Value, fds: &[i32]) -> io::Result<()> {
        let word = serde_json::to_vec(word)?;
        let fd = self.control.get_ref().as_raw_fd();
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        if fds.is_empty() {
            send(fd, &word, flags)?;
        } else {
            sendmsg::<()>(fd, &[IoSlice::new(&word)], &[ControlMessage::ScmRights(fds)], flags, None)?;
        }
        Ok(())
    }

    async fn hear(&self) -> io::Result<Vec<u8>> {
        let receive = |fd: &OwnedFd| {
            let mut word = vec![0; LONGEST_WORD];
            let size = recv(fd.as_raw_fd(), &mut word, MsgFlags::MSG_DONTWAIT)?;
            word.truncate(size);
            Ok(word)
        };
        let word = self.control.async_io(Interest::READABLE, receive).await?;
        if word.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(word) }
    }

    /// Notes the ends of copies until the zygote is gone.
    async fn listen(self: Arc<Self>) {
        while let Ok(word) = self.hear().await {
            let Ok(ended) = serde_json::from_slice::<Ended>(&word) else { continue };
            let mut copies = self.copies();
            if let Some(alive) = copies.alive.remove(&ended.id) {
                copies.free_users.extend(alive.user);
                // Nobody may be waiting for it.
                let _ = alive.ended.send(ended.status);
            }
        }
        let mut copies = self.copies();
        copies.gone = true;
        copies.alive.clear();
        let spare = std::mem::take(&mut copies.spare);
        drop(copies);
        drop(spare);
    }
}

impl Zygote {
    #[boxed]
    pub async fn start(settings: &Settings, setup: ZygoteSetup) -> Result<Self, CodeError> {
        let internal = |error: io::Error| CodeError::Internal(format!("cannot start the Python worker: {error}"));
        let flags = SockFlag::SOCK_CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
            .map_err(|error| internal(error.into()))?;
        let confinement = Confinement {
            without: setup.without,
            folders: setup.folders.clone(),
            users: USERS,
            furnished: true,
            memory_bytes: 0,
        };
        let start = Start { confinement, python: Some(setup) };
        let mut worker = Worker::start(&settings.program, &start, theirs).map_err(internal)?;
        let control = sys::watch(ours).map_err(internal)?;
        let shared = Arc::new(Shared { control, copies: Mutex::default() });
        let heard = tokio::time::timeout(START, shared.hear()).await;
        let Ok(Ok(word)) = heard else {
            return Err(CodeError::Unsupported(format!("Python cannot run here: {}", worker.complaint().await)));
        };
        let hello: Hello = serde_json::from_slice(&word).map_err(|error| internal(error.into()))?;
        {
            let mut copies = shared.copies();
            copies.own_users = hello.first_user.is_some();
            copies.free_users = hello.first_user.map_or_else(Vec::new, |first| (first..first + USERS).rev().collect());
        }
        let mut reader = JoinSet::new();
        reader.spawn(Arc::clone(&shared).listen());
        let mut zygote = Self {
            layers: hello.layers,
            version: hello.python,
            network: false,
            shared,
            started: Instant::now(),
            _reader: reader,
            _worker: worker,
        };
        zygote.try_first(settings).await?;
        Ok(zygote)
    }

    /// Makes a copy for trying whether one can be closed at all.
    async fn try_first(&mut self, settings: &Settings) -> Result<(), CodeError> {
        let limits = CodeLimits {
            timeout: settings.timeout,
            memory_bytes: settings.memory_bytes,
            output_bytes: settings.output_bytes,
        };
        let kind = Kind { limits, network: settings.network };
        let mut copy = self.order(kind)?;
        // What cannot tell the server about a connection cannot have one.
        self.network = drive::closed(&mut copy).await?.is_some() && kind.network;
        self.layers.network = self.network;
        self.layers.seccomp = if settings.without.seccomp { Wall::Missing("turned off".into()) } else { Wall::Up };
        drop(copy);
        self.prepare(Kind { network: self.network, ..kind });
        Ok(())
    }

    pub fn usable(&self, runs: u64, age: Duration) -> bool {
        let copies = self.shared.copies();
        !copies.gone && copies.ordered < runs && self.started.elapsed() < age
    }

    /// A copy of this kind: one that waits, or a new one.
    pub fn take(&self, kind: Kind) -> Result<Copy, CodeError> {
        let waiting = {
            let mut copies = self.shared.copies();
            let at = copies.spare.iter().position(|copy| copy.kind == kind);
            at.and_then(|at| copies.spare.remove(at))
        };
        waiting.map_or_else(|| self.order(kind), Ok)
    }

    /// Orders copies so that the next runs need not wait.
    pub fn prepare(&self, kind: Kind) {
        loop {
            let stale = {
                let mut copies = self.shared.copies();
                if copies.gone || copies.spare.len() > SPARE {
                    return;
                }
                let fitting = copies.spare.iter().filter(|copy| copy.kind == kind).count();
                if fitting >= SPARE {
                    return;
                }
                // Copies that nobody asks for any more make room.
                let stale = copies.spare.iter().position(|copy| copy.kind != kind);
                stale.and_then(|at| copies.spare.remove(at))
            };
            drop(stale);
            let Ok(copy) = self.order(kind) else { return };
            self.shared.copies().spare.push_back(copy);
        }
    }

    fn order(&self, kind: Kind) -> Result<Copy, CodeError> {
        self.try_order(kind).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::ResourceBusy => CodeError::Busy,
            _ => CodeError::Internal(format!("the Python worker cannot be reached: {error}")),
        })
    }

    fn try_order(&self, kind: Kind) -> io::Result<Copy> {
        let (run, their_run) = std::os::unix::net::UnixStream::pair()?;
        let (out, their_out) = io::pipe()?;
        let (err, their_err) = io::pipe()?;
        run.set_nonblocking(true)?;
        let (sender, ended) = oneshot::channel();
        let (id, user) = {
            let mut copies = self.shared.copies();
            let user = copies.free_users.pop();
            if copies.own_users && user.is_none() {
                return Err(io::ErrorKind::ResourceBusy.into());
            }
            copies.ordered += 1;
            let id = copies.ordered;
            copies.alive.insert(id, Alive { user, ended: sender });
            (id, user)
        };
        let leash = Leash { id, shared: Arc::downgrade(&self.shared) };
        // One second more than the wall clock allows: only a copy that nobody watches gets there.
        let seconds = kind.limits.timeout.as_secs() + 2;
        let memory = kind.limits.memory_bytes;
        let word = json!({
            "do": "fork", "id": id, "user": user, "memory": memory, "cpu": seconds, "network": kind.network,
        });
        let fds = [their_run.as_fd().as_raw_fd(), their_out.as_fd().as_raw_fd(), their_err.as_fd().as_raw_fd()];
        if let Err(error) = self.shared.tell(&word, &fds) {
            let mut copies = self.shared.copies();
            copies.alive.remove(&id);
            copies.free_users.extend(user);
            return Err(error);
        }
        Ok(Copy {
            run: UnixStream::from_std(run)?,
            out: pipe::Receiver::from_owned_fd(out.into())?,
            err: pipe::Receiver::from_owned_fd(err.into())?,
            ended,
            kind,
            _leash: leash,
        })
    }
}

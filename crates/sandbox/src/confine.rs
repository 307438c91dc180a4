//! Puts up the walls around a worker: runs in the copy of the program that becomes the worker, before
//! anything of a user's is read.
//!
//! Two processes come of one start. The outer one keeps an eye on the inner one and ends it when the
//! server is gone; the inner one is the worker, the first process of its own process namespace.

mod root;

use std::{
    fs,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout},
    sys::{
        prctl,
        resource::{Resource, getrlimit, setrlimit},
        signal::{Signal, kill},
        wait::waitpid,
    },
    unistd::{Gid, Pid, Uid, dup2_stdin, setgroups, setresgid, setresuid},
};
use serde::{Deserialize, Serialize};

use crate::{
    layers::{Layers, Wall, Without},
    sys,
};

/// First of the user ids that runs get where the server may choose; far from those of people.
const FIRST_USER: u32 = 1_879_048_192;
/// The same where the server has few user ids itself.
const FIRST_USER_OF_FEW: u32 = 10_000;
/// User id for a worker where there are no namespaces.
const NOBODY: u32 = 65_534;
/// Stack of a worker.
const STACK: u64 = 64 << 20;
/// How long the outer process waits for the inner one to be ready.
const START: Duration = Duration::from_secs(10);

/// What the worker may see and use.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Confinement {
    pub without: Without,
    /// Folders shown read-only, at their own paths.
    pub folders: Vec<PathBuf>,
    /// User ids for runs, besides the worker's own.
    pub users: u32,
    /// Whether an empty `/tmp`, the devices and the loopback interface are wanted.
    pub furnished: bool,
    /// Memory of the worker itself above what it has at the start; 0 is no limit.
    pub memory_bytes: u64,
}

/// Which side of the start this process is.
pub enum Side {
    /// The worker ended; this is what is left to do.
    Outer(ExitCode),
    /// The worker, behind its walls as far as they stand by now.
    Inner(Inside),
}

/// What the worker knows about itself.
#[derive(Debug)]
pub struct Inside {
    pub layers: Layers,
    /// User ids for runs: those from 1 on. 0 when runs share the worker's.
    pub users: u32,
}

/// Splits this process into the two sides.
///
/// # Errors
/// When not even an unconfined worker can be started.
pub fn split(confinement: &Confinement) -> io::Result<Side> {
    let mut why = "turned off".to_owned();
    if !confinement.without.namespaces {
        let flags = libc::CLONE_NEWUSER
            | libc::CLONE_NEWNS
            | libc::CLONE_NEWPID
            | libc::CLONE_NEWNET
            | libc::CLONE_NEWIPC
            | libc::CLONE_NEWUTS
            | libc::CLONE_NEWCGROUP;
        match try_split(confinement, flags) {
            Ok(side) => return Ok(side),
            Err(error) => why = error.to_string(),
        }
    }
    match try_split(confinement, 0)? {
        Side::Inner(mut inside) => {
            inside.layers.namespaces = Wall::Missing(why);
            Ok(Side::Inner(inside))
        }
        outer => Ok(outer),
    }
}

fn try_split(confinement: &Confinement, flags: i32) -> io::Result<Side> {
    let (mut here, there) = UnixStream::pair()?;
    let Some(pid) = sys::clone(flags)? else {
        drop(here);
        return Ok(Side::Inner(inner(confinement, flags != 0, there)));
    };
    drop(there);
    here.set_read_timeout(Some(START))?;
    let users = if flags == 0 { 0 } else { write_maps(pid, confinement.users) };
    let mut failure = String::new();
    let told = here.write_all(&users.to_le_bytes());
    let mut first = [0];
    let answered = told.and_then(|()| here.read_exact(&mut first));
    if answered.is_ok() && first == *b"+" {
        return Ok(Side::Outer(watch(pid)?));
    }
    if answered.is_ok() {
        let _ = here.read_to_string(&mut failure);
    }
    // A worker that could not be confined is not left behind.
    let _ = kill(pid, Signal::SIGKILL);
    let _ = waitpid(pid, None);
    Err(io::Error::other(if failure.is_empty() { "the confined process ended at its start".into() } else { failure }))
}

/// Tells the kernel who the worker's users are outside; gives the count of users for runs.
fn write_maps(pid: Pid, users: u32) -> u32 {
    let maps = |file: &str, line: &str| fs::write(format!("/proc/{pid}/{file}"), line);
    if Uid::effective().is_root() && users > 0 {
        let all = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        let first = if all.contains("4294967295") { FIRST_USER } else { FIRST_USER_OF_FEW };
        let line = format!("0 {first} {}\n", users + 1);
        if maps("uid_map", &line).is_ok() && maps("gid_map", &line).is_ok() {
            return users;
        }
    }
    let single = |own: u32| format!("0 {own} 1\n");
    let _ = maps("setgroups", "deny");
    let _ = maps("uid_map", &single(Uid::effective().as_raw()));
    let _ = maps("gid_map", &single(Gid::effective().as_raw()));
    0
}

/// Waits for the end of the worker, or ends it when the server's end of standard output closes.
fn watch(pid: Pid) -> io::Result<ExitCode> {
    // The control channel is the worker's alone, so that both ends notice when the other is gone.
    let nothing = fs::File::open("/dev/null")?;
    dup2_stdin(&nothing)?;
    let ended: OwnedFd = sys::pidfd(pid)?;
    let lifeline = io::stdout();
    loop {
        let mut both =
            [PollFd::new(ended.as_fd(), PollFlags::POLLIN), PollFd::new(lifeline.as_fd(), PollFlags::POLLIN)];
        match nix::poll::poll(&mut both, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [worker, server] = both.map(|fd| fd.any().unwrap_or(true));
        if server && !worker {
            kill(pid, Signal::SIGKILL)?;
        }
        if server || worker {
            waitpid(pid, None)?;
            return Ok(ExitCode::SUCCESS);
        }
    }
}

fn inner(confinement: &Confinement, namespaces: bool, mut outer: UnixStream) -> Inside {
    match enter(confinement, namespaces, &mut outer) {
        Ok(inside) => inside,
        Err(error) => {
            let _ = write!(outer, "-{error}");
            drop(outer);
            // The outer process ends this one; nothing may run here any more.
            loop {
                std::thread::park();
            }
        }
    }
}

fn enter(confinement: &Confinement, namespaces: bool, outer: &mut UnixStream) -> io::Result<Inside> {
    let mut word = [0; 4];
    outer.read_exact(&mut word)?;
    let users = u32::from_le_bytes(word);
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    let server = Uid::effective();
    let mut layers = Layers::default();
    if namespaces {
        root::enter(confinement)?;
        layers.namespaces = Wall::Up;
        layers.own_user = users > 0;
    } else if server.is_root() && !confinement.furnished {
        layers.own_user = become_user(NOBODY, NOBODY).is_ok();
    } else if server.is_root() {
        // The zygote stays; each run gets a user of its own.
        layers.own_user = true;
    }
    // A change of user clears it.
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    layers.landlock = if confinement.without.landlock { 0 } else { sys::landlock_version() };
    for (resource, limit) in [(Resource::RLIMIT_CORE, 0), (Resource::RLIMIT_MEMLOCK, 64 << 10)] {
        setrlimit(resource, limit, limit)?;
    }
    if confinement.memory_bytes > 0 {
        let limit = address_space()? + confinement.memory_bytes;
        setrlimit(Resource::RLIMIT_AS, limit, limit)?;
    }
    outer.write_all(b"+")?;
    Ok(Inside { layers, users })
}

/// Bytes of address space in use.
fn address_space() -> io::Result<u64> {
    // Where the host's files are out of sight this cannot be read any more; the program's own size is known then.
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').next().and_then(|word| word.parse::<u64>().ok());
    Ok(pages.map_or(1 << 30, |pages| pages * 4096))
}

/// Changes all user and group ids for good.
pub fn become_user(user: u32, group: u32) -> io::Result<()> {
    setgroups(&[])?;
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
    setresgid(group, group, group)?;
    Ok(setresuid(user, user, user)?)
}

/// The last walls of a worker that does everything itself: no capability, no file, no socket, few calls.
///
/// # Errors
/// When one of them cannot be put up although the kernel has it.
pub fn close_worker(inside: &mut Inside, without: Without) -> io::Result<()> {
    if inside.users > 0 {
        become_user(1, 1)?;
        prctl::set_pdeathsig(Signal::SIGKILL)?;
    }
    prctl::set_dumpable(false)?;
    sys::drop_capabilities()?;
    prctl::set_no_new_privs()?;
    if inside.layers.landlock > 0 {
        sys::landlock_deny_all(inside.layers.landlock)?;
    }
    // Templates nest values; a stack that ends too early would end the worker.
    let most = getrlimit(Resource::RLIMIT_STACK)?.1;
    setrlimit(Resource::RLIMIT_STACK, STACK.min(most), most)?;
    for resource in [Resource::RLIMIT_NPROC, Resource::RLIMIT_NOFILE, Resource::RLIMIT_FSIZE] {
        setrlimit(resource, 0, 0)?;
    }
    inside.layers.seccomp = if without.seccomp {
        Wall::Missing("turned off".into())
    } else {
        match sys::install_filter(&crate::filter::worker().code) {
            Ok(()) => Wall::Up,
            Err(error) => Wall::Missing(error.to_string()),
        }
    };
    Ok(())
}

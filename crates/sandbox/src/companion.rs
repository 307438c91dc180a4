//! Programs that the operator lets the server start and talk to over standard input and output, for as long as it needs
//! them.
//!
//! Such a program is trusted as the operator trusts it: it has the rights of the server's user, its files and its
//! network. It sees none of the server's variables and open files, gains no rights, leaves no memory dump, and ends
//! with everything it has started when the server lets go of it, however the server ends: between the two stands a
//! guard, this program again, who watches the server's end of standard input.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::Duration,
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout},
    sys::{
        prctl,
        resource::{Resource, getrlimit, setrlimit},
        signal::{Signal, killpg},
    },
    unistd::{Pid, dup2_stdout, getpgrp},
};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use crate::sys;

/// First argument of a guard. Not a subcommand for people.
pub const COMPANION_ARGUMENT: &str = "__companion";
/// How long a program may go on when nobody talks to it any more.
const GRACE: Duration = Duration::from_secs(2);
/// Files that a program may have open.
const FILES: u64 = 1024;

/// What is started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// All variables that it sees.
    pub environment: Vec<(String, String)>,
    /// Where it works; made when it is not there.
    pub directory: PathBuf,
}

/// A program at work; it ends with this value, and its children do.
pub struct Companion {
    child: Child,
    pub stdin: Option<ChildStdin>,
    pub stdout: Option<ChildStdout>,
    pub stderr: Option<ChildStderr>,
}

impl Companion {
    /// Starts a program, behind a guard where `guard` names this program.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(guard: Option<&Path>, launch: &Launch) -> io::Result<Self> {
        std::fs::create_dir_all(&launch.directory)?;
        let mut command = match guard {
            Some(guard) => {
                let mut command = Command::new(guard);
                command.arg0("oxidify-companion").arg(COMPANION_ARGUMENT).arg(&launch.program);
                command
            }
            None => Command::new(&launch.program),
        };
        command.args(&launch.arguments).env_clear().current_dir(&launch.directory);
        command.envs(launch.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that nothing of it stays behind.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Ok(Self { child, stdin, stdout, stderr })
    }

    /// Its process id, while it is there.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        // Without an id it was waited for, and the number may be another's.
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            // It may have ended by itself.
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

/// The guard's work: the arguments are the program and its own.
///
/// # Errors
/// When the program cannot be started.
pub fn guard(mut arguments: impl Iterator<Item = OsString>) -> io::Result<ExitCode> {
    sys::close_inherited()?;
    let program = arguments.next().ok_or_else(|| io::Error::other("not started by the server"))?;
    let Some(pid) = sys::clone(0)? else {
        return Err(become_program(&program, arguments));
    };
    watch(pid)
}

/// Only returns when it failed.
fn become_program(program: &OsStr, arguments: impl Iterator<Item = OsString>) -> io::Error {
    let closed = || -> io::Result<()> {
        // Of the guard, which has one thread.
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        prctl::set_no_new_privs()?;
        setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
        let most = getrlimit(Resource::RLIMIT_NOFILE)?.1;
        setrlimit(Resource::RLIMIT_NOFILE, FILES.min(most), FILES.min(most))?;
        Ok(())
    };
    if let Err(error) = closed() {
        return error;
    }
    let error = std::process::Command::new(program).args(arguments).exec();
    io::Error::other(format!("cannot start {}: {error}", Path::new(program).display()))
}

/// Waits for the end of the program, or of the server; then ends the whole group, and with it this process.
fn watch(pid: Pid) -> io::Result<ExitCode> {
    // The answers are the program's alone: their end is to be seen.
    let nothing = File::options().write(true).open("/dev/null")?;
    dup2_stdout(&nothing)?;
    let ended: OwnedFd = sys::pidfd(pid)?;
    let server = io::stdin();
    let mut limit = PollTimeout::NONE;
    loop {
        // Nothing is read here: only that the other end is gone is asked for.
        let mut both = [PollFd::new(ended.as_fd(), PollFlags::POLLIN), PollFd::new(server.as_fd(), PollFlags::empty())];
        let count = if limit.is_none() { 2 } else { 1 };
        let asked = both.get_mut(..count).unwrap_or_default();
        match nix::poll::poll(asked, limit) {
            // It had its time.
            Ok(0) => break,
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let [program, server] = both.map(|fd| fd.any().unwrap_or(true));
        if program {
            break;
        }
        if server {
            // It has been told by the end of its input; most end by themselves.
            limit = PollTimeout::try_from(GRACE).unwrap_or(PollTimeout::ZERO);
        }
    }
    killpg(getpgrp(), Signal::SIGKILL)?;
    Ok(ExitCode::SUCCESS)
}

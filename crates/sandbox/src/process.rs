//! Starting worker processes: this program again, under another name.

use ox_types::boxed;
use std::{
    io::{self, PipeWriter},
    os::fd::OwnedFd,
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
};

use crate::child::{Start, WORKER_ARGUMENT};

/// Most of what a failed worker says that is kept.
const MAX_COMPLAINT: u64 = 4096;

/// A worker; it ends with this value.
pub struct Worker {
    child: Child,
    /// Closed when this value goes, and when the server dies in whatever way: the worker's guard sees it.
    _lifeline: PipeWriter,
}

impl Worker {
    /// Starts a worker that talks over `control`.
    pub fn start(program: &PathBuf, start: &Start, control: OwnedFd) -> io::Result<Self> {
        let (reader, lifeline) = io::pipe()?;
        let told = serde_json::to_string(start)?;
        let mut command = Command::new(program);
        command.arg0("oxidify-sandbox").arg(WORKER_ARGUMENT).arg(told).env_clear();
        // Address space that an allocator sets aside could be filled past the limit.
        command.env("MIMALLOC_ARENA_RESERVE", "0");
        command.stdin(Stdio::from(control)).stdout(Stdio::from(reader)).stderr(Stdio::piped()).kill_on_drop(true);
        Ok(Self { child: command.spawn()?, _lifeline: lifeline })
    }

    /// Process id of the outer process, for tests.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// What a worker that did not start said about it.
    #[boxed]
    pub async fn complaint(&mut self) -> String {
        let mut text = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            let mut stderr = stderr.take(MAX_COMPLAINT);
            let _ = tokio::time::timeout(Duration::from_secs(1), stderr.read_to_end(&mut text)).await;
        }
        let text = String::from_utf8_lossy(&text).trim().to_owned();
        if text.is_empty() { "the worker ended without a word".to_owned() } else { text }
    }
}

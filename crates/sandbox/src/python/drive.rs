//! One run: hands the code to a closed copy, watches it, and reads what comes back. Nothing that the copy
//! says is trusted.

use ox_types::boxed;
use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use nix::poll::{PollFd, PollFlags, PollTimeout};
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, Interest, unix::AsyncFd},
    net::unix::pipe,
    time::Instant,
};

use super::{connect, zygote::Copy};
use crate::{
    CodeError, CodeLimits, filter, frame,
    network::{PROXY, Wire},
    sys,
};

/// A copy closes its doors in a few milliseconds; a machine under load may take longer.
const CLOSING: Duration = Duration::from_secs(10);
/// How long a killed copy may take to be gone.
const DYING: Duration = Duration::from_secs(2);
/// Denied calls after which a run is ended: each one costs the server some work.
const MOST_REFUSED: usize = 2_000;
/// Different denied calls that are remembered.
const MOST_NAMES: usize = 5;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Answered,
    /// The wait status, when it is known.
    Exited(Option<i32>),
    TimedOut,
    PrintedTooMuch,
    RefusedTooOften,
}

/// A run that ended.
pub struct Ending {
    pub end: End,
    pub answer: Vec<u8>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    refused: Vec<String>,
    /// What its calls over the network met.
    complaint: Option<String>,
}

/// Waits until a copy has closed its doors; gives the descriptor that tells of denied calls.
#[boxed]
pub async fn closed(copy: &mut Copy) -> Result<Option<OwnedFd>, CodeError> {
    let word =
        tokio::time::timeout(CLOSING, copy.run.async_io(Interest::READABLE, || sys::receive(&copy.run, 1024))).await;
    let (word, listener) = match word {
        Ok(Ok(received)) => received,
        Ok(Err(error)) => return Err(CodeError::Internal(format!("a Python worker ended at its start: {error}"))),
        Err(_) => return Err(CodeError::Internal("a Python worker did not start in time".into())),
    };
    match word.split_first() {
        Some((b'+' | b'!', _)) => Ok(listener),
        Some((b'-', why)) => {
            Err(CodeError::Unsupported(format!("Python cannot be confined here: {}", String::from_utf8_lossy(why))))
        }
        _ => Err(CodeError::Internal("a Python worker ended at its start".into())),
    }
}

/// Runs code in a copy; `wire` is its network.
#[boxed]
pub async fn run(
    mut copy: Copy,
    body: &[u8],
    limits: CodeLimits,
    script: bool,
    wire: Option<Wire>,
) -> Result<Ending, CodeError> {
    let listener = closed(&mut copy).await?;
    let internal = |error: io::Error| CodeError::Internal(format!("a Python worker cannot be reached: {error}"));
    let listener = listener.map(sys::watch).transpose().map_err(internal)?;
    let deadline = Instant::now() + limits.timeout;
    let sent = tokio::time::timeout_at(deadline, frame::send(&mut copy.run, body)).await;
    // A failure shows again when the answer is read.
    drop(sent);
    let mut watch = Watch {
        ending: Ending {
            end: End::Answered,
            answer: Vec::new(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            refused: Vec::new(),
            complaint: None,
        },
        wire,
        printed: 0,
        refusals: 0,
        limits,
        keep: script,
    };
    watch.ending.end = watch.until_end(&mut copy, listener.as_ref(), deadline).await;
    if watch.ending.end == End::Exited(None) {
        let status = tokio::time::timeout(DYING, &mut copy.ended).await.ok().and_then(Result::ok);
        watch.ending.end = End::Exited(status);
    }
    watch.ending.complaint = watch.wire.as_ref().and_then(Wire::complaint);
    Ok(watch.ending)
}

struct Watch {
    ending: Ending,
    wire: Option<Wire>,
    printed: usize,
    refusals: usize,
    limits: CodeLimits,
    /// What is printed is the result, not dropped.
    keep: bool,
}

impl Watch {
    async fn until_end(&mut self, copy: &mut Copy, listener: Option<&AsyncFd<OwnedFd>>, deadline: Instant) -> End {
        let most = self.limits.output_bytes + 1024;
        let (mut out_buffer, mut err_buffer) = (vec![0; 16 << 10], vec![0; 4 << 10]);
        let (mut out_open, mut err_open) = (true, true);
        let Copy { run, out, err, .. } = copy;
        let mut answer = std::pin::pin!(frame::receive(run, most));
        let mut answered = false;
        loop {
            tokio::select! {
                biased;
                got = &mut answer, if !answered => {
                    answered = true;
                    match got {
                        Ok(body) => {
                            self.ending.answer = body;
                            return End::Answered;
                        }
                        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                            self.ending.answer = format!("L{error}").into_bytes();
                            return End::Answered;
                        }
                        Err(_) if !self.keep => return End::Exited(None),
                        Err(_) => {}
                    }
                }
                (listener, call) = asked(listener) => {
                    self.answer(listener, call).await;
                    if self.refusals > MOST_REFUSED {
                        return End::RefusedTooOften;
                    }
                },
                () = tokio::time::sleep_until(deadline) => return End::TimedOut,
                size = read(out, &mut out_buffer, out_open) => {
                    out_open = size.is_some();
                    if self.printed(out_buffer.get(..size.unwrap_or(0)), true) {
                        return End::PrintedTooMuch;
                    }
                }
                size = read(err, &mut err_buffer, err_open) => {
                    err_open = size.is_some();
                    if self.printed(err_buffer.get(..size.unwrap_or(0)), false) {
                        return End::PrintedTooMuch;
                    }
                }
            }
            if answered && !out_open && !err_open {
                return End::Exited(None);
            }
        }
    }

    /// True when it was too much.
    fn printed(&mut self, piece: Option<&[u8]>, out: bool) -> bool {
        let piece = piece.unwrap_or_default();
        self.printed += piece.len();
        if self.keep {
            let into = if out { &mut self.ending.stdout } else { &mut self.ending.stderr };
            into.extend_from_slice(piece);
        }
        self.printed > self.limits.output_bytes
    }

    /// Connects what may be connected, refuses everything else.
    async fn answer(&mut self, listener: &OwnedFd, call: sys::Asked) {
        let mut name = filter::name(call.number).map_or_else(|| format!("number {}", call.number), str::to_owned);
        if call.number == libc::SYS_connect
            && let Some(wire) = &mut self.wire
        {
            // A courtesy: whatever the code asks for, there is nothing but the proxy at the other end.
            let elsewhere = connect::asked_for(call).filter(|address| *address != PROXY);
            match elsewhere {
                Some(address) => {
                    name = format!("connect to {address} (code calls out by the proxy of HTTP_PROXY only)")
                }
                None => {
                    if let Ok(Some(socket)) = wire.connect().await {
                        connect::finish(listener, call, &socket);
                        return;
                    }
                }
            }
        }
        // The copy may have died while it waited.
        let _ = sys::answer(listener, call, libc::EPERM);
        self.note(name);
    }

    fn note(&mut self, name: String) {
        self.refusals += 1;
        if self.ending.refused.len() < MOST_NAMES && !self.ending.refused.contains(&name) {
            self.ending.refused.push(name);
        }
    }
}

/// Bytes that came; `None` at the end. Never ready once the end was seen.
async fn read(pipe: &mut pipe::Receiver, buffer: &mut [u8], open: bool) -> Option<usize> {
    if !open {
        return std::future::pending().await;
    }
    pipe.read(buffer).await.ok().filter(|size| *size > 0)
}

/// The next call that waits for an answer. Never ready without a listener.
async fn asked(listener: Option<&AsyncFd<OwnedFd>>) -> (&OwnedFd, sys::Asked) {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        let Ok(mut guard) = listener.readable().await else { return std::future::pending().await };
        if guard.ready().is_read_closed() {
            // The copy is gone; its end is noticed elsewhere.
            return std::future::pending().await;
        }
        // Several threads may wait while the runtime tells once.
        if !is_waiting(listener.get_ref()) {
            guard.clear_ready();
            continue;
        }
        if let Ok(call) = sys::next_asked(listener.get_ref()) {
            return (listener.get_ref(), call);
        }
        // Its process died meanwhile.
        guard.clear_ready();
    }
}

/// Whether a call waits: asking for one where there is none would block.
fn is_waiting(listener: &OwnedFd) -> bool {
    let mut one = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    let ready = nix::poll::poll(&mut one, PollTimeout::ZERO).is_ok_and(|count| count > 0);
    let [fd] = one;
    ready && fd.revents().is_some_and(|events| events.contains(PollFlags::POLLIN))
}

/// The exit code in a wait status; −1 for a signal.
pub fn exit_code(status: i32) -> i32 {
    if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -1 }
}

#[derive(Deserialize)]
struct Said {
    text: String,
    line: Option<u32>,
}

impl Ending {
    /// Names what the sandbox refused.
    pub fn refused(&self) -> Option<String> {
        (!self.refused.is_empty()).then(|| {
            format!("operation not permitted: the sandbox refused the system call {}", self.refused.join(", "))
        })
    }

    fn with_refused(&self, text: String) -> String {
        match self.refused() {
            Some(refused) => format!("{text}\n{refused}"),
            None => text,
        }
    }

    /// What a failed run should know about its calls over the network.
    pub fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }

    fn with_complaint(&self, text: String) -> String {
        match &self.complaint {
            Some(complaint) => format!("{text}\n{complaint}"),
            None => text,
        }
    }

    /// What `main` gave.
    pub fn result(&self, limits: CodeLimits) -> Result<String, CodeError> {
        let memory = || CodeError::Memory { limit_mib: limits.memory_bytes >> 20 };
        match self.end {
            End::TimedOut => return Err(CodeError::timeout(limits)),
            End::PrintedTooMuch => return Err(CodeError::PrintedTooMuch { limit: limits.output_bytes }),
            End::RefusedTooOften => {
                let text = self.with_refused("the code was ended: it did what it may not again and again".into());
                return Err(CodeError::Exception { text, line: None, column: None });
            }
            End::Exited(status) => {
                let text = self.with_refused(exited(status));
                return Err(CodeError::Exception { text, line: None, column: None });
            }
            End::Answered => {}
        }
        let (kind, body) = self.answer.split_first().map_or((b'?', &[][..]), |(kind, body)| (*kind, body));
        let text = || String::from_utf8_lossy(body).into_owned();
        match kind {
            b'O' if body.len() > limits.output_bytes => {
                Err(CodeError::OutputTooLarge { size: body.len(), limit: limits.output_bytes })
            }
            b'O' => Ok(text()),
            b'L' => Err(CodeError::OutputTooLarge {
                size: text().parse().unwrap_or(usize::MAX),
                limit: limits.output_bytes,
            }),
            b'M' => Err(memory()),
            b'E' => match serde_json::from_slice::<Said>(body) {
                Ok(said) => {
                    let denied = ["not permitted", "PermissionError", "Permission denied", "can't start new thread"];
                    let about_it = denied.iter().any(|word| said.text.contains(word));
                    let text = if about_it { self.with_refused(said.text) } else { said.text };
                    Err(CodeError::Exception { text: self.with_complaint(text), line: said.line, column: None })
                }
                Err(error) => Err(CodeError::Internal(error.to_string())),
            },
            _ => Err(CodeError::Internal("the code wrote over its answer".into())),
        }
    }
}

fn exited(status: Option<i32>) -> String {
    match status {
        Some(status) if libc::WIFEXITED(status) => {
            format!("process exited with code {} before main returned", libc::WEXITSTATUS(status))
        }
        Some(status) => match libc::WTERMSIG(status) {
            libc::SIGXCPU | libc::SIGKILL => "the process was killed: it reached the limit of CPU time".to_owned(),
            libc::SIGSEGV | libc::SIGBUS | libc::SIGABRT => {
                format!(
                    "the interpreter crashed (signal {}): the code nests too deeply or broke a library",
                    libc::WTERMSIG(status)
                )
            }
            signal => format!("the process was ended by signal {signal}"),
        },
        None => "the process ended before main returned".to_owned(),
    }
}

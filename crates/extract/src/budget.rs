//! What reading one document may cost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::Error;

/// How many ticks pass between two looks at the clock.
const TICKS: u32 = 256;

/// Most that one document may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub input: usize,
    /// Bytes that its compressed parts unpack to, all together.
    pub unpacked: u64,
    /// Bytes of text.
    pub text: usize,
    pub time: Duration,
    /// Pictures that are taken out of it.
    pub pictures: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input: 100 * 1024 * 1024,
            unpacked: 256 * 1024 * 1024,
            text: 32 * 1024 * 1024,
            time: Duration::from_secs(60),
            pictures: 0,
        }
    }
}

/// What is left of the limits while one document is read.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    started: Instant,
    unpacked: AtomicU64,
    /// Microseconds in which somebody else was at work.
    waited: AtomicU64,
    ticks: AtomicU32,
    stopped: Arc<AtomicBool>,
}

impl Budget {
    /// A fresh budget; its time begins now.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::stoppable(limits, Arc::default())
    }

    /// A budget that ends as soon as the flag is set.
    #[must_use]
    pub fn stoppable(limits: Limits, stopped: Arc<AtomicBool>) -> Self {
        let (unpacked, waited, ticks) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU32::new(0));
        Self { limits, started: Instant::now(), unpacked, waited, ticks, stopped }
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Called once per small step of work.
    pub(crate) fn tick(&self) -> Result<(), Error> {
        let ticks = self.ticks.fetch_add(1, Ordering::Relaxed);
        if ticks.is_multiple_of(TICKS) { self.check() } else { Ok(()) }
    }

    /// Whether there is time left.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        let waited = Duration::from_micros(self.waited.load(Ordering::Relaxed));
        if self.started.elapsed() > self.limits.time.saturating_add(waited) {
            return Err(Error::TooLong(self.limits.time.as_secs()));
        }
        Ok(())
    }

    /// Time that is not the reader's.
    pub(crate) fn wait(&self, time: Duration) {
        self.waited.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Counts unpacked bytes.
    pub(crate) fn unpack(&self, bytes: u64) -> Result<(), Error> {
        let before = self.unpacked.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.limits.unpacked {
            return Err(Error::TooLarge { what: "the unpacked content", limit: self.limits.unpacked });
        }
        self.check()
    }
}

/// Text that grows within a budget.
pub(crate) struct Text<'a> {
    out: String,
    budget: &'a Budget,
}

impl<'a> Text<'a> {
    pub const fn new(budget: &'a Budget) -> Self {
        Self { out: String::new(), budget }
    }

    pub fn push(&mut self, text: &str) -> Result<(), Error> {
        self.budget.tick()?;
        let limit = self.budget.limits.text;
        if self.out.len().saturating_add(text.len()) > limit {
            return Err(Error::TooLarge { what: "the text", limit: limit as u64 });
        }
        self.out.push_str(text);
        Ok(())
    }

    /// A line; lines are separated, not ended.
    pub fn line(&mut self, text: &str) -> Result<(), Error> {
        if !self.out.is_empty() {
            self.push("\n")?;
        }
        self.push(text)
    }

    /// Bytes that still fit.
    pub const fn room(&self) -> usize {
        self.budget.limits.text.saturating_sub(self.out.len())
    }

    pub fn finish(self) -> String {
        self.out
    }
}

//! What of the code an input reached, from counters that the compiler puts at every branch (`fuzz/instrument`). In a
//! build without them there is nothing to read, and only the targets' own signatures tell inputs apart.
#![allow(unsafe_code, reason = "the counters are memory that the linker gives")]

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU8, AtomicU64, Ordering},
};

/// Begin and end of each block of counters.
static BLOCKS: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

/// Called before `main` by every instrumented object, with the counters of the program.
#[unsafe(no_mangle)]
pub extern "C" fn __sanitizer_cov_8bit_counters_init(start: *mut u8, stop: *mut u8) {
    let block = (start as usize, stop as usize);
    let mut blocks = BLOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    if block.0 < block.1 && !blocks.contains(&block) {
        blocks.push(block);
    }
}

/// How often which branch was taken, in steps of an order, by any input so far.
pub struct Coverage {
    blocks: Vec<(usize, usize)>,
    seen: Vec<u8>,
}

impl Coverage {
    pub fn new() -> Self {
        let blocks = BLOCKS.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let counters = blocks.iter().map(|(start, stop)| stop - start).sum();
        Self { blocks, seen: vec![0; counters] }
    }

    /// Counters in the program; 0 in a build without them.
    pub fn counters(&self) -> usize {
        self.seen.len()
    }

    /// Branches that some input took.
    pub fn reached(&self) -> usize {
        self.seen.iter().filter(|seen| **seen != 0).count()
    }

    /// Adds what was counted since the last call; whether it was something new.
    pub fn take(&mut self) -> bool {
        let mut is_new = false;
        let mut base = 0;
        for &(start, stop) in &self.blocks {
            let mut at = start;
            while at < stop {
                if at.is_multiple_of(8) && at + 8 <= stop {
                    // SAFETY: within a block of counters, which lives as long as the program, and aligned.
                    let eight = unsafe { &*(at as *const AtomicU64) };
                    if eight.load(Ordering::Relaxed) == 0 {
                        at += 8;
                        continue;
                    }
                }
                // SAFETY: within a block of counters, which lives as long as the program.
                let count = unsafe { &*(at as *const AtomicU8) }.swap(0, Ordering::Relaxed);
                let bit = order(count);
                if let Some(seen) = self.seen.get_mut(base + at - start)
                    && *seen & bit != bit
                {
                    *seen |= bit;
                    is_new = true;
                }
                at += 1;
            }
            base += stop - start;
        }
        is_new
    }
}

/// One bit for each order of a count; 0 for none.
const fn order(count: u8) -> u8 {
    match count {
        0 => 0,
        1 => 1,
        2 => 2,
        3 => 4,
        4..=7 => 8,
        8..=15 => 16,
        16..=31 => 32,
        32..=127 => 64,
        128.. => 128,
    }
}

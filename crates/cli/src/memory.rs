//! Gives back memory that only starting, or a moment of much work, has needed.
//!
//! Two kinds stay resident for nothing otherwise: program text that ran once (migrations, assembling routes), and
//! freed blocks (a password hash takes 19 MiB), which the allocator returns only when it is asked again.

use std::{fs, time::Duration};

use nix::sys::resource::{UsageWho, getrusage};

/// How often memory is looked after.
const LOOK: Duration = Duration::from_secs(5);
/// A process that has used less of a processor since the last look is idle.
const IDLE: Duration = Duration::from_millis(100);

/// From the end of the start until the process ends.
pub async fn keep_small() {
    let (mut used, mut was_busy) = (Duration::ZERO, true);
    loop {
        collect();
        let now = processor_time();
        let is_busy = now.saturating_sub(used) > IDLE;
        used = now;
        // Once for each time of rest: what is needed while idle comes back and stays.
        if was_busy
            && !is_busy
            && let Err(error) = tokio::task::spawn_blocking(release_text).await
        {
            tracing::debug!(%error, "program text stays resident");
        }
        was_busy = is_busy;
        tokio::time::sleep(LOOK).await;
    }
}

/// What all threads have used so far; nothing where the system does not tell.
fn processor_time() -> Duration {
    let time = |time: nix::sys::time::TimeVal| {
        let micros = u64::try_from(time.tv_usec()).unwrap_or_default();
        Duration::from_secs(u64::try_from(time.tv_sec()).unwrap_or_default()) + Duration::from_micros(micros)
    };
    getrusage(UsageWho::RUSAGE_SELF)
        .map(|usage| time(usage.user_time()) + time(usage.system_time()))
        .unwrap_or_default()
}

#[expect(unsafe_code, reason = "a function of the allocator's C interface")]
fn collect() {
    // SAFETY: it may be called by any thread at any time; it gives back only what is free.
    unsafe { libmimalloc_sys::mi_collect(false) };
}

/// Unmaps our own text and constants for the moment: what is needed again comes back from the page cache.
fn release_text() {
    let (Ok(program), Ok(smaps)) = (fs::read_link("/proc/self/exe"), fs::read_to_string("/proc/self/smaps")) else {
        return;
    };
    // The space keeps files apart whose names end alike.
    for range in clean_mappings(&smaps, &format!(" {}", program.display())) {
        advise(range);
    }
}

#[expect(unsafe_code, reason = "advice about an address range")]
fn advise((start, end): (usize, usize)) {
    // SAFETY: the range is a mapping of our program file that cannot be written and of which no page was changed: what
    // is dropped is read again, unaltered, when it is touched.
    let result = unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
    if result != 0 {
        tracing::debug!(error = %std::io::Error::last_os_error(), "program text stays resident");
    }
}

/// The address ranges of a file's mappings that may only be read or executed and hold the file's bytes unchanged
/// (relocated constants do not).
fn clean_mappings(smaps: &str, file: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut candidate = None;
    for line in smaps.lines() {
        if let Some((range, rest)) = mapping(line) {
            let is_fixed = rest.starts_with("r-xp") || rest.starts_with("r--p");
            candidate = (is_fixed && rest.ends_with(file)).then_some(range);
        } else if let Some(kb) = line.strip_prefix("Anonymous:").or_else(|| line.strip_prefix("Swap:")) {
            // `Swap` comes after `Anonymous`: a mapping is judged when both are known.
            if kb.trim() != "0 kB" {
                candidate = None;
            } else if line.starts_with("Swap:") {
                found.extend(candidate.take());
            }
        }
    }
    found
}

/// The first line of a mapping: its range, and the rest from its rights on.
fn mapping(line: &str) -> Option<((usize, usize), &str)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    Some(((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
1000-2000 r--p 00000000 fe:00 10 /opt/oxidify
Rss:                   4 kB
Anonymous:             0 kB
Swap:                  0 kB
2000-5000 r-xp 00001000 fe:00 10 /opt/oxidify
Anonymous:             0 kB
Swap:                  0 kB
5000-6000 r--p 00004000 fe:00 10 /opt/oxidify
Anonymous:             4 kB
Swap:                  0 kB
6000-7000 r--p 00004000 fe:00 10 /opt/oxidify
Anonymous:             0 kB
Swap:                  4 kB
7000-8000 rw-p 00005000 fe:00 10 /opt/oxidify
Anonymous:             0 kB
Swap:                  0 kB
8000-9000 r-xp 00001000 fe:00 11 /usr/lib/libc.so.6
Anonymous:             0 kB
Swap:                  0 kB
";

    #[test]
    fn only_unchanged_text_of_the_program_is_given_back() {
        assert_eq!(clean_mappings(SMAPS, " /opt/oxidify"), [(0x1000, 0x2000), (0x2000, 0x5000)]);
        assert!(clean_mappings(SMAPS, " /opt/other").is_empty());
        assert!(clean_mappings("nonsense", " /opt/oxidify").is_empty());
    }

    /// Resident pages that files back, in kB.
    fn of_files() -> u64 {
        let status = fs::read_to_string("/proc/self/status").expect("this process");
        let line = status.lines().find(|line| line.starts_with("RssFile:")).expect("its resident files");
        line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("a number")
    }

    #[test]
    fn text_is_given_back_and_comes_again() {
        let before = of_files();
        release_text();
        collect();
        let after = of_files();
        assert!(after < before, "{after} kB of {before} kB stay");
        assert_eq!(clean_mappings(SMAPS, " /opt/oxidify").len(), 2, "it still runs");
    }
}

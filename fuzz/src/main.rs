//! Fuzzing on the stable compiler: mutates real documents as documents and as bytes, keeps what behaves in a new way or
//! reaches new branches, and reports panics, inputs that take too long and inputs that take too much memory.
//!
//! `make fuzz MINUTES=10` runs all targets, two at a time, optimised, with branch counters (`instrument`), debug
//! assertions and overflow checks. By hand: `cargo run -p fuzz -- <target>|all [--minutes N] [--seed N]`, or
//! `cargo run -p fuzz -- <target> --replay FILE`. Findings are kept as files under `target/findings/`. Never shipped.

mod coverage;
mod mutate;
mod targets;
#[cfg(test)]
mod tests;
mod tree;
mod watch;
mod world;

use std::{
    collections::{HashMap, HashSet},
    fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use targets::{Run, TARGETS, Target};

use crate::{
    coverage::Coverage,
    mutate::{Entry, MAX_KEPT, Mutator},
    watch::{SLOW, Watch},
};

/// As small as the stacks that serve requests.
const STACK: usize = 2 * 1024 * 1024;
const MAX_CORPUS: usize = 4000;

struct Options {
    targets: Vec<&'static Target>,
    time: Duration,
    seed: u64,
    replay: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let options = options(std::env::args().skip(1))?;
    let mut findings = 0;
    for target in options.targets {
        let (time, seed, replay) = (options.time, options.seed, options.replay.clone());
        let run = move || match replay {
            Some(file) => replay_one(target, &file),
            None => fuzz(target, time, seed),
        };
        let thread = std::thread::Builder::new().stack_size(STACK).spawn(run)?;
        findings += thread.join().map_err(|_| anyhow::anyhow!("the fuzzer itself panicked"))??;
    }
    if findings > 0 {
        bail!("{findings} findings");
    }
    Ok(())
}

fn options(args: impl Iterator<Item = String>) -> anyhow::Result<Options> {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let usage = format!("usage: fuzz {}|all [--minutes N] [--seed N] [--replay FILE]", names.join("|"));
    let mut options = Options { targets: Vec::new(), time: Duration::from_secs(60), seed: 1, replay: None };
    let mut args = args.peekable();
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| usage.clone());
        match arg.as_str() {
            "--minutes" => options.time = Duration::from_secs_f64(value()?.parse::<f64>()? * 60.0),
            "--seed" => options.seed = value()?.parse()?,
            "--replay" => options.replay = Some(value()?.into()),
            "all" => options.targets = TARGETS.iter().collect(),
            name => {
                let target = TARGETS.iter().find(|target| target.name == name);
                options.targets.push(target.with_context(|| usage.clone())?);
            }
        }
    }
    if options.targets.is_empty() {
        bail!(usage);
    }
    Ok(options)
}

fn replay_one(target: &Target, file: &Path) -> anyhow::Result<usize> {
    let input = fs::read(file)?;
    let mut run = (target.start)()?;
    let began = Instant::now();
    let signature = run(&input);
    say(&format!("{}: {signature:x} in {:?}", target.name, began.elapsed()));
    Ok(0)
}

/// Where something panicked since the last look, in whatever thread, whether or not somebody caught it.
static PANICKED: Mutex<Option<String>> = Mutex::new(None);

fn panicked() -> Option<String> {
    PANICKED.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// A target while it is fuzzed.
struct Fuzzing {
    target: &'static Target,
    folder: PathBuf,
    corpus: Vec<Entry>,
    seen: HashSet<u64>,
    coverage: Coverage,
    panics: HashMap<String, PathBuf>,
    rounds: usize,
    began: Instant,
}

fn fuzz(target: &'static Target, time: Duration, seed: u64) -> anyhow::Result<usize> {
    let folder = PathBuf::from(std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into())).join("findings");
    fs::create_dir_all(&folder)?;
    let seeds = (target.seeds)();
    if seeds.is_empty() {
        bail!("{} has no seeds", target.name);
    }
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "?".to_owned(), ToString::to_string);
        PANICKED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| format!("{place}: {info}"));
    }));
    let mut run = (target.start)()?;
    let watch = Watch::start(target.name, &folder, SLOW);
    let mut mutator = Mutator::new(seed, target.words);
    let mut fuzzing = Fuzzing {
        target,
        folder,
        corpus: Vec::new(),
        seen: HashSet::new(),
        coverage: Coverage::new(),
        panics: HashMap::new(),
        rounds: 0,
        began: Instant::now(),
    };
    fuzzing.coverage.take();
    let mut seeds = seeds.into_iter();
    let mut told = Instant::now();
    while fuzzing.began.elapsed() < time {
        // Every seed is kept, whatever it does: its words and shapes are what others are made of.
        let next = seeds.next();
        let (input, is_seed) = match next {
            Some(input) => (input, true),
            None => (mutator.next(&fuzzing.corpus, target.shape), false),
        };
        let result = tried(&mut run, &watch, &input);
        if !fuzzing.learn(input, is_seed, result.ok())? {
            // What was half done must not spoil the next round.
            run = (target.start)()?;
        }
        if told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            say(&fuzzing.figures());
        }
    }
    let _ = panic::take_hook();
    let slow = watch.stop();
    say(&format!("{}; {} panics, {slow} too slow or too large", fuzzing.figures(), fuzzing.panics.len()));
    Ok(fuzzing.panics.len() + slow)
}

/// Runs an input; one that takes too long once more. It is a finding when it does so both times.
fn tried(run: &mut Run, watch: &Watch, input: &[u8]) -> std::thread::Result<u64> {
    let mut attempt = || {
        watch.begin(input);
        let result = panic::catch_unwind(AssertUnwindSafe(|| run(input)));
        (result, watch.end())
    };
    let (result, took) = attempt();
    if result.is_err() || took.is_none() {
        return result;
    }
    let (again, took) = attempt();
    if let Some(took) = took {
        watch.slow(input, took);
    }
    result.and(again)
}

impl Fuzzing {
    /// Keeps an input that did something new; false when it panicked.
    fn learn(&mut self, input: Vec<u8>, is_seed: bool, signature: Option<u64>) -> anyhow::Result<bool> {
        self.rounds += 1;
        let reached = self.coverage.take();
        if let Some(at) = panicked().or_else(|| signature.is_none().then(|| "?: unknown".to_owned())) {
            let place = at.split(": ").next().unwrap_or_default().to_owned();
            if !self.panics.contains_key(&place) {
                let file = self.folder.join(format!("{}-panic-{}", self.target.name, self.panics.len()));
                fs::write(&file, &input)?;
                say(&format!("{}: PANIC {at}\n  input: {}", self.target.name, file.display()));
                self.panics.insert(place, file);
            }
            return Ok(false);
        }
        let behaves = signature.is_some_and(|signature| self.seen.insert(signature));
        let is_kept = (behaves || reached) && self.corpus.len() < MAX_CORPUS && input.len() <= MAX_KEPT;
        if is_seed || is_kept {
            self.corpus.push(Entry::new(input, self.target.shape));
        }
        Ok(true)
    }

    fn figures(&self) -> String {
        let seconds = self.began.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.rounds as f64 / seconds;
        let branches = match self.coverage.counters() {
            0 => String::new(),
            all => format!(", {} of {all} branches", self.coverage.reached()),
        };
        format!(
            "{}: {} inputs in {seconds:.0} s ({rate:.0} a second), {} behaviours, {} kept{branches}",
            self.target.name,
            self.rounds,
            self.seen.len(),
            self.corpus.len(),
        )
    }
}

#[expect(clippy::print_stdout, reason = "a command-line tool")]
fn say(line: &str) {
    println!("{line}");
}

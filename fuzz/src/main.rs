//! Fuzzing on the stable compiler: mutates our own fixtures, keeps what behaves in a new way, and reports panics, inputs
//! that take too long and inputs that take too much memory.
//!
//! `cargo run -p fuzz -- <target>|all [--minutes N] [--seed N]`, `cargo run -p fuzz -- <target> --replay FILE`.
//! Findings are kept as files under `target/fuzz/`. Never shipped.

mod mutate;
mod targets;
mod watch;

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use targets::{TARGETS, Target};

use crate::{mutate::Mutator, watch::Watch};

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

thread_local! {
    static PANICKED_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

fn fuzz(target: &'static Target, time: Duration, seed: u64) -> anyhow::Result<usize> {
    let folder = PathBuf::from(std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into())).join("fuzz");
    fs::create_dir_all(&folder)?;
    let mut corpus = (target.seeds)();
    if corpus.is_empty() {
        bail!("{} has no seeds", target.name);
    }
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "?".to_owned(), ToString::to_string);
        PANICKED_AT.with_borrow_mut(|at| *at = format!("{place}: {info}"));
    }));
    let mut run = (target.start)()?;
    let watch = Watch::start(target.name, &folder);
    let mut mutator = Mutator::new(seed, target.words);
    let (mut seen, mut panics) = (HashSet::new(), HashMap::new());
    let (began, mut rounds) = (Instant::now(), 0_usize);
    let first = corpus.len();
    while began.elapsed() < time {
        let input =
            if rounds < first { corpus.get(rounds).cloned().unwrap_or_default() } else { mutator.next(&corpus) };
        rounds += 1;
        watch.begin(&input);
        let result = panic::catch_unwind(AssertUnwindSafe(|| run(&input)));
        watch.end();
        match result {
            Ok(signature) => {
                if seen.insert(signature) && corpus.len() < MAX_CORPUS {
                    corpus.push(input);
                }
            }
            Err(_) => {
                let at = PANICKED_AT.with_borrow(Clone::clone);
                let place = at.split(": ").next().unwrap_or_default().to_owned();
                if !panics.contains_key(&place) {
                    let file = folder.join(format!("{}-panic-{}", target.name, panics.len()));
                    fs::write(&file, &input)?;
                    say(&format!("{}: PANIC {at}\n  input: {}", target.name, file.display()));
                    panics.insert(place, file);
                }
                // What was half done must not spoil the next round.
                run = (target.start)()?;
            }
        }
    }
    let _ = panic::take_hook();
    let slow = watch.stop();
    say(&format!(
        "{}: {rounds} inputs in {:.0} s, {} behaviours, {} panics, {slow} too slow or too large",
        target.name,
        began.elapsed().as_secs_f64(),
        seen.len(),
        panics.len(),
    ));
    Ok(panics.len() + slow)
}

#[expect(clippy::print_stdout, reason = "a command-line tool")]
fn say(line: &str) {
    println!("{line}");
}

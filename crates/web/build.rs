//! A new front end means a new binary, where it is inside.
use std::{
    fs::read_to_string,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

/// `make run` builds the UI beside the crates below this one and says so by this file, which holds its process.
const BEING_BUILT: &str = "../../web/.building";

/// Whether the process that builds the UI lives; one that was killed leaves its file.
fn is_being_built() -> bool {
    let Ok(text) = read_to_string(BEING_BUILT) else { return false };
    let processes = Path::new("/proc");
    match text.trim().parse::<u32>() {
        Ok(pid) if processes.is_dir() => processes.join(pid.to_string()).exists(),
        // No list of processes on this system: the file alone is believed.
        Ok(_) => true,
        // Written by an older `make run`, or just being written.
        Err(_) => Path::new(BEING_BUILT)
            .metadata()
            .and_then(|about| about.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age < Duration::from_secs(5))),
    }
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A debug binary reads the UI from its place: it serves the next one as well.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "debug") {
        return;
    }
    let started = Instant::now();
    while is_being_built() && started.elapsed() < Duration::from_mins(10) {
        sleep(Duration::from_millis(200));
    }
    println!("cargo::rerun-if-changed=../../web/dist");
}

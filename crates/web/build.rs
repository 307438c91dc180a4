//! A new front end means a new binary.
use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

/// `make run` builds the UI beside the crates below this one and says so by this file.
const BEING_BUILT: &str = "../../web/.building";

fn main() {
    let started = Instant::now();
    while Path::new(BEING_BUILT).exists() && started.elapsed() < Duration::from_mins(10) {
        sleep(Duration::from_millis(200));
    }
    println!("cargo::rerun-if-changed=../../web/dist");
}

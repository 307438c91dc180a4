//! The subcommands, one file each.

pub mod app;
pub mod doctor;
pub mod index;
pub mod lint;
pub mod models;
pub mod reset_password;
pub mod run;
mod sandbox;
pub mod serve;
mod ssrf_proxy;
pub mod version;

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::Context;

/// Exit code of a command that could not be tried: wrong arguments, unreadable files.
pub const USAGE: u8 = 2;

/// Writes a line for people.
pub fn complain(line: &str) {
    // A closed standard error has no reader.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes a line of the result; false when nobody reads it any more.
pub fn say(line: &str) -> bool {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).is_ok()
}

/// Reads a text file, `-` being standard input.
pub fn read_text(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        return io::read_to_string(io::stdin()).context("cannot read standard input");
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

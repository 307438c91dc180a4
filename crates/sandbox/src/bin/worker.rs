//! A program that is nothing but a sandbox worker, for this crate's own tests and measurements.

use std::process::ExitCode;

fn main() -> ExitCode {
    ox_sandbox::run_if_worker(std::env::args_os()).unwrap_or(ExitCode::FAILURE)
}

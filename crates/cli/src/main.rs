//! The `oxidify` program: reads the command line and hands over to one command.
//!
//! A command is a file under `commands/` with an `Args` struct and a `run` function that answers an
//! exit code. This file knows no more than their names.

mod code;
mod commands;
mod egress;
mod memory;
mod remote_code;
mod ui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use commands::{app, doctor, drill, index, lint, models, reset_password, run, serve, version};

/// The work is many small short-lived values on all threads, which the system's allocator serves badly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// LLM application platform: visual workflows, chat apps and their APIs in one program.
#[derive(Parser)]
#[command(name = "oxidify", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    App(app::Args),
    Doctor(doctor::Args),
    Drill(drill::Args),
    Index(index::Args),
    Lint(lint::Args),
    Models(models::Args),
    ResetPassword(reset_password::Args),
    Run(run::Args),
    Serve(serve::Args),
    Version(version::Args),
}

fn main() -> ExitCode {
    // Before anything else: a worker is split in two while it has one thread.
    if let Some(code) = ox_sandbox::run_if_worker(std::env::args_os()) {
        return code;
    }
    let command = Cli::parse().command.unwrap_or_else(|| Command::Serve(serve::Args::default()));
    let result = match command {
        Command::App(args) => app::run(args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Drill(args) => drill::run(&args),
        Command::Index(args) => index::run(&args),
        Command::Lint(args) => lint::run(&args),
        Command::Models(args) => models::run(&args),
        Command::ResetPassword(args) => reset_password::run(&args),
        Command::Run(args) => run::run(args),
        Command::Serve(args) => serve::run(&args),
        Command::Version(args) => version::run(&args),
    };
    result.unwrap_or_else(|error| {
        commands::complain(&format!("error: {error:#}"));
        ExitCode::from(commands::USAGE)
    })
}

//! `oxidify drill`: faults made on purpose, to see that nothing is lost.

mod budget;
mod fallback;
mod provider;

use std::process::ExitCode;

use clap::Subcommand;

/// Makes faults on purpose, in this process alone, and tells what came of them. Needs no server and no network.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Budget(budget::Args),
    Fallback(fallback::Args),
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Budget(args) => budget::run(args),
        Command::Fallback(args) => fallback::run(args),
    }
}

//! `oxidify doctor`: looks at one part of an installation and says what an operator should know about it.

mod egress;

use std::process::ExitCode;

/// Tell how a part of this installation stands.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    part: Part,
}

#[derive(clap::Subcommand)]
enum Part {
    #[command(alias = "net")]
    Egress(egress::Args),
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.part {
        Part::Egress(args) => egress::run(args),
    }
}

//! `oxidify version`

use std::process::ExitCode;

use serde_json::json;

/// Tell the version.
#[derive(clap::Args)]
pub struct Args {
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let version = env!("CARGO_PKG_VERSION");
    let dsl = ox_dsl::version::CURRENT;
    if args.json {
        super::say(&json!({"version": version, "dsl_version": dsl}).to_string());
    } else {
        super::say(&format!("oxidify {version} (app files up to version {dsl})"));
    }
    Ok(ExitCode::SUCCESS)
}

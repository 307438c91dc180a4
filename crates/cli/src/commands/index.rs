//! `oxidify index`: looks after what knowledge bases are searched in: checks it, makes it anew, moves it to another
//! store. A server may run meanwhile; it goes on answering from what it has.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    sync::Mutex,
    time::Instant,
};

use anyhow::{Context, bail};
use ox_app::{
    Settings,
    knowledge::{
        checking,
        outside::Outside,
        rebuilding::{self, Order, Phase, Step, Summary},
    },
};
use ox_db::{Database, DbConfig, Engine, model::RebuildKind, repo::index_marks};
use ox_net::Egress;
use ox_types::DatasetId;
use serde_json::json;
use uuid::Uuid;

use crate::egress::{self, env};

/// What is found wrong is told by this exit code.
const WRONG: u8 = 1;

/// Check, rebuild or move what knowledge bases are searched in; with the settings of the server.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Count what is missing, orphaned or there twice in the local copies and in the vector store.
    ///
    /// Copies that a running server has open are not looked at, and said to be so. Exit code 1 when something is wrong.
    Check(Common),
    /// Make the local copies, and what is in the vector store, anew from the stored chunks and vectors
    Rebuild(Rebuild),
    /// Fill another vector store (or `embedded`), while the one of the settings serves.
    ///
    /// Both have to be in the settings. Afterwards set `VECTOR_STORE` to the new one, start the server again, and remove
    /// what is in the old one with `oxidify index drop --store OLD`.
    Move(Move),
    /// Remove everything of this installation from a vector store that is not used any more
    Drop(Drop),
}

#[derive(clap::Args, Clone)]
struct Common {
    /// A vector store, instead of the one in `VECTOR_STORE`
    #[arg(long)]
    store: Option<String>,
    /// One knowledge base alone
    #[arg(long, value_name = "ID")]
    dataset: Option<Uuid>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Rebuild {
    #[command(flatten)]
    common: Common,
    /// The local copies alone
    #[arg(long, conflicts_with = "store")]
    local: bool,
}

#[derive(clap::Args)]
struct Move {
    /// The store to fill: a name of `VECTOR_STORE`, or `embedded`
    #[arg(long)]
    to: String,
    /// One knowledge base alone
    #[arg(long, value_name = "ID")]
    dataset: Option<Uuid>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Drop {
    /// The store: a name of `VECTOR_STORE`
    #[arg(long)]
    store: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(Box::pin(act(&args.action)))
}

/// The server's data, as this command sees them.
struct Ground {
    settings: Settings,
    db: Database,
    egress: Egress,
    process: Uuid,
}

impl Ground {
    async fn open() -> anyhow::Result<Self> {
        let settings = Settings::from_env();
        let config = DbConfig::from_vars(env, &settings.home)?;
        if let Engine::Sqlite { path } = &config.engine
            && !path.exists()
        {
            bail!("there is no database at {}: set OXIDIFY_HOME to the directory the server uses", path.display());
        }
        ox_net::install_crypto_provider();
        let (policy, _) = egress::load(0)?;
        let db = Database::connect(&config)
            .await
            .with_context(|| format!("cannot open the database ({})", config.describe()))?;
        let process = rebuilding::enter(&db).await.map_err(told)?;
        Ok(Self { settings, db, egress: Egress::new(policy), process })
    }

    fn outside(&self, name: Option<&str>) -> anyhow::Result<Option<Outside>> {
        Outside::connect(&self.settings.vectors, name, self.db.clone(), self.egress.clone(), self.process).map_err(told)
    }

    fn order(&self, kind: RebuildKind, dataset: Option<Uuid>) -> Order {
        Order { process: self.process, kind, only: dataset.map(DatasetId) }
    }

    async fn close(self) {
        if let Err(error) = rebuilding::leave(&self.db, self.process).await {
            super::complain(&format!("what this command held is free again later: {}", error.message));
        }
        self.db.close().await;
    }
}

/// The text alone; causes are for logs.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn told(error: ox_app::Error) -> anyhow::Error {
    match error.source.as_ref().filter(|_| error.status == 500) {
        Some(source) => anyhow::anyhow!("{source}"),
        None => anyhow::anyhow!("{}", error.message),
    }
}

async fn act(action: &Action) -> anyhow::Result<ExitCode> {
    let ground = Ground::open().await?;
    // Ctrl-C ends it between two steps: what is done is kept, what is not is done by the server or the next time.
    let done = tokio::select! {
        done = one(&ground, action) => done,
        error = rebuilding::stay(&ground.db, ground.process) => Err(told(error)),
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped; the old index goes on serving")),
    };
    ground.close().await;
    done
}

async fn one(ground: &Ground, action: &Action) -> anyhow::Result<ExitCode> {
    match action {
        Action::Check(args) => check(ground, args).await,
        Action::Rebuild(args) => rebuild(ground, args).await,
        Action::Move(args) => move_to(ground, args).await,
        Action::Drop(args) => remove(ground, args).await,
    }
}

async fn check(ground: &Ground, args: &Common) -> anyhow::Result<ExitCode> {
    let outside = ground.outside(args.store.as_deref())?;
    let only = args.dataset.map(DatasetId);
    let report = checking::check(&ground.db, &ground.settings.home, outside.as_ref(), only).await.map_err(told)?;
    if args.json {
        super::say(&serde_json::to_string(&report)?);
    } else {
        for finding in &report.findings {
            let what = match &finding.skipped {
                Some(why) => format!("not looked at: {why}"),
                None => format!(
                    "{} nodes, {} missing, {} orphans, {} twice, {} changes behind",
                    finding.nodes, finding.missing, finding.orphans, finding.duplicates, finding.behind
                ),
            };
            super::say(&format!("{} {}: {what}", finding.dataset, finding.index));
        }
        super::say(&format!(
            "{} knowledge bases, {} nodes in all copies: {} missing, {} orphans, {} twice; {} changes behind, {} collections \
             to be removed, {} copies not looked at",
            report.datasets,
            report.nodes,
            report.missing,
            report.orphans,
            report.duplicates,
            report.behind,
            report.to_be_removed,
            report.skipped
        ));
        if report.is_wrong() {
            super::say("Make it right with: oxidify index rebuild");
        }
    }
    Ok(if report.is_wrong() { ExitCode::from(WRONG) } else { ExitCode::SUCCESS })
}

/// Shows how far it is: a line that changes on a terminal, JSON lines where they are wanted, else a line for each end.
struct Shown {
    json: bool,
    what: &'static str,
    last: Mutex<Option<Instant>>,
    pace: Mutex<Option<Pace>>,
}

/// Since when one phase of one knowledge base is told, and from which count on.
struct Pace {
    of: (DatasetId, Phase),
    from: u64,
    began: Instant,
}

impl Shown {
    fn new(json: bool, what: &'static str) -> Self {
        Self { json, what, last: Mutex::default(), pace: Mutex::default() }
    }

    /// How many a second in this phase; nothing before there is something to count.
    fn rate(&self, step: &Step) -> Option<u64> {
        let of = (step.dataset, step.phase);
        let mut pace = self.pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = pace.take().filter(|pace| pace.of == of && pace.from <= step.count);
        let pace = pace.insert(known.unwrap_or_else(|| Pace { of, from: step.count, began: Instant::now() }));
        let millis = u64::try_from(pace.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        per_second(step.count - pace.from, millis)
    }

    fn step(&self, step: Step) {
        let rate = self.rate(&step);
        let Step { dataset, number, of, phase, count, total, is_done } = step;
        {
            let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if !is_done && last.is_some_and(|last| last.elapsed().as_millis() < 200) {
                return;
            }
            *last = Some(Instant::now());
        }
        if self.json {
            let line = json!({
                "event": "progress", "index": self.what, "dataset": dataset.to_string(), "number": number, "of": of,
                "phase": phase.name(), "count": count, "total": total, "rate": rate, "done": is_done,
            });
            super::say(&line.to_string());
            return;
        }
        let mut out = std::io::stderr();
        let _ = if out.is_terminal() {
            let end = if is_done { "\n" } else { "" };
            let pace = rate.map_or_else(String::new, |rate| format!(", {rate} a second"));
            let far = if is_done {
                format!("{total} changes")
            } else {
                format!("{}, {count} of {total}{pace}", phase.name())
            };
            write!(out, "\r\x1b[K{}: {number} of {of}, {dataset}, {far}{end}", self.what)
        } else if is_done {
            writeln!(out, "{}: {number} of {of}, {dataset}", self.what)
        } else {
            Ok(())
        };
    }
}

/// `None` while too little time has passed to tell.
fn per_second(count: u64, millis: u64) -> Option<u64> {
    (millis >= 100 && count > 0).then(|| count.saturating_mul(1000) / millis)
}

fn summed(json: bool, what: &str, summary: Summary, hint: &str) {
    let Summary { datasets, waiting } = summary;
    if json {
        let line = json!({"event": "done", "index": what, "datasets": datasets, "waiting": waiting});
        super::say(&line.to_string());
        return;
    }
    super::say(&format!("{what}: {datasets} knowledge bases"));
    if waiting > 0 {
        super::say(&format!("{waiting} of them are taken over when the server next uses them or starts"));
    }
    if !hint.is_empty() {
        super::say(hint);
    }
}

async fn rebuild(ground: &Ground, args: &Rebuild) -> anyhow::Result<ExitCode> {
    let Common { store, dataset, json } = &args.common;
    let order = ground.order(RebuildKind::Rebuild, *dataset);
    let outside = if args.local { None } else { ground.outside(store.as_deref())? };
    if store.is_none() {
        let shown = Shown::new(*json, "local");
        let home = &ground.settings.home;
        let tell = |step| shown.step(step);
        let summary = rebuilding::local(&ground.db, home, order, false, &tell).await.map_err(told)?;
        summed(*json, "local", summary, "");
    }
    if let Some(outside) = outside {
        let shown = Shown::new(*json, outside.name());
        let tell = |step| shown.step(step);
        let summary = rebuilding::fill(&ground.db, &outside, order, true, &tell).await.map_err(told)?;
        summed(*json, outside.name(), summary, "");
    }
    Ok(ExitCode::SUCCESS)
}

async fn move_to(ground: &Ground, args: &Move) -> anyhow::Result<ExitCode> {
    let order = ground.order(RebuildKind::Move, args.dataset);
    let used = ground.outside(None)?;
    let Some(outside) = ground.outside(Some(&args.to))? else {
        if used.is_none() {
            bail!("vectors are in the built-in index already");
        }
        let shown = Shown::new(args.json, "embedded");
        let tell = |step| shown.step(step);
        let home = &ground.settings.home;
        let summary = rebuilding::local(&ground.db, home, order, true, &tell).await.map_err(told)?;
        summed(args.json, "embedded", summary, "Unset VECTOR_STORE and start the server again.");
        return Ok(ExitCode::SUCCESS);
    };
    let shown = Shown::new(args.json, outside.name());
    let tell = |step| shown.step(step);
    let summary = rebuilding::fill(&ground.db, &outside, order, false, &tell).await.map_err(told)?;
    let hint = if used.is_some_and(|used| used.key() == outside.key()) {
        String::new()
    } else {
        format!("Set VECTOR_STORE={} and start the server again: what changes meanwhile follows then.", args.to)
    };
    summed(args.json, outside.name(), summary, &hint);
    Ok(ExitCode::SUCCESS)
}

async fn remove(ground: &Ground, args: &Drop) -> anyhow::Result<ExitCode> {
    let Some(outside) = ground.outside(Some(&args.store))? else {
        bail!("{} is the built-in index: its copies without use go by themselves", args.store);
    };
    if ground.outside(None)?.is_some_and(|used| used.key() == outside.key()) {
        bail!("VECTOR_STORE={} is in use: set another one first", args.store);
    }
    let marks = index_marks::all(&ground.db, outside.key()).await?;
    for mark in &marks {
        outside.remove_collection(mark).await.map_err(told)?;
    }
    if args.json {
        super::say(&json!({"event": "done", "index": outside.name(), "collections": marks.len()}).to_string());
    } else {
        super::say(&format!("{}: {} collections removed", outside.key(), marks.len()));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::per_second;

    #[test]
    fn a_rate_waits_until_it_means_something() {
        for (count, millis, expected) in [
            (0, 5000, None),
            (500, 0, None),
            (500, 99, None),
            (500, 250, Some(2000)),
            (1, 3000, Some(0)),
            (u64::MAX, 1000, Some(u64::MAX / 1000)),
        ] {
            assert_eq!(per_second(count, millis), expected, "{count} in {millis} ms");
        }
    }
}

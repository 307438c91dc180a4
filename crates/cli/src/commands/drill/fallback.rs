//! `oxidify drill fallback`: models that do not answer, and whether anybody notices.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use futures::{StreamExt as _, stream};
use ox_app::{
    Parts, Principal, Services, Settings,
    principal::Role,
    providers::{self, ModelTarget},
    workspaces,
};
use ox_models::{ChatRequest, ChatResult, Message, ModelKind, ModelRef, ModelRuntime as _, ModelScope};
use ox_types::AccountId;
use serde_json::json;

use super::provider::{ANSWER, FakeProvider, Trouble};

pub(super) const PROVIDER: &str = "langgenius/openai_api_compatible/openai_api_compatible";
const BROKEN: &str = "drill-broken";
const STAND_IN: &str = "drill-stand-in";
/// Runs at the same time.
const AT_ONCE: usize = 16;
/// The least share of runs that must succeed.
const LEAST: f64 = 0.999;
/// How long a provider that was mended may be left alone.
const REST: Duration = Duration::from_secs(40);

/// Asks a model that is down, slow, rate limited, cut off, or answers with a page, and has a stand-in. Fails when fewer
/// than 99.9 % of the runs of any trouble succeed, when providers are asked too often, or when the broken one is not
/// left alone and taken back after it was mended.
#[derive(clap::Args)]
pub struct Args {
    /// Runs for each trouble
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    runs: u32,
    /// Seconds over which the runs of a trouble are spread
    #[arg(long, default_value_t = 12.0)]
    seconds: f64,
    /// Most calls of providers for a run
    #[arg(long, default_value_t = 1.5)]
    most_calls: f64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What came of one trouble.
struct Outcome {
    trouble: Trouble,
    runs: u64,
    succeeded: u64,
    calls_broken: u64,
    calls_stand_in: u64,
    opened: u64,
    closed: u64,
    longest: Duration,
    median: Duration,
    example: String,
}

impl Outcome {
    #[expect(clippy::cast_precision_loss, reason = "runs are few")]
    fn share(&self) -> f64 {
        self.succeeded as f64 / self.runs.max(1) as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "runs are few")]
    fn calls(&self) -> f64 {
        (self.calls_broken + self.calls_stand_in) as f64 / self.runs.max(1) as f64
    }

    /// What is not as it should be.
    fn complaints(&self, most_calls: f64) -> Vec<String> {
        let name = self.trouble.name();
        let mut all = Vec::new();
        if self.share() < LEAST {
            let example = if self.example.is_empty() { "another answer than expected" } else { &self.example };
            all.push(format!("{name}: {} of {} runs succeeded ({example})", self.succeeded, self.runs));
        }
        if self.calls() > most_calls {
            all.push(format!("{name}: {:.3} calls of providers a run, more than {most_calls}", self.calls()));
        }
        if self.opened == 0 {
            all.push(format!("{name}: the broken provider was never left alone"));
        }
        if self.closed == 0 {
            all.push(format!("{name}: the provider was not taken back after it was mended"));
        }
        all
    }
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(drill(args))
}

async fn drill(args: &Args) -> anyhow::Result<ExitCode> {
    ox_net::install_crypto_provider();
    let home = Home::new()?;
    let troubles = Trouble::ALL.map(|trouble| one(args, trouble, home.0.join(trouble.name().replace(' ', "-"))));
    let mut outcomes = Vec::new();
    for outcome in futures::future::join_all(troubles).await {
        outcomes.push(outcome?);
    }
    let complaints: Vec<String> = outcomes.iter().flat_map(|outcome| outcome.complaints(args.most_calls)).collect();
    if args.json {
        let rows: Vec<_> = outcomes.iter().map(row).collect();
        super::super::say(&json!({"troubles": rows, "complaints": complaints}).to_string());
    } else {
        report(&outcomes);
        for complaint in &complaints {
            super::super::complain(&format!("failed: {complaint}"));
        }
    }
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(outcome: &Outcome) -> serde_json::Value {
    json!({
        "trouble": outcome.trouble.name(), "runs": outcome.runs, "succeeded": outcome.succeeded, "share": outcome.share(),
        "calls_broken": outcome.calls_broken, "calls_stand_in": outcome.calls_stand_in, "calls_per_run": outcome.calls(),
        "opened": outcome.opened, "closed": outcome.closed, "median_ms": outcome.median.as_millis() as u64,
        "longest_ms": outcome.longest.as_millis() as u64, "example": outcome.example,
    })
}

fn report(outcomes: &[Outcome]) {
    super::super::say(&format!(
        "{:<16} {:>7} {:>10} {:>9} {:>13} {:>7} {:>7} {:>9} {:>10}",
        "trouble", "runs", "succeeded", "share", "calls a run", "opened", "closed", "median", "longest"
    ));
    for outcome in outcomes {
        super::super::say(&format!(
            "{:<16} {:>7} {:>10} {:>8.2}% {:>13.3} {:>7} {:>7} {:>6} ms {:>7} ms",
            outcome.trouble.name(),
            outcome.runs,
            outcome.succeeded,
            outcome.share() * 100.0,
            outcome.calls(),
            outcome.opened,
            outcome.closed,
            outcome.median.as_millis(),
            outcome.longest.as_millis()
        ));
    }
}

/// One trouble with a workspace, a database and providers of its own: healthy, broken for most of the runs, mended.
async fn one(args: &Args, trouble: Trouble, home: PathBuf) -> anyhow::Result<Outcome> {
    let (broken, stand_in) = (FakeProvider::start().await?, FakeProvider::start().await?);
    let (services, scope) = workspace(&home, &broken, &stand_in).await?;
    broken.take_calls();
    stand_in.take_calls();
    let tenth = (args.runs / 10).max(1);
    let mut tally = Tally::default();
    tally.ask(&services, &scope, tenth, Duration::ZERO).await;
    broken.set(Some(trouble)).await;
    let gap = Duration::try_from_secs_f64(args.seconds / f64::from(args.runs)).unwrap_or_default();
    tally.ask(&services, &scope, args.runs - 2 * tenth, gap).await;
    broken.set(None).await;
    // It is left alone for a while yet; the runs meanwhile go to the stand-in. They count as well.
    let mended = Instant::now();
    while services.models.turns().closed == 0 && mended.elapsed() < REST {
        tokio::time::sleep(Duration::from_millis(500)).await;
        tally.ask(&services, &scope, 1, Duration::ZERO).await;
    }
    tally.ask(&services, &scope, tenth, Duration::ZERO).await;
    let turns = services.models.turns();
    services.tracker.close();
    services.db.close().await;
    let Tally { mut times, succeeded, example } = tally;
    times.sort_unstable();
    Ok(Outcome {
        trouble,
        runs: times.len() as u64,
        succeeded,
        calls_broken: broken.take_calls(),
        calls_stand_in: stand_in.take_calls(),
        opened: turns.opened,
        closed: turns.closed,
        longest: times.last().copied().unwrap_or_default(),
        median: times.get(times.len() / 2).copied().unwrap_or_default(),
        example,
    })
}

#[derive(Default)]
struct Tally {
    times: Vec<Duration>,
    succeeded: u64,
    example: String,
}

impl Tally {
    /// Makes runs, each `gap` after the one before, half of them streams.
    async fn ask(&mut self, services: &Arc<Services>, scope: &ModelScope, runs: u32, gap: Duration) {
        let began = tokio::time::Instant::now();
        let of_one = |number: u32| async move {
            tokio::time::sleep_until(began + gap * number).await;
            let started = Instant::now();
            let said = ask(services, scope, number & 1 == 0).await;
            (started.elapsed(), said)
        };
        let mut all = stream::iter(0..runs).map(of_one).buffer_unordered(AT_ONCE);
        while let Some((time, said)) = all.next().await {
            self.times.push(time);
            match said {
                Ok(text) if text == ANSWER => self.succeeded += 1,
                Ok(text) => self.example = format!("answered {text:?}"),
                Err(error) => self.example = error.to_string(),
            }
        }
    }
}

async fn ask(services: &Services, scope: &ModelScope, streams: bool) -> Result<String, ox_models::ModelError> {
    let request =
        ChatRequest { messages: vec![Message::user("Who are you?")], stream: streams, ..ChatRequest::default() };
    let pieces = services.models.chat(scope, &ModelRef::chat(PROVIDER, BROKEN), request).await?;
    Ok(ChatResult::collect(pieces).await?.text)
}

/// A workspace with the two models, one standing in for the other.
async fn workspace(
    home: &Path,
    broken: &FakeProvider,
    stand_in: &FakeProvider,
) -> anyhow::Result<(Arc<Services>, ModelScope)> {
    let services = services(home).await?;
    let password = format!("{}7a", ox_auth::random_code(20));
    let tenant_id = workspaces::create_with_owner(&services, "Drill", "drill@example.com", &password).await?;
    let owner = Principal::Member { account_id: AccountId::new(), tenant_id, role: Role::Owner };
    for (model, provider) in [(BROKEN, broken), (STAND_IN, stand_in)] {
        let url = format!("http://{}/v1", provider.address);
        let values = json!({"api_key": "drill", "endpoint_url": url, "mode": "chat", "context_size": "4096"});
        let values = values.as_object().cloned().unwrap_or_default();
        providers::add_model_credential(&services, &owner, PROVIDER, &target(model), &values, None).await?;
    }
    let chain = [(PROVIDER.to_owned(), STAND_IN.to_owned())];
    providers::set_fallbacks(&services, &owner, PROVIDER, &target(BROKEN), &chain).await?;
    Ok((services, ModelScope::of(tenant_id)))
}

pub(super) fn target(model: &str) -> ModelTarget {
    ModelTarget { model: model.to_owned(), kind: ModelKind::Llm }
}

pub(super) async fn services(home: &Path) -> anyhow::Result<Arc<Services>> {
    std::fs::create_dir_all(home).with_context(|| format!("cannot create {}", home.display()))?;
    let db = ox_db::Database::connect(&ox_db::DbConfig::sqlite(home.join("drill.db"))).await?;
    let settings = [
        ("OXIDIFY_HOME", home.display().to_string()),
        // A slow model is given up after this.
        ("OXIDIFY_MODEL_FIRST_TOKEN_SECONDS", "1".to_owned()),
        ("OXIDIFY_MODEL_TOTAL_SECONDS", "5".to_owned()),
    ];
    let settings: HashMap<String, String> = settings.map(|(name, value)| (name.to_owned(), value)).into();
    let mut policy = ox_net::Policy { model_private: true, ..ox_net::Policy::default() };
    if let Ok(near) = "127.0.0.0/8".parse() {
        policy.allow_private_nets.push(near);
    }
    Ok(Services::new(Parts {
        settings: Settings::read(settings),
        db,
        kv: Arc::new(ox_kv::Memory::default()),
        store: Arc::new(ox_store::Disk::open(home.join("files")).await?),
        egress: ox_net::Egress::new(policy),
        code: Arc::new(ox_sandbox::Off::default()),
        secret: ox_auth::random_code(40),
        old_secrets: Vec::new(),
        metrics: Arc::new(String::new),
    })?)
}

/// A directory that is gone when the drill is over.
pub(super) struct Home(pub PathBuf);

impl Home {
    pub(super) fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("oxidify-drill-{}", ox_types::new_uuid().simple()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What cannot be removed is in the directory for what may go any time.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

//! `oxidify serve`: the server. Also what runs when no command is given.

use std::{
    fs::{File, TryLockError},
    io::{Read, Write},
    net::{IpAddr, SocketAddr},
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use axum::serve::ListenerExt;
use ox_app::{Parts, Services, Settings, providers, runs};
use ox_db::{Database, DbConfig, Engine, repo::leases};
use ox_kv::{Bounds, Kv, Memory, Redis, RedisSettings};
use ox_net::Egress;
use ox_sandbox::Local;
use tokio::{net::TcpListener, signal::unix::SignalKind};

use crate::{
    code,
    egress::{self, env},
    memory,
};

/// Start the server (the default command).
#[derive(clap::Args, Default)]
pub struct Args {
    /// Port to listen on [env: PORT, DIFY_PORT] [default: 5001]
    #[arg(long)]
    port: Option<u16>,
    /// Address to listen on [env: HOST, DIFY_BIND_ADDRESS] [default: 0.0.0.0]
    #[arg(long)]
    host: Option<IpAddr>,
}

/// How long the code workers may take to say what protects them.
const CODE_START: Duration = Duration::from_secs(10);
/// Partitions and expired values are looked after this often.
const UPKEEP: Duration = Duration::from_secs(3600);

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let mode = env("MODE").unwrap_or_else(|| "all".into());
    if ["ssrf-proxy", "egress"].contains(&mode.as_str()) {
        return super::ssrf_proxy::run();
    }
    if mode == "sandbox" {
        return super::sandbox::run();
    }
    if !["all", "api"].contains(&mode.as_str()) {
        bail!("MODE={mode} is not a role of this version; leave MODE unset to run everything in one process");
    }
    let log = ox_obs::LogConfig::from_vars(env);
    ox_obs::init_logs(&log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    runtime.block_on(serve(args, started, log.findings))
}

async fn serve(args: &Args, started: Instant, log_findings: Vec<String>) -> anyhow::Result<ExitCode> {
    let address = address(args)?;
    // First, so that a second server on the same port fails before it touches the data.
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: is another server running there? Choose another port with PORT=5002 or --port 5002")
    })?;
    let mut settings = Settings::from_env();
    settings.findings.extend(log_findings);
    settings.mcp_guard = Some("/proc/self/exe".into());
    // `_only` is let go of when the process ends, however that happens.
    let (services, _only) = build(settings, address.port()).await?;
    prepare(&services).await?;
    report(&services, address, started);
    tokio::spawn(memory::keep_small());
    let router =
        ox_api::router(Arc::clone(&services), crate::ui::answer).into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|stream| {
        // Tokens leave as they come; a failed option costs latency, not correctness.
        let _ = stream.set_nodelay(true);
    });
    let shutdown = services.shutdown.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move { shutdown.cancelled().await });
    let mut server = std::pin::pin!(server.into_future());
    let port = address.port();
    let egress = services.egress.clone();
    let reload = egress::on_hangup(move || match egress::load(port) {
        Ok((policy, findings)) => {
            egress.set_policy(policy);
            tracing::info!(?findings, "egress lists were read again");
        }
        Err(error) => tracing::error!("the egress lists stay as they were: {error:#}"),
    });
    tokio::select! {
        ended = &mut server => ended.context("the server ended")?,
        () = reload => {}
        () = signal() => {
            tracing::info!("stopping: no new runs; waiting for those under way");
            stop(&services, server).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes no more work, lets runs and streams end, hands over what is left.
async fn stop(services: &Arc<Services>, server: impl Future<Output = std::io::Result<()>>) {
    let grace = services.settings.shutdown_grace;
    let drained = async {
        services.runs.shutdown(grace).await;
        services.shutdown.cancel();
        services.tracker.close();
    };
    tokio::pin!(server);
    tokio::select! {
        // The server keeps answering the streams of runs that are still ending.
        _ = &mut server => {}
        () = drained => {
            let _ = tokio::time::timeout(Duration::from_secs(5), &mut server).await;
        }
    }
    runs::recovery::release(services).await;
    ox_app::spend::flush(services).await;
    services.db.close().await;
    tracing::info!("stopped");
}

/// Until the process is asked to stop.
pub async fn signal() {
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(signal) => _ = signal.recv().await,
            None => std::future::pending::<()>().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

fn address(args: &Args) -> anyhow::Result<SocketAddr> {
    let number =
        |name: &str| env(name).map(|text| text.parse().with_context(|| format!("{name}={text} is not a port number")));
    let port = match args.port {
        Some(port) => port,
        None => number("PORT").or_else(|| number("DIFY_PORT")).transpose()?.unwrap_or(5001),
    };
    let host = match args.host {
        Some(host) => host,
        None => match env("HOST").or_else(|| env("DIFY_BIND_ADDRESS")) {
            Some(text) => text.parse().with_context(|| format!("HOST={text} is not an IP address"))?,
            None => IpAddr::from([0, 0, 0, 0]),
        },
    };
    Ok(SocketAddr::new(host, port))
}

async fn build(mut settings: Settings, port: u16) -> anyhow::Result<(Arc<Services>, Option<File>)> {
    let home = settings.home.clone();
    std::fs::create_dir_all(&home).with_context(|| {
        format!("cannot create the data directory {}; set OXIDIFY_HOME to a place this user may write", home.display())
    })?;
    ox_net::install_crypto_provider();
    let (secret, old_secrets) = secrets(&home, &settings.deploy_env)?;
    let config = DbConfig::from_vars(env, &home)?;
    let only = lock(&config)?;
    let (sandbox, findings) = ox_sandbox::Settings::from_env(env);
    settings.findings.extend(findings);
    let db = Database::connect(&config)
        .await
        .with_context(|| format!("cannot open the database ({})", config.describe()))?;
    if only.is_some() {
        let tx = db.begin().await?;
        leases::strike_off_all(&tx).await?;
        tx.commit().await?;
    }
    let store = ox_store::Disk::open(home.join("storage")).await?;
    let (policy, warnings) = egress::load(port)?;
    settings.findings.extend(warnings);
    let metrics =
        ox_obs::Metrics::install(env!("CARGO_PKG_VERSION"), option_env!("OXIDIFY_COMMIT").unwrap_or("unknown"), "all")?;
    let (kv, findings) = shared_store().await?;
    settings.findings.extend(findings);
    let egress = Egress::new(policy);
    let (local, code) = code::runner(sandbox, &egress);
    let services = Services::new(Parts {
        settings,
        db,
        kv,
        store: Arc::new(store),
        egress,
        code,
        secret,
        old_secrets,
        metrics: Arc::new(move || metrics.render()),
    })?;
    let about = Arc::clone(&services);
    services.tracker.spawn(async move {
        let work = async {
            // Nobody waits for it: whoever runs code first waits for the workers themselves.
            let findings = check_code(&local).await;
            for finding in &findings {
                tracing::warn!("{finding}");
            }
            // The only one who writes it.
            let _ = about.code_findings.set(findings);
            keep_packages(&local).await;
        };
        about.shutdown.run_until_cancelled(work).await
    });
    Ok((services, only))
}

/// Counters, locks and messages: in Redis where the operator has one, else in this process.
async fn shared_store() -> anyhow::Result<(Arc<dyn Kv>, Vec<String>)> {
    let Some((settings, findings)) = RedisSettings::read(env).map_err(anyhow::Error::msg)? else {
        return Ok((Arc::new(Memory::new(Bounds::default())), Vec::new()));
    };
    let redis = Box::pin(Redis::connect(settings, Bounds::default())).await.map_err(anyhow::Error::msg)?;
    Ok((Arc::new(redis), findings))
}

/// Keeps the operator's Python packages installed.
pub async fn keep_packages(code: &Local) {
    let tell = |word: Result<&str, String>| match word {
        Ok(word) => tracing::info!("{word}"),
        Err(why) => tracing::error!(why, "the Python packages were not installed; it is tried again"),
    };
    code.keep_packages(tell).await;
}

/// Starts the first workers; gives what the operator should know about their walls.
async fn check_code(code: &Local) -> Vec<String> {
    if let Some(endpoint) = env("CODE_EXECUTION_ENDPOINT") {
        tracing::info!(endpoint, "code runs in a sandbox service");
        return Vec::new();
    }
    let Ok(reports) = tokio::time::timeout(CODE_START, code.check()).await else {
        return vec![format!(
            "the code workers did not start within {CODE_START:?}; the first run of code tries again"
        )];
    };
    let [javascript, python] = &reports;
    tracing::info!(%javascript, %python, "code runs in confined processes");
    reports.iter().filter_map(ox_sandbox::LanguageReport::finding).collect()
}

/// One server on an SQLite file: caches and the queue are in its memory, so that a second one would work with stale
/// keys and settings. Nothing on PostgreSQL, and where the file system knows no locks.
fn lock(config: &DbConfig) -> anyhow::Result<Option<File>> {
    let Engine::Sqlite { path } = &config.engine else { return Ok(None) };
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let Ok(mut file) = File::options().read(true).write(true).create(true).truncate(false).open(&name) else {
        // Opening the database comes next, and says what is wrong with the directory.
        return Ok(None);
    };
    match file.try_lock() {
        Ok(()) => {
            // For the message below; a full disk must not keep the server from starting.
            let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
            Ok(Some(file))
        }
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            bail!(
                "another Oxidify server (process {pid}) uses the database {}: stop it, or give this one a directory of its \
                 own with OXIDIFY_HOME. Several servers on the same data need PostgreSQL",
                path.display()
            )
        }
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, "the database cannot be locked; make sure that only one server uses it");
            Ok(None)
        }
    }
}

/// `SECRET_KEY`, or one that is made at the first start and kept beside the data.
fn secrets(home: &Path, deploy_env: &str) -> anyhow::Result<(String, Vec<String>)> {
    let secret = match env("SECRET_KEY") {
        Some(secret) => {
            if !deploy_env.eq_ignore_ascii_case("TESTING") {
                ox_auth::check_secret(&secret)?;
            }
            secret
        }
        None => ox_auth::load_or_create_secret(home).with_context(|| {
            format!(
                "no secret can be kept in {}; set OXIDIFY_HOME to a place this user may write, or give SECRET_KEY",
                home.display()
            )
        })?,
    };
    let old = env("OXIDIFY_SECRET_KEYS_OLD").unwrap_or_default();
    let old = old.split(',').map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect();
    Ok((secret, old))
}

/// What must be running before the first request.
async fn prepare(services: &Arc<Services>) -> anyhow::Result<()> {
    runs::recovery::start(services).await?;
    if let Some(tenant) = ox_app::workspaces::first(services).await?
        && let Err(error) = providers::import_environment(services, tenant).await
    {
        tracing::warn!(%error, "OPENAI_API_KEY was not taken over");
    }
    let upkeep = Arc::clone(services);
    services.tracker.spawn(async move {
        let mut tick = tokio::time::interval(UPKEEP);
        loop {
            tokio::select! {
                () = upkeep.shutdown.cancelled() => return,
                _ = tick.tick() => {}
            }
            if let Err(error) = ox_app::upkeep(&upkeep).await {
                tracing::warn!(%error, "upkeep failed; it is tried again in an hour");
            }
        }
    });
    Ok(())
}

fn report(services: &Services, address: SocketAddr, started: Instant) {
    for finding in &services.settings.findings {
        tracing::warn!("{finding}");
    }
    let shown = if address.ip().is_unspecified() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    };
    tracing::info!(
        url = shown,
        database = services.db.description(),
        redis = services.kv.server(),
        durability = services.db.durability().as_str(),
        scripted_model = services.settings.scripted_model,
        ready_ms = started.elapsed().as_millis() as u64,
        "oxidify {} is ready",
        services.settings.version
    );
}

//! `MODE=ssrf-proxy`: the egress policy as a forward proxy, without a database.

use std::{
    net::{IpAddr, SocketAddr},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use ox_net::{Access, AccessLog, Egress, ForwardConfig, ForwardProxy, Mode, OwnService, Policy};
use ox_obs::Format;
use tokio::{net::TcpListener, sync::watch};

use crate::egress::{self, env};

const PORT: u16 = 3128;
/// Where the compatible proxy relays to the code sandbox.
const SANDBOX_PORT: u16 = 8194;

pub fn run() -> anyhow::Result<ExitCode> {
    let log = ox_obs::LogConfig::from_vars(env);
    ox_obs::init_logs(&log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    runtime.block_on(serve(log))
}

async fn serve(log: ox_obs::LogConfig) -> anyhow::Result<ExitCode> {
    let host: IpAddr = match env("HOST").or_else(|| env("DIFY_BIND_ADDRESS")) {
        Some(text) => text.parse().with_context(|| format!("HOST={text} is not an IP address"))?,
        None => IpAddr::from([0, 0, 0, 0]),
    };
    let listed = egress::squid()?.and_then(|squid| squid.port);
    let address = SocketAddr::new(host, port("SSRF_HTTP_PORT")?.or(listed).unwrap_or(PORT));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; choose another port with SSRF_HTTP_PORT"))?;
    let sandbox = Sandbox::from_env()?;
    let (policy, mut findings) = policy(address.port(), sandbox.listen)?;
    let (config, warnings) = ForwardConfig::from_env(env);
    findings.extend(warnings);
    let access = access_log(&log);
    findings.extend(log.findings);
    for finding in &findings {
        tracing::warn!("{finding}");
    }
    report(address, &policy, &config);
    let proxy = ForwardProxy::new(Egress::new(policy), config, access);
    let (stop, stopped) = watch::channel(false);
    let stopping = async {
        super::serve::signal().await;
        tracing::info!("stopping: open connections get 30 s");
        // Nobody listening means that both servers have ended.
        let _ = stop.send(true);
    };
    let reloaded = proxy.clone();
    let servers = async {
        let serving = proxy.serve(listener, until(stopped.clone()));
        tokio::join!(serving, sandbox.serve(&proxy, host, until(stopped)), stopping);
    };
    tokio::select! {
        () = servers => {}
        () = egress::on_hangup(move || reload(&reloaded, address.port())) => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone stops as well.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn port(name: &str) -> anyhow::Result<Option<u16>> {
    env(name).map(|text| text.parse().with_context(|| format!("{name}={text} is not a port number"))).transpose()
}

fn policy(port: u16, sandbox: u16) -> anyhow::Result<(Policy, Vec<String>)> {
    let (mut policy, mut findings) = egress::load(port)?;
    policy.own_services.push(OwnService { host: "0.0.0.0".into(), port: sandbox });
    if let Some(squid) = egress::squid()? {
        findings.extend(squid.ignored.iter().map(|line| format!("squid.conf: ignored: {line}")));
        policy.squid = Some(squid);
    }
    Ok((policy, findings))
}

fn reload(proxy: &ForwardProxy, port: u16) {
    let sandbox = Sandbox::from_env().map_or(SANDBOX_PORT, |sandbox| sandbox.listen);
    match policy(port, sandbox) {
        Ok((policy, findings)) => {
            proxy.set_policy(policy);
            for finding in findings {
                tracing::warn!("{finding}");
            }
            tracing::info!("egress lists were read again");
        }
        Err(error) => tracing::error!("the egress lists stay as they were: {error:#}"),
    }
}

/// The port that leads to the code sandbox.
struct Sandbox {
    listen: u16,
    host: String,
    port: u16,
}

impl Sandbox {
    fn from_env() -> anyhow::Result<Self> {
        let listen = port("SSRF_REVERSE_PROXY_PORT")?.or(port("SSRF_SANDBOX_PROXY_PORT")?).unwrap_or(SANDBOX_PORT);
        let host = env("SSRF_SANDBOX_PROXY_HOST").or_else(|| env("SSRF_SANDBOX_HOST"));
        let port = port("SANDBOX_PORT")?.unwrap_or(SANDBOX_PORT);
        Ok(Self { listen, host: host.unwrap_or_else(|| "sandbox".into()), port })
    }

    async fn serve(self, proxy: &ForwardProxy, host: IpAddr, stop: impl Future<Output = ()>) {
        let address = SocketAddr::new(host, self.listen);
        match TcpListener::bind(address).await {
            Ok(listener) => proxy.serve_accelerator(listener, self.host, self.port, stop).await,
            // Only old set-ups go to the sandbox this way.
            Err(error) => tracing::warn!(%error, %address, "the port to the code sandbox is not served"),
        }
    }
}

fn access_log(log: &ox_obs::LogConfig) -> AccessLog {
    if log.format == Format::Pretty && log.file.is_none() {
        return Arc::new(|access: &Access| {
            super::say(&access.line());
        });
    }
    Arc::new(Access::tell)
}

fn report(address: SocketAddr, policy: &Policy, config: &ForwardConfig) {
    tracing::info!(
        %address,
        mode = if policy.mode == Mode::Allowlist { "allowlist" } else { "public" },
        squid_conf = policy.squid.is_some(),
        strict_tunnels = config.strict,
        credentials = config.auth.is_some(),
        "oxidify {} is ready as egress proxy",
        env!("CARGO_PKG_VERSION")
    );
}

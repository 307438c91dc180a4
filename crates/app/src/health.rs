//! The state of the server and of what it depends on.

use ox_types::boxed;
use std::{collections::BTreeMap, net::IpAddr};

use serde::Serialize;

use crate::Services;

/// What `/health` says.
#[derive(Debug, Serialize)]
pub struct Report {
    pub pid: u32,
    /// `ok` or `degraded`.
    pub status: &'static str,
    pub version: &'static str,
    pub role: &'static str,
    pub uptime_s: u64,
    /// Settings that could not be read, and other things to look at.
    pub findings: Vec<String>,
    pub deps: BTreeMap<&'static str, Dependency>,
}

/// The state of one dependency.
#[derive(Debug, Serialize)]
pub struct Dependency {
    /// `ok` or `down`.
    pub status: &'static str,
    pub latency_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub detail: String,
}

/// Looks at everything.
#[boxed]
pub async fn report(services: &Services) -> Report {
    let mut deps = BTreeMap::new();
    let durability = format!("{:?}", services.db.durability()).to_lowercase();
    let detail = format!("{}, durability {durability}", services.db.description());
    deps.insert("db", timed(detail, services.db.ping()).await);
    deps.insert("storage", timed("objects".into(), services.store.check()).await);
    deps.insert("vector", vectors(services).await);
    if let Some(server) = services.kv.server() {
        deps.insert("redis", timed(server, services.kv.check()).await);
    }
    for (name, dependency) in &deps {
        let up = if dependency.status == "ok" { 1.0 } else { 0.0 };
        metrics::gauge!("oxidify_up_dependency", "dependency" => *name).set(up);
    }
    let healthy = deps.values().all(|dependency| dependency.status == "ok");
    Report {
        pid: std::process::id(),
        status: if healthy { "ok" } else { "degraded" },
        version: services.settings.version,
        role: "all",
        uptime_s: services.started_at.elapsed().as_secs(),
        findings: services
            .settings
            .findings
            .iter()
            .chain(services.code_findings.get().into_iter().flatten())
            .cloned()
            .collect(),
        deps,
    }
}

/// Where vectors are, and how much of the knowledge bases is not there yet.
async fn vectors(services: &Services) -> Dependency {
    let Some(outside) = &services.outside else {
        return Dependency { status: "ok", latency_ms: 0.0, error: None, detail: "embedded".to_owned() };
    };
    let behind = match outside.lag().await {
        Ok(lag) if lag.behind + lag.gone == 0 => format!("{} knowledge bases, all up to date", lag.datasets),
        Ok(lag) => format!(
            "{} of {} knowledge bases behind by {} changes, {} collections to be removed{}",
            lag.behind,
            lag.datasets,
            lag.changes,
            lag.gone,
            lag.error.map(|error| format!("; {error}")).unwrap_or_default()
        ),
        Err(error) => error.message,
    };
    timed(format!("{}, {behind}", outside.key()), outside.health()).await
}

async fn timed<E: std::fmt::Display>(detail: String, check: impl Future<Output = Result<(), E>>) -> Dependency {
    let started = std::time::Instant::now();
    let error = check.await.err().map(|error| error.to_string());
    let status = if error.is_none() { "ok" } else { "down" };
    Dependency { status, latency_ms: started.elapsed().as_secs_f64() * 1000.0, error, detail }
}

/// Whether requests should be sent here: not while draining, not without the database.
#[boxed]
pub async fn ready(services: &Services) -> bool {
    !services.shutdown.is_cancelled() && services.db.ping().await.is_ok()
}

/// Prometheus text.
#[must_use]
pub fn metrics(services: &Services) -> String {
    let pool = services.db.pool_state();
    metrics::gauge!("oxidify_db_pool_connections", "state" => "idle").set(f64::from(pool.idle));
    metrics::gauge!("oxidify_db_pool_connections", "state" => "open").set(f64::from(pool.size));
    (services.metrics)()
}

/// Loopback or a private network: where monitoring may come from without a token.
#[must_use]
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(v6.is_loopback() || (v6.segments()[0] & 0xfe00) == 0xfc00, |v4| {
            v4.is_loopback() || v4.is_private()
        }),
    }
}

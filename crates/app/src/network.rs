//! Where the calls of a workspace may go: its own rules, within what the operator's policy allows.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use moka::future::Cache;
use ox_db::{Database, model::NetworkRules, now, repo};
use ox_engine::RunInfo;
use ox_net::{Caller, Destination, Egress, MAX_DESTINATIONS, Rules};
use ox_nodes::{EgressPort, PortError};
use ox_types::{Json, TenantId, boxed};
use serde_json::json;

use crate::{Error, Principal, Result, Services, audit, principal::Permission};

/// How long another process may go on with rules that were changed here.
const FRESH: Duration = Duration::from_secs(10);

/// The way out of the process for the calls of workspaces. Cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    db: Database,
    egress: Egress,
    rules: Cache<TenantId, Arc<Rules>>,
}

impl Outbound {
    /// On a database, over the operator's policy.
    #[must_use]
    pub fn new(db: Database, egress: Egress) -> Self {
        let rules = Cache::builder().max_capacity(10_000).time_to_live(FRESH).build();
        Self { db, egress, rules }
    }

    /// The way out for a call of this workspace. Asked anew for every call: rules that change count at once.
    ///
    /// # Errors
    /// When its rules cannot be read: without them the call might go where it must not.
    #[boxed]
    pub async fn of(&self, tenant: TenantId) -> Result<Egress> {
        let caller = Caller { workspace: tenant.to_string(), ..Caller::default() };
        self.of_caller(tenant, caller).await
    }

    /// [`Outbound::of`] for a call whose run is known.
    #[boxed]
    pub async fn of_caller(&self, tenant: TenantId, caller: Caller) -> Result<Egress> {
        Ok(self.egress.called_by(caller).within(self.rules(tenant).await?))
    }

    async fn rules(&self, tenant: TenantId) -> Result<Arc<Rules>> {
        if let Some(known) = self.rules.get(&tenant).await {
            return Ok(known);
        }
        // Once for all who wait.
        let load = async {
            let stored = repo::network_rules::find(&self.db, tenant).await?;
            Ok::<_, ox_db::Error>(Arc::new(stored.map_or_else(Rules::default, |stored| read(&stored))))
        };
        Ok(self.rules.try_get_with(tenant, load).await?)
    }
}

#[async_trait]
impl EgressPort for Outbound {
    async fn of(&self, run: &RunInfo, node: &str) -> Result<Egress, PortError> {
        let egress = self.of_caller(run.tenant_id, ox_nodes::caller(run, node)).await;
        egress
            .map_err(|error| PortError(format!("The network rules of the workspace cannot be read: {}", error.message)))
    }
}

/// Stored rules; an entry that is none any more allows and opens nothing.
fn read(stored: &NetworkRules) -> Rules {
    let list =
        |entries: &[String]| -> Vec<Destination> { entries.iter().filter_map(|entry| entry.parse().ok()).collect() };
    Rules { only: stored.only_listed.then(|| list(&stored.allowed)), private: list(&stored.private) }
}

/// The rules of a workspace as its administrators see and write them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Calls go to `allowed` and nowhere else.
    pub only_listed: bool,
    pub allowed: Vec<String>,
    /// Private destinations that calls may go to.
    pub private: Vec<String>,
}

impl Network {
    fn json(&self) -> Json {
        json!({"only_listed": self.only_listed, "allowed": self.allowed, "private": self.private})
    }
}

/// The rules of the current workspace.
///
/// # Errors
/// 403 for all but owners and admins.
#[boxed]
pub async fn get(services: &Services, principal: &Principal) -> Result<Network> {
    principal.require(Permission::WorkspaceManage)?;
    let stored = repo::network_rules::find(&services.db, principal.tenant_id()).await?;
    let view = |rules: NetworkRules| Network {
        only_listed: rules.only_listed,
        allowed: rules.allowed,
        private: rules.private,
    };
    Ok(stored.map(view).unwrap_or_default())
}

/// Whether the operator lets workspaces open private destinations.
#[must_use]
pub fn may_open_private(services: &Services) -> bool {
    services.egress.workspaces_may_open()
}

/// Writes the rules of the current workspace.
///
/// # Errors
/// 403 for all but owners and admins; 400 for an entry that is no destination, or private ones where the operator
/// does not let workspaces open them.
#[boxed]
pub async fn set(services: &Services, principal: &Principal, wanted: Network) -> Result<Network> {
    let before = get(services, principal).await?;
    let after = Network {
        only_listed: wanted.only_listed,
        allowed: entries("allowed", &wanted.allowed)?,
        private: entries("private", &wanted.private)?,
    };
    if !after.private.is_empty() && !may_open_private(services) {
        return Err(Error::invalid_field(
            "private",
            "Workspaces cannot open private destinations here. An operator can allow it with \
             OXIDIFY_EGRESS_WORKSPACE_PRIVATE.",
        ));
    }
    let tenant = principal.tenant_id();
    let rules = NetworkRules {
        tenant_id: tenant,
        only_listed: after.only_listed,
        allowed: after.allowed.clone(),
        private: after.private.clone(),
        updated_by: principal.account_id().ok(),
        updated_at: now(),
    };
    let fresh = Arc::new(read(&rules));
    let tx = services.db.begin().await?;
    repo::network_rules::set(&tx, rules).await?;
    tx.commit().await?;
    services.outbound.rules.insert(tenant, fresh).await;
    let (old, new) = (before.json(), after.json());
    audit::record(services, principal, "workspace.network", "workspace", tenant.0, Some(old), Some(new)).await;
    Ok(after)
}

/// The entries of a list, each one once and each one a destination.
fn entries(field: &str, wanted: &[String]) -> Result<Vec<String>> {
    let mut kept: Vec<String> = Vec::with_capacity(wanted.len());
    for entry in wanted.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty()) {
        let read: Result<Destination, _> = entry.parse();
        read.map_err(|error| Error::invalid_field(field, error.to_string()))?;
        if !kept.iter().any(|known| known.eq_ignore_ascii_case(entry)) {
            kept.push(entry.to_owned());
        }
    }
    if kept.len() > MAX_DESTINATIONS {
        return Err(Error::invalid_field(field, format!("At most {MAX_DESTINATIONS} destinations.")));
    }
    Ok(kept)
}

//! What a workspace decides about its calls of models: answers that are kept, other models for some calls, second calls,
//! limits of rates, and who may ask what.

use std::collections::HashSet;

use ox_db::{
    model::{self, ModelPolicies},
    now, repo,
};
use ox_gateway::{AccessRule, CacheRules, HedgeRules, Held, LANGUAGES, RateRule, Rules, Subject, TierRule};
use ox_models::ModelKind;
use ox_types::{AppId, boxed};
use serde_json::json;
use uuid::Uuid;

use crate::{Error, Principal, Result, Services, audit, principal::Permission};

const MOST_RULES: usize = 100;
const MOST_TIERS: usize = 50;
/// Models, apps, tags or regions of one rule.
const MOST_LISTED: usize = 200;
const MAX_NAME: usize = 100;
/// How old an answer may be that is given again: a minute to 30 days.
const AGES: std::ops::RangeInclusive<u64> = 60..=2_592_000;
const MOST_MEGABYTES: u32 = 4_096;
const PAUSES: std::ops::RangeInclusive<u64> = 10..=60_000;
const MOST_REQUESTS: u32 = 1_000_000;
const MOST_TOKENS: u64 = 1_000_000_000;
/// Slots are looked for one by one.
const MOST_CONCURRENT: u32 = 200;
const LONGEST_WAIT: u32 = 60;
/// Whose models can be listed: an owner is never kept from one.
const ROLES: [&str; 4] = ["admin", "editor", "normal", "dataset_operator"];

/// The policies of a workspace with what is kept of its answers here.
#[derive(Clone, Debug)]
pub struct Policies {
    pub rules: Rules,
    pub held: Held,
    /// What all workspaces may keep, in bytes; 0 keeps none.
    pub most: usize,
}

/// What a row says; one that cannot be read says nothing.
pub(super) fn read(stored: &ModelPolicies) -> Rules {
    serde_json::from_str(&stored.body)
        .inspect_err(
            |error| tracing::error!(tenant = %stored.tenant_id, %error, "the policies of models cannot be read"),
        )
        .unwrap_or_default()
}

/// The policies of the workspace.
///
/// # Errors
/// 403 for all but owners and admins.
#[boxed]
pub async fn get(services: &Services, principal: &Principal) -> Result<Policies> {
    principal.require(Permission::ModelManage)?;
    let tenant = principal.tenant_id();
    let stored = repo::model_policies::find(&services.db, tenant).await?;
    let (held, most) = services.models.kept(tenant);
    Ok(Policies { rules: stored.as_ref().map(read).unwrap_or_default(), held, most })
}

/// Writes the policies of the workspace.
///
/// # Errors
/// 403 for all but owners and admins; 400 naming what is wrong.
#[boxed]
pub async fn set(services: &Services, principal: &Principal, wanted: Rules) -> Result<Policies> {
    let before = get(services, principal).await?.rules;
    let rules = Rules {
        cache: CacheRules { epoch: before.cache.epoch, ..cache(services, principal, wanted.cache).await? },
        tiers: tiers(services, principal, wanted.tiers).await?,
        hedging: hedging(services, wanted.hedging)?,
        rates: rates(services, wanted.rates)?,
        access: access(services, principal, wanted.access).await?,
    };
    store(services, principal, &rules).await?;
    let (was, is) = (serde_json::to_value(&before).ok(), serde_json::to_value(&rules).ok());
    audit::record(services, principal, "model.policies", "workspace", principal.tenant_id().0, was, is).await;
    get(services, principal).await
}

/// Drops the answers that are kept: here at once, in other processes within seconds. Tells what was kept here.
///
/// # Errors
/// 403 for all but owners and admins.
#[boxed]
pub async fn purge(services: &Services, principal: &Principal) -> Result<Held> {
    let mut rules = get(services, principal).await?.rules;
    rules.cache.epoch = rules.cache.epoch.wrapping_add(1);
    store(services, principal, &rules).await?;
    let tenant = principal.tenant_id();
    let held = services.models.purge(tenant);
    let told = json!({"answers": held.answers, "bytes": held.bytes});
    audit::record(services, principal, "model.cache.purge", "workspace", tenant.0, None, Some(told)).await;
    Ok(held)
}

async fn store(services: &Services, principal: &Principal, rules: &Rules) -> Result<()> {
    let tenant = principal.tenant_id();
    let row = ModelPolicies {
        tenant_id: tenant,
        body: serde_json::to_string(rules).map_err(Error::internal)?,
        updated_by: principal.account_id().ok(),
        updated_at: now(),
    };
    let tx = services.db.begin().await?;
    repo::model_policies::set(&tx, row).await?;
    tx.commit().await?;
    services.models.forget(tenant).await;
    Ok(())
}

fn wrong<T>(field: &str, text: impl Into<String>) -> Result<T> {
    Err(Error::invalid_field(field, text))
}

/// A model by its whole name.
fn full(services: &Services, field: &str, name: &str) -> Result<String> {
    services.models.full_name(name).ok_or_else(|| {
        let text = format!("'{name}' is not a model: name it as provider/model, with a provider that exists.");
        Error::invalid_field(field, text)
    })
}

/// Models by their whole names, each once.
fn all_full(services: &Services, field: &str, names: &[String]) -> Result<Vec<String>> {
    if names.len() > MOST_LISTED {
        return wrong(field, format!("At most {MOST_LISTED} models."));
    }
    let mut found: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let name = full(services, field, name)?;
        if !found.contains(&name) {
            found.push(name);
        }
    }
    Ok(found)
}

async fn cache(services: &Services, principal: &Principal, wanted: CacheRules) -> Result<CacheRules> {
    let models = wanted.models.map(|models| all_full(services, "cache.models", &models)).transpose()?;
    if models.as_ref().is_some_and(Vec::is_empty) {
        return wrong("cache.models", "Choose at least one model, or keep the answers of all.");
    }
    if !(0.5..=1.0).contains(&wanted.threshold) {
        return wrong("cache.threshold", "The likeness must be 0.5 to 1.");
    }
    if !AGES.contains(&wanted.max_age_seconds) {
        return wrong("cache.max_age_seconds", "Answers can be kept for 60 seconds to 30 days.");
    }
    if !(1..=MOST_MEGABYTES).contains(&wanted.max_megabytes) {
        return wrong("cache.max_megabytes", format!("1 to {MOST_MEGABYTES} megabytes."));
    }
    if wanted.max_temperature.is_some_and(|most| !(0.0..=2.0).contains(&most)) {
        return wrong("cache.max_temperature", "The temperature must be 0 to 2.");
    }
    if wanted.enabled && wanted.semantic {
        let workspace = services.models.workspace(principal.tenant_id()).await?;
        if workspace.default_model(ModelKind::TextEmbedding).is_none() {
            let text = "Questions are compared with the default embedding model: choose one first (Model providers).";
            return wrong("cache.semantic", text);
        }
    }
    Ok(CacheRules { models, ..wanted })
}

async fn tiers(services: &Services, principal: &Principal, wanted: Vec<TierRule>) -> Result<Vec<TierRule>> {
    if wanted.len() > MOST_TIERS {
        return wrong("tiers", format!("At most {MOST_TIERS} rules."));
    }
    let mut names = HashSet::new();
    let mut rules = Vec::with_capacity(wanted.len());
    for rule in wanted {
        let name = rule.name.trim().to_owned();
        if name.is_empty() || name.chars().count() > MAX_NAME {
            return wrong("tiers", format!("A rule needs a name of 1 to {MAX_NAME} characters."));
        }
        if !names.insert(name.clone()) {
            return wrong("tiers", format!("Two rules are named '{name}'."));
        }
        let of_rule = |text: String| Error::invalid_field("tiers", format!("Rule '{name}': {text}"));
        let is_empty =
            |least: Option<u64>, most: Option<u64>| matches!((least, most), (Some(least), Some(most)) if least > most);
        if is_empty(rule.min_tokens, rule.max_tokens)
            || is_empty(rule.min_complexity.map(u64::from), rule.max_complexity.map(u64::from))
        {
            return Err(of_rule("the lower bound is above the upper one.".into()));
        }
        if rule.min_complexity.max(rule.max_complexity).is_some_and(|most| most > 100) {
            return Err(of_rule("the complexity is 0 to 100.".into()));
        }
        if let Some(code) = rule.languages.iter().find(|code| *code != "other" && !LANGUAGES.contains(&code.as_str())) {
            return Err(of_rule(format!("'{code}' is not a language that is told apart.")));
        }
        if rule.apps.len() > MOST_LISTED || rule.tags.len() > MOST_LISTED {
            return Err(of_rule(format!("at most {MOST_LISTED} apps and tags.")));
        }
        rules.push(TierRule {
            models: all_full(services, "tiers", &rule.models)?,
            to: full(services, "tiers", &rule.to).map_err(|_| of_rule("choose the model that is asked.".into()))?,
            name,
            ..rule
        });
    }
    let apps: Vec<AppId> = rules.iter().flat_map(|rule| rule.apps.iter().copied()).collect();
    known_apps(services, principal, "tiers", &apps).await?;
    if rules.iter().any(|rule| !rule.tags.is_empty()) {
        let tags = repo::tags::list(&services.db, principal.tenant_id(), "app", None).await?;
        let known: HashSet<Uuid> = tags.into_iter().map(|(tag, _): (model::Tag, u64)| tag.id).collect();
        if let Some(rule) = rules.iter().find(|rule| rule.tags.iter().any(|tag| !known.contains(tag))) {
            return wrong("tiers", format!("Rule '{}' names a tag that is gone: take it out.", rule.name));
        }
    }
    Ok(rules)
}

async fn known_apps(services: &Services, principal: &Principal, field: &str, ids: &[AppId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let found = repo::apps::find_all(&services.db, ids).await?;
    let is_known = |id: &AppId| found.iter().any(|app| app.id == *id && app.tenant_id == principal.tenant_id());
    match ids.iter().find(|id| !is_known(id)) {
        Some(id) => wrong(field, format!("There is no app {id} in this workspace: take it out.")),
        None => Ok(()),
    }
}

fn hedging(services: &Services, wanted: HedgeRules) -> Result<HedgeRules> {
    if wanted.models.len() > MOST_RULES {
        return wrong("hedging", format!("At most {MOST_RULES} models."));
    }
    if !(1..=50).contains(&wanted.max_percent) {
        return wrong("hedging.max_percent", "1 to 50 of 100 calls can be made twice.");
    }
    let mut models: Vec<ox_gateway::HedgeRule> = Vec::with_capacity(wanted.models.len());
    for mut rule in wanted.models {
        rule.model = full(services, "hedging", &rule.model)?;
        if rule.after_ms.is_some_and(|after| !PAUSES.contains(&after)) {
            return wrong("hedging", format!("{}: a second call can begin after 10 to 60000 ms.", rule.model));
        }
        if models.iter().any(|one| one.model == rule.model) {
            return wrong("hedging", format!("{} is named twice.", rule.model));
        }
        models.push(rule);
    }
    Ok(HedgeRules { models, ..wanted })
}

fn rates(services: &Services, wanted: Vec<RateRule>) -> Result<Vec<RateRule>> {
    if wanted.len() > MOST_RULES {
        return wrong("rates", format!("At most {MOST_RULES} limits."));
    }
    let mut ids = HashSet::new();
    let mut rules = Vec::with_capacity(wanted.len());
    for rule in wanted {
        let model = rule.model.as_deref().map(|name| full(services, "rates", name)).transpose()?;
        let whose = model.as_deref().unwrap_or("all models");
        let limits = [rule.requests_per_minute.map(u64::from), rule.tokens_per_minute, rule.concurrent.map(u64::from)];
        if limits.iter().all(Option::is_none) {
            return wrong("rates", format!("Set a limit for {whose}: requests, tokens or calls at the same time."));
        }
        for ((limit, most), what) in limits
            .into_iter()
            .zip([u64::from(MOST_REQUESTS), MOST_TOKENS, u64::from(MOST_CONCURRENT)])
            .zip(["requests a minute", "tokens a minute", "calls at the same time"])
        {
            if limit.is_some_and(|limit| !(1..=most).contains(&limit)) {
                return wrong("rates", format!("{whose}: 1 to {most} {what}."));
            }
        }
        if rule.wait_seconds > LONGEST_WAIT {
            return wrong("rates", format!("{whose}: a call waits at most {LONGEST_WAIT} seconds."));
        }
        // Counters go by it: a limit that is kept goes on counting.
        let id = if rule.id.is_nil() || !ids.insert(rule.id) { ox_types::new_uuid() } else { rule.id };
        rules.push(RateRule { id, model, ..rule });
    }
    Ok(rules)
}

async fn access(services: &Services, principal: &Principal, wanted: Vec<AccessRule>) -> Result<Vec<AccessRule>> {
    if wanted.len() > MOST_RULES {
        return wrong("access", format!("At most {MOST_RULES} lists."));
    }
    let mut rules: Vec<AccessRule> = Vec::with_capacity(wanted.len());
    for rule in wanted {
        if let Subject::Role(role) = &rule.subject
            && !ROLES.contains(&role.as_str())
        {
            return wrong("access", format!("'{role}' is not one of {}.", ROLES.join(", ")));
        }
        if rules.iter().any(|one| one.subject == rule.subject) {
            return wrong("access", "A role or an app has one list.");
        }
        let models = rule.models.map(|models| all_full(services, "access", &models)).transpose()?;
        let regions: Option<Vec<String>> = rule.regions.map(|regions| {
            regions.iter().map(|region| region.trim().to_owned()).filter(|region| !region.is_empty()).collect()
        });
        let is_none = models.as_ref().is_some_and(Vec::is_empty) || regions.as_ref().is_some_and(Vec::is_empty);
        if is_none || (models.is_none() && regions.is_none()) {
            return wrong("access", "A list needs at least one model or region.");
        }
        if regions.as_ref().is_some_and(|regions| regions.len() > MOST_LISTED) {
            return wrong("access", format!("At most {MOST_LISTED} regions."));
        }
        rules.push(AccessRule { models, regions, ..rule });
    }
    let apps: Vec<AppId> = rules
        .iter()
        .filter_map(|rule| match rule.subject {
            Subject::App(app) => Some(app),
            Subject::Role(_) => None,
        })
        .collect();
    known_apps(services, principal, "access", &apps).await?;
    Ok(rules)
}

//! How the providers of a workspace were used during the last day: what their cards show.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
pub use ox_db::repo::model_usage::{CredentialUse, ModelUse, ProviderUse};
use ox_db::{
    now,
    repo::{model_usage, statistics::Day},
};
use ox_types::{TenantId, boxed};
use uuid::Uuid;

use crate::{Principal, Result, Services, principal::Permission, providers};

/// How far back is looked, and in how many steps.
const SPAN: Duration = Duration::hours(24);
const STEPS: i32 = 24;
/// Calls that are looked at: a workspace with more sees a shorter time.
const MOST_CALLS: u32 = 20_000;
const MOST_PROVIDERS: u64 = 200;
const MOST_MODELS: u64 = 1_000;
/// Keys, each with each of its models.
const MOST_KEYS: u64 = 5_000;

/// A provider with its models, and its calls in each step.
#[derive(Clone, Debug)]
pub struct Used {
    pub provider: ProviderUse,
    pub steps: Vec<i64>,
    pub models: Vec<ModelUse>,
    /// The most used first.
    pub keys: Vec<KeyUse>,
}

/// What was asked by one stored key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    pub credential: Uuid,
    pub calls: i64,
    /// Of them, those that were not answered.
    pub failed: i64,
    /// None: it was not asked, and rests.
    pub last: Option<DateTime<Utc>>,
    /// How long it is still left alone.
    pub rests: Option<std::time::Duration>,
}

/// What was asked in a time.
#[derive(Clone, Debug)]
pub struct Usage {
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub providers: Vec<Used>,
}

/// What each provider with calls was asked during the last day, the most used first; where there were very many calls,
/// during a shorter time.
///
/// # Errors
/// 403 for somebody who may not see logs.
#[boxed]
pub async fn providers(services: &Services, principal: &Principal) -> Result<Usage> {
    principal.require(Permission::LogView)?;
    let (tenant, until) = (principal.tenant_id(), now());
    let since = model_usage::since(&services.db, tenant, Day { since: until - SPAN, until }, MOST_CALLS).await?;
    let span = Day { since, until };
    let found = model_usage::providers(&services.db, tenant, span, MOST_PROVIDERS).await?;
    if found.is_empty() {
        return Ok(Usage { since, until, providers: Vec::new() });
    }
    let mut lines = model_usage::steps(&services.db, tenant, &steps(span)).await?;
    let mut models: BTreeMap<String, Vec<ModelUse>> = BTreeMap::new();
    for model in model_usage::models(&services.db, tenant, span, MOST_MODELS).await? {
        models.entry(model.provider.clone()).or_default().push(model);
    }
    let mut keys = keys(services, tenant, span, &found).await?;
    let used = |provider: ProviderUse| Used {
        keys: keys.remove(&provider.provider).unwrap_or_default(),
        steps: lines.remove(&provider.provider).unwrap_or_default(),
        models: models.remove(&provider.provider).unwrap_or_default(),
        provider,
    };
    Ok(Usage { since, until, providers: found.into_iter().map(used).collect() })
}

/// The keys of each provider: those that were asked, and those that rest.
async fn keys(
    services: &Services,
    tenant: TenantId,
    span: Day,
    of: &[ProviderUse],
) -> Result<BTreeMap<String, Vec<KeyUse>>> {
    let rows = model_usage::credentials(&services.db, tenant, span, MOST_KEYS).await?;
    let workspace = services.models.workspace(tenant).await?;
    let mut asked: BTreeMap<String, Vec<CredentialUse>> = BTreeMap::new();
    for row in rows {
        asked.entry(row.provider.clone()).or_default().push(row);
    }
    let with_rests = |used: &ProviderUse| {
        let rows = asked.remove(&used.provider).unwrap_or_default();
        let models = rows.iter().map(|row| (row.credential, row.model.as_str()));
        let rests = providers::resting_keys(services, tenant, &workspace, &used.provider, models);
        (used.provider.clone(), by_key(&rows, rests))
    };
    Ok(of.iter().map(with_rests).collect())
}

/// The rows of the same key as one.
fn by_key(rows: &[CredentialUse], rests: BTreeMap<Uuid, std::time::Duration>) -> Vec<KeyUse> {
    let none = |credential: Uuid| KeyUse { credential, calls: 0, failed: 0, last: None, rests: None };
    let mut found: BTreeMap<Uuid, KeyUse> = BTreeMap::new();
    for row in rows {
        let key = found.entry(row.credential).or_insert_with(|| none(row.credential));
        key.calls += row.calls;
        key.failed += row.failed;
        key.last = key.last.max(Some(row.last));
    }
    for (credential, rest) in rests {
        found.entry(credential).or_insert_with(|| none(credential)).rests = Some(rest);
    }
    let mut keys: Vec<KeyUse> = found.into_values().collect();
    // Those with as many calls stay in the order of their ids.
    keys.sort_by_key(|key| std::cmp::Reverse(key.calls));
    keys
}

/// Equal parts of a time.
fn steps(span: Day) -> Vec<Day> {
    let whole = span.until - span.since;
    let at = |number: i32| span.since + whole * number / STEPS;
    (0..STEPS).map(|number| Day { since: at(number), until: at(number + 1) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_calls_of_all_its_models() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let [one, two, idle] = [1, 2, 3].map(Uuid::from_u128);
        let row = |credential, model: &str, calls, failed, last: &str| CredentialUse {
            provider: "openai".into(),
            credential,
            model: model.into(),
            calls,
            failed,
            last: at(last),
        };
        let rows = [
            row(two, "small", 5, 0, "2026-03-01T10:00:00Z"),
            row(one, "small", 4, 1, "2026-03-01T12:00:00Z"),
            row(one, "large", 3, 1, "2026-03-01T11:00:00Z"),
        ];
        let rest = std::time::Duration::from_secs(9);
        let key = |credential, calls, failed, last: Option<&str>, rests| KeyUse {
            credential,
            calls,
            failed,
            last: last.map(at),
            rests,
        };
        let expected = [
            key(one, 7, 2, Some("2026-03-01T12:00:00Z"), None),
            key(two, 5, 0, Some("2026-03-01T10:00:00Z"), Some(rest)),
            key(idle, 0, 0, None, Some(rest)),
        ];
        assert_eq!(by_key(&rows, BTreeMap::from([(two, rest), (idle, rest)])), expected);
        assert!(by_key(&[], BTreeMap::new()).is_empty());
    }

    #[test]
    fn steps_cover_the_time_without_gaps() {
        let until: DateTime<Utc> = "2026-11-23T07:00:00Z".parse().unwrap();
        for span in [SPAN, Duration::microseconds(1_000_001)] {
            let found = steps(Day { since: until - span, until });
            assert_eq!(found.len(), 24);
            assert_eq!((found[0].since, found[23].until), (until - span, until));
            assert!(found.windows(2).all(|pair| pair[0].until == pair[1].since));
        }
    }
}

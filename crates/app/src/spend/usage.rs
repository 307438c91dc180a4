//! How the providers of a workspace were used during the last day: what their cards show.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
pub use ox_db::repo::model_usage::{ModelUse, ProviderUse};
use ox_db::{
    now,
    repo::{model_usage, statistics::Day},
};
use ox_types::boxed;

use crate::{Principal, Result, Services, principal::Permission};

/// How far back is looked, and in how many steps.
const SPAN: Duration = Duration::hours(24);
const STEPS: i32 = 24;
/// Calls that are looked at: a workspace with more sees a shorter time.
const MOST_CALLS: u32 = 20_000;
const MOST_PROVIDERS: u64 = 200;
const MOST_MODELS: u64 = 1_000;

/// A provider with its models, and its calls in each step.
#[derive(Clone, Debug)]
pub struct Used {
    pub provider: ProviderUse,
    pub steps: Vec<i64>,
    pub models: Vec<ModelUse>,
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
    let used = |provider: ProviderUse| Used {
        steps: lines.remove(&provider.provider).unwrap_or_default(),
        models: models.remove(&provider.provider).unwrap_or_default(),
        provider,
    };
    Ok(Usage { since, until, providers: found.into_iter().map(used).collect() })
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

//! Numbers over many runs, for lists and charts.

use ox_types::boxed;
use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
pub use ox_db::repo::run_figures::{Bar, Figures};
use ox_db::{
    now,
    repo::run_figures::{self, Bars, CountFilter},
};
use ox_types::AppId;

use crate::{Error, Principal, Result, Services, apps, logs::LogFilter, principal::Permission, workflows};

/// Most buckets of a histogram.
const MAX_BUCKETS: usize = 240;

/// Runs of a graph app by status.
///
/// # Errors
/// 404 for an unknown app.
#[boxed]
pub async fn count(
    services: &Services,
    principal: &Principal,
    id: AppId,
    triggered_from: String,
    status: Option<String>,
    since: Option<DateTime<Utc>>,
) -> Result<HashMap<String, i64>> {
    let app = workflows::graph_app(services, principal, id.into()).await?;
    let filter = CountFilter { triggered_from, status, since };
    Ok(run_figures::count(&services.db, app.tenant_id, id, &filter).await?)
}

/// The time that `7d`, `4h`, `30m` or `30s` ago was.
///
/// # Errors
/// 400 for another text.
pub fn time_range(text: &str) -> Result<DateTime<Utc>> {
    let wrong =
        || Error::invalid_field("time_range", "Invalid time range. Use a number and d, h, m or s, for example 7d.");
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let number: u32 = text.strip_suffix(unit).and_then(|text| text.parse().ok()).ok_or_else(wrong)?;
    let number = i64::from(number);
    let span = match unit {
        'd' => Duration::try_days(number),
        'h' => Duration::try_hours(number),
        'm' => Duration::try_minutes(number),
        's' => Duration::try_seconds(number),
        _ => None,
    };
    span.and_then(|span| now().checked_sub_signed(span)).ok_or_else(wrong)
}

/// Figures of several apps.
#[derive(Clone, Debug)]
pub struct AppsFigures {
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
    /// In the order asked for; apps of other workspaces are left out.
    pub apps: Vec<AppSpan>,
}

/// What happened in one app.
#[derive(Clone, Debug)]
pub struct AppSpan {
    pub id: AppId,
    pub figures: Figures,
    /// As many hours right before, where asked for.
    pub before: Option<Figures>,
}

/// What happened in some apps in the last hours, and with `before` in as many right before them.
///
/// # Errors
/// 403 for somebody who may not see apps.
#[boxed]
pub async fn of_apps(
    services: &Services,
    principal: &Principal,
    ids: &[AppId],
    hours: u16,
    before: bool,
) -> Result<AppsFigures> {
    principal.require(Permission::AppView)?;
    let until = now();
    let since = until - Duration::hours(i64::from(hours));
    let tenant = principal.tenant_id();
    let mut found = run_figures::of_apps(&services.db, tenant, ids, since, usize::from(hours)).await?;
    let mut earlier = HashMap::new();
    if before {
        let start = since - Duration::hours(i64::from(hours));
        earlier = run_figures::of_apps(&services.db, tenant, ids, start, usize::from(hours)).await?;
    }
    let apps =
        ids.iter().filter_map(|id| Some(AppSpan { id: *id, figures: found.remove(id)?, before: earlier.remove(id) }));
    let apps = apps.collect();
    Ok(AppsFigures { since, until, apps })
}

/// What a histogram is asked for.
#[derive(Clone, Debug)]
pub struct HistogramQuery {
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub buckets: usize,
    pub filter: LogFilter,
}

/// Runs of an app over time.
#[derive(Clone, Debug)]
pub struct Histogram {
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub step_seconds: i64,
    pub bars: Vec<Bar>,
}

/// The runs of a workflow app that its log lists, or the messages of another app, over time.
///
/// # Errors
/// 400 for times or a number of buckets that make no sense, 404 for an unknown app.
#[boxed]
pub async fn histogram(
    services: &Services,
    principal: &Principal,
    id: AppId,
    query: HistogramQuery,
) -> Result<Histogram> {
    let app = apps::find(services, principal, id).await?;
    let HistogramQuery { since, until, buckets, filter } = query;
    if !(1..=MAX_BUCKETS).contains(&buckets) {
        return Err(Error::invalid_field("buckets", format!("buckets must be between 1 and {MAX_BUCKETS}.")));
    }
    let seconds = (until - since).num_seconds();
    if seconds < 1 {
        return Err(Error::invalid_field("created_at__after", "created_at__after must be before created_at__before."));
    }
    let number = i64::try_from(buckets).unwrap_or(1);
    let step_seconds = (seconds + number - 1) / number;
    let bars = Bars { since, until, step_seconds, number: buckets };
    let bars = if app.mode == "workflow" {
        run_figures::log_bars(&services.db, app.tenant_id, id, &filter, bars).await?
    } else {
        run_figures::message_bars(&services.db, app.tenant_id, id, &filter, bars).await?
    };
    Ok(Histogram { since, until, step_seconds, bars })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_ranges() {
        for (text, seconds) in [("7d", 604_800), ("4h", 14_400), ("30m", 1_800), ("30s", 30)] {
            let ago = (now() - time_range(text).unwrap()).num_seconds();
            // The two clock readings are a moment apart.
            assert!((seconds - 1..seconds + 2).contains(&ago), "{text}: {ago}");
        }
        for text in ["", "d", "7", "7w", "-1d", "99999999999d", "4294967295d", "é"] {
            assert!(time_range(text).is_err(), "{text}");
        }
    }
}

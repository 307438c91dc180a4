//! Calls that the workspace's own rules refused: how many by day, and why the last one was.
//!
//! Nobody was asked, so they are in no sum and no spend log. They are counted here first, as a caller that is refused is
//! likely to come again at once, and written together.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Days, Utc};
use ox_db::{model::ModelRefusal, now, repo};
use ox_models::{ErrorClass, ModelError};
use ox_types::{AppId, TenantId, boxed};

use crate::{Principal, Result, Services, principal::Permission};

/// How long what is counted waits to be written.
const WRITE: Duration = Duration::from_secs(2);
/// Kinds of refusals that are counted between two writings; further ones are not.
const MOST: usize = 10_000;
/// Days that are kept.
const KEPT: u64 = 90;
/// Rows that are read for a list: 30 days of hundreds of models.
const READ: u64 = 10_000;
/// What is listed.
const LISTED: usize = 200;
/// Days of a list.
const DAYS: std::ops::RangeInclusive<u64> = 1..=30;

/// What refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Rate,
    Access,
    Budget,
}

impl Reason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Access => "access",
            Self::Budget => "budget",
        }
    }
}

/// What is counted together: a workspace's refusals of a model for a reason on a day.
type Key = (TenantId, String, &'static str, String);

struct Counted {
    count: i64,
    at: DateTime<Utc>,
    why: String,
    app: Option<AppId>,
}

/// What waits to be written.
#[derive(Default)]
pub(crate) struct Refusals {
    waiting: Mutex<BTreeMap<Key, Counted>>,
}

impl Refusals {
    /// Counts a refusal. An error that says that something could not be read is none.
    pub fn note(&self, tenant: TenantId, app: Option<AppId>, model: &str, reason: Reason, error: &ModelError) {
        if error.class == ErrorClass::Connection {
            return;
        }
        let at = now();
        let key = (tenant, at.date_naive().to_string(), reason.as_str(), model.to_owned());
        let mut waiting = self.lock();
        if waiting.len() >= MOST && !waiting.contains_key(&key) {
            return;
        }
        let counted = waiting.entry(key).or_insert(Counted { count: 0, at, why: String::new(), app });
        counted.count += 1;
        (counted.at, counted.app) = (at, app);
        counted.why.clone_from(&error.text);
    }

    fn take(&self) -> Vec<ModelRefusal> {
        let all = std::mem::take(&mut *self.lock());
        let row = |((tenant_id, day, reason, model), counted): (Key, Counted)| ModelRefusal {
            tenant_id,
            day,
            reason: reason.to_owned(),
            model,
            count: counted.count,
            last_at: counted.at,
            last_why: counted.why,
            last_app_id: counted.app,
        };
        all.into_iter().map(row).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Counted>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what is counted until shutdown, and removes what is too old once a day.
pub(crate) async fn keep(services: Arc<Services>) {
    let mut cleaned = None;
    while !services.shutdown.is_cancelled() {
        let _ = tokio::time::timeout(WRITE, services.shutdown.cancelled()).await;
        write(&services).await;
        let today = now().date_naive();
        if cleaned.replace(today) != Some(today)
            && let Err(error) = clean(&services, today).await
        {
            tracing::warn!(%error, "refusals of models that are too old stay until tomorrow");
        }
    }
}

/// Writes what is counted. What the database does not take is lost: it is a count, and no money.
#[boxed]
async fn write(services: &Services) {
    let rows = services.models.refusals().take();
    if rows.is_empty() {
        return;
    }
    let written = async {
        let tx = services.db.begin().await?;
        repo::model_refusals::add(&tx, &rows).await?;
        tx.commit().await
    };
    if let Err(error) = written.await {
        tracing::warn!(%error, "refusals of models are not counted");
    }
}

async fn clean(services: &Services, today: chrono::NaiveDate) -> Result<()> {
    let Some(first) = today.checked_sub_days(Days::new(KEPT)) else { return Ok(()) };
    let tx = services.db.begin().await?;
    repo::model_refusals::remove_before(&tx, &first.to_string()).await?;
    Ok(tx.commit().await?)
}

/// Refusals of one model for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `rate`, `access` or `budget`.
    pub reason: String,
    /// `provider/model`, as it was asked for.
    pub model: String,
    pub count: i64,
    pub last_at: DateTime<Utc>,
    /// What the last caller was told.
    pub last_why: String,
    /// The app that asked last.
    pub last_app: Option<AppId>,
}

/// What the rules of the workspace refused in the last days, today included; the latest first.
///
/// # Errors
/// 403 for all but owners and admins; 400 for more than 30 days.
#[boxed]
pub async fn list(services: &Services, principal: &Principal, days: u64) -> Result<Vec<Refused>> {
    principal.require(Permission::ModelManage)?;
    if !DAYS.contains(&days) {
        return Err(crate::Error::invalid_field("days", "1 to 30 days can be looked at."));
    }
    write(services).await;
    let today = now().date_naive();
    let first = today.checked_sub_days(Days::new(days - 1)).unwrap_or(today);
    let rows = repo::model_refusals::since(&services.db, principal.tenant_id(), &first.to_string(), READ).await?;
    Ok(together(rows))
}

/// Days put together, in the order in which they came: the first of each is its latest.
fn together(rows: Vec<ModelRefusal>) -> Vec<Refused> {
    let mut found: Vec<Refused> = Vec::new();
    for row in rows {
        if let Some(known) = found.iter_mut().find(|one| one.reason == row.reason && one.model == row.model) {
            known.count = known.count.saturating_add(row.count);
        } else if found.len() < LISTED {
            found.push(Refused {
                reason: row.reason,
                model: row.model,
                count: row.count,
                last_at: row.last_at,
                last_why: row.last_why,
                last_app: row.last_app_id,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(class: ErrorClass, text: &str) -> ModelError {
        ModelError::new(class, "p", text)
    }

    #[test]
    fn refusals_of_a_day_are_one_row_with_the_last_reason() {
        let refusals = Refusals::default();
        let (tenant, app) = (TenantId::new(), AppId::new());
        refusals.note(tenant, None, "p/m", Reason::Budget, &error(ErrorClass::Quota, "spent"));
        refusals.note(tenant, Some(app), "p/m", Reason::Budget, &error(ErrorClass::Quota, "still spent"));
        refusals.note(tenant, None, "p/m", Reason::Access, &error(ErrorClass::BadRequest, "not for you"));
        refusals.note(tenant, None, "p/m", Reason::Access, &error(ErrorClass::Connection, "cannot be read"));
        let rows = refusals.take();
        let told: Vec<_> = rows.iter().map(|row| (&*row.reason, row.count, &*row.last_why, row.last_app_id)).collect();
        assert_eq!(told, [("access", 1, "not for you", None), ("budget", 2, "still spent", Some(app))]);
        assert!(refusals.take().is_empty(), "taken once");
    }

    #[test]
    fn days_are_put_together() {
        let row = |day: &str, reason: &str, count| ModelRefusal {
            tenant_id: TenantId::new(),
            day: day.into(),
            reason: reason.into(),
            model: "p/m".into(),
            count,
            last_at: format!("{day}T10:00:00Z").parse().unwrap(),
            last_why: day.into(),
            last_app_id: None,
        };
        let found =
            together(vec![row("2026-03-02", "rate", 2), row("2026-03-01", "rate", 5), row("2026-03-01", "access", 1)]);
        let told: Vec<_> = found.iter().map(|one| (&*one.reason, one.count, &*one.last_why)).collect();
        assert_eq!(told, [("rate", 7, "2026-03-02"), ("access", 1, "2026-03-01")]);
    }
}

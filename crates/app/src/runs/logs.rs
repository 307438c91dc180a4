//! Recorded runs as the Service API tells them.

pub use ox_db::repo::runs::LogFilter;
use ox_db::{
    model::{Account, EndUser, WorkflowRun},
    repo::{self, runs::LogEntry},
};
use ox_types::{EndUserId, RunId, TenantId, boxed};
use uuid::Uuid;

use super::published::PublishedApp;
use crate::{Error, Result, Services};

/// What the log list is asked for.
#[derive(Clone, Debug, Default)]
pub struct AskLogs {
    pub filter: LogFilter,
    /// Email of the account that ran it.
    pub account_email: Option<String>,
    pub page: u64,
    pub limit: u64,
}

/// A log entry with its people.
#[derive(Clone, Debug)]
pub struct LogView {
    pub entry: LogEntry,
    pub end_user: Option<EndUser>,
    pub account: Option<Account>,
}

/// A run of an app, or 404.
///
/// # Errors
/// 404 when the app has no such run.
#[boxed]
pub async fn find(services: &Services, app: &PublishedApp, id: RunId) -> Result<WorkflowRun> {
    let found = repo::runs::find(&services.db, app.app.tenant_id, app.app.id, id).await?;
    found.ok_or_else(|| Error::not_found("Workflow run not found."))
}

/// The member of a workspace with an e-mail address.
///
/// # Errors
/// 400 when there is none.
#[boxed]
pub async fn with_email(services: &Services, tenant: TenantId, email: &str) -> Result<Uuid> {
    // Of accounts in other workspaces nothing is told, not even that they are there.
    let unknown = || Error::invalid(format!("Account not found: {email}"));
    let account = repo::accounts::find_by_email(&services.db, email).await?.ok_or_else(unknown)?;
    repo::tenants::member(&services.db, tenant, account.id).await?.ok_or_else(unknown)?;
    Ok(account.id.0)
}

/// A numbered page of an app's run log, newest first, and how many entries there are.
///
/// # Errors
/// 400 when the account is unknown.
#[boxed]
pub async fn list(services: &Services, app: &PublishedApp, mut ask: AskLogs) -> Result<(Vec<LogView>, u64)> {
    let tenant = app.app.tenant_id;
    if let Some(email) = ask.account_email {
        ask.filter.account = Some(with_email(services, tenant, &email).await?);
    }
    let (entries, total) =
        repo::runs::log_page(&services.db, tenant, app.app.id, &ask.filter, ask.page, ask.limit).await?;
    let by = |role: &str| -> Vec<Uuid> {
        entries.iter().filter(|entry| entry.log.created_by_role == role).map(|entry| entry.log.created_by).collect()
    };
    let ids: Vec<EndUserId> = by("end_user").into_iter().map(EndUserId).collect();
    let users = repo::end_users::find_all(&services.db, tenant, &ids).await?;
    let accounts = services.people(&by("account").into_iter().map(ox_types::AccountId).collect::<Vec<_>>()).await?;
    let views = entries
        .into_iter()
        .map(|entry| LogView {
            end_user: users.iter().find(|user| user.id.0 == entry.log.created_by).cloned(),
            account: accounts.get(&ox_types::AccountId(entry.log.created_by)).cloned(),
            entry,
        })
        .collect();
    Ok((views, total))
}

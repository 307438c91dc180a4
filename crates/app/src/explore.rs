//! Explore: the apps that the members of a workspace use inside the console, each as themselves.

pub mod templates;
pub mod trials;

use ox_types::{AppId, boxed};
use std::collections::HashMap;

use ox_db::{
    model::{App, InstalledApp},
    now, repo,
};
use uuid::Uuid;

use crate::{
    AppCaller, Error, Principal, Result, Services, accounts, page_access,
    runs::{InvokeFrom, RunUser},
};

/// Its use is noted at most this often.
const NOTED_EVERY: chrono::Duration = chrono::Duration::minutes(1);

/// An entry of the list with its app.
#[derive(Clone, Debug)]
pub struct InstalledView {
    pub installed: InstalledApp,
    pub app: App,
}

fn missing() -> Error {
    Error::not_found("Installed app not found.")
}

/// The apps of the workspace, or the entry of one app: pinned first, then the last used.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(services: &Services, principal: &Principal, only: Option<AppId>) -> Result<Vec<InstalledView>> {
    let entries = repo::installed_apps::list(&services.db, principal.tenant_id(), only).await?;
    let ids: Vec<AppId> = entries.iter().map(|entry| entry.app_id).collect();
    let apps = repo::apps::find_all(&services.db, &ids).await?;
    let mut apps: HashMap<AppId, App> = apps.into_iter().map(|app| (app.id, app)).collect();
    let views = entries.into_iter().filter_map(|installed| {
        let app = apps.remove(&installed.app_id).filter(|app| app.status == "normal")?;
        Some(InstalledView { installed, app })
    });
    Ok(views.collect())
}

async fn find(services: &Services, principal: &Principal, id: Uuid) -> Result<InstalledApp> {
    repo::installed_apps::find(&services.db, principal.tenant_id(), id).await?.ok_or_else(missing)
}

/// Adds an app that its owners offer to all workspaces.
///
/// # Errors
/// 404 when it is not offered.
#[boxed]
pub async fn install(services: &Services, principal: &Principal, app: AppId) -> Result<()> {
    let offered = repo::apps::find_any(&services.db, app).await?;
    let offered = offered.filter(|app| app.is_public && app.status == "normal");
    let offered = offered.ok_or_else(|| Error::not_found("App not found."))?;
    let tenant = principal.tenant_id();
    if !repo::installed_apps::list(&services.db, tenant, Some(app)).await?.is_empty() {
        return Ok(());
    }
    let row = InstalledApp {
        id: ox_types::new_uuid(),
        tenant_id: tenant,
        app_id: app,
        app_owner_tenant_id: offered.tenant_id,
        position: 0,
        is_pinned: false,
        last_used_at: None,
        created_at: now(),
    };
    let tx = services.db.begin().await?;
    repo::installed_apps::insert(&tx, row).await?;
    Ok(tx.commit().await?)
}

/// Keeps an app on top of the list, or not.
///
/// # Errors
/// 404 when it is not in the list.
#[boxed]
pub async fn set_pinned(services: &Services, principal: &Principal, id: Uuid, pinned: bool) -> Result<()> {
    find(services, principal, id).await?;
    let tx = services.db.begin().await?;
    repo::installed_apps::set_pinned(&tx, principal.tenant_id(), id, pinned).await?;
    Ok(tx.commit().await?)
}

/// Takes an app of another workspace from the list.
///
/// # Errors
/// 400 for an app of this workspace, 404 when it is not in the list.
#[boxed]
pub async fn uninstall(services: &Services, principal: &Principal, id: Uuid) -> Result<()> {
    let installed = find(services, principal, id).await?;
    if installed.app_owner_tenant_id == principal.tenant_id() {
        return Err(Error::bad_request("You can't uninstall an app owned by the current tenant"));
    }
    let tx = services.db.begin().await?;
    repo::installed_apps::delete(&tx, principal.tenant_id(), id).await?;
    Ok(tx.commit().await?)
}

/// The member as a user of an app in the list.
///
/// # Errors
/// 404 when it is not in the list, 403 when its page is not open to this member.
#[boxed]
pub async fn caller(services: &Services, principal: &Principal, id: Uuid) -> Result<AppCaller> {
    let installed = find(services, principal, id).await?;
    let app = services.runs.published.app(installed.app_id).await?;
    let app = app.filter(|app| !app.is_closed()).ok_or_else(missing)?;
    let account = accounts::profile(services, principal).await?;
    if !page_access::may_open(services, &app, account.id).await? {
        return Err(Error::new(403, "access_denied", "You do not have permission to access this app."));
    }
    if installed.last_used_at.is_none_or(|at| now() - at > NOTED_EVERY) {
        let tx = services.db.begin().await?;
        repo::installed_apps::note_used(&tx, principal.tenant_id(), id, now()).await?;
        tx.commit().await?;
    }
    let user = RunUser::Account { id: account.id.0, name: account.name.into(), email: account.email.into() };
    Ok(AppCaller { app, user, invoke_from: InvokeFrom::Explore })
}

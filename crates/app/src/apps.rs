//! Apps of a workspace: create, list, change, delete.

mod deletion;
mod keys;
pub(crate) mod site;
mod tags;

pub use deletion::resume as resume_deletions;
pub(crate) use deletion::start as remove_rest;
pub use keys::{KeyChange, create_key, delete_key, limit_key, list_keys};
pub use site::{SiteChange, reset_code, set_api, set_site, update_site};
pub use tags::{TagView, bind_tags, create_tag, delete_tag, list_tags, rename_tag, unbind_tag};

use std::sync::Arc;

use chrono::Utc;
use ox_db::{
    model::{App, AppModelConfig, Site, Tag, Workflow},
    repo,
};
use ox_types::{AppId, Json, WorkflowId, boxed};
use serde_json::json;

use crate::{Error, Principal, Result, Services, audit, knowledge::uses, principal::Permission};

/// Modes an app of a user can have.
pub const MODES: &[&str] = &["completion", "chat", "agent-chat", "advanced-chat", "workflow"];
const MAX_DESCRIPTION: usize = 400;

/// What a list of apps is filtered by.
#[derive(Clone, Debug, Default)]
pub struct AppFilter {
    pub page: u64,
    pub limit: u64,
    pub mode: Option<String>,
    pub name: Option<String>,
    pub tag_ids: Vec<uuid::Uuid>,
    pub created_by_me: bool,
}

/// An app with what the lists show beside it.
#[derive(Clone, Debug)]
pub struct AppView {
    pub app: App,
    pub config: Option<AppModelConfig>,
    pub workflow: Option<Workflow>,
    pub site: Option<Site>,
    pub tags: Vec<Tag>,
    pub author_name: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub page: u64,
    pub limit: u64,
    pub total: u64,
    pub items: Vec<T>,
}

impl<T> Page<T> {
    /// Compat: upstream says there is more when the page is full.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.items.len() as u64 == self.limit
    }
}

/// Name, picture and texts of an app.
#[derive(Clone, Debug, Default)]
pub struct AppChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub icon_type: Option<String>,
    pub icon: Option<String>,
    pub icon_background: Option<String>,
    pub use_icon_as_answer_icon: Option<bool>,
    /// 0 is unlimited.
    pub max_active_requests: Option<i32>,
}

/// Lists apps, newest first.
#[boxed]
pub async fn list(services: &Services, principal: &Principal, filter: &AppFilter) -> Result<Page<AppView>> {
    let created_by = if filter.created_by_me { Some(principal.account_id()?) } else { None };
    let query = repo::apps::Filter {
        mode: filter.mode.clone().filter(|mode| MODES.contains(&mode.as_str())),
        name: filter.name.as_deref().map(|name| name.chars().take(30).collect()),
        tag_ids: filter.tag_ids.clone(),
        created_by,
        page: filter.page,
        limit: filter.limit,
    };
    let (apps, total) = repo::apps::list(&services.db, principal.tenant_id(), &query).await?;
    let items = views(services, principal, apps).await?;
    Ok(Page { page: filter.page, limit: filter.limit, total, items })
}

/// Loads what belongs to the apps of one page, one query for each kind of thing.
async fn views(services: &Services, principal: &Principal, apps: Vec<App>) -> Result<Vec<AppView>> {
    let tenant = principal.tenant_id();
    let ids: Vec<AppId> = apps.iter().map(|app| app.id).collect();
    let configs: Vec<_> = apps.iter().filter_map(|app| app.app_model_config_id).collect();
    let workflows: Vec<WorkflowId> = apps.iter().filter_map(|app| app.workflow_id).collect();
    let authors: Vec<_> = apps.iter().filter_map(|app| app.created_by).collect();
    let mut tags = repo::tags::of_targets(&services.db, tenant, &ids.iter().map(|id| id.0).collect::<Vec<_>>()).await?;
    let mut configs = repo::apps::configs(&services.db, &configs).await?;
    let mut workflows = repo::workflows::by_ids(&services.db, tenant, &workflows).await?;
    let mut sites = repo::apps::sites(&services.db, &ids).await?;
    let names = services.people(&authors).await?;
    Ok(apps
        .into_iter()
        .map(|app| AppView {
            config: app.app_model_config_id.and_then(|id| configs.remove(&id)),
            workflow: app.workflow_id.and_then(|id| workflows.remove(&id)),
            site: sites.remove(&app.id),
            tags: tags.remove(&app.id.0).unwrap_or_default(),
            author_name: app.created_by.and_then(|id| names.get(&id)).map(|account| account.name.clone()),
            app,
        })
        .collect())
}

/// The app of this workspace, or 404.
#[boxed]
pub async fn find(services: &Services, principal: &Principal, id: AppId) -> Result<App> {
    repo::apps::find(&services.db, principal.tenant_id(), id)
        .await?
        .filter(|app| app.status == "normal")
        .ok_or_else(|| Error::new(404, "app_not_found", "App not found."))
}

/// Like [`find`], and the mode must be one of these.
#[boxed]
pub async fn find_of_mode(services: &Services, principal: &Principal, id: AppId, modes: &[&str]) -> Result<App> {
    let app = find(services, principal, id).await?;
    if modes.contains(&app.mode.as_str()) { Ok(app) } else { Err(Error::new(404, "app_not_found", "App not found.")) }
}

/// One app with everything beside it.
#[boxed]
pub async fn view(services: &Services, principal: &Principal, id: AppId) -> Result<AppView> {
    let app = find(services, principal, id).await?;
    view_of(services, principal, app).await
}

async fn view_of(services: &Services, principal: &Principal, app: App) -> Result<AppView> {
    let mut all = views(services, principal, vec![app]).await?;
    all.pop().ok_or_else(|| Error::new(404, "app_not_found", "App not found."))
}

/// A new app with its site, its place in Explore and, for basic apps, a first configuration.
#[boxed]
pub async fn create(services: &Services, principal: &Principal, mode: &str, change: AppChange) -> Result<AppView> {
    principal.require(Permission::AppEdit)?;
    if !MODES.contains(&mode) {
        return Err(Error::invalid_field("mode", format!("mode must be one of {MODES:?}, not '{mode}'.")));
    }
    let app = new_app(principal, mode, change)?;
    let config = match mode {
        "chat" | "agent-chat" | "completion" => Some(first_config(services, principal, &app).await?),
        _ => None,
    };
    insert(services, principal, app, config).await
}

/// An app row from its texts, not yet stored.
pub(crate) fn new_app(principal: &Principal, mode: &str, change: AppChange) -> Result<App> {
    let name = change.name.map(|name| name.trim().to_owned()).unwrap_or_default();
    if name.is_empty() {
        return Err(Error::invalid_field("name", "name: Field required"));
    }
    let description = change.description.unwrap_or_default();
    check_description(&description)?;
    let account = principal.account_id()?;
    let now = Utc::now();
    Ok(App {
        id: AppId::new(),
        tenant_id: principal.tenant_id(),
        name,
        description,
        mode: mode.to_owned(),
        icon_type: Some(change.icon_type.unwrap_or_else(|| "emoji".into())),
        icon: Some(change.icon.unwrap_or_else(|| "🤖".into())),
        icon_background: Some(change.icon_background.unwrap_or_else(|| "#FFEAD5".into())),
        app_model_config_id: None,
        workflow_id: None,
        status: "normal".into(),
        enable_site: true,
        enable_api: true,
        api_rpm: 0,
        api_rph: 0,
        is_demo: false,
        is_public: false,
        is_universal: false,
        tracing: None,
        max_active_requests: change.max_active_requests,
        use_icon_as_answer_icon: change.use_icon_as_answer_icon.unwrap_or(false),
        created_by: Some(account),
        created_at: now,
        updated_by: Some(account),
        updated_at: now,
    })
}

fn check_description(text: &str) -> Result<()> {
    if text.chars().count() > MAX_DESCRIPTION {
        return Err(Error::invalid_field("description", "Description cannot exceed 400 characters."));
    }
    Ok(())
}

/// Stores a new app with its site and Explore entry, in one transaction.
pub(crate) async fn insert(
    services: &Services,
    principal: &Principal,
    mut app: App,
    config: Option<AppModelConfig>,
) -> Result<AppView> {
    app.app_model_config_id = config.as_ref().map(|config| config.id);
    let language = services.account_language(principal).await;
    let site = site::new_site(&app, &language);
    let tx = services.db.begin().await?;
    repo::apps::insert(&tx, &app, &site, config.as_ref()).await?;
    if let Some(config) = &config {
        uses::keep(&tx, app.tenant_id, app.id, &uses::of_config(config)).await?;
    }
    tx.commit().await?;
    audit::record(
        services,
        principal,
        "app.create",
        "app",
        app.id.0,
        None,
        Some(json!({"name": app.name, "mode": app.mode})),
    )
    .await;
    view_of(services, principal, app).await
}

/// The configuration a basic app starts with: the default model and empty texts.
async fn first_config(services: &Services, principal: &Principal, app: &App) -> Result<AppModelConfig> {
    let model = crate::providers::default_model(services, principal.tenant_id(), ox_models::ModelKind::Llm).await?;
    let mode = ox_dsl::document::AppMode::parse(&app.mode).ok_or_else(|| Error::invalid("Invalid app mode"))?;
    let names = model.as_ref().map(|model| (model.provider.as_str(), model.name.as_str()));
    let config = ox_dsl::starter::model_config(mode, names).unwrap_or_default();
    crate::model_config::from_json(app.id, principal.account_id()?, &config)
}

/// Changes name, texts, picture and limits.
#[boxed]
pub async fn update(services: &Services, principal: &Principal, id: AppId, change: AppChange) -> Result<AppView> {
    principal.require(Permission::AppEdit)?;
    let before = find(services, principal, id).await?;
    let mut app = before.clone();
    if let Some(name) = change.name {
        let name = name.trim();
        if name.is_empty() {
            return Err(Error::invalid_field("name", "name: Field required"));
        }
        app.name = name.to_owned();
    }
    if let Some(description) = change.description {
        check_description(&description)?;
        app.description = description;
    }
    app.icon_type = change.icon_type.or(app.icon_type);
    app.icon = change.icon.or(app.icon);
    app.icon_background = change.icon_background.or(app.icon_background);
    app.use_icon_as_answer_icon = change.use_icon_as_answer_icon.unwrap_or(app.use_icon_as_answer_icon);
    app.max_active_requests = change.max_active_requests.or(app.max_active_requests);
    save(services, principal, &before, &mut app).await?;
    view_of(services, principal, app).await
}

/// Stores a changed app row and forgets what was cached of it.
pub(crate) async fn save(services: &Services, principal: &Principal, before: &App, app: &mut App) -> Result<()> {
    app.updated_by = Some(principal.account_id()?);
    app.updated_at = Utc::now();
    let tx = services.db.begin().await?;
    repo::apps::update(&tx, app).await?;
    tx.commit().await?;
    services.forget_app(app.id).await;
    let (old, new) = (summary(before), summary(app));
    if old != new {
        audit::record(services, principal, "app.update", "app", app.id.0, Some(old), Some(new)).await;
    }
    Ok(())
}

fn summary(app: &App) -> Json {
    json!({
        "name": app.name, "description": app.description, "icon": app.icon, "enable_site": app.enable_site,
        "enable_api": app.enable_api, "workflow_id": app.workflow_id, "max_active_requests": app.max_active_requests,
    })
}

/// Deletes an app. It is gone when this returns; what it leaves is removed in the background.
#[boxed]
pub async fn delete(services: &Arc<Services>, principal: &Principal, id: AppId) -> Result<()> {
    principal.require(Permission::AppEdit)?;
    let app = find(services, principal, id).await?;
    let tx = services.db.begin().await?;
    repo::apps::delete(&tx, app.tenant_id, id).await?;
    repo::triggers::forget_app(&tx, app.tenant_id, id).await?;
    tx.commit().await?;
    services.forget_app(id).await;
    deletion::start(services, id);
    audit::record(services, principal, "app.delete", "app", id.0, Some(summary(&app)), None).await;
    Ok(())
}

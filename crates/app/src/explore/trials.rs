//! Trying a template without making an app of it.
//!
//! A trial runs in the caller's workspace, on its models and at its cost. Runs and conversations need the row of an
//! app, so there is one for each workspace, template and language, made at the first trial. Its status is not
//! `normal`: lists, exports, keys and every route that names an app leave it out, and only this module opens it. Its
//! ids come of what they stand for: the version's of the template's file, so that a template of a newer program or
//! another default model is simply the next version.

use std::{sync::Arc, time::Duration};

use ox_db::{
    model::{App, AppModelConfig, Site, Workflow},
    now, repo,
};
use ox_dsl::document::{AppDocument, Body};
use ox_types::{AppId, TenantId, WorkflowId, boxed};
use uuid::Uuid;

use super::templates::{self, TemplateView};
use crate::{
    AppCaller, Error, Principal, Result, Services, accounts,
    apps::{self, AppChange},
    imports, model_config,
    runs::{InvokeFrom, RunUser, published::PublishedApp},
    tools::permissions,
};

/// Of the hidden app and of its site.
const STATUS: &str = "trial";

/// What a member may ask of trials on one day (UTC).
pub const RUNS_PER_DAY: i64 = 50;
const DAY: Duration = Duration::from_secs(86_400);

fn not_allowed() -> Error {
    Error::new(403, "trial_app_not_allowed", "There is no template with this id that can be tried.")
}

/// What the caller sees of a template in their language.
///
/// # Errors
/// 403 when it is no template.
#[boxed]
pub async fn view(services: &Services, principal: &Principal, template: Uuid) -> Result<TemplateView> {
    Ok(read(services, principal, template).await?.view)
}

/// The graph and the features of a template that has them.
///
/// # Errors
/// 403 when it is no template, 400 when it has no graph.
#[boxed]
pub async fn workflow(services: &Services, principal: &Principal, template: Uuid) -> Result<Workflow> {
    let caller = caller(services, principal, template).await?;
    let none = || Error::invalid("This template has no workflow.");
    let id = caller.app.app.workflow_id.ok_or_else(none)?;
    repo::workflows::find(&services.db, principal.tenant_id(), caller.app.app.id, id).await?.ok_or_else(none)
}

/// The member as a user of a template.
///
/// # Errors
/// 403 when it is no template, or when it has tools that the member may not use.
#[boxed]
pub async fn caller(services: &Services, principal: &Principal, template: Uuid) -> Result<AppCaller> {
    let wanted = read(services, principal, template).await?;
    let app = match known(services, &wanted).await? {
        Some(app) => app,
        None => {
            keep(services, principal, &wanted).await?;
            services.runs.published.forget(wanted.app).await;
            known(services, &wanted).await?.ok_or_else(not_allowed)?
        }
    };
    if let Some(config) = app.config.as_deref() {
        permissions::require(services, principal, &permissions::of_config(&model_config::to_json(config))).await?;
    }
    let account = accounts::profile(services, principal).await?;
    let user = RunUser::Account { id: account.id.0, name: account.name.into(), email: account.email.into() };
    Ok(AppCaller { app, user, invoke_from: InvokeFrom::Explore })
}

/// Counts a run of a trial, unless the member had all of this day.
///
/// # Errors
/// 403 when there were too many.
#[boxed]
pub async fn count(services: &Services, caller: &AppCaller) -> Result<()> {
    let day = now().timestamp().div_euclid(86_400);
    let key = format!("trial-runs:{}:{}:{day}", caller.app.app.tenant_id, caller.user.id());
    if services.kv.increment_up_to(&key, 1, RUNS_PER_DAY, DAY).await?.is_some() {
        return Ok(());
    }
    let text = format!("Templates can be tried {RUNS_PER_DAY} times a day. Make an app of this one to go on.");
    Err(Error::new(403, "trial_app_limit_exceeded", text))
}

/// A template as it is to run now, with the ids of its rows.
struct Wanted {
    view: TemplateView,
    file: String,
    app: AppId,
    version: Uuid,
}

async fn read(services: &Services, principal: &Principal, template: Uuid) -> Result<Wanted> {
    let language = services.account_language(principal).await;
    let found = templates::find(services, principal, template, &language).await;
    let (view, file) = found.map_err(|error| if error.status == 404 { not_allowed() } else { error })?;
    let app = app_id(principal.tenant_id(), template, &language);
    let version = Uuid::new_v5(&app.0, file.as_bytes());
    Ok(Wanted { view, file, app, version })
}

/// Templates are told in two languages.
fn app_id(tenant: TenantId, template: Uuid, language: &str) -> AppId {
    let language = if language.starts_with("zh") { "zh" } else { "en" };
    AppId(Uuid::new_v5(&tenant.0, format!("trial:{template}:{language}").as_bytes()))
}

/// The hidden app, when it runs what is wanted.
async fn known(services: &Services, wanted: &Wanted) -> Result<Option<Arc<PublishedApp>>> {
    let found = services.runs.published.app(wanted.app).await?;
    Ok(found.filter(|app| {
        let version = app.app.workflow_id.map(|id| id.0).or(app.app.app_model_config_id);
        app.app.status == STATUS && app.tenant_status != "archive" && version == Some(wanted.version)
    }))
}

/// What a version of a hidden app is made of.
enum Version {
    Basic(Box<AppModelConfig>),
    Graph(Box<Workflow>),
}

/// Makes the hidden app, or has it run what is wanted.
async fn keep(services: &Services, principal: &Principal, wanted: &Wanted) -> Result<()> {
    let document = AppDocument::parse(&wanted.file).map_err(|error| Error::internal(error.to_string()))?;
    let change = AppChange {
        name: Some(wanted.view.name.to_owned()),
        description: Some(wanted.view.description.to_owned()),
        icon: Some(wanted.view.icon.to_owned()),
        icon_background: Some(wanted.view.icon_background.to_owned()),
        ..AppChange::default()
    };
    let made = apps::new_app(principal, wanted.view.mode, change)?;
    let mut app = App { id: wanted.app, status: STATUS.into(), enable_site: false, enable_api: false, ..made };
    let version = match document.body().map_err(|error| Error::internal(error.to_string()))? {
        Body::Basic(config) => {
            permissions::require(services, principal, &permissions::of_config(&config)).await?;
            let config = model_config::from_json(app.id, principal.account_id()?, &config)?;
            app.app_model_config_id = Some(wanted.version);
            Version::Basic(Box::new(AppModelConfig { id: wanted.version, ..config }))
        }
        Body::Workflow(body) => {
            let draft = imports::draft_of(services, principal, &app, body, None).await?;
            app.workflow_id = Some(WorkflowId(wanted.version));
            let version = now().format("%Y-%m-%d %H:%M:%S%.6f").to_string();
            Version::Graph(Box::new(Workflow { id: WorkflowId(wanted.version), version, ..draft }))
        }
    };
    let language = services.account_language(principal).await;
    let site = Site { status: STATUS.into(), ..apps::site::new_site(&app, &language) };
    match store(services, app, &site, version).await {
        // Somebody else was faster, with the same rows.
        Err(ox_db::Error::Conflict(_)) => Ok(()),
        done => Ok(done?),
    }
}

async fn store(services: &Services, mut app: App, site: &Site, version: Version) -> Result<(), ox_db::Error> {
    let tenant = app.tenant_id;
    let before = repo::apps::find(&services.db, tenant, app.id).await?;
    // A default model that comes back brings a version that is there.
    let is_stored = match &version {
        Version::Basic(config) => repo::apps::configs(&services.db, &[config.id]).await?.contains_key(&config.id),
        Version::Graph(workflow) => repo::workflows::find(&services.db, tenant, app.id, workflow.id).await?.is_some(),
    };
    let tx = services.db.begin().await?;
    match before {
        Some(before) => {
            app.created_at = before.created_at;
            app.created_by = before.created_by;
            repo::apps::update(&tx, &app).await?;
        }
        None => repo::apps::insert_unlisted(&tx, &app, site, None).await?,
    }
    match &version {
        _ if is_stored => {}
        Version::Basic(config) => repo::apps::insert_config(&tx, config).await?,
        Version::Graph(workflow) => repo::workflows::insert(&tx, workflow).await?,
    }
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_has_one_hidden_app_for_each_template_and_language() {
        let (tenant, other) = (TenantId::new(), TenantId::new());
        let (one, two) = (ox_types::new_uuid(), ox_types::new_uuid());
        let id = app_id(tenant, one, "en-US");
        for (tenant, template, language, is_same) in [
            (tenant, one, "en-US", true),
            (tenant, one, "de-DE", true),
            (tenant, one, "zh-Hans", false),
            (tenant, two, "en-US", false),
            (other, one, "en-US", false),
        ] {
            assert_eq!(app_id(tenant, template, language) == id, is_same, "{template} {language}");
        }
    }
}

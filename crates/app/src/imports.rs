//! Apps as files: import, export, copy.

pub(crate) mod pending;

use std::time::Duration;

use ox_db::{
    model::{App, Workflow},
    now, repo,
};
use ox_dsl::{
    dependencies,
    document::{AppDocument, AppInfo, AppMode, Body, Export, ExportBody, WorkflowBody},
    variables::{self, Scope},
    version::{self, ImportStatus},
};
use ox_net::{Class, Limits, Request};
use ox_types::{AppId, Json, WorkflowId, boxed, new_uuid};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Error, Principal, Result, Services,
    apps::{self, AppChange, AppView, find},
    audit, model_config,
    principal::Permission,
    tools::permissions,
    workflows,
};

const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// A file to import; given texts take the place of the file's own.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ImportRequest {
    pub yaml_content: String,
    pub app_id: Option<AppId>,
    pub name: Option<String>,
    pub description: Option<String>,
    pub icon_type: Option<String>,
    pub icon: Option<String>,
    pub icon_background: Option<String>,
}

/// What became of an import.
#[derive(Clone, Debug)]
pub struct ImportResult {
    pub id: Uuid,
    pub status: ImportStatus,
    pub app_id: Option<AppId>,
    pub app_mode: Option<String>,
    pub imported_dsl_version: String,
    pub error: String,
}

impl ImportResult {
    /// An import that did not work, with the reason.
    pub fn failed(text: impl Into<String>) -> Self {
        Self {
            id: new_uuid(),
            status: ImportStatus::Failed,
            app_id: None,
            app_mode: None,
            imported_dsl_version: String::new(),
            error: text.into(),
        }
    }

    /// The format version this installation writes.
    #[must_use]
    pub const fn current_version() -> &'static str {
        version::CURRENT
    }
}

/// Fetches a file; GitHub's page of a file is read as the file itself.
#[boxed]
pub async fn fetch(services: &Services, principal: &Principal, url: &str) -> Result<String, String> {
    let target = raw_url(url);
    let request = Request {
        limits: Limits {
            connect: FETCH_TIMEOUT,
            first_byte: FETCH_TIMEOUT,
            read: FETCH_TIMEOUT,
            total: FETCH_TIMEOUT * 3,
            body: ox_dsl::document::MAX_BYTES as u64,
        },
        ..Request::get(Class::Fetch, target)
    };
    let egress = services.outbound.of(principal.tenant_id()).await;
    let egress = egress.map_err(|error| format!("Error fetching YAML from URL: {error}"))?;
    let response = egress.send(request).await.map_err(|error| format!("Error fetching YAML from URL: {error}"))?;
    if !response.status.is_success() {
        return Err(format!("Error fetching YAML from URL: the server answered {}", response.status));
    }
    let bytes = response.bytes().await.map_err(|error| format!("Error fetching YAML from URL: {error}"))?;
    if bytes.is_empty() {
        return Err("Empty content from url".into());
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| "Error fetching YAML from URL: the content is not UTF-8 text".into())
}

fn raw_url(url: &str) -> String {
    let file = [".yml", ".yaml"].iter().any(|end| url.ends_with(end));
    match url.strip_prefix("https://github.com/").filter(|rest| file && rest.contains("/blob/")) {
        Some(rest) => format!("https://raw.githubusercontent.com/{}", rest.replacen("/blob/", "/", 1)),
        None => url.to_owned(),
    }
}

/// Imports a file: creates an app, or overwrites the draft of one.
#[boxed]
pub async fn import(services: &Services, principal: &Principal, request: ImportRequest) -> Result<ImportResult> {
    principal.require(Permission::AppEdit)?;
    let document = match AppDocument::parse(&request.yaml_content) {
        Ok(document) => document,
        Err(error) => return Ok(ImportResult::failed(error.to_string())),
    };
    if document.status == ImportStatus::Pending {
        let id = pending::keep(services, principal, pending::Kind::App, &request).await?;
        return Ok(ImportResult {
            id,
            status: ImportStatus::Pending,
            app_id: request.app_id,
            app_mode: None,
            imported_dsl_version: document.version,
            error: String::new(),
        });
    }
    let status = document.status;
    apply(services, principal, &request, document, status).await
}

/// Goes on with a file whose version asked for a confirmation.
#[boxed]
pub async fn confirm(services: &Services, principal: &Principal, id: Uuid) -> Result<ImportResult> {
    principal.require(Permission::AppEdit)?;
    let kept = pending::take::<ImportRequest>(services, principal, pending::Kind::App, id).await?;
    let Some(request) = kept else {
        return Ok(ImportResult::failed("Import information expired or does not exist"));
    };
    match AppDocument::parse(&request.yaml_content) {
        Ok(document) => apply(services, principal, &request, document, ImportStatus::Completed).await,
        Err(error) => Ok(ImportResult::failed(error.to_string())),
    }
}

async fn apply(
    services: &Services,
    principal: &Principal,
    request: &ImportRequest,
    document: AppDocument,
    status: ImportStatus,
) -> Result<ImportResult> {
    let done = match request.app_id {
        Some(id) => overwrite(services, principal, request, &document, id).await,
        None => create(services, principal, request, &document).await,
    };
    match done {
        Ok(app) => Ok(ImportResult {
            id: new_uuid(),
            status,
            app_id: Some(app.id),
            app_mode: Some(app.mode),
            imported_dsl_version: document.version,
            error: String::new(),
        }),
        Err(error) if error.status < 500 => {
            Ok(ImportResult { imported_dsl_version: document.version, ..ImportResult::failed(error.message) })
        }
        Err(error) => Err(error),
    }
}

async fn create(
    services: &Services,
    principal: &Principal,
    request: &ImportRequest,
    document: &AppDocument,
) -> Result<App> {
    let mode = document.mode().map_err(|error| Error::invalid(error.to_string()))?;
    let body = document.body().map_err(|error| Error::invalid(error.to_string()))?;
    let info = &document.info;
    let pick = |given: &Option<String>, own: &str| {
        Some(given.clone().filter(|text| !text.is_empty()).unwrap_or_else(|| own.to_owned()))
    };
    let name =
        pick(&request.name, &info.name).filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "Imported app".into());
    let change = AppChange {
        name: Some(name),
        description: pick(&request.description, &info.description).map(|text| text.chars().take(400).collect()),
        icon_type: pick(&request.icon_type, &info.icon_type),
        icon: pick(&request.icon, if info.icon.is_empty() { "🤖" } else { &info.icon }),
        icon_background: pick(&request.icon_background, &info.icon_background),
        use_icon_as_answer_icon: Some(info.use_icon_as_answer_icon),
        max_active_requests: None,
    };
    let app = apps::new_app(principal, mode.as_str(), change)?;
    match body {
        Body::Basic(config) => {
            permissions::require(services, principal, &permissions::of_config(&config)).await?;
            let config = model_config::from_json(app.id, principal.account_id()?, &config)?;
            Ok(apps::insert(services, principal, app, Some(config)).await?.app)
        }
        Body::Workflow(body) => {
            let draft = draft_of(services, principal, &app, body, None).await?;
            let view = apps::insert(services, principal, app, None).await?;
            let tx = services.db.begin().await?;
            repo::workflows::insert(&tx, &draft).await?;
            crate::triggers::sync_draft(&tx, &draft, principal.account_id()?).await?;
            tx.commit().await?;
            Ok(view.app)
        }
    }
}

async fn overwrite(
    services: &Services,
    principal: &Principal,
    request: &ImportRequest,
    document: &AppDocument,
    id: AppId,
) -> Result<App> {
    let before = find(services, principal, id).await.map_err(|_| Error::invalid("App not found"))?;
    if !workflows::GRAPH_MODES.contains(&before.mode.as_str()) {
        return Err(Error::invalid("Only workflow or advanced chat apps can be overwritten"));
    }
    let Body::Workflow(body) = document.body().map_err(|error| Error::invalid(error.to_string()))? else {
        return Err(Error::invalid("The file holds a basic app; it cannot replace a workflow."));
    };
    let info = &document.info;
    let mut app = before.clone();
    let pick = |given: &Option<String>, own: &str| {
        given.clone().or_else(|| Some(own.to_owned())).filter(|text| !text.is_empty())
    };
    app.name = pick(&request.name, &info.name).unwrap_or(app.name);
    app.description = pick(&request.description, &info.description).unwrap_or(app.description);
    app.icon_type = pick(&request.icon_type, &info.icon_type).or(app.icon_type);
    app.icon = pick(&request.icon, &info.icon).or(app.icon);
    app.icon_background = pick(&request.icon_background, &info.icon_background).or(app.icon_background);
    let stored = repo::workflows::draft(&services.db, app.tenant_id, id).await?;
    let draft = draft_of(services, principal, &app, body, stored.as_ref()).await?;
    let tx = services.db.begin().await?;
    match stored {
        Some(_) => repo::workflows::update_draft(&tx, &draft).await?,
        None => repo::workflows::insert(&tx, &draft).await?,
    }
    repo::draft_variables::delete_all(&tx, id, None).await?;
    crate::triggers::sync_draft(&tx, &draft, principal.account_id()?).await?;
    tx.commit().await?;
    apps::save(services, principal, &before, &mut app).await?;
    Ok(app)
}

/// The draft that a file makes; secrets are encrypted on the way in.
pub(crate) async fn draft_of(
    services: &Services,
    principal: &Principal,
    app: &App,
    body: WorkflowBody,
    stored: Option<&Workflow>,
) -> Result<Workflow> {
    ox_dsl::lint::check_draft(&body.graph, &body.features).map_err(Error::invalid)?;
    permissions::require_added(services, principal, app, &body.graph).await?;
    let plain = variables::write(&body.environment_variables, Scope::Environment, variables::Secrets::Plain);
    let items = plain.as_array().cloned().unwrap_or_default();
    let environment = workflows::variables::seal_environment(services, app.tenant_id, items, None).await?;
    let conversation = variables::write(&body.conversation_variables, Scope::Conversation, variables::Secrets::Plain);
    let (account, time) = (principal.account_id()?, now());
    Ok(Workflow {
        id: stored.map_or_else(WorkflowId::new, |draft| draft.id),
        tenant_id: app.tenant_id,
        app_id: app.id,
        kind: workflows::kind_of(&app.mode).into(),
        version: repo::workflows::DRAFT.into(),
        marked_name: String::new(),
        marked_comment: String::new(),
        graph: body.graph,
        features: body.features,
        environment_variables: environment,
        conversation_variables: conversation,
        rag_pipeline_variables: json!([]),
        created_by: stored.map_or(account, |draft| draft.created_by),
        created_at: stored.map_or(time, |draft| draft.created_at),
        updated_by: Some(account),
        updated_at: time,
    })
}

/// The app as a YAML file.
#[boxed]
pub async fn export(
    services: &Services,
    principal: &Principal,
    id: AppId,
    include_secret: bool,
    version: Option<WorkflowId>,
) -> Result<String> {
    principal.require(Permission::AppEdit)?;
    let app = find(services, principal, id).await?;
    let mode = AppMode::parse(&app.mode).ok_or_else(|| Error::invalid("Invalid app mode"))?;
    let info = AppInfo {
        name: app.name.clone(),
        description: app.description.clone(),
        icon_type: app.icon_type.clone().unwrap_or_else(|| "emoji".into()),
        icon: app.icon.clone().unwrap_or_default(),
        icon_background: app.icon_background.clone().unwrap_or_default(),
        use_icon_as_answer_icon: app.use_icon_as_answer_icon,
        extra: serde_json::Map::new(),
    };
    if include_secret {
        audit::record(services, principal, "app.export.secrets", "app", id.0, None, None).await;
    }
    let write = |body: ExportBody<'_>, used: &std::collections::BTreeSet<String>| {
        let dependencies: Vec<Json> =
            used.iter().filter(|plugin| !is_native(services, plugin)).map(|plugin| dependency(plugin)).collect();
        Export { info: &info, mode, body, dependencies: &dependencies, include_secret, protect_dataset_ids: None }
            .to_yaml()
            .map_err(|error| Error::internal(error.to_string()))
    };
    if !mode.has_graph() {
        let config = model_config::current(services, &app)
            .await?
            .ok_or_else(|| Error::invalid("The app has no configuration yet."))?;
        let config = model_config::to_json(&config);
        return write(ExportBody::Basic(&config), &dependencies::of_model_config(&config));
    }
    let workflow = match version {
        Some(version) => workflows::version(services, principal, id.into(), version).await?,
        None => workflows::draft(services, principal, id.into()).await?,
    };
    let plain = workflows::environment_for_run(services, app.tenant_id, &workflow.environment_variables).await?;
    let parse =
        |json: &Json, scope| variables::parse(Some(json), scope).map_err(|error| Error::invalid(error.to_string()));
    let body = WorkflowBody {
        environment_variables: parse(&Json::Array(plain), Scope::Environment)?,
        conversation_variables: parse(&workflow.conversation_variables, Scope::Conversation)?,
        graph: workflow.graph,
        features: workflow.features,
    };
    let used = dependencies::of_graph(&body.graph);
    write(ExportBody::Workflow(&body), &used)
}

pub(crate) fn is_native(services: &Services, plugin: &str) -> bool {
    let name = plugin.rsplit('/').next().unwrap_or_default();
    services.models.registry().find(&format!("{plugin}/{name}")).is_some()
}

pub(crate) fn dependency(plugin: &str) -> Json {
    json!({"type": "marketplace", "current_identifier": null,
        "value": {"marketplace_plugin_unique_identifier": plugin, "version": null}})
}

/// Plugins the draft needs and this installation does not have.
#[boxed]
pub async fn missing_dependencies(services: &Services, principal: &Principal, id: AppId) -> Result<Vec<Json>> {
    let app = find(services, principal, id).await?;
    let used = if workflows::GRAPH_MODES.contains(&app.mode.as_str()) {
        let draft = repo::workflows::draft(&services.db, app.tenant_id, id).await?;
        draft.map(|draft| dependencies::of_graph(&draft.graph)).unwrap_or_default()
    } else {
        let config = model_config::current(services, &app).await?;
        config.map(|config| dependencies::of_model_config(&model_config::to_json(&config))).unwrap_or_default()
    };
    Ok(used.iter().filter(|plugin| !is_native(services, plugin)).map(|plugin| dependency(plugin)).collect())
}

/// The same app again, with its secrets, under another name.
#[boxed]
pub async fn copy(services: &Services, principal: &Principal, id: AppId, change: AppChange) -> Result<AppView> {
    let name = match change.name.filter(|name| !name.trim().is_empty()) {
        Some(name) => name,
        None => find(services, principal, id).await?.name,
    };
    let yaml_content = export(services, principal, id, true, None).await?;
    let request = ImportRequest {
        yaml_content,
        name: Some(name),
        description: change.description,
        icon_type: change.icon_type,
        icon: change.icon,
        icon_background: change.icon_background,
        app_id: None,
    };
    let done = import(services, principal, request).await?;
    match done.app_id {
        Some(app) => apps::view(services, principal, app).await,
        None => Err(Error::invalid(done.error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_files_become_files() {
        let cases = [
            ("https://github.com/o/r/blob/main/a.yml", "https://raw.githubusercontent.com/o/r/main/a.yml"),
            ("https://github.com/o/r/blob/main/blob/a.yaml", "https://raw.githubusercontent.com/o/r/main/blob/a.yaml"),
            ("https://github.com/o/r/blob/main/a.txt", "https://github.com/o/r/blob/main/a.txt"),
            ("https://example.com/a.yml", "https://example.com/a.yml"),
        ];
        for (from, to) in cases {
            assert_eq!(raw_url(from), to);
        }
    }
}

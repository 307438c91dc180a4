//! Workflows that are offered as tools.

use ox_db::{model::WorkflowTool, now, repo};
use ox_dsl::user_input::{InputField, InputKind};
use ox_models::I18n;
use ox_tools::{OptionView, ParameterView, ToolView};
use ox_types::{AppId, Json, TenantId, boxed, new_uuid};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{ProviderView, labels};
use crate::{
    Error, Principal, Result, Services, apps, audit,
    principal::Permission,
    runs::{self, AppMode},
};

/// Parameters of a tool.
const MAX_PARAMETERS: usize = 100;

/// What a tool is made of.
#[derive(Clone, Debug, Default)]
pub struct WorkflowForm {
    /// What models call it.
    pub name: String,
    pub label: String,
    pub description: String,
    pub icon: Json,
    /// `[{name, description, form}]`.
    pub parameters: Vec<Json>,
    pub privacy_policy: Option<String>,
    pub labels: Vec<String>,
}

/// A tool with what it was made of.
#[derive(Clone, Debug)]
pub struct WorkflowDetail {
    pub row: WorkflowTool,
    pub tool: ToolView,
    /// Its parameters were made for the version that is live.
    pub synced: bool,
}

/// A tool of the workspace.
///
/// # Errors
/// 404 when there is none of this id.
#[boxed]
pub async fn find(services: &Services, principal: &Principal, id: Uuid) -> Result<WorkflowTool> {
    let found = repo::tools::workflows::find(&services.db, principal.tenant_id(), id).await?;
    found.ok_or_else(|| Error::not_found("Tool not found"))
}

/// The fields of the live version's form, and that version.
async fn published(services: &Services, app: AppId) -> Result<(Vec<InputField>, String)> {
    let gone = || Error::invalid("Workflow not found: publish it first");
    let app = services.runs.published.app(app).await?.filter(|app| app.mode == AppMode::Workflow).ok_or_else(gone)?;
    if app.app.workflow_id.is_none() {
        return Err(gone());
    }
    let form = runs::form_of(services, &app).await?;
    let version = runs::live_version_name(services, &app).await?;
    Ok((form.fields().to_vec(), version))
}

/// The parameter that a field of the form is, with what the tool says about it.
pub(super) fn parameter(field: &InputField, told: Option<&Json>) -> ParameterView {
    let text = |name: &str| told.and_then(|told| told[name].as_str()).filter(|text| !text.is_empty());
    let described = text("description").unwrap_or(&field.label).to_owned();
    let kind = match field.kind {
        InputKind::Number => "number",
        InputKind::Checkbox => "boolean",
        InputKind::Select => "select",
        InputKind::File => "file",
        InputKind::FileList => "files",
        InputKind::JsonObject => "object",
        _ => "string",
    };
    let option = |value: &String| OptionView { value: value.clone(), label: I18n::same(value), icon: None };
    ParameterView {
        name: field.variable.clone(),
        label: I18n::same(&field.label),
        human_description: Some(I18n::same(&described)),
        placeholder: Some(I18n::same("")),
        kind: kind.to_owned(),
        form: if text("form") == Some("form") { "form" } else { "llm" }.to_owned(),
        llm_description: Some(described),
        required: field.required,
        default: field.default.clone(),
        options: field.options.iter().map(option).collect(),
        input_schema: field.json_schema.clone().unwrap_or_default(),
        ..ParameterView::default()
    }
}

/// A tool as the fields of a version make it.
fn tool_view(row: &WorkflowTool, fields: &[InputField], labels: &[String]) -> ToolView {
    let told = row.parameter_configuration.as_array();
    let of = |name: &str| told.into_iter().flatten().find(|told| told["name"] == name);
    ToolView {
        author: String::new(),
        name: row.name.clone(),
        label: I18n::same(&row.label),
        description: I18n::same(&row.description),
        parameters: fields
            .iter()
            .filter(|field| field.kind != InputKind::ExternalDataTool)
            .map(|field| parameter(field, of(&field.variable)))
            .collect(),
        labels: labels.to_vec(),
        output_schema: Json::Null,
        for_model: row.description.clone(),
    }
}

/// A tool of a workspace as it is now; its parameters are those of the version that runs.
pub(super) async fn tool_of(services: &Services, row: &WorkflowTool, labels: &[String]) -> Result<ToolView> {
    let (fields, _) = published(services, row.app_id).await?;
    Ok(tool_view(row, &fields, labels))
}

/// Those of the workspace.
#[boxed]
pub(super) async fn list(services: &Services, principal: &Principal) -> Result<Vec<ProviderView>> {
    let tenant = principal.tenant_id();
    let mut labels = labels::by_provider(services, tenant).await?;
    let mut all = Vec::new();
    for row in repo::tools::workflows::list(&services.db, tenant).await? {
        let labels = labels.remove(&row.id.to_string()).unwrap_or_default();
        // One whose app is not published any more is shown without what it takes.
        let tool = match tool_of(services, &row, &labels).await {
            Ok(tool) => tool,
            Err(error) if error.status < 500 => tool_view(&row, &[], &labels),
            Err(error) => return Err(error),
        };
        all.push(ProviderView {
            id: row.id.to_string(),
            name: row.name.clone(),
            description: I18n::same(&row.description),
            icon: row.icon.clone(),
            icon_dark: "".into(),
            label: I18n::same(&row.label),
            kind: "workflow",
            is_team_authorization: true,
            allow_delete: true,
            tools: vec![tool],
            labels,
            more: Map::from_iter([("workflow_app_id".to_owned(), row.app_id.to_string().into())]),
            ..ProviderView::default()
        });
    }
    Ok(all)
}

/// A tool by its id, or by its app.
///
/// # Errors
/// 404 when there is none.
#[boxed]
pub async fn get(
    services: &Services,
    principal: &Principal,
    id: Option<Uuid>,
    app: Option<AppId>,
) -> Result<WorkflowDetail> {
    let row = match (id, app) {
        (Some(id), _) => find(services, principal, id).await?,
        (None, Some(app)) => {
            let found = repo::tools::workflows::of_app(&services.db, principal.tenant_id(), app).await?;
            found.ok_or_else(|| Error::not_found("Tool not found"))?
        }
        (None, None) => {
            return Err(Error::invalid_field("workflow_tool_id", "workflow_tool_id or workflow_app_id must be given"));
        }
    };
    let labels = labels::by_provider(services, row.tenant_id).await?.remove(&row.id.to_string()).unwrap_or_default();
    let (fields, version) = match published(services, row.app_id).await {
        Ok(found) => found,
        Err(error) if error.status < 500 => (Vec::new(), String::new()),
        Err(error) => return Err(error),
    };
    Ok(WorkflowDetail { tool: tool_view(&row, &fields, &labels), synced: row.version == version, row })
}

fn checked(form: &WorkflowForm) -> Result<()> {
    let is_name = !form.name.is_empty()
        && form.name.len() <= 64
        && form.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name {
        return Err(Error::invalid_field("name", "name must have letters, digits and underscores only, 64 at most."));
    }
    if form.label.trim().is_empty() || form.label.chars().count() > 255 {
        return Err(Error::invalid_field("label", "label must not be empty, and have 255 characters at most."));
    }
    if form.parameters.len() > MAX_PARAMETERS || form.parameters.iter().any(|told| !told["name"].is_string()) {
        return Err(Error::invalid_field("parameters", "parameters must be a list of {name, description, form}."));
    }
    Ok(())
}

fn taken(error: ox_db::Error) -> Error {
    match error {
        ox_db::Error::Conflict(_) => Error::invalid("Tool with this name or of this app already exists"),
        other => other.into(),
    }
}

/// Offers the live version of a workflow as a tool.
///
/// # Errors
/// 404 for an unknown app; 400 for one that is not a published workflow, or is a tool already.
#[boxed]
pub async fn create(services: &Services, principal: &Principal, app: AppId, form: WorkflowForm) -> Result<()> {
    principal.require(Permission::AppPublish)?;
    checked(&form)?;
    let labels = labels::check(&form.labels)?;
    apps::find(services, principal, app).await?;
    let (_, version) = published(services, app).await?;
    let row = WorkflowTool {
        id: new_uuid(),
        tenant_id: principal.tenant_id(),
        app_id: app,
        user_id: principal.account_id()?,
        name: form.name,
        label: form.label,
        icon: form.icon,
        version,
        description: form.description,
        parameter_configuration: Json::Array(form.parameters),
        privacy_policy: form.privacy_policy,
        created_at: now(),
        updated_at: now(),
    };
    let tx = services.db.begin().await?;
    repo::tools::workflows::insert(&tx, row.clone()).await.map_err(taken)?;
    labels::set(&tx, row.tenant_id, row.id, "workflow", &labels).await?;
    tx.commit().await?;
    noted(services, principal, "tool.workflow.create", &row).await;
    Ok(())
}

/// Changes a tool, and takes over the live version.
///
/// # Errors
/// As [`create`].
#[boxed]
pub async fn update(services: &Services, principal: &Principal, id: Uuid, form: WorkflowForm) -> Result<()> {
    principal.require(Permission::AppPublish)?;
    checked(&form)?;
    let labels = labels::check(&form.labels)?;
    let before = find(services, principal, id).await?;
    let (_, version) = published(services, before.app_id).await?;
    let row = WorkflowTool {
        name: form.name,
        label: form.label,
        icon: form.icon,
        version,
        description: form.description,
        parameter_configuration: Json::Array(form.parameters),
        privacy_policy: form.privacy_policy,
        updated_at: now(),
        ..before
    };
    let tx = services.db.begin().await?;
    repo::tools::workflows::update(&tx, row.clone()).await.map_err(taken)?;
    labels::set(&tx, row.tenant_id, row.id, "workflow", &labels).await?;
    tx.commit().await?;
    noted(services, principal, "tool.workflow.update", &row).await;
    Ok(())
}

/// Takes a tool back. Apps that use it say so when they run.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, id: Uuid) -> Result<()> {
    principal.require(Permission::AppPublish)?;
    let row = find(services, principal, id).await?;
    let tx = services.db.begin().await?;
    repo::tools::workflows::delete(&tx, row.tenant_id, id).await?;
    labels::set(&tx, row.tenant_id, id, "workflow", &[]).await?;
    repo::tools::permissions::delete_all(&tx, row.tenant_id, "workflow", &id.to_string()).await?;
    tx.commit().await?;
    noted(services, principal, "tool.workflow.delete", &row).await;
    Ok(())
}

async fn noted(services: &Services, principal: &Principal, action: &'static str, row: &WorkflowTool) {
    audit::record(services, principal, action, "tool_provider", row.id, None, Some(json!({"name": row.name}))).await;
}

/// Whether an app is offered as a tool.
#[boxed]
pub async fn is_tool(services: &Services, tenant: TenantId, app: AppId) -> Result<bool> {
    Ok(repo::tools::workflows::of_app(&services.db, tenant, app).await?.is_some())
}

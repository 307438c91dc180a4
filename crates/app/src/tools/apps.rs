//! Apps that other apps may call: every published one whose API is on is a tool of the workspace.
//!
//! Nothing is stored of them: name, description and inputs are those of the app.

use std::sync::Arc;

use ox_db::{model::App, repo};
use ox_dsl::user_input::{InputField, InputKind};
use ox_models::I18n;
use ox_nodes::ToolName;
use ox_tools::{ParameterView, ToolView};
use ox_types::{AppId, Json, TenantId};
use serde_json::{Map, json};

use super::{
    ProviderView,
    called::{FILES, QUERY},
    workflows,
};
use crate::{
    Error, Result, Services,
    chat::basic,
    runs::{self, AppMode, PublishedApp},
};

/// The newest apps that are listed.
const MAX_LISTED: u64 = 200;
/// Apps read at a time.
const PAGE: u64 = 100;
/// Longest name of a tool.
const MAX_NAME: usize = 48;

/// An app that is a tool.
pub(super) struct Offer {
    pub app: Arc<PublishedApp>,
    pub fields: Vec<InputField>,
    /// Files go with a question.
    pub takes_files: bool,
}

impl Offer {
    /// As a tool.
    pub fn tool(&self) -> ToolView {
        let App { name, description, .. } = &self.app.app;
        let taken = |variable: &str| self.app.mode.is_chat() && [QUERY, FILES].contains(&variable);
        let asked = self
            .fields
            .iter()
            .filter(|field| field.kind != InputKind::ExternalDataTool && !field.hide && !taken(&field.variable));
        let mut parameters: Vec<ParameterView> = Vec::new();
        if self.app.mode.is_chat() {
            let text = "What the app is asked, complete in itself: it knows nothing of this conversation.";
            parameters.push(ParameterView {
                name: QUERY.to_owned(),
                label: I18n::new("Question", "问题"),
                human_description: Some(I18n::new("What the app is asked", "向应用提出的问题")),
                kind: "string".to_owned(),
                form: "llm".to_owned(),
                llm_description: Some(text.to_owned()),
                required: true,
                ..ParameterView::default()
            });
        }
        parameters.extend(asked.map(|field| workflows::parameter(field, None)));
        if self.takes_files {
            parameters.push(ParameterView {
                name: FILES.to_owned(),
                label: I18n::new("Files", "文件"),
                human_description: Some(I18n::new("Files that go with the question", "随问题一起提供的文件")),
                kind: "files".to_owned(),
                form: "llm".to_owned(),
                ..ParameterView::default()
            });
        }
        let about = description.trim();
        ToolView {
            author: String::new(),
            name: tool_name(&self.app.app),
            label: I18n::same(name),
            description: I18n::same(about),
            parameters,
            labels: Vec::new(),
            output_schema: Json::Null,
            for_model: if about.is_empty() { format!("Asks the app \"{name}\".") } else { about.to_owned() },
        }
    }
}

/// What models call an app: the letters and digits of its name.
fn tool_name(app: &App) -> String {
    let mut name = String::new();
    for c in app.name.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.truncate(MAX_NAME);
    let name = name.trim_end_matches('_');
    if name.len() > 1 {
        return name.to_owned();
    }
    let id = app.id.0.simple().to_string();
    format!("app_{}", id.get(24..).unwrap_or(&id))
}

fn is_offered(app: &App) -> bool {
    let Some(mode) = AppMode::parse(&app.mode) else { return false };
    let is_published = if mode.is_graph() { app.workflow_id.is_some() } else { app.app_model_config_id.is_some() };
    app.enable_api && is_published && app.status == "normal"
}

/// The apps of a workspace, newest first.
async fn rows(services: &Services, tenant: TenantId) -> Result<Vec<App>> {
    let mut all = Vec::new();
    for page in 1..=MAX_LISTED / PAGE {
        let filter = repo::apps::Filter { page, limit: PAGE, ..repo::apps::Filter::default() };
        let (rows, total) = repo::apps::list(&services.db, tenant, &filter).await?;
        all.extend(rows);
        if page * PAGE >= total {
            break;
        }
    }
    all.retain(is_offered);
    Ok(all)
}

async fn offer(services: &Services, tenant: TenantId, id: AppId) -> Result<Option<Offer>> {
    let app = services.runs.published.app(id).await?;
    let Some(app) = app.filter(|app| app.app.tenant_id == tenant && is_offered(&app.app)) else { return Ok(None) };
    let fields = runs::form_of(services, &app).await?.fields().to_vec();
    let feature = match (app.mode.is_graph(), &app.config) {
        (true, _) => runs::live_features(services, &app).await?.and_then(|features| features.file_upload),
        (false, Some(config)) => basic::features(config).file_upload,
        (false, None) => None,
    };
    let takes_files = app.mode.is_chat() && feature.is_some();
    Ok(Some(Offer { app, fields, takes_files }))
}

/// The app that a node or an agent names: by its id, or in a file from elsewhere by what it is called.
///
/// # Errors
/// 400 when there is none, or when it is not in service.
pub(super) async fn find(services: &Services, tenant: TenantId, tool: &ToolName) -> Result<Offer> {
    let id = [&tool.provider_id, &tool.provider_name].into_iter().find_map(|id| id.parse().ok());
    let row = match id {
        Some(id) => repo::apps::find(&services.db, tenant, AppId(id)).await?,
        None => None,
    };
    if let Some(row) = row {
        let found = offer(services, tenant, row.id).await?;
        return found.ok_or_else(|| {
            let text = format!("The app '{}' cannot be called: publish it and switch its API on.", row.name);
            Error::invalid(text)
        });
    }
    let mut named = rows(services, tenant).await?;
    named.retain(|app| tool_name(app) == tool.tool);
    let found = match named.as_slice() {
        [only] => offer(services, tenant, only.id).await?,
        _ => None,
    };
    found.ok_or_else(|| Error::invalid(format!("This workspace has no app '{}' that can be called.", tool.tool)))
}

/// The apps that can be called, newest first.
pub(super) async fn list(services: &Services, tenant: TenantId) -> Result<Vec<ProviderView>> {
    let mut all = Vec::new();
    for row in rows(services, tenant).await? {
        let offer = match offer(services, tenant, row.id).await {
            Ok(Some(offer)) => offer,
            Ok(None) => continue,
            // One that cannot be run is no tool.
            Err(error) if error.status < 500 => continue,
            Err(error) => return Err(error),
        };
        let icon = row.icon.clone().filter(|_| row.icon_type.as_deref() != Some("image"));
        let id = row.id.to_string();
        all.push(ProviderView {
            name: id.clone(),
            description: I18n::same(&row.description),
            icon: json!({"content": icon.unwrap_or_else(|| "🤖".to_owned()), "background": row.icon_background}),
            icon_dark: "".into(),
            label: I18n::same(&row.name),
            kind: "app",
            is_team_authorization: true,
            allow_delete: false,
            tools: vec![offer.tool()],
            more: Map::from_iter([("app_mode".to_owned(), row.mode.as_str().into())]),
            id,
            ..ProviderView::default()
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_models_may_call() {
        let app = |name: &str| App { name: name.to_owned(), id: AppId(uuid::Uuid::nil()), ..sample() };
        for (name, expected) in [
            ("Weather report", "weather_report"),
            ("  24/7 Desk!", "24_7_desk"),
            ("客服", "app_00000000"),
            ("é", "app_00000000"),
            ("客服 support", "support"),
        ] {
            assert_eq!(tool_name(&app(name)), expected, "{name}");
        }
        assert_eq!(tool_name(&app(&"ab".repeat(100))).len(), MAX_NAME);
    }

    #[test]
    fn apps_in_service() {
        let workflow = App { mode: "workflow".to_owned(), workflow_id: Some(ox_types::WorkflowId::new()), ..sample() };
        let chat = App { app_model_config_id: Some(uuid::Uuid::nil()), ..sample() };
        for (app, expected) in [
            (workflow.clone(), true),
            (chat.clone(), true),
            (App { enable_api: false, ..chat.clone() }, false),
            (App { workflow_id: None, ..workflow }, false),
            (App { mode: "rag-pipeline".to_owned(), ..chat }, false),
            (sample(), false),
        ] {
            assert_eq!(is_offered(&app), expected, "{app:?}");
        }
    }

    fn sample() -> App {
        App {
            id: AppId::new(),
            tenant_id: TenantId::new(),
            name: "App".to_owned(),
            description: String::new(),
            mode: "chat".to_owned(),
            icon_type: None,
            icon: None,
            icon_background: None,
            app_model_config_id: None,
            workflow_id: None,
            status: "normal".to_owned(),
            enable_site: true,
            enable_api: true,
            api_rpm: 0,
            api_rph: 0,
            is_demo: false,
            is_public: false,
            is_universal: false,
            tracing: None,
            max_active_requests: None,
            use_icon_as_answer_icon: false,
            created_by: None,
            created_at: ox_db::now(),
            updated_by: None,
            updated_at: ox_db::now(),
        }
    }
}

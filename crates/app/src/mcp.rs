//! Apps as tools for models elsewhere (MCP): the server of an app, its tool, and calling it.
//!
//! The code in a server's address is all that a caller needs; a new code closes the old address at once.

use std::sync::Arc;

use ox_db::{
    model::{EndUser, McpServer},
    now, repo,
};
use ox_dsl::user_input::{InputField, InputKind};
use ox_types::{AppId, EndUserId, Json, RunStatus, boxed};
use serde_json::{Map, json};
use uuid::Uuid;

use crate::{
    AppCaller, Error, Principal, Result, Services, apps, audit,
    principal::Permission,
    runs::{self, AppMode, InvokeFrom, PublishedApp, RunRequest, RunUser, outcome::Outcome},
};

/// Kind of the end users that are clients of a server.
const KIND: &str = "mcp";
/// Characters of a code.
const CODE: usize = 16;

/// What may change of a server; absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct ServerChange {
    pub description: Option<String>,
    /// Name of an input to its description.
    pub parameters: Json,
    /// `active` or `inactive`.
    pub status: Option<String>,
}

fn descriptions(parameters: Json) -> Result<Json> {
    match parameters {
        Json::Object(map) if map.values().all(Json::is_string) => Ok(Json::Object(map)),
        _ => {
            Err(Error::invalid_field("parameters", "parameters must be an object of texts: input name to description."))
        }
    }
}

/// The server of an app, if it has one.
///
/// # Errors
/// 404 for an unknown app.
#[boxed]
pub async fn of_app(services: &Services, principal: &Principal, app: AppId) -> Result<Option<McpServer>> {
    principal.require(Permission::AppView)?;
    apps::find(services, principal, app).await?;
    Ok(repo::mcp_servers::of_app(&services.db, principal.tenant_id(), app).await?)
}

/// Makes the server of an app; it is active at once.
///
/// # Errors
/// 404 for an unknown app, 409 when it has a server.
#[boxed]
pub async fn create(services: &Services, principal: &Principal, app: AppId, change: ServerChange) -> Result<McpServer> {
    principal.require(Permission::AppEdit)?;
    let app = apps::find(services, principal, app).await?;
    if repo::mcp_servers::of_app(&services.db, principal.tenant_id(), app.id).await?.is_some() {
        return Err(Error::conflict("mcp_server_exists", "This app has an MCP server already."));
    }
    let at = now();
    let server = McpServer {
        id: ox_types::new_uuid(),
        tenant_id: principal.tenant_id(),
        app_id: app.id,
        description: change.description.filter(|text| !text.is_empty()).unwrap_or(app.description),
        name: app.name,
        server_code: ox_auth::random_code(CODE),
        status: "active".to_owned(),
        parameters: descriptions(change.parameters)?,
        created_at: at,
        updated_at: at,
    };
    let tx = services.db.begin().await?;
    repo::mcp_servers::insert(&tx, server.clone()).await?;
    tx.commit().await?;
    tell(services, principal, "app.mcp.create", &server).await;
    Ok(server)
}

/// Changes the server of an app.
///
/// # Errors
/// 400 for a status that is none, 404 when this is not the app's server.
#[boxed]
pub async fn update(
    services: &Services,
    principal: &Principal,
    app: AppId,
    id: Uuid,
    change: ServerChange,
) -> Result<McpServer> {
    principal.require(Permission::AppEdit)?;
    let app = apps::find(services, principal, app).await?;
    let found = repo::mcp_servers::find(&services.db, principal.tenant_id(), id).await?;
    let mut server = found.filter(|server| server.app_id == app.id).ok_or_else(missing)?;
    // Compat: an empty description is that of the app.
    server.description = match change.description {
        None => server.description,
        Some(text) if text.is_empty() => app.description,
        Some(text) => text,
    };
    server.parameters = descriptions(change.parameters)?;
    if let Some(status) = change.status {
        if !["active", "inactive"].contains(&status.as_str()) {
            return Err(Error::invalid_field("status", "Invalid status: it is active or inactive."));
        }
        server.status = status;
    }
    store(services, principal, server, "app.mcp.update").await
}

/// Gives a server a new address; the old one answers no more.
///
/// # Errors
/// 404 for an unknown server.
#[boxed]
pub async fn refresh(services: &Services, principal: &Principal, id: Uuid) -> Result<McpServer> {
    principal.require(Permission::AppEdit)?;
    let found = repo::mcp_servers::find(&services.db, principal.tenant_id(), id).await?;
    let mut server = found.ok_or_else(missing)?;
    apps::find(services, principal, server.app_id).await?;
    server.server_code = ox_auth::random_code(CODE);
    store(services, principal, server, "app.mcp.refresh").await
}

fn missing() -> Error {
    Error::not_found("MCP server not found")
}

async fn store(
    services: &Services,
    principal: &Principal,
    mut server: McpServer,
    what: &'static str,
) -> Result<McpServer> {
    server.updated_at = now();
    let tx = services.db.begin().await?;
    repo::mcp_servers::update(&tx, server.clone()).await?;
    tx.commit().await?;
    tell(services, principal, what, &server).await;
    Ok(server)
}

/// The code is a secret and stays out of the record.
async fn tell(services: &Services, principal: &Principal, what: &'static str, server: &McpServer) {
    let told = json!({"server": server.id, "status": server.status});
    audit::record(services, principal, what, "app", server.app_id.0, None, Some(told)).await;
}

/// A server that may be called, with its app.
#[derive(Clone, Debug)]
pub struct OpenServer {
    pub server: McpServer,
    pub app: Arc<PublishedApp>,
}

/// The one tool of a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    pub name: String,
    pub description: String,
    /// JSON schema of its arguments.
    pub schema: Json,
}

/// What a call of the tool gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    pub text: String,
    /// The app ran and did not come to a result.
    pub is_error: bool,
}

/// The server at an address.
///
/// # Errors
/// When there is none, it is off, or its app cannot be run.
#[boxed]
pub async fn open(services: &Services, code: &str) -> Result<OpenServer> {
    let refused = |text: &'static str| move || Error::not_found(text);
    let server = repo::mcp_servers::by_code(&services.db, code).await?.ok_or_else(refused("Server Not Found"))?;
    let app = services.runs.published.app(server.app_id).await?;
    let app = app.filter(|app| app.app.status == "normal").ok_or_else(refused("App Not Found"))?;
    if server.status != "active" {
        return Err(refused("Server is not active")());
    }
    let is_published = if app.mode.is_graph() { app.app.workflow_id.is_some() } else { app.config.is_some() };
    if !is_published || app.tenant_status == "archive" {
        return Err(refused("App is unavailable")());
    }
    Ok(OpenServer { server, app })
}

/// The end user that the clients of a server share.
async fn client(services: &Services, open: &OpenServer) -> Result<Option<EndUser>> {
    let (app, session) = (&open.app.app, open.server.id.to_string());
    let found = repo::end_users::find_by_session(&services.db, app.tenant_id, app.id, &session, KIND).await?;
    Ok(found.filter(|user| user.kind == KIND))
}

/// Notes that a client has come; the first one gives the end user its name.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn greet(services: &Services, open: &OpenServer, name: &str) -> Result<()> {
    if client(services, open).await?.is_some() {
        return Ok(());
    }
    let (app, session, at) = (&open.app.app, open.server.id.to_string(), now());
    let user = EndUser {
        id: EndUserId::new(),
        tenant_id: app.tenant_id,
        app_id: Some(app.id),
        kind: KIND.to_owned(),
        external_user_id: Some(session.clone()),
        name: Some(name.chars().take(255).collect()),
        is_anonymous: false,
        session_id: session,
        created_at: at,
        updated_at: at,
    };
    let tx = services.db.begin().await?;
    repo::end_users::insert(&tx, user).await?;
    Ok(tx.commit().await?)
}

/// The app as a tool.
///
/// # Errors
/// When its form cannot be read.
#[boxed]
pub async fn tool(services: &Services, open: &OpenServer) -> Result<Tool> {
    let form = runs::form_of(services, &open.app).await?;
    let schema = schema(open.app.mode, form.fields(), &open.server.parameters);
    Ok(Tool { name: open.app.app.name.clone(), description: open.server.description.clone(), schema })
}

fn schema(mode: AppMode, fields: &[InputField], descriptions: &Json) -> Json {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    if mode.is_chat() {
        properties.insert("query".to_owned(), json!({"type": "string", "description": "User Input/Question content"}));
        required.push(Json::from("query"));
    }
    for field in fields {
        let mut property = match field.kind {
            InputKind::File | InputKind::FileList | InputKind::ExternalDataTool => continue,
            InputKind::TextInput | InputKind::Paragraph => json!({"type": "string"}),
            InputKind::Select => json!({"type": "string", "enum": field.options}),
            InputKind::Number => json!({"type": "number"}),
            InputKind::Checkbox | InputKind::JsonObject => json!({}),
        };
        let own = descriptions.get(&field.variable).and_then(Json::as_str).filter(|text| !text.is_empty());
        property["description"] = own.unwrap_or(&field.label).into();
        properties.insert(field.variable.clone(), property);
        if field.required {
            required.push(field.variable.clone().into());
        }
    }
    json!({"type": "object", "properties": properties, "required": required})
}

/// Calls the tool: one run, in a conversation of its own.
///
/// # Errors
/// What is wrong with the arguments, or failed.
#[boxed]
pub async fn call(services: &Arc<Services>, open: &OpenServer, mut arguments: Map<String, Json>) -> Result<Called> {
    let user = client(services, open).await?.ok_or_else(|| Error::invalid("End user not found"))?;
    let user = RunUser::EndUser { id: user.id.0, session_id: user.session_id.as_str().into() };
    let caller = AppCaller { app: Arc::clone(&open.app), user, invoke_from: InvokeFrom::ServiceApi };
    let mode = caller.app.mode;
    // Elsewhere it is an input like others, where the app has one of this name.
    let query = match mode.is_chat().then(|| arguments.remove("query")).flatten() {
        Some(Json::String(text)) => Some(text),
        _ => None,
    };
    let blocking = mode != AppMode::AgentChat;
    let request = RunRequest { inputs: arguments, query, blocking, ..RunRequest::default() };
    let mut reader = runs::start(services, &caller, request).await?;
    Ok(match runs::outcome::wait(&mut reader).await? {
        Outcome::Message { answer, .. } => Called { text: answer.to_string(), is_error: false },
        Outcome::Workflow(done) if matches!(done.status, RunStatus::Succeeded | RunStatus::PartialSucceeded) => {
            Called { text: done.outputs.to_string(), is_error: false }
        }
        Outcome::Workflow(done) => {
            let text = done.error.clone().unwrap_or_else(|| format!("The run ended as {}.", done.status));
            Called { text, is_error: true }
        }
        Outcome::Paused(_) => {
            let text = "The app waits for somebody to fill in a form; its answer does not come by this way.";
            Called { text: text.to_owned(), is_error: true }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(form: &Json) -> Vec<InputField> {
        ox_dsl::user_input::from_start_data(&json!({ "variables": form })).unwrap()
    }

    #[test]
    fn the_form_becomes_a_schema() {
        let form = json!([
            {"variable": "city", "label": "City", "type": "text-input", "required": true},
            {"variable": "lang", "label": "Language", "type": "select", "options": ["en", "fr"]},
            {"variable": "n", "label": "N", "type": "number"},
            {"variable": "ok", "label": "OK", "type": "checkbox"},
            {"variable": "doc", "label": "Doc", "type": "file", "required": true},
            {"variable": "more", "label": "More", "type": "json_object"},
        ]);
        let told = json!({"city": "Where", "lang": ""});
        assert_eq!(
            schema(AppMode::AdvancedChat, &fields(&form), &told),
            json!({
                "type": "object",
                "properties": {
                    "query": {"type": "string", "description": "User Input/Question content"},
                    "city": {"type": "string", "description": "Where"},
                    "lang": {"type": "string", "enum": ["en", "fr"], "description": "Language"},
                    "n": {"type": "number", "description": "N"},
                    "ok": {"description": "OK"},
                    "more": {"description": "More"},
                },
                "required": ["query", "city"],
            })
        );
        let bare = schema(AppMode::Workflow, &[], &Json::Null);
        assert_eq!(bare, json!({"type": "object", "properties": {}, "required": []}));
    }

    #[test]
    fn descriptions_are_texts() {
        assert!(descriptions(json!({"a": "b"})).is_ok());
        for wrong in [json!(null), json!([]), json!({"a": 1})] {
            assert_eq!(descriptions(wrong).unwrap_err().field.as_deref(), Some("parameters"));
        }
    }
}

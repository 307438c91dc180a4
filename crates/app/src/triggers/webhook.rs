//! A request to a webhook's address: checked against its node, recorded, answered; its run starts afterwards.

use std::sync::Arc;

use bytes::Bytes;
use ox_db::{
    model::{TriggerLog, WebhookTrigger},
    now, repo,
};
use ox_types::{File, FileKind, Json, RunId, TransferMethod, Value, boxed};
use serde_json::{Map, json};

use super::{keeper, node, text};
use crate::{
    Error, Result, Services,
    files::{Upload, mapping::detect},
};

/// A request as it came in.
#[derive(Clone, Debug, Default)]
pub struct Incoming {
    pub method: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub query: Vec<(String, String)>,
    pub body: Body,
}

/// A body by its kind.
#[derive(Clone, Debug, Default)]
pub enum Body {
    #[default]
    Empty,
    /// Whatever is not a form.
    Bytes(Bytes),
    /// `application/x-www-form-urlencoded` and the texts of `multipart/form-data`, with its files.
    Form { fields: Vec<(String, String)>, files: Vec<FormFile> },
}

/// A file of a form.
#[derive(Clone, Debug)]
pub struct FormFile {
    pub field: String,
    pub name: String,
    pub mime: String,
    pub bytes: Bytes,
}

/// What a webhook answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub body: Json,
}

/// A webhook that takes requests, with the settings of its node.
#[derive(Debug)]
pub struct Webhook {
    row: WebhookTrigger,
    data: Json,
    workflow: ox_types::WorkflowId,
    is_debug: bool,
}

/// Finds the webhook with this address; the draft's node when it is to be tried out.
///
/// # Errors
/// 404 when there is none, it is switched off, or its app is closed.
#[boxed]
pub async fn find(services: &Services, webhook_id: &str, is_debug: bool) -> Result<Webhook> {
    let row = repo::triggers::webhook(&services.db, webhook_id).await?;
    let row = row.ok_or_else(|| Error::not_found(format!("Webhook not found: {webhook_id}")))?;
    let (tenant, app) = (row.tenant_id, row.app_id);
    let published = services.runs.published.app(app).await?.filter(|app| !app.is_closed());
    let published = published.ok_or_else(|| Error::not_found(format!("Webhook not found: {webhook_id}")))?;
    let workflow = if is_debug {
        repo::workflows::draft(&services.db, tenant, app).await?
    } else {
        let trigger = repo::triggers::of_node(&services.db, tenant, app, &row.node_id).await?;
        let trigger =
            trigger.ok_or_else(|| Error::not_found(format!("App trigger not found for webhook {webhook_id}")))?;
        match trigger.status.as_str() {
            "enabled" => {}
            "rate_limited" => {
                let text =
                    format!("Webhook trigger is rate limited for webhook {webhook_id}, please upgrade your plan.");
                return Err(Error::not_found(text));
            }
            _ => return Err(Error::not_found(format!("Webhook trigger is disabled for webhook {webhook_id}"))),
        }
        match published.app.workflow_id {
            Some(id) => repo::workflows::find(&services.db, tenant, app, id).await?,
            None => None,
        }
    };
    let workflow = workflow.ok_or_else(|| Error::not_found(format!("Workflow not found for webhook {webhook_id}")))?;
    let data = node(&workflow.graph, &row.node_id, &["trigger-webhook"]).cloned();
    let data = data.ok_or_else(|| Error::not_found(format!("Webhook not found: {webhook_id}")))?;
    Ok(Webhook { row, data, workflow: workflow.id, is_debug })
}

/// Takes a request: the event is on record when this returns, its run starts afterwards.
///
/// # Errors
/// 400 for a request that does not fit the node's settings.
#[boxed]
pub async fn receive(services: &Arc<Services>, webhook: Webhook, incoming: Incoming) -> Result<Reply> {
    let outputs = read(services, &webhook, incoming).await?;
    let reply = reply(&webhook.data);
    if webhook.is_debug {
        super::debug::offer(services, webhook.row.app_id, &webhook.row.node_id, &outputs).await;
        return Ok(reply);
    }
    let gone = || Error::not_found(format!("Webhook not found: {}", webhook.row.webhook_id));
    let app = services.runs.published.app(webhook.row.app_id).await?.ok_or_else(gone)?;
    let user = keeper::trigger_user(services, &app, "").await?;
    let log = TriggerLog {
        id: ox_types::new_uuid(),
        tenant_id: webhook.row.tenant_id,
        app_id: webhook.row.app_id,
        workflow_id: webhook.workflow,
        workflow_run_id: RunId::new(),
        root_node_id: webhook.row.node_id.clone(),
        trigger_type: "trigger-webhook".to_owned(),
        trigger_metadata: json!({"type": "trigger-webhook", "webhook_id": webhook.row.webhook_id}),
        trigger_data: outputs.get("_webhook_raw").cloned().unwrap_or_default(),
        inputs: Json::Object(outputs),
        fire_key: None,
        status: "queued".to_owned(),
        error: None,
        owner: Some(services.runs.process_id),
        retry_count: 0,
        created_by_role: "end_user".to_owned(),
        created_by: user.id(),
        triggered_at: now(),
        finished_at: None,
    };
    let tx = services.db.begin().await?;
    repo::triggers::log(&tx, log.clone()).await?;
    tx.commit().await?;
    let services = Arc::clone(services);
    services.runs.tracker.clone().spawn(async move { keeper::start(&services, log).await });
    Ok(reply)
}

fn reply(data: &Json) -> Reply {
    let status = data.get("status_code").and_then(Json::as_u64).and_then(|status| u16::try_from(status).ok());
    let status = status.filter(|status| (200..400).contains(status)).unwrap_or(200);
    let wanted = text(data, "response_body").trim();
    let as_json = || wanted.starts_with(['{', '[']).then(|| serde_json::from_str(wanted).ok()).flatten();
    let body = if wanted.is_empty() {
        json!({"status": "success", "message": "Webhook processed successfully"})
    } else {
        as_json().unwrap_or_else(|| json!({"message": wanted}))
    };
    Reply { status, body }
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(400, "Bad Request", message)
}

/// The outputs of the node for a request.
async fn read(services: &Services, webhook: &Webhook, incoming: Incoming) -> Result<Map<String, Json>> {
    let data = &webhook.data;
    let expected = Some(text(data, "method")).filter(|method| !method.is_empty()).unwrap_or("get").to_uppercase();
    if incoming.method.to_uppercase() != expected {
        return Err(refused(format!(
            "HTTP method mismatch. Expected {expected}, got {}",
            incoming.method.to_uppercase()
        )));
    }
    let kind = content_type(&incoming.headers);
    let wanted = Some(text(data, "content_type")).filter(|kind| !kind.is_empty()).unwrap_or("application/json");
    if kind != wanted.to_lowercase() {
        return Err(refused(format!("Content-type mismatch. Expected {wanted}, got {kind}")));
    }
    let content = Content::read(services, webhook, &kind, incoming.body).await?;
    let mut outputs = Map::new();
    for header in list(data, "headers") {
        let name = text(header, "name");
        let value = header_value(&incoming.headers, name);
        if value.is_none() && is_required(header) {
            return Err(refused(format!("Required header missing: {name}")));
        }
        outputs.insert(name.replace('-', "_"), value.map(Json::from).unwrap_or_default());
    }
    for parameter in list(data, "params") {
        let name = text(parameter, "name");
        let value = incoming.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match value {
            None if is_required(parameter) => return Err(refused(format!("Required parameter missing: {name}"))),
            None => outputs.insert(name.to_owned(), Json::Null),
            Some(value) => outputs.insert(name.to_owned(), converted(name, value, text(parameter, "type"))?),
        };
    }
    content.parameters(data, &kind, &mut outputs)?;
    let map = |pairs: &[(String, String)]| -> Json {
        Json::Object(pairs.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect())
    };
    outputs.insert(
        "_webhook_raw".to_owned(),
        json!({
            "method": incoming.method.to_uppercase(),
            "headers": map(&incoming.headers),
            "query_params": map(&incoming.query),
            "body": content.body,
            "files": content.files,
        }),
    );
    Ok(outputs)
}

fn list<'a>(data: &'a Json, key: &str) -> impl Iterator<Item = &'a Json> {
    data.get(key).and_then(Json::as_array).into_iter().flatten().filter(|item| !text(item, "name").is_empty())
}

fn is_required(item: &Json) -> bool {
    item.get("required").and_then(Json::as_bool).unwrap_or(false)
}

/// Without parameters, in lower case; JSON when there is none.
#[must_use]
pub fn content_type(headers: &[(String, String)]) -> String {
    let found = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
    let kind = found.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_lowercase();
    if kind.is_empty() { "application/json".to_owned() } else { kind }
}

/// By its exact name, with dashes and underscores exchanged, or in another case.
fn header_value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let by = |wanted: &str| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(wanted));
    let found = by(name).or_else(|| by(&name.replace('-', "_"))).or_else(|| by(&name.replace('_', "-")));
    found.map(|(_, value)| value.as_str())
}

/// The body as the node's outputs and as it is kept.
struct Content {
    body: Json,
    files: Json,
}

impl Content {
    async fn read(services: &Services, webhook: &Webhook, kind: &str, body: Body) -> Result<Self> {
        let plain = |body: Json| Self { body, files: json!({}) };
        match (kind, body) {
            ("application/json", Body::Empty) => Ok(plain(json!({}))),
            ("application/json", Body::Bytes(bytes)) if bytes.iter().all(u8::is_ascii_whitespace) => {
                Ok(plain(json!({})))
            }
            ("application/json", Body::Bytes(bytes)) => {
                let parsed: Json =
                    serde_json::from_slice(&bytes).map_err(|error| refused(format!("Invalid JSON body: {error}")))?;
                Ok(plain(if parsed.is_object() { parsed } else { json!({"raw": parsed}) }))
            }
            (_, Body::Form { fields, files }) => {
                let fields = fields.into_iter().map(|(name, value)| (name, Json::from(value))).collect();
                let mut kept = Map::new();
                for file in files {
                    let stored = store(services, webhook, &file.name, &file.mime, file.bytes).await?;
                    kept.insert(file.field, stored.to_json());
                }
                Ok(Self { body: Json::Object(fields), files: Json::Object(kept) })
            }
            ("application/octet-stream", Body::Bytes(bytes)) if !bytes.is_empty() => {
                let stored = store(services, webhook, "webhook.bin", "application/octet-stream", bytes).await?;
                Ok(plain(json!({"raw": stored.to_json()})))
            }
            (_, Body::Bytes(bytes)) => Ok(plain(json!({"raw": String::from_utf8_lossy(&bytes)}))),
            (_, Body::Empty) => Ok(plain(json!({"raw": ""}))),
        }
    }

    fn parameters(&self, data: &Json, kind: &str, outputs: &mut Map<String, Json>) -> Result<()> {
        let raw = self.body.get("raw").cloned().unwrap_or_default();
        let is_empty = |value: &Json| value.is_null() || value.as_str().is_some_and(str::is_empty);
        for parameter in list(data, "body") {
            let name = text(parameter, "name").to_owned();
            let declared = Some(text(parameter, "type")).filter(|kind| !kind.is_empty()).unwrap_or("string");
            let value = match kind {
                "text/plain" if is_empty(&raw) && is_required(parameter) => {
                    return Err(refused("Required body content missing for text/plain request"));
                }
                "text/plain" | "application/octet-stream" => Some(raw.clone()).filter(|raw| !is_empty(raw)),
                _ if declared == "file" => {
                    let file = self.files.get(&name).or_else(|| self.body.get(&name));
                    Some(file.cloned().unwrap_or_else(|| self.files.clone()))
                        .filter(|file| file.as_object().is_none_or(|files| !files.is_empty()))
                }
                "application/json" => match self.body.get(&name).filter(|value| !value.is_null()) {
                    Some(value) => Some(of_type(&name, value, declared)?),
                    None => None,
                },
                _ => match self.body.get(&name).and_then(Json::as_str) {
                    Some(value) => Some(converted(&name, value, declared)?),
                    None => None,
                },
            };
            if value.is_none() && is_required(parameter) {
                return Err(refused(format!("Required body parameter missing: {name}")));
            }
            outputs.insert(name, value.unwrap_or_default());
        }
        Ok(())
    }
}

/// A file that came with a request, kept with the workspace's files.
async fn store(services: &Services, webhook: &Webhook, name: &str, mime: &str, bytes: Bytes) -> Result<File> {
    let tenant = webhook.row.tenant_id;
    let upload = Upload {
        name: name.to_owned(),
        mime: mime.to_owned(),
        bytes,
        created_by_role: "end_user",
        created_by: webhook.row.id,
        source_url: String::new(),
    };
    let kept = services.files.upload(tenant, upload).await?;
    let kind: FileKind = detect(&kept.extension, kept.mime_type.as_deref());
    Ok(File {
        id: None,
        tenant_id: Some(tenant.to_string()),
        kind,
        transfer_method: TransferMethod::LocalFile,
        remote_url: None,
        related_id: Some(kept.id.to_string()),
        filename: Some(kept.name),
        extension: Some(format!(".{}", kept.extension)),
        mime_type: kept.mime_type,
        size: kept.size,
        url: Some(services.files.preview_url(kept.id)),
    })
}

/// A text of a query or form as the declared type.
fn converted(name: &str, value: &str, declared: &str) -> Result<Json> {
    let cannot = |to: &str| refused(format!("Parameter '{name}' validation failed: Cannot convert '{value}' to {to}"));
    match declared {
        "number" => {
            let text = value.trim();
            let whole = text.parse::<i64>().map(Json::from).ok();
            let number = whole
                .or_else(|| text.parse::<f64>().ok().and_then(|it| serde_json::Number::from_f64(it).map(Json::Number)));
            number.ok_or_else(|| cannot("number"))
        }
        "boolean" => match value.trim().to_lowercase().as_str() {
            "true" | "1" | "yes" => Ok(true.into()),
            "false" | "0" | "no" => Ok(false.into()),
            _ => Err(cannot("boolean")),
        },
        _ => Ok(value.into()),
    }
}

/// A JSON value of the declared type.
fn of_type(name: &str, value: &Json, declared: &str) -> Result<Json> {
    let all = |check: fn(&Json) -> bool| value.as_array().is_some_and(|items| items.iter().all(check));
    let fits = match declared {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array[string]" => all(Json::is_string),
        "array[number]" => all(Json::is_number),
        "array[boolean]" => all(Json::is_boolean),
        "array[object]" => all(Json::is_object),
        _ => true,
    };
    if fits {
        return Ok(value.clone());
    }
    let shown = match Value::from_json(value) {
        Value::None => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Array(..) => "list",
        Value::Object(_) | Value::File(_) => "dict",
        Value::String(_) | Value::Secret(_) => "str",
    };
    Err(refused(format!("Parameter '{name}' validation failed: Expected {declared}, got {shown}")))
}

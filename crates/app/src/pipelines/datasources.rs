//! The datasources that pipelines can begin with, and looking into one before something is chosen there.

use std::{sync::Arc, time::Duration};

use ox_db::model::WebsitePage;
use ox_types::{AppId, Json, Object, TenantId, boxed};
use serde_json::{Map, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{find, graph, inputs, running};
use crate::{
    Error, Principal, Result, Services, debug,
    knowledge::sources::{
        self, Provider,
        crawls::{self, CrawlView},
        drives, notion,
    },
    principal::Permission,
    runs,
};

/// How often it is asked how far a crawl is.
const LOOK: Duration = Duration::from_secs(2);
/// How long a crawl is waited for.
const PATIENCE: Duration = Duration::from_secs(600);
/// Files of this machine.
pub const LOCAL_FILE: &str = "langgenius/file";

/// What is told while a datasource is looked into.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceEvent {
    Processing { total: u64, completed: u64 },
    Completed { data: Json, seconds: f64, total: usize },
    Failed(String),
}

impl SourceEvent {
    /// As it is sent.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Processing { total, completed } => {
                json!({"event": "datasource_processing", "total": total, "completed": completed})
            }
            Self::Completed { data, seconds, total } => {
                json!({"event": "datasource_completed", "data": data, "time_consuming": seconds, "total": total,
                    "completed": total})
            }
            Self::Failed(why) => json!({"event": "datasource_error", "error": why}),
        }
    }
}

/// A text in both languages.
fn both(en: &str, zh: &str) -> Json {
    json!({"en_US": en, "zh_Hans": zh})
}

fn parameter(name: &str, kind: &str, label: (&str, &str), required: bool, default: Json) -> Json {
    let label = both(label.0, label.1);
    let mut out = json!({
        "name": name, "label": label, "human_description": label, "llm_description": null, "placeholder": null,
        "type": kind, "form": "llm", "required": required, "min": null, "max": null, "precision": null,
        "options": [], "multiple": false, "scope": null, "auto_generate": null, "template": null,
    });
    if let Some(fields) = out.as_object_mut() {
        fields.insert("default".to_owned(), default);
    }
    out
}

fn crawl_parameters(provider: Provider) -> Vec<Json> {
    let mut all = vec![
        parameter("url", "string", ("URL", "网址"), true, Json::Null),
        parameter("crawl_sub_pages", "boolean", ("Crawl sub-pages", "爬取子页面"), false, json!(true)),
        parameter("limit", "number", ("Most pages", "最大页数"), false, json!(10)),
    ];
    if provider == Provider::JinaReader {
        all.push(parameter("use_sitemap", "boolean", ("Use the sitemap", "使用站点地图"), false, json!(true)));
    } else {
        all.extend([
            parameter("max_depth", "number", ("Deepest level", "最大深度"), false, Json::Null),
            parameter("includes", "string", ("Only these paths", "仅包含路径"), false, Json::Null),
            parameter("excludes", "string", ("Not these paths", "排除路径"), false, Json::Null),
            parameter("only_main_content", "boolean", ("Only the main content", "仅提取正文"), false, json!(true)),
        ]);
    }
    all
}

/// Name, label in both languages, kind and name of the one datasource of a plugin.
struct Plugin {
    id: &'static str,
    provider: &'static str,
    label: Json,
    description: Json,
    kind: &'static str,
    datasource: &'static str,
    icon: &'static str,
    parameters: Vec<Json>,
    outputs: &'static [&'static str],
    credentials: Vec<Json>,
}

fn of_provider(provider: Provider) -> Plugin {
    let kind = provider.kind();
    let field = |field: &sources::Field| {
        json!({"name": field.name, "type": if field.is_secret { "secret-input" } else { "text-input" },
            "required": field.is_required, "default": field.default, "label": both(field.label, field.label_zh),
            "url": if field.is_secret { Some(provider.help()) } else { None }})
    };
    Plugin {
        id: provider.plugin(),
        provider: provider.name(),
        label: both(provider.label(), provider.label()),
        description: match provider {
            Provider::Notion => both("Pages and databases of Notion.", "Notion 的页面与数据库。"),
            Provider::S3 => {
                both("Files of a store that speaks S3: AWS, MinIO, R2.", "兼容 S3 的存储中的文件：AWS、MinIO、R2。")
            }
            Provider::WebDav => {
                both("Files of Nextcloud, ownCloud and others.", "Nextcloud、ownCloud 等网盘中的文件。")
            }
            Provider::Firecrawl | Provider::JinaReader | Provider::WaterCrawl => {
                both("Pages of a website.", "网站页面。")
            }
        },
        kind,
        datasource: match provider {
            Provider::Notion => "notion_datasource",
            Provider::JinaReader => "jina_reader",
            Provider::Firecrawl | Provider::WaterCrawl => "crawl",
            Provider::S3 | Provider::WebDav => provider.name(),
        },
        icon: match kind {
            "online_document" => "📝",
            "online_drive" => "🗂️",
            _ => "🌐",
        },
        parameters: if kind == "website_crawl" { crawl_parameters(provider) } else { Vec::new() },
        outputs: match kind {
            "online_document" => &["content", "title", "page_id", "workspace_id"],
            "online_drive" => &["file"],
            _ => &["content", "title", "description", "source_url"],
        },
        credentials: provider.fields().iter().map(field).collect(),
    }
}

fn local_file() -> Plugin {
    Plugin {
        id: LOCAL_FILE,
        provider: "file",
        label: both("File", "文件"),
        description: both("Files that are uploaded.", "上传的文件。"),
        kind: "local_file",
        datasource: "upload-file",
        icon: "📄",
        parameters: Vec::new(),
        outputs: &["file"],
        credentials: Vec::new(),
    }
}

fn view(plugin: &Plugin, is_authorized: bool) -> Json {
    let outputs: Map<String, Json> = plugin
        .outputs
        .iter()
        .map(|name| ((*name).to_owned(), json!({"type": if *name == "file" { "object" } else { "string" }})))
        .collect();
    let author = plugin.id.split('/').next().unwrap_or_default();
    json!({
        "id": plugin.id, "provider": plugin.provider, "plugin_id": plugin.id, "plugin_unique_identifier": plugin.id,
        "is_authorized": is_authorized,
        "declaration": {
            "identity": {"author": author, "name": plugin.provider, "label": plugin.label,
                "description": plugin.description, "icon": plugin.icon, "tags": ["rag"]},
            "provider_type": plugin.kind,
            "credentials_schema": plugin.credentials,
            "oauth_schema": null,
            "datasources": [{
                "identity": {"author": author, "name": plugin.datasource, "provider": plugin.provider,
                    "label": plugin.label, "icon": plugin.icon},
                "description": plugin.description,
                "parameters": plugin.parameters,
                "output_schema": {"type": "object", "properties": outputs},
            }],
        },
    })
}

/// Every datasource, and whether the workspace has a credential for it.
///
/// # Errors
/// When the credentials cannot be read.
#[boxed]
pub async fn plugins(services: &Services, principal: &Principal) -> Result<Vec<Json>> {
    let known = sources::list(services, principal).await?;
    let has = |provider: Provider| known.iter().any(|view| view.provider == provider && !view.row.disabled);
    let mut all = vec![view(&local_file(), true)];
    all.extend(Provider::ALL.into_iter().map(|provider| view(&of_provider(provider), has(provider))));
    Ok(all)
}

/// The datasources of the draft or of the live version, what they ask, and which credentials there are for them.
///
/// # Errors
/// 404 or 400 when there is no such version.
#[boxed]
pub async fn of_version(services: &Services, principal: &Principal, id: AppId, is_draft: bool) -> Result<Vec<Json>> {
    let version = running::version(services, principal, id, is_draft).await?;
    let known = sources::list(services, principal).await?;
    let mut out = Vec::new();
    for (node, data) in graph::datasources(&version.graph) {
        // Those that its parameters refer to; the others are asked for with the run.
        let (asked, _) = graph::asked(&version.graph, &version.rag_pipeline_variables, node)?;
        let own = provider(data).ok();
        let credentials: Vec<Json> = known
            .iter()
            .filter(|view| Some(view.provider) == own && !view.row.disabled)
            .map(|view| {
                json!({"id": view.row.id, "name": view.row.name, "type": view.row.auth_type,
                "is_default": view.row.is_default})
            })
            .collect();
        out.push(json!({
            "node_id": node, "plugin_id": text(data, "plugin_id"), "provider_name": text(data, "provider_name"),
            "datasource_type": text(data, "provider_type"), "title": text(data, "title"),
            "user_input_variables": asked, "credentials": credentials,
        }));
    }
    Ok(out)
}

/// Whether a plugin is one of these.
#[must_use]
pub fn is_here(plugin: &str) -> bool {
    plugin == LOCAL_FILE || Provider::ALL.into_iter().any(|provider| provider.plugin() == plugin)
}

/// The node of a datasource in the draft or in the live version, with the answers to what it asks.
#[derive(Clone, Debug, Default)]
pub struct LookForm {
    pub is_draft: bool,
    pub node: String,
    pub inputs: Map<String, Json>,
    pub datasource_type: String,
    pub credential: Option<Uuid>,
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// The service behind a node.
fn provider(data: &Json) -> Result<Provider> {
    let name = text(data, "provider_name");
    let by_plugin = Provider::ALL.into_iter().find(|provider| provider.plugin() == text(data, "plugin_id"));
    match by_plugin {
        Some(provider) => Ok(provider),
        None => Provider::of_id(name),
    }
}

/// Looks into a datasource: the pages of a website, the documents of a workspace outside, or a folder of a drive.
///
/// # Errors
/// 404 for an unknown datasource, 400 for answers that do not fit. What goes wrong afterwards is told as an event.
#[boxed]
pub async fn look(
    services: &Arc<Services>,
    principal: &Principal,
    id: AppId,
    form: LookForm,
) -> Result<mpsc::Receiver<SourceEvent>> {
    principal.require(Permission::DatasetEdit)?;
    let version = running::version(services, principal, id, form.is_draft).await?;
    let data = graph::datasource(&version.graph, &form.node)?.clone();
    let kind = text(&data, "provider_type").to_owned();
    if !form.datasource_type.is_empty() && form.datasource_type != kind {
        return Err(Error::invalid_field("datasource_type", format!("The datasource is of the type {kind}.")));
    }
    if kind == "local_file" {
        return Err(Error::invalid_field("datasource_type", "Files are uploaded; there is nothing to look into."));
    }
    let provider = provider(&data)?;
    let credential = form.credential.or_else(|| text(&data, "credential_id").parse().ok());
    let (sender, receiver) = mpsc::channel(16);
    let services = Arc::clone(services);
    match kind.as_str() {
        "website_crawl" => {
            let asked = before(&services, principal, id, &version.rag_pipeline_variables, &data, &form).await?;
            let parameters = graph::parameters(&data, &asked);
            let principal = principal.clone();
            services.tracker.clone().spawn(async move {
                let said = crawl(&services, &principal, provider, parameters, credential, &sender).await;
                tell(&sender, said).await;
            });
        }
        "online_document" => {
            let (_, dataset) = find(&services, principal, id).await?;
            let principal = principal.clone();
            services.tracker.clone().spawn(async move {
                let started = std::time::Instant::now();
                let said = notion::pages(&services, &principal, credential, Some(dataset.id)).await;
                let said = said.map(|found| pages_of(&found, started.elapsed().as_secs_f64()));
                tell(&sender, said).await;
            });
        }
        "online_drive" => {
            let place = drives::Place::read(&Json::Object(form.inputs))?;
            let tenant = principal.tenant_id();
            services.tracker.clone().spawn(async move {
                let said = folder(&services, tenant, provider, credential, &place).await;
                tell(&sender, said).await;
            });
        }
        other => return Err(Error::invalid(format!("A datasource of the type {other} has nothing to look into."))),
    }
    Ok(receiver)
}

/// Nobody listens when the client has left.
async fn tell(sender: &mpsc::Sender<SourceEvent>, said: Result<SourceEvent>) {
    let event = said.unwrap_or_else(|error| SourceEvent::Failed(error.message));
    drop(sender.send(event).await);
}

async fn folder(
    services: &Services,
    tenant: TenantId,
    provider: Provider,
    credential: Option<Uuid>,
    place: &drives::Place,
) -> Result<SourceEvent> {
    let started = std::time::Instant::now();
    let key = sources::key(services, tenant, provider, credential).await?;
    let found = drives::browse(services, &key, place).await?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(SourceEvent::Completed { data: found.to_json(), seconds, total: found.count() })
}

/// The answers that a datasource's parameters refer to, checked.
async fn before(
    services: &Services,
    principal: &Principal,
    id: AppId,
    variables: &Json,
    data: &Json,
    form: &LookForm,
) -> Result<Object> {
    let graph = json!({"nodes": [{"id": form.node, "data": data}]});
    let (asked, _) = graph::asked(&graph, variables, &form.node)?;
    let caller = debug::caller(services, principal, id).await?;
    let reader = runs::start::reader(services, &caller, false);
    inputs::answers(&Json::Array(asked), &form.node, form.inputs.clone(), &reader).await
}

/// What can be asked of a crawl, under our names and under those of the services.
const OPTIONS: &[(&str, &[&str])] = &[
    ("crawl_sub_pages", &["crawl_sub_pages", "crawl_subpages"]),
    ("only_main_content", &["only_main_content", "onlyMainContent"]),
    ("includes", &["includes", "include_paths", "includePaths"]),
    ("excludes", &["excludes", "exclude_paths", "excludePaths"]),
    ("limit", &["limit"]),
    ("max_depth", &["max_depth", "maxDepth", "max_discovery_depth"]),
    ("use_sitemap", &["use_sitemap", "useSitemap"]),
    ("prompt", &["prompt"]),
];

/// What is asked of a crawl.
fn options(parameters: &Map<String, Json>) -> Json {
    let mut out = Map::new();
    for (name, others) in OPTIONS {
        let value = others.iter().filter_map(|name| parameters.get(*name)).find(|value| !value.is_null());
        if let Some(value) = value {
            out.insert((*name).to_owned(), value.clone());
        }
    }
    // More than one page is asked for: the others are those below the first.
    if !out.contains_key("crawl_sub_pages") {
        let number = |value: &Json| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
        let limit: Option<u64> = out.get("limit").and_then(number);
        out.insert("crawl_sub_pages".to_owned(), json!(limit.is_some_and(|limit| limit > 1)));
    }
    Json::Object(out)
}

async fn crawl(
    services: &Services,
    principal: &Principal,
    provider: Provider,
    parameters: Map<String, Json>,
    credential: Option<Uuid>,
    sender: &mpsc::Sender<SourceEvent>,
) -> Result<SourceEvent> {
    let started = std::time::Instant::now();
    let url = parameters.get("url").and_then(Json::as_str).unwrap_or_default().to_owned();
    let mut crawl = crawls::begin(services, principal, provider, &url, &options(&parameters), credential).await?;
    while !crawl.is_done {
        let told = SourceEvent::Processing { total: crawl.total, completed: crawl.current };
        if sender.send(told).await.is_err() || services.shutdown.is_cancelled() {
            return Err(Error::invalid("Nobody waits for the pages any more."));
        }
        if started.elapsed() > PATIENCE {
            return Err(Error::invalid(format!("The crawl took longer than {} minutes.", PATIENCE.as_secs() / 60)));
        }
        tokio::time::sleep(LOOK).await;
        crawl = crawls::progress(services, principal, provider, &crawl.job_id).await?;
    }
    Ok(crawled(provider, crawl, started.elapsed().as_secs_f64()))
}

fn crawled(provider: Provider, crawl: CrawlView, seconds: f64) -> SourceEvent {
    let page = |page: WebsitePage| {
        json!({"title": page.title, "source_url": page.url, "description": page.description, "content": page.content,
            "provider": provider.name()})
    };
    let total = crawl.pages.len();
    SourceEvent::Completed { data: crawl.pages.into_iter().map(page).collect(), seconds, total }
}

fn pages_of(found: &[notion::NotionWorkspace], seconds: f64) -> SourceEvent {
    let page = |page: &notion::NotionPage| {
        json!({"page_id": page.id, "page_name": page.name, "page_icon": page.icon, "parent_id": page.parent,
            "type": page.kind, "last_edited_time": ""})
    };
    let workspace = |workspace: &notion::NotionWorkspace| {
        let pages: Vec<Json> = workspace.pages.iter().map(page).collect();
        json!({"workspace_id": workspace.id, "workspace_name": workspace.name, "workspace_icon": workspace.icon,
            "total": pages.len(), "pages": pages})
    };
    let total = found.iter().map(|workspace| workspace.pages.len()).sum();
    SourceEvent::Completed { data: found.iter().map(workspace).collect(), seconds, total }
}

/// The text of one online document, to look at before it is taken.
///
/// # Errors
/// 404 for an unknown datasource, 400 with what the service says.
#[boxed]
pub async fn preview(services: &Services, principal: &Principal, id: AppId, form: LookForm) -> Result<String> {
    let version = running::version(services, principal, id, form.is_draft).await?;
    let data = graph::datasource(&version.graph, &form.node)?;
    if text(data, "provider_type") != "online_document" {
        return Err(Error::invalid("Only online documents can be looked at."));
    }
    let inputs = Json::Object(form.inputs);
    let kind = if text(&inputs, "type") == "database" { "database" } else { "page" };
    let credential = form.credential.or_else(|| text(&inputs, "credential_id").parse().ok());
    notion::preview(services, principal, credential, text(&inputs, "page_id"), kind).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_under_any_name() {
        let of = |json: Json| options(json.as_object().unwrap());
        for (given, expected) in [
            (json!({"url": "x", "limit": 5}), json!({"limit": 5, "crawl_sub_pages": true})),
            (json!({"limit": "1"}), json!({"limit": "1", "crawl_sub_pages": false})),
            (
                json!({"crawl_subpages": true, "exclude_paths": "a", "maxDepth": 2, "only_main_content": null}),
                json!({"crawl_sub_pages": true, "excludes": "a", "max_depth": 2}),
            ),
        ] {
            assert_eq!(of(given.clone()), expected, "{given}");
        }
    }

    #[test]
    fn plugins_are_told_whole() {
        let file = view(&local_file(), true);
        assert_eq!(file["declaration"]["provider_type"], "local_file");
        let notion = view(&of_provider(Provider::Notion), false);
        assert_eq!((&notion["provider"], &notion["is_authorized"]), (&json!("notion_datasource"), &json!(false)));
        let crawl = view(&of_provider(Provider::Firecrawl), true);
        let datasource = &crawl["declaration"]["datasources"][0];
        assert_eq!(
            (&datasource["identity"]["name"], &datasource["parameters"][0]["name"]),
            (&json!("crawl"), &json!("url"))
        );
        let drive = view(&of_provider(Provider::S3), true);
        let (declaration, datasource) = (&drive["declaration"], &drive["declaration"]["datasources"][0]);
        assert_eq!(declaration["provider_type"], "online_drive");
        assert_eq!(
            (&datasource["identity"]["name"], &datasource["output_schema"]["properties"]["file"]["type"]),
            (&json!("aws_s3_storage"), &json!("object"))
        );
        let secrets = declaration["credentials_schema"].as_array().unwrap().iter();
        let secrets: Vec<&Json> =
            secrets.filter(|field| field["type"] == "secret-input").map(|field| &field["name"]).collect();
        assert_eq!(secrets, ["secret_access_key"]);
        for id in
            ["oxidify/webdav", "langgenius/file", "langgenius/jina_datasource", "watercrawl/watercrawl_datasource"]
        {
            assert!(is_here(id), "{id}");
        }
    }
}

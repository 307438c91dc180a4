//! Where documents come from beside files: crawls of websites, pages of Notion, and what both are signed in with.

mod credentials;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use ox_app::{
    Error, Services,
    knowledge::{
        preview::{self, PreviewForm},
        sources::{
            self, CredentialView, Provider,
            crawls::{self, CrawlView},
            notion::{self, NotionWorkspace},
            oauth::{self, Start},
            pages, workspace_of,
        },
    },
};
use ox_types::DatasetId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    App,
    datasets::EstimateAnswer,
    guard::Caller,
    view::{Done, seconds},
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(keys))
        .routes(routes!(bind))
        .routes(routes!(unbind))
        .routes(routes!(integrates))
        .routes(routes!(switch))
        .routes(routes!(connect))
        .routes(routes!(connected))
        .routes(routes!(finish))
        .routes(routes!(count_pages))
        .routes(routes!(notion_pages))
        .routes(routes!(notion_preview))
        .routes(routes!(notion_estimate))
        .routes(routes!(crawl))
        .routes(routes!(crawl_status))
        .merge(credentials::router())
}

/// A website provider that is set up.
#[derive(Serialize, ToSchema)]
pub struct ApiKeySource {
    id: Uuid,
    /// `website`
    category: &'static str,
    /// `firecrawl`, `watercrawl` or `jinareader`.
    provider: &'static str,
    disabled: bool,
    created_at: i64,
    updated_at: i64,
}

/// The website providers that are set up.
#[derive(Serialize, ToSchema)]
pub struct ApiKeySources {
    sources: Vec<ApiKeySource>,
}

#[utoipa::path(get, path = "/api-key-auth/data-source", tag = "data sources",
    responses((status = 200, body = ApiKeySources), (status = 401, body = ErrorBody)))]
async fn keys(State(services): App, Caller(caller): Caller) -> ApiResult<Json<ApiKeySources>> {
    let all = sources::list(&services, &caller).await?;
    let websites = all.into_iter().filter(|view| view.provider.kind() == "website_crawl" && view.row.is_default);
    let source = |view: CredentialView| ApiKeySource {
        id: view.row.id,
        category: "website",
        provider: view.provider.name(),
        disabled: view.row.disabled,
        created_at: seconds(view.row.created_at),
        updated_at: seconds(view.row.updated_at),
    };
    Ok(Json(ApiKeySources { sources: websites.map(source).collect() }))
}

/// The key of a website provider.
#[derive(Deserialize, ToSchema)]
pub struct ApiKeyBinding {
    /// `website`
    category: String,
    provider: String,
    /// `{"auth_type": "bearer" | "x-api-key", "config": {"api_key", "base_url"}}`
    #[schema(value_type = Object)]
    credentials: Value,
}

#[utoipa::path(post, path = "/api-key-auth/data-source/binding", tag = "data sources", request_body = ApiKeyBinding,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 500, body = ErrorBody)))]
async fn bind(State(services): App, Caller(caller): Caller, Body(body): Body<ApiKeyBinding>) -> ApiResult<Json<Done>> {
    if body.category != "website" {
        return Err(Error::invalid_field("category", "category must be website").into());
    }
    let provider = Provider::of_website(&body.provider)?;
    sources::bind(&services, &caller, provider, &body.credentials).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(delete, path = "/api-key-auth/data-source/{binding_id}", tag = "data sources",
    params(("binding_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn unbind(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    sources::delete(&services, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A workspace of Notion that is connected.
#[derive(Serialize, ToSchema)]
pub struct Integrate {
    id: Uuid,
    /// `notion`
    provider: &'static str,
    created_at: i64,
    is_bound: bool,
    disabled: bool,
    link: String,
    /// `{"workspace_name", "workspace_id", "workspace_icon", "total", "pages"}`
    #[schema(value_type = Object)]
    source_info: Value,
}

/// The workspaces of Notion that are connected.
#[derive(Serialize, ToSchema)]
pub struct Integrates {
    data: Vec<Integrate>,
}

#[utoipa::path(get, path = "/data-source/integrates", tag = "data sources",
    responses((status = 200, body = Integrates), (status = 401, body = ErrorBody)))]
async fn integrates(State(services): App, Caller(caller): Caller) -> ApiResult<Json<Integrates>> {
    let all = sources::list(&services, &caller).await?;
    let one = |view: CredentialView| {
        let mut info = workspace_of(&view.row);
        if let Some(fields) = info.as_object_mut() {
            // Compat: pages are looked up when they are asked for.
            fields.insert("pages".into(), json!([]));
            fields.entry("total").or_insert(Value::Null);
        }
        Integrate {
            id: view.row.id,
            provider: "notion",
            created_at: seconds(view.row.created_at),
            is_bound: true,
            disabled: view.row.disabled,
            link: "/console/api/oauth/data-source/notion".to_owned(),
            source_info: info,
        }
    };
    let data = all.into_iter().filter(|view| view.provider == Provider::Notion).map(one).collect();
    Ok(Json(Integrates { data }))
}

#[utoipa::path(patch, path = "/data-source/integrates/{binding_id}/{action}", tag = "data sources",
    params(("binding_id" = Uuid, Path), ("action" = String, Path, description = "`enable` or `disable`")),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn switch(
    State(services): App,
    Caller(caller): Caller,
    Path((id, action)): Path<(Uuid, String)>,
) -> ApiResult<Json<Done>> {
    let disabled = match action.as_str() {
        "enable" => false,
        "disable" => true,
        _ => return Err(Error::new(400, "invalid_action", "action must be enable or disable").into()),
    };
    sources::set_disabled(&services, &caller, id, disabled).await?;
    Ok(Json(Done::SUCCESS))
}

/// Where to sign in; `internal` when it is done.
#[derive(Serialize, ToSchema)]
pub struct ConnectAnswer {
    data: String,
}

fn notion_only(provider: &str) -> Result<(), Error> {
    if provider == "notion" { Ok(()) } else { Err(Error::invalid_field("provider", "Invalid provider")) }
}

#[utoipa::path(get, path = "/oauth/data-source/{provider}", tag = "data sources",
    params(("provider" = String, Path, description = "`notion`")),
    responses((status = 200, body = ConnectAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn connect(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
) -> ApiResult<Json<ConnectAnswer>> {
    notion_only(&provider)?;
    let data = match oauth::start(&services, &caller).await? {
        Start::Go(url) => url,
        Start::Connected => "internal".to_owned(),
    };
    Ok(Json(ConnectAnswer { data }))
}

#[derive(Deserialize, IntoParams)]
struct CallbackQuery {
    code: Option<String>,
    #[serde(default)]
    state: String,
    error: Option<String>,
}

impl CallbackQuery {
    fn code(&self) -> Result<&str, Error> {
        self.code.as_deref().ok_or_else(|| {
            let why: String = self.error.as_deref().unwrap_or("no code").chars().take(300).collect();
            Error::invalid_field("code", format!("The sign-in was not granted: {why}"))
        })
    }
}

/// The browser comes back from Notion. Whose sign-in it is, is in `state`.
#[utoipa::path(get, path = "/oauth/data-source/callback/{provider}", tag = "data sources",
    params(("provider" = String, Path), CallbackQuery),
    responses((status = 302, description = "To the Studio"), (status = 400, body = ErrorBody)))]
async fn connected(
    State(services): App,
    Path(provider): Path<String>,
    Query(query): Query<CallbackQuery>,
) -> ApiResult<Response> {
    notion_only(&provider)?;
    oauth::finish(&services, &query.state, query.code()?).await?;
    let to = format!("{}/oauth-callback", services.settings.console_web_url.trim_end_matches('/'));
    Ok((StatusCode::FOUND, [(header::LOCATION, to)]).into_response())
}

/// The same for a browser that has taken the code somewhere else first.
#[utoipa::path(get, path = "/oauth/data-source/binding/{provider}", tag = "data sources",
    params(("provider" = String, Path), CallbackQuery),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody)))]
async fn finish(
    State(services): App,
    Path(provider): Path<String>,
    Query(query): Query<CallbackQuery>,
) -> ApiResult<Json<Done>> {
    notion_only(&provider)?;
    oauth::finish(&services, &query.state, query.code()?).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(get, path = "/oauth/data-source/{provider}/{binding_id}/sync", tag = "data sources",
    params(("provider" = String, Path), ("binding_id" = Uuid, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn count_pages(
    State(services): App,
    Caller(caller): Caller,
    Path((provider, id)): Path<(String, Uuid)>,
) -> ApiResult<Json<Done>> {
    notion_only(&provider)?;
    oauth::sync(&services, &caller, id).await?;
    Ok(Json(Done::SUCCESS))
}

#[derive(Deserialize, IntoParams)]
struct NotionQuery {
    /// The default one when absent.
    credential_id: Option<Uuid>,
    dataset_id: Option<Uuid>,
}

/// A page or database of Notion.
#[derive(Serialize, ToSchema)]
pub struct NotionPageBody {
    page_id: String,
    page_name: String,
    /// `{"type": "emoji", "emoji"}` or `{"type": "url", "url"}`
    #[schema(value_type = Option<Object>)]
    page_icon: Option<Value>,
    /// `root` at the top.
    parent_id: String,
    /// `page` or `database`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// It is in the knowledge base already.
    is_bound: bool,
}

/// A workspace of Notion with what may be taken from it.
#[derive(Serialize, ToSchema)]
pub struct NotionInfo {
    workspace_name: String,
    workspace_id: String,
    workspace_icon: Option<String>,
    pages: Vec<NotionPageBody>,
}

/// What may be taken from Notion.
#[derive(Serialize, ToSchema)]
pub struct NotionInfoList {
    notion_info: Vec<NotionInfo>,
}

impl From<NotionWorkspace> for NotionInfo {
    fn from(found: NotionWorkspace) -> Self {
        let page = |page: notion::NotionPage| NotionPageBody {
            page_id: page.id,
            page_name: page.name,
            page_icon: page.icon,
            parent_id: page.parent,
            kind: page.kind,
            is_bound: page.is_bound,
        };
        Self {
            workspace_name: found.name,
            workspace_id: found.id,
            workspace_icon: found.icon,
            pages: found.pages.into_iter().map(page).collect(),
        }
    }
}

#[utoipa::path(get, path = "/notion/pre-import/pages", tag = "data sources", params(NotionQuery),
    responses((status = 200, body = NotionInfoList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn notion_pages(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<NotionQuery>,
) -> ApiResult<Json<NotionInfoList>> {
    let found = notion::pages(&services, &caller, query.credential_id, query.dataset_id.map(DatasetId)).await?;
    Ok(Json(NotionInfoList { notion_info: found.into_iter().map(NotionInfo::from).collect() }))
}

/// A text to look at.
#[derive(Serialize, ToSchema)]
pub struct PageText {
    content: String,
}

#[utoipa::path(get, path = "/notion/pages/{page_id}/{page_type}/preview", tag = "data sources",
    params(("page_id" = String, Path), ("page_type" = String, Path, description = "`page` or `database`"), NotionQuery),
    responses((status = 200, body = PageText), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn notion_preview(
    State(services): App,
    Caller(caller): Caller,
    Path((page, kind)): Path<(String, String)>,
    Query(query): Query<NotionQuery>,
) -> ApiResult<Json<PageText>> {
    let content = notion::preview(&services, &caller, query.credential_id, &page, &kind).await?;
    Ok(Json(PageText { content }))
}

/// Pages of Notion that are to be looked at before documents are made of them.
#[derive(Deserialize, ToSchema)]
pub struct NotionEstimateBody {
    #[schema(value_type = Vec<Object>)]
    notion_info_list: Value,
    #[schema(value_type = Object)]
    process_rule: Value,
    doc_form: Option<String>,
    doc_language: Option<String>,
}

#[utoipa::path(post, path = "/datasets/notion-indexing-estimate", tag = "data sources", request_body = NotionEstimateBody,
    responses((status = 200, body = EstimateAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 500, body = ErrorBody)))]
async fn notion_estimate(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<NotionEstimateBody>,
) -> ApiResult<Json<EstimateAnswer>> {
    let form = PreviewForm {
        pages: pages::notion_pages(&body.notion_info_list)?,
        process_rule: Some(body.process_rule),
        doc_form: body.doc_form,
        doc_language: body.doc_language,
        ..PreviewForm::default()
    };
    Ok(Json(preview::estimate(&services, &caller, form).await?.into()))
}

/// A website that is to be crawled.
#[derive(Deserialize, ToSchema)]
pub struct CrawlBody {
    /// `firecrawl`, `watercrawl` or `jinareader`.
    provider: String,
    url: String,
    /// `{"crawl_sub_pages", "only_main_content", "includes", "excludes", "limit", "max_depth", "use_sitemap", "prompt"}`
    #[schema(value_type = Object)]
    options: Value,
}

/// A page of a website.
#[derive(Serialize, ToSchema)]
pub struct CrawledPage {
    title: String,
    source_url: String,
    description: String,
    markdown: String,
}

/// How a crawl stands.
#[derive(Serialize, ToSchema)]
pub struct CrawlAnswer {
    /// `active` or `completed`.
    status: &'static str,
    job_id: String,
    total: u64,
    current: u64,
    data: Vec<CrawledPage>,
    /// Seconds.
    time_consuming: f64,
}

impl From<CrawlView> for CrawlAnswer {
    fn from(view: CrawlView) -> Self {
        let page = |page: ox_app::model::WebsitePage| CrawledPage {
            title: page.title,
            source_url: page.url,
            description: page.description,
            markdown: page.content,
        };
        Self {
            status: if view.is_done { "completed" } else { "active" },
            job_id: view.job_id,
            total: view.total,
            current: view.current,
            data: view.pages.into_iter().map(page).collect(),
            time_consuming: view.time,
        }
    }
}

#[utoipa::path(post, path = "/website/crawl", tag = "data sources", request_body = CrawlBody,
    responses((status = 200, body = CrawlAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 500, body = ErrorBody)))]
async fn crawl(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<CrawlBody>,
) -> ApiResult<Json<CrawlAnswer>> {
    let provider = Provider::of_website(&body.provider)?;
    Ok(Json(crawls::begin(&services, &caller, provider, &body.url, &body.options, None).await?.into()))
}

#[derive(Deserialize, IntoParams)]
struct CrawlQuery {
    provider: String,
}

#[utoipa::path(get, path = "/website/crawl/status/{job_id}", tag = "data sources",
    params(("job_id" = String, Path), CrawlQuery),
    responses((status = 200, body = CrawlAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 500, body = ErrorBody)))]
async fn crawl_status(
    State(services): App,
    Caller(caller): Caller,
    Path(job): Path<String>,
    Query(query): Query<CrawlQuery>,
) -> ApiResult<Json<CrawlAnswer>> {
    let provider = Provider::of_website(&query.provider)?;
    Ok(Json(crawls::progress(&services, &caller, provider, &job).await?.into()))
}

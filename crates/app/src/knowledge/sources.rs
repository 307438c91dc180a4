//! Data sources beside files: websites by the services that crawl them, Notion, and drives. Their credentials are here;
//! what is made of them in the modules below.
//!
//! All are providers of one table, under the names that documents and pipelines of Dify use for them; the older
//! routes (`/api-key-auth/data-source`, `/data-source/integrates`) are views of it.

pub mod crawls;
pub mod drives;
pub mod notion;
pub mod oauth;
pub mod pages;
pub mod website;
mod wire;
mod xml;

use std::collections::BTreeMap;

use ox_db::{model::DataSourceCredential, now, repo};
use ox_types::{Json, TenantId, boxed, new_uuid};
use serde_json::{Map, json};
use uuid::Uuid;

use crate::{Error, Principal, Result, Services, audit, extensions::KEEP, principal::Permission};

const MAX_NAME: usize = 100;
/// Credentials of one provider.
const MAX_CREDENTIALS: usize = 50;

/// Addresses and clients that the operator sets.
#[derive(Clone)]
pub struct SourceSettings {
    /// `NOTION_INTEGRATION_TYPE`: `public` (OAuth) or `internal`.
    pub notion_internal: bool,
    pub notion_client_id: Option<String>,
    pub notion_client_secret: Option<String>,
    /// `NOTION_INTERNAL_SECRET`, else `NOTION_INTEGRATION_TOKEN`.
    pub notion_secret: Option<String>,
    /// `OXIDIFY_NOTION_URL`.
    pub notion_url: String,
    /// `OXIDIFY_JINA_READER_URL`, `OXIDIFY_JINA_CRAWL_URL`, `OXIDIFY_JINA_STATUS_URL`.
    pub jina_reader_url: String,
    pub jina_crawl_url: String,
    pub jina_status_url: String,
}

/// A service that documents come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Notion,
    Firecrawl,
    JinaReader,
    WaterCrawl,
    /// Any store that speaks S3.
    S3,
    WebDav,
}

/// A field of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    /// In Chinese.
    pub label_zh: &'static str,
    pub is_secret: bool,
    pub is_required: bool,
    pub default: Option<&'static str>,
}

const fn secret(name: &'static str, label: &'static str, label_zh: &'static str) -> Field {
    Field { name, label, label_zh, is_secret: true, is_required: true, default: None }
}

const fn plain(name: &'static str, label: &'static str, label_zh: &'static str, is_required: bool) -> Field {
    Field { name, label, label_zh, is_secret: false, is_required, default: None }
}

const fn address(default: &'static str) -> Field {
    Field { default: Some(default), ..plain("base_url", "Base URL", "基础地址", false) }
}

impl Provider {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 6] =
        [Self::Notion, Self::Firecrawl, Self::JinaReader, Self::WaterCrawl, Self::S3, Self::WebDav];

    /// The name in documents, requests and pipelines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notion => "notion_datasource",
            Self::Firecrawl => "firecrawl",
            Self::JinaReader => "jinareader",
            Self::WaterCrawl => "watercrawl",
            Self::S3 => "aws_s3_storage",
            Self::WebDav => "webdav",
        }
    }

    /// The plugin that it is in the compatible system; WebDAV is one of ours.
    #[must_use]
    pub const fn plugin(self) -> &'static str {
        match self {
            Self::Notion => "langgenius/notion_datasource",
            Self::Firecrawl => "langgenius/firecrawl_datasource",
            Self::JinaReader => "langgenius/jina_datasource",
            Self::WaterCrawl => "watercrawl/watercrawl_datasource",
            Self::S3 => "langgenius/aws_s3_storage",
            Self::WebDav => "oxidify/webdav",
        }
    }

    /// How people call it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Notion => "Notion",
            Self::Firecrawl => "Firecrawl",
            Self::JinaReader => "Jina Reader",
            Self::WaterCrawl => "WaterCrawl",
            Self::S3 => "S3",
            Self::WebDav => "WebDAV",
        }
    }

    /// Where a key is got.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Notion => "https://www.notion.so/my-integrations",
            Self::Firecrawl => "https://www.firecrawl.dev/app/api-keys",
            Self::JinaReader => "https://jina.ai/reader",
            Self::WaterCrawl => "https://app.watercrawl.dev/",
            Self::S3 => "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html",
            Self::WebDav => "https://docs.nextcloud.com/server/latest/user_manual/en/files/access_webdav.html",
        }
    }

    /// `online_document`, `website_crawl` or `online_drive`.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Notion => "online_document",
            Self::Firecrawl | Self::JinaReader | Self::WaterCrawl => "website_crawl",
            Self::S3 | Self::WebDav => "online_drive",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.name() == text)
    }

    /// The one with this full name, `author/plugin/provider`, or `notion`.
    ///
    /// # Errors
    /// 404 for another.
    pub fn of_id(id: &str) -> Result<Self> {
        let last = id.rsplit('/').next().unwrap_or_default();
        let last = if last == "notion" { Self::Notion.name() } else { last };
        Self::parse(last).ok_or_else(|| Error::not_found(format!("There is no data source {id}.")))
    }

    /// The one that crawls websites and has this name.
    ///
    /// # Errors
    /// 400 for another.
    pub fn of_website(name: &str) -> Result<Self> {
        let found = Self::parse(name).filter(|provider| provider.kind() == "website_crawl");
        found.ok_or_else(|| Error::invalid_field("provider", "Invalid provider"))
    }

    /// What a credential is made of; one of them is a secret: the key.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Notion => const { &[secret("integration_secret", "Internal integration secret", "内部集成密钥")] },
            Self::Firecrawl => {
                const { &[secret("firecrawl_api_key", "API key", "API 密钥"), address("https://api.firecrawl.dev")] }
            }
            Self::JinaReader => const { &[secret("integration_secret", "API key", "API 密钥")] },
            Self::WaterCrawl => {
                const { &[secret("api_key", "API key", "API 密钥"), address("https://app.watercrawl.dev")] }
            }
            Self::S3 => {
                const {
                    &[
                        plain("access_key_id", "Access key ID", "访问密钥 ID", true),
                        secret("secret_access_key", "Secret access key", "访问密钥"),
                        Field {
                            default: Some("us-east-1"),
                            ..plain("region_name", "Region (auto for R2)", "区域（R2 填 auto）", true)
                        },
                        plain("base_url", "Endpoint (empty for AWS)", "服务地址（AWS 可留空）", false),
                        plain("bucket", "Bucket (empty for all)", "存储桶（留空表示全部）", false),
                    ]
                }
            }
            Self::WebDav => {
                const {
                    &[
                        plain("base_url", "Address of the folder", "文件夹地址", true),
                        plain("username", "User name", "用户名", true),
                        secret("password", "Password or app password", "密码或应用密码"),
                    ]
                }
            }
        }
    }

    fn key_field(self) -> &'static str {
        self.fields().iter().find(|field| field.is_secret).map_or("api_key", |field| field.name)
    }
}

/// A credential that can be used.
#[derive(Clone)]
pub struct Key {
    pub tenant: TenantId,
    pub id: Uuid,
    pub provider: Provider,
    pub secret: String,
    /// Without a slash at the end; empty where there is only one.
    pub base_url: String,
    /// What else there is that is no secret.
    pub plain: BTreeMap<&'static str, String>,
}

impl Key {
    /// A field that is no secret; empty when it is not there.
    #[must_use]
    pub fn plain(&self, name: &str) -> &str {
        self.plain.get(name).map_or("", String::as_str)
    }
}

/// The fields that are neither secret nor an address.
fn plain_fields(provider: Provider, values: &Map<String, Json>) -> BTreeMap<&'static str, String> {
    let others = provider.fields().iter().filter(|field| !field.is_secret && field.name != "base_url");
    let text = |field: &Field| Some((field.name, values.get(field.name)?.as_str()?.to_owned()));
    others.filter_map(text).collect()
}

/// A credential as its workspace sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct CredentialView {
    pub row: DataSourceCredential,
    pub provider: Provider,
    /// The values of its form, secret ones masked.
    pub values: Json,
}

/// What Notion tells of the workspace behind a token, kept beside it.
#[must_use]
pub fn workspace_of(row: &DataSourceCredential) -> Json {
    row.encrypted_credentials.get("workspace").cloned().unwrap_or_else(|| json!({}))
}

/// Those of the workspace.
///
/// # Errors
/// When they cannot be read.
#[boxed]
pub async fn list(services: &Services, principal: &Principal) -> Result<Vec<CredentialView>> {
    let tenant = principal.tenant_id();
    let mut out = Vec::new();
    for row in repo::data_sources::list(&services.db, tenant).await? {
        let Some(provider) = Provider::parse(&row.provider) else { continue };
        let key = opened(services, &row, provider).await?;
        let mut values = Map::new();
        for field in provider.fields() {
            let plain = row.encrypted_credentials.get(field.name).and_then(Json::as_str).unwrap_or_default();
            let shown = if field.is_secret { ox_auth::mask(&key.secret) } else { plain.to_owned() };
            values.insert(field.name.to_owned(), json!(shown));
        }
        out.push(CredentialView { row, provider, values: Json::Object(values) });
    }
    Ok(out)
}

fn missing() -> Error {
    Error::not_found("Data source credential not found.")
}

async fn find(services: &Services, tenant: TenantId, id: Uuid) -> Result<(DataSourceCredential, Provider)> {
    let row = repo::data_sources::find(&services.db, tenant, id).await?.ok_or_else(missing)?;
    let provider = Provider::parse(&row.provider).ok_or_else(missing)?;
    Ok((row, provider))
}

async fn opened(services: &Services, row: &DataSourceCredential, provider: Provider) -> Result<Key> {
    let text = |name: &str| row.encrypted_credentials.get(name).and_then(Json::as_str).unwrap_or_default();
    let secret = services.decrypt(row.tenant_id, text(provider.key_field())).await?;
    let known = provider.fields().iter().find(|field| field.name == "base_url").and_then(|field| field.default);
    let base = Some(text("base_url")).filter(|url| !url.is_empty()).or(known).unwrap_or_default();
    let base_url = base.trim_end_matches('/').to_owned();
    let plain = row.encrypted_credentials.as_object().map(|values| plain_fields(provider, values)).unwrap_or_default();
    Ok(Key { tenant: row.tenant_id, id: row.id, provider, secret, base_url, plain })
}

/// A credential to use: the one that is named, else the provider's default.
///
/// # Errors
/// 400 when there is none.
#[boxed]
pub async fn key(services: &Services, tenant: TenantId, provider: Provider, id: Option<Uuid>) -> Result<Key> {
    let found = match id {
        Some(id) => repo::data_sources::find(&services.db, tenant, id).await?,
        None => repo::data_sources::standard(&services.db, tenant, provider.name()).await?,
    };
    let row = found.filter(|row| row.provider == provider.name() && !row.disabled);
    let row = row.ok_or_else(|| {
        let text = format!("{} is not set up. Add a key under Settings, Data sources.", provider.label());
        Error::new(400, "data_source_not_set_up", text)
    })?;
    opened(services, &row, provider).await
}

/// Adds a credential after asking the service whether it takes it.
///
/// # Errors
/// 400 for one that is not taken.
#[boxed]
pub async fn add(
    services: &Services,
    principal: &Principal,
    provider: Provider,
    name: Option<String>,
    values: &Json,
) -> Result<Uuid> {
    principal.require(Permission::CredentialManage)?;
    insert(services, principal, provider, name, values, "api-key").await
}

async fn insert(
    services: &Services,
    principal: &Principal,
    provider: Provider,
    name: Option<String>,
    values: &Json,
    auth_type: &str,
) -> Result<Uuid> {
    let (tenant, at) = (principal.tenant_id(), now());
    let all = repo::data_sources::list(&services.db, tenant).await?;
    let own: Vec<&DataSourceCredential> = all.iter().filter(|row| row.provider == provider.name()).collect();
    if own.len() >= MAX_CREDENTIALS {
        return Err(Error::invalid(format!("A data source can have at most {MAX_CREDENTIALS} credentials.")));
    }
    let name = match name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => checked_name(name)?,
        None => free_name(&own, if auth_type == "oauth2" { "AUTH" } else { "API KEY" }),
    };
    let stored = sealed(services, tenant, provider, values, None).await?;
    let row = DataSourceCredential {
        id: new_uuid(),
        tenant_id: tenant,
        name,
        provider: provider.name().to_owned(),
        plugin_id: provider.plugin().to_owned(),
        auth_type: auth_type.to_owned(),
        encrypted_credentials: stored,
        avatar_url: None,
        is_default: !own.iter().any(|row| row.is_default),
        disabled: false,
        expires_at: -1,
        created_by: principal.account_id()?,
        created_at: at,
        updated_at: at,
    };
    let tx = services.db.begin().await?;
    repo::data_sources::insert(&tx, row.clone()).await.map_err(name_taken)?;
    tx.commit().await?;
    noted(services, principal, "data_source.create", &row).await;
    Ok(row.id)
}

fn checked_name(name: &str) -> Result<String> {
    if name.chars().count() > MAX_NAME {
        return Err(Error::invalid_field("name", format!("name must have at most {MAX_NAME} characters.")));
    }
    Ok(name.to_owned())
}

fn free_name(own: &[&DataSourceCredential], stem: &str) -> String {
    let mut number = 1;
    loop {
        let name = format!("{stem} {number}");
        if !own.iter().any(|row| row.name == name) {
            return name;
        }
        number += 1;
    }
}

fn name_taken(error: ox_db::Error) -> Error {
    match error {
        ox_db::Error::Conflict(_) => Error::invalid_field("name", "There is a credential with this name already."),
        other => other.into(),
    }
}

async fn noted(services: &Services, principal: &Principal, action: &'static str, row: &DataSourceCredential) {
    let about = json!({"name": row.name, "provider": row.provider});
    audit::record(services, principal, action, "data_source", row.id, None, Some(about)).await;
}

/// The values as they are stored, once the service has taken them.
async fn sealed(
    services: &Services,
    tenant: TenantId,
    provider: Provider,
    values: &Json,
    before: Option<&Key>,
) -> Result<Json> {
    let mut plain = Map::new();
    for field in provider.fields() {
        let given = values.get(field.name).and_then(Json::as_str).map(str::trim).filter(|text| !text.is_empty());
        let kept = before.filter(|before| field.is_secret && given.is_none_or(|text| is_kept(text, &before.secret)));
        let text = kept.map(|before| before.secret.as_str()).or(given).or(field.default);
        match text {
            Some(text) => plain.insert(field.name.to_owned(), json!(text)),
            None if field.is_required => {
                return Err(Error::invalid_field("credentials", format!("{} is required.", field.name)));
            }
            None => None,
        };
    }
    let text = |name: &str| plain.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let base_url = text("base_url").trim_end_matches('/').to_owned();
    if !base_url.is_empty() {
        let url = url::Url::parse(&base_url);
        if !url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            return Err(Error::invalid_field("base_url", "base_url must be an http or https address"));
        }
    }
    let fields = plain_fields(provider, &plain);
    let secret = text(provider.key_field());
    let key = Key { tenant, id: Uuid::nil(), provider, secret, base_url, plain: fields };
    if before.is_some_and(|before| before.base_url != key.base_url && before.secret == key.secret) {
        // A stored key is for the address it was entered with.
        return Err(Error::invalid_field("credentials", "Enter the key again for another base URL."));
    }
    let workspace = match provider.kind() {
        "online_document" => Some(notion::workspace(services, &key).await?),
        "online_drive" => {
            drives::check(services, &key).await?;
            None
        }
        _ => {
            website::check(services, &key).await?;
            None
        }
    };
    plain.insert(provider.key_field().to_owned(), json!(services.encrypt(tenant, &key.secret).await?));
    if let Some(workspace) = workspace {
        plain.insert("workspace".to_owned(), workspace);
    }
    Ok(Json::Object(plain))
}

fn is_kept(given: &str, stored: &str) -> bool {
    given == KEEP || given == ox_auth::mask(stored)
}

/// Changes a credential.
///
/// # Errors
/// As [`add`]; 404 for an unknown one.
#[boxed]
pub async fn update(
    services: &Services,
    principal: &Principal,
    id: Uuid,
    name: Option<String>,
    values: Option<Json>,
) -> Result<()> {
    principal.require(Permission::CredentialManage)?;
    let (mut row, provider) = find(services, principal.tenant_id(), id).await?;
    if let Some(name) = name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        row.name = checked_name(name)?;
    }
    if let Some(values) = values {
        let before = opened(services, &row, provider).await?;
        row.encrypted_credentials = sealed(services, row.tenant_id, provider, &values, Some(&before)).await?;
    }
    write(services, principal, "data_source.update", row).await
}

async fn write(
    services: &Services,
    principal: &Principal,
    action: &'static str,
    mut row: DataSourceCredential,
) -> Result<()> {
    row.updated_at = now();
    let tx = services.db.begin().await?;
    repo::data_sources::update(&tx, row.clone()).await.map_err(name_taken)?;
    tx.commit().await?;
    noted(services, principal, action, &row).await;
    Ok(())
}

/// Lets a credential be used, or not.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn set_disabled(services: &Services, principal: &Principal, id: Uuid, disabled: bool) -> Result<()> {
    principal.require(Permission::CredentialManage)?;
    let (row, _) = find(services, principal.tenant_id(), id).await?;
    write(services, principal, "data_source.switch", DataSourceCredential { disabled, ..row }).await
}

/// Makes a credential the one that is used when none is named.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn set_default(services: &Services, principal: &Principal, id: Uuid) -> Result<()> {
    principal.require(Permission::CredentialManage)?;
    let (row, provider) = find(services, principal.tenant_id(), id).await?;
    let tx = services.db.begin().await?;
    repo::data_sources::set_default(&tx, row.tenant_id, provider.name(), id).await?;
    tx.commit().await?;
    noted(services, principal, "data_source.default", &row).await;
    Ok(())
}

/// Removes a credential. Documents that came by it stay; they are synchronised by another from then on.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, id: Uuid) -> Result<()> {
    principal.require(Permission::CredentialManage)?;
    let (row, provider) = find(services, principal.tenant_id(), id).await?;
    let tx = services.db.begin().await?;
    repo::data_sources::delete(&tx, row.tenant_id, id).await?;
    let next = if row.is_default {
        let all = repo::data_sources::list(&tx, row.tenant_id).await?;
        all.into_iter().find(|other| other.provider == row.provider)
    } else {
        None
    };
    if let Some(next) = next {
        repo::data_sources::set_default(&tx, row.tenant_id, provider.name(), next.id).await?;
    }
    tx.commit().await?;
    noted(services, principal, "data_source.delete", &row).await;
    Ok(())
}

/// Sets up a website provider in the older form: `{"auth_type", "config": {"api_key", "base_url"}}`. A provider that is
/// set up gets the new key.
///
/// # Errors
/// 500 `auth_failed` when the service does not take it.
#[boxed]
pub async fn bind(services: &Services, principal: &Principal, provider: Provider, credentials: &Json) -> Result<()> {
    principal.require(Permission::CredentialManage)?;
    let wanted = if provider == Provider::WaterCrawl { "x-api-key" } else { "bearer" };
    if credentials.get("auth_type").and_then(Json::as_str) != Some(wanted) {
        let text = format!("Invalid auth type, {} auth type must be {wanted}", provider.label());
        return Err(Error::new(500, "auth_failed", text));
    }
    let config = credentials.get("config").cloned().unwrap_or_default();
    let values = json!({
        (provider.key_field()): config.get("api_key"),
        "base_url": config.get("base_url"),
    });
    let known = repo::data_sources::standard(&services.db, principal.tenant_id(), provider.name()).await?;
    let done = match known {
        Some(row) => update(services, principal, row.id, None, Some(values)).await,
        None => add(services, principal, provider, None, &values).await.map(|_| ()),
    };
    done.map_err(|error| if error.status == 400 { Error::new(500, "auth_failed", error.message) } else { error })
}

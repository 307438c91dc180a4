//! Providers made of OpenAPI documents.

use ox_db::{model::ApiToolProvider, now, repo};
use ox_models::I18n;
use ox_net::{Class, Limits, Request};
use ox_tools::{
    ToolView,
    openapi::{self, Auth, Bundle, Document, Invocation},
};
use ox_types::{Json, TenantId, boxed, new_uuid};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{
    HIDDEN, ProviderView,
    api_sign_in::{self, OAUTH, SECRETS},
    labels,
};
use crate::{Error, Principal, Result, Services, audit, principal::Permission};

/// Characters of a name.
const MAX_NAME: usize = 255;
/// Most characters of a disclaimer.
const MAX_DISCLAIMER: usize = 512;
const SCHEMA_TYPES: [&str; 4] = ["openapi", "swagger", "openai_plugin", "openai_actions"];
/// The part of the credentials that is secret.
const SECRET: &str = "api_key_value";

/// What a provider is made of.
#[derive(Clone, Debug, Default)]
pub struct ApiForm {
    pub provider: String,
    pub schema: String,
    pub schema_type: String,
    pub credentials: Map<String, Json>,
    pub icon: Json,
    pub privacy_policy: Option<String>,
    pub custom_disclaimer: Option<String>,
    pub labels: Vec<String>,
}

/// A provider with what it was made of.
#[derive(Clone, Debug)]
pub struct ApiDetail {
    pub schema_type: String,
    pub schema: String,
    pub bundles: Json,
    pub icon: Json,
    pub description: String,
    pub credentials: Map<String, Json>,
    pub privacy_policy: Option<String>,
    pub custom_disclaimer: String,
    pub labels: Vec<String>,
    /// Where a browser comes back to that signs in by OAuth; unknown without `CONSOLE_API_URL`.
    pub redirect_uri: Option<String>,
}

fn invalid(error: openapi::Invalid) -> Error {
    Error::invalid_field("schema", error.0)
}

/// The bundles of a provider.
pub(super) fn bundles(row: &ApiToolProvider) -> Vec<Bundle> {
    serde_json::from_value(row.tools.clone()).unwrap_or_default()
}

fn views(row: &ApiToolProvider, labels: &[String]) -> Vec<ToolView> {
    bundles(row).iter().map(|bundle| bundle.view("", labels)).collect()
}

fn view(row: &ApiToolProvider, labels: Vec<String>) -> ProviderView {
    ProviderView {
        id: row.id.to_string(),
        author: "Anonymous".to_owned(),
        name: row.name.clone(),
        description: I18n::same(&row.description),
        icon: row.icon.clone(),
        icon_dark: "".into(),
        label: I18n::same(&row.name),
        kind: "api",
        is_team_authorization: api_sign_in::is_let_in(row),
        allow_delete: true,
        tools: views(row, &labels),
        labels,
        ..ProviderView::default()
    }
}

/// Those of the workspace.
#[boxed]
pub(super) async fn list(services: &Services, principal: &Principal) -> Result<Vec<ProviderView>> {
    let tenant = principal.tenant_id();
    let mut labels = labels::by_provider(services, tenant).await?;
    let rows = repo::tools::apis::list(&services.db, tenant).await?;
    Ok(rows.iter().map(|row| view(row, labels.remove(&row.id.to_string()).unwrap_or_default())).collect())
}

async fn named(services: &Services, tenant: TenantId, name: &str) -> Result<ApiToolProvider> {
    let found = repo::tools::apis::by_name(&services.db, tenant, name).await?;
    found.ok_or_else(|| Error::invalid_field("provider", format!("you have not added provider {name}")))
}

/// The tools of a provider.
///
/// # Errors
/// 400 when there is none of this name.
#[boxed]
pub async fn tools(services: &Services, principal: &Principal, name: &str) -> Result<Vec<ToolView>> {
    let row = named(services, principal.tenant_id(), name).await?;
    let labels = labels::by_provider(services, principal.tenant_id()).await?.remove(&row.id.to_string());
    Ok(views(&row, &labels.unwrap_or_default()))
}

/// A provider with what it was made of.
///
/// # Errors
/// As [`tools`].
#[boxed]
pub async fn get(services: &Services, principal: &Principal, name: &str) -> Result<ApiDetail> {
    let row = named(services, principal.tenant_id(), name).await?;
    let labels = labels::by_provider(services, principal.tenant_id()).await?.remove(&row.id.to_string());
    let mut credentials = opened(services, &row).await?;
    if let Some(Json::String(value)) = credentials.get_mut(SECRET) {
        *value = ox_auth::mask(value);
    }
    let credentials = api_sign_in::shown(credentials);
    Ok(ApiDetail {
        redirect_uri: api_sign_in::redirect(services, row.id),
        schema_type: row.schema_type,
        schema: row.schema,
        bundles: row.tools,
        icon: row.icon,
        description: row.description,
        credentials,
        privacy_policy: row.privacy_policy,
        custom_disclaimer: row.custom_disclaimer,
        labels: labels.unwrap_or_default(),
    })
}

/// The credentials of a provider with their secrets.
pub(super) async fn opened(services: &Services, row: &ApiToolProvider) -> Result<Map<String, Json>> {
    services.secrets.tenant_key(&services.db, row.tenant_id).await?.open_fields(&row.credentials, &SECRETS)
}

/// Reads a document without keeping it.
///
/// # Errors
/// 400 with what is wrong with it.
#[boxed]
pub async fn read(services: &Services, principal: &Principal, schema: &str) -> Result<Document> {
    parse(services, principal.tenant_id(), schema).await
}

async fn parse(services: &Services, tenant: TenantId, schema: &str) -> Result<Document> {
    let text = match openapi::plugin_address(schema) {
        Some(url) => fetch(services, tenant, &url).await?,
        None => schema.to_owned(),
    };
    let parsed = tokio::task::spawn_blocking(move || openapi::parse(&text));
    parsed.await.map_err(Error::internal)?.map_err(invalid)
}

/// A document at an address.
///
/// # Errors
/// 400 when it cannot be fetched, or is none.
#[boxed]
pub async fn remote(services: &Services, principal: &Principal, url: &str) -> Result<String> {
    let text = fetch(services, principal.tenant_id(), url).await?;
    parse(services, principal.tenant_id(), &text).await?;
    Ok(text)
}

async fn fetch(services: &Services, tenant: TenantId, url: &str) -> Result<String> {
    let limit = std::time::Duration::from_secs(30);
    let body = openapi::MAX_DOCUMENT as u64;
    let limits = Limits { first_byte: limit, read: limit, total: limit, body, ..Limits::default() };
    let request = Request::get(Class::Tool, url.trim()).limits(limits);
    let failed = |why: String| Error::invalid_field("url", format!("The schema cannot be fetched: {why}"));
    let egress = services.outbound.of(tenant).await?;
    let answer = egress.send(request).await.map_err(|error| failed(error.to_string()))?;
    if !answer.status.is_success() {
        return Err(failed(format!("HTTP {}", answer.status)));
    }
    answer.text().await.map_err(|error| failed(error.to_string()))
}

/// The credentials as they are kept: known fields, the hidden key from what is stored.
fn checked(sent: &Map<String, Json>, stored: Option<&Map<String, Json>>) -> Result<Map<String, Json>> {
    let text = |name: &str| sent.get(name).and_then(Json::as_str).map(str::trim).filter(|text| !text.is_empty());
    let kind = text("auth_type").ok_or_else(|| Error::invalid_field("credentials", "auth_type is required"))?;
    let mut kept = Map::from_iter([("auth_type".to_owned(), Json::from(kind))]);
    match kind {
        "none" => return Ok(kept),
        OAUTH => return api_sign_in::checked(sent, stored),
        "api_key_header" | "api_key" | "api_key_query" => {}
        other => return Err(Error::invalid_field("credentials", format!("invalid auth type {other}"))),
    }
    let before = stored.and_then(|stored| stored.get(SECRET)).and_then(Json::as_str);
    let key = match (text(SECRET), before) {
        (Some(given), Some(before)) if given == HIDDEN || given == ox_auth::mask(before) => before.to_owned(),
        (Some(HIDDEN) | None, _) => return Err(Error::invalid_field("credentials", "Missing api_key_value")),
        (Some(given), _) => given.to_owned(),
    };
    kept.insert(SECRET.to_owned(), key.into());
    for name in ["api_key_header", "api_key_header_prefix", "api_key_query_param"] {
        if let Some(value) = text(name) {
            kept.insert(name.to_owned(), value.into());
        }
    }
    if let Some(prefix) =
        text("api_key_header_prefix").filter(|prefix| !["basic", "bearer", "custom", "no_prefix"].contains(prefix))
    {
        return Err(Error::invalid_field("credentials", format!("invalid api_key_header_prefix {prefix}")));
    }
    Ok(kept)
}

/// Everything of a form but what tells one provider from another.
async fn made(
    services: &Services,
    tenant: TenantId,
    form: &ApiForm,
    before: Option<&ApiToolProvider>,
) -> Result<ApiToolProvider> {
    let name = form.provider.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::invalid_field("provider", "provider must not be empty, and have 255 characters at most."));
    }
    if !SCHEMA_TYPES.contains(&form.schema_type.as_str()) {
        return Err(Error::invalid_field("schema_type", format!("invalid schema type {}", form.schema_type)));
    }
    let disclaimer = form.custom_disclaimer.clone().unwrap_or_default();
    if disclaimer.chars().count() > MAX_DISCLAIMER {
        return Err(Error::invalid_field("custom_disclaimer", "Custom disclaimer cannot exceed 512 characters."));
    }
    let document = parse(services, tenant, &form.schema).await?;
    let stored = match before {
        Some(row) => Some(opened(services, row).await?),
        None => None,
    };
    let sent = api_sign_in::filled(&form.credentials, document.oauth.as_ref());
    let mut credentials = checked(&sent, stored.as_ref())?;
    if before.is_some_and(|before| !same_servers(&bundles(before), &document.bundles)) {
        api_sign_in::forget(&mut credentials);
    }
    if let Some(before) = before
        && stored.as_ref().and_then(|stored| stored.get(SECRET)) == credentials.get(SECRET)
        && credentials.contains_key(SECRET)
        && !same_servers(&bundles(before), &document.bundles)
    {
        return Err(Error::invalid_field("credentials", "Enter the API key again for another server."));
    }
    let sealed = services.secrets.tenant_key(&services.db, tenant).await?.seal_fields(&credentials, &SECRETS)?;
    Ok(ApiToolProvider {
        id: new_uuid(),
        tenant_id: tenant,
        user_id: ox_types::AccountId(Uuid::nil()),
        name: name.to_owned(),
        icon: form.icon.clone(),
        schema: form.schema.clone(),
        schema_type: form.schema_type.clone(),
        description: document.description,
        tools: serde_json::to_value(&document.bundles).map_err(Error::internal)?,
        credentials: sealed,
        privacy_policy: form.privacy_policy.clone().filter(|text| !text.is_empty()),
        custom_disclaimer: disclaimer,
        created_at: now(),
        updated_at: now(),
    })
}

/// Whether a key that was given for the one may go on to the other: the servers are among those it was given for.
fn same_servers(before: &[Bundle], after: &[Bundle]) -> bool {
    let origin = |bundle: &Bundle| url::Url::parse(&bundle.server_url).map(|url| url.origin()).ok();
    let known: Vec<_> = before.iter().map(origin).collect();
    after.iter().all(|bundle| known.contains(&origin(bundle)))
}

fn name_taken(error: ox_db::Error) -> Error {
    match error {
        ox_db::Error::Conflict(_) => Error::invalid_field("provider", "provider name already exists"),
        other => other.into(),
    }
}

/// Adds a provider.
///
/// # Errors
/// 403 without the permission; 400 for what is wrong.
#[boxed]
pub async fn add(services: &Services, principal: &Principal, form: ApiForm) -> Result<()> {
    principal.require(Permission::CredentialManage)?;
    let (tenant, labels) = (principal.tenant_id(), labels::check(&form.labels)?);
    let row = made(services, tenant, &form, None).await?;
    let row = ApiToolProvider { user_id: principal.account_id()?, ..row };
    let tx = services.db.begin().await?;
    repo::tools::apis::insert(&tx, row.clone()).await.map_err(name_taken)?;
    labels::set(&tx, tenant, row.id, "api", &labels).await?;
    tx.commit().await?;
    noted(services, principal, "tool.api.create", &row).await;
    Ok(())
}

/// Changes a provider; a masked key is kept.
///
/// # Errors
/// As [`add`].
#[boxed]
pub async fn update(services: &Services, principal: &Principal, original: &str, form: ApiForm) -> Result<()> {
    principal.require(Permission::CredentialManage)?;
    let (tenant, labels) = (principal.tenant_id(), labels::check(&form.labels)?);
    let before = named(services, tenant, original).await?;
    let row = made(services, tenant, &form, Some(&before)).await?;
    let row = ApiToolProvider { id: before.id, user_id: before.user_id, created_at: before.created_at, ..row };
    let tx = services.db.begin().await?;
    repo::tools::apis::update(&tx, row.clone()).await.map_err(name_taken)?;
    labels::set(&tx, tenant, row.id, "api", &labels).await?;
    tx.commit().await?;
    noted(services, principal, "tool.api.update", &row).await;
    Ok(())
}

/// Removes a provider. Apps that use it say so when they run.
///
/// # Errors
/// As [`add`].
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, name: &str) -> Result<()> {
    principal.require(Permission::CredentialManage)?;
    let tenant = principal.tenant_id();
    let row = named(services, tenant, name).await?;
    let tx = services.db.begin().await?;
    repo::tools::apis::delete(&tx, tenant, row.id).await?;
    labels::set(&tx, tenant, row.id, "api", &[]).await?;
    repo::tools::permissions::delete_all(&tx, tenant, "api", &row.id.to_string()).await?;
    tx.commit().await?;
    noted(services, principal, "tool.api.delete", &row).await;
    Ok(())
}

async fn noted(services: &Services, principal: &Principal, action: &'static str, row: &ApiToolProvider) {
    audit::record(services, principal, action, "tool_provider", row.id, None, Some(json!({"name": row.name}))).await;
}

/// A call to try out.
#[derive(Clone, Debug, Default)]
pub struct ApiTrial {
    pub provider: Option<String>,
    pub tool: String,
    pub schema: String,
    pub credentials: Map<String, Json>,
    pub parameters: Map<String, Json>,
}

/// Makes a call of a document that may not be kept yet; what goes wrong with the call is the inner error.
///
/// # Errors
/// 400 for what is wrong with the document.
#[boxed]
pub async fn test(services: &Services, principal: &Principal, trial: ApiTrial) -> Result<Result<String, String>> {
    principal.require(Permission::CredentialManage)?;
    let tenant = principal.tenant_id();
    let document = parse(services, tenant, &trial.schema).await?;
    let bundle = document.bundles.iter().find(|bundle| bundle.operation_id == trial.tool);
    let bundle =
        bundle.ok_or_else(|| Error::invalid_field("tool_name", format!("invalid tool name {}", trial.tool)))?;
    let stored = match trial.provider.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => repo::tools::apis::by_name(&services.db, tenant, name).await?,
        None => None,
    };
    if let Some(row) = &stored {
        let tool = ox_nodes::ToolName {
            provider_type: "api".to_owned(),
            provider_id: row.id.to_string(),
            provider_name: row.name.clone(),
            tool: trial.tool.clone(),
            ..ox_nodes::ToolName::default()
        };
        super::permissions::require(services, principal, &[tool]).await?;
    }
    // A stored key is only sent where it was given for.
    let stored = stored.filter(|row| same_servers(&bundles(row), std::slice::from_ref(bundle)));
    let known = match &stored {
        Some(row) => Some(opened(services, row).await?),
        None => None,
    };
    let sent = api_sign_in::filled(&trial.credentials, document.oauth.as_ref());
    let credentials = checked(&sent, known.as_ref())?;
    let auth = match &stored {
        _ if credentials.get("auth_type").is_none_or(|kind| *kind != OAUTH) => auth(&credentials),
        // The token of the client that is kept, not of one that was just entered.
        Some(row) if known.as_ref() == Some(&credentials) => match api_sign_in::auth(services, row).await {
            Ok(auth) => auth,
            Err(error) if error.status < 500 => return Ok(Err(error.message)),
            Err(error) => return Err(error),
        },
        _ => return Ok(Err("Save the tool and sign in before it is tried.".to_owned())),
    };
    let invocation = Invocation { parameters: trial.parameters, auth, ..services.tools.timed() };
    let egress = services.outbound.of(tenant).await?;
    Ok(openapi::call(&egress, bundle, &invocation).await.map(|said| super::hub::text_of(&said)))
}

pub(super) fn auth(credentials: &Map<String, Json>) -> Auth {
    serde_json::from_value(Json::Object(credentials.clone())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_when_they_come_back_masked() {
        let map = |value: Json| value.as_object().cloned().expect("object");
        let stored = map(json!({"auth_type": "api_key_header", SECRET: "sk-1234567890"}));
        for shown in [HIDDEN.to_owned(), ox_auth::mask("sk-1234567890")] {
            let sent = map(json!({"auth_type": "api_key_header", SECRET: shown, "api_key_header_prefix": "bearer"}));
            assert_eq!(checked(&sent, Some(&stored)).expect("kept")[SECRET], "sk-1234567890");
        }
        let new = map(json!({"auth_type": "api_key_query", SECRET: "other", "api_key_query_param": "k", "x": 1}));
        let kept = checked(&new, Some(&stored)).expect("kept");
        assert_eq!(
            Json::Object(kept),
            json!({"auth_type": "api_key_query", SECRET: "other", "api_key_query_param": "k"})
        );
        for (sent, why) in [
            (json!({}), "auth_type is required"),
            (json!({"auth_type": "magic"}), "invalid auth type magic"),
            (json!({"auth_type": "api_key_header"}), "Missing api_key_value"),
            (json!({"auth_type": "api_key_header", SECRET: HIDDEN}), "Missing api_key_value"),
            (
                json!({"auth_type": "api_key_header", SECRET: "k", "api_key_header_prefix": "x"}),
                "invalid api_key_header_prefix x",
            ),
        ] {
            assert_eq!(checked(&map(sent), None).expect_err(why).message, why);
        }
    }
}

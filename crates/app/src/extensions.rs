//! API extensions: a workspace's own services, which are asked about inputs and answers (reference §16).

use std::time::Duration;

use chrono::{DateTime, Utc};
use ox_db::{model::ApiExtension, now, repo};
use ox_net::{Class, Limits, NetError, Request};
use ox_types::{Json, TenantId, boxed, new_uuid};
use serde_json::json;
use uuid::Uuid;

use crate::{Error, Principal, Result, Services, audit, principal::Permission};

/// Sent instead of a key to keep the stored one.
pub const KEEP: &str = "[__HIDDEN__]";
const MIN_KEY: usize = 5;
const MAX_NAME: usize = 255;
const CONNECT: Duration = Duration::from_secs(5);
const TOTAL: Duration = Duration::from_secs(60);
const MAX_ANSWER: u64 = 1024 * 1024;
/// Characters of a refusal that are passed on.
const MAX_TOLD: usize = 100;

/// An extension as its workspace sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionView {
    pub id: Uuid,
    pub name: String,
    pub api_endpoint: String,
    /// Masked.
    pub api_key: String,
    pub created_at: DateTime<Utc>,
}

/// What an extension is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtensionForm {
    pub name: String,
    pub api_endpoint: String,
    /// Plain, or [`KEEP`].
    pub api_key: String,
}

/// Those of the workspace, newest first.
///
/// # Errors
/// When they cannot be read.
#[boxed]
pub async fn list(services: &Services, principal: &Principal) -> Result<Vec<ExtensionView>> {
    let mut views = Vec::new();
    for row in repo::api_extensions::list(&services.db, principal.tenant_id()).await? {
        views.push(view(services, row).await?);
    }
    Ok(views)
}

/// One of the workspace.
///
/// # Errors
/// 404 when it is not one of this workspace.
#[boxed]
pub async fn get(services: &Services, principal: &Principal, id: Uuid) -> Result<ExtensionView> {
    let row = find(services, principal.tenant_id(), id).await?;
    view(services, row).await
}

async fn find(services: &Services, tenant: TenantId, id: Uuid) -> Result<ApiExtension> {
    let found = repo::api_extensions::find(&services.db, tenant, id).await?;
    found.ok_or_else(|| Error::not_found("API-based Extension not found. Please check it again."))
}

async fn view(services: &Services, row: ApiExtension) -> Result<ExtensionView> {
    let key = services.decrypt(row.tenant_id, &row.api_key).await?;
    Ok(ExtensionView {
        id: row.id,
        name: row.name,
        api_endpoint: row.api_endpoint,
        api_key: masked(&key),
        created_at: row.created_at,
    })
}

/// The ends of a key: enough to tell which one it is.
fn masked(key: &str) -> String {
    let count = key.chars().count();
    let ends = if count <= 8 { 1 } else { 3 };
    let head: String = key.chars().take(ends).collect();
    let tail: String = key.chars().skip(count.saturating_sub(ends)).collect();
    format!("{head}******{tail}")
}

/// Adds an extension after asking it for a sign of life.
///
/// # Errors
/// 400 when something is missing, the name is taken or the service does not answer as it should.
#[boxed]
pub async fn create(services: &Services, principal: &Principal, form: ExtensionForm) -> Result<ExtensionView> {
    principal.require(Permission::CredentialManage)?;
    check(&form)?;
    let tenant = principal.tenant_id();
    ping(services, tenant, &form.api_endpoint, &form.api_key).await?;
    let row = ApiExtension {
        id: new_uuid(),
        tenant_id: tenant,
        name: form.name.trim().to_owned(),
        api_endpoint: form.api_endpoint.trim().to_owned(),
        api_key: services.encrypt(tenant, &form.api_key).await?,
        created_at: now(),
    };
    let tx = services.db.begin().await?;
    repo::api_extensions::insert(&tx, row.clone()).await.map_err(name_taken)?;
    tx.commit().await?;
    noted(services, principal, "extension.create", &row).await;
    view(services, row).await
}

/// Changes an extension, asking it for a sign of life first.
///
/// # Errors
/// As [`create`]; 404 for an unknown one.
#[boxed]
pub async fn update(
    services: &Services,
    principal: &Principal,
    id: Uuid,
    mut form: ExtensionForm,
) -> Result<ExtensionView> {
    principal.require(Permission::CredentialManage)?;
    let tenant = principal.tenant_id();
    let before = find(services, tenant, id).await?;
    if form.api_key == KEEP {
        form.api_key = services.decrypt(tenant, &before.api_key).await?;
        // A stored key is for the address it was entered with.
        if form.api_endpoint.trim() != before.api_endpoint {
            return Err(Error::invalid_field("api_key", "Enter the API key again for another API endpoint."));
        }
    }
    check(&form)?;
    ping(services, tenant, &form.api_endpoint, &form.api_key).await?;
    let row = ApiExtension {
        name: form.name.trim().to_owned(),
        api_endpoint: form.api_endpoint.trim().to_owned(),
        api_key: services.encrypt(tenant, &form.api_key).await?,
        ..before
    };
    let tx = services.db.begin().await?;
    repo::api_extensions::update(&tx, row.clone()).await.map_err(name_taken)?;
    tx.commit().await?;
    noted(services, principal, "extension.update", &row).await;
    view(services, row).await
}

/// Removes an extension. Apps that ask it say so when they run.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, id: Uuid) -> Result<()> {
    principal.require(Permission::CredentialManage)?;
    let row = find(services, principal.tenant_id(), id).await?;
    let tx = services.db.begin().await?;
    repo::api_extensions::delete(&tx, row.tenant_id, id).await?;
    tx.commit().await?;
    noted(services, principal, "extension.delete", &row).await;
    Ok(())
}

async fn noted(services: &Services, principal: &Principal, action: &'static str, row: &ApiExtension) {
    let about = json!({"name": row.name, "api_endpoint": row.api_endpoint});
    audit::record(services, principal, action, "extension", row.id, None, Some(about)).await;
}

fn name_taken(error: ox_db::Error) -> Error {
    match error {
        ox_db::Error::Conflict(_) => {
            Error::invalid_field("name", "name must be unique: another API extension has it already.")
        }
        other => other.into(),
    }
}

fn check(form: &ExtensionForm) -> Result<()> {
    let name = form.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::invalid_field("name", "name must not be empty, and have 255 characters at most."));
    }
    let endpoint = form.api_endpoint.trim();
    let is_http = url::Url::parse(endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !is_http {
        return Err(Error::invalid_field("api_endpoint", "api_endpoint must be an http or https address."));
    }
    if form.api_key.chars().count() < MIN_KEY {
        return Err(Error::invalid_field("api_key", "api_key must be at least 5 characters"));
    }
    Ok(())
}

async fn ping(services: &Services, tenant: TenantId, endpoint: &str, key: &str) -> Result<()> {
    let failed = |why: String| Error::invalid(format!("connection error: {why}"));
    let answer = request(services, tenant, endpoint.trim(), key, "ping", json!({})).await;
    let answer = answer.map_err(|error| failed(error.message))?;
    if answer.get("result").and_then(Json::as_str) == Some("pong") { Ok(()) } else { Err(failed(answer.to_string())) }
}

/// Asks an extension of a workspace.
///
/// # Errors
/// 400 when there is no such extension, or it does not answer 200 with JSON in time.
#[boxed]
pub(crate) async fn ask(
    services: &Services,
    tenant: TenantId,
    id: Uuid,
    point: &'static str,
    params: Json,
) -> Result<Json> {
    let row = find(services, tenant, id).await.map_err(|error| Error {
        status: 400,
        code: "invalid_param".into(),
        ..error
    })?;
    let key = services.decrypt(tenant, &row.api_key).await?;
    let answer = request(services, tenant, &row.api_endpoint, &key, point, params).await;
    let status = if answer.is_ok() { "ok" } else { "error" };
    metrics::counter!("oxidify_extension_requests_total", "point" => point, "status" => status).increment(1);
    answer
}

async fn request(
    services: &Services,
    tenant: TenantId,
    endpoint: &str,
    key: &str,
    point: &str,
    params: Json,
) -> Result<Json> {
    let body = json!({"point": point, "params": params}).to_string();
    let mut request = Request::post_json(Class::ExternalApi, endpoint, body)
        .secret_header("authorization", &format!("Bearer {key}"))
        .map_err(|error| Error::invalid(error.to_string()))?;
    request.limits = Limits { connect: CONNECT, first_byte: TOTAL, read: TOTAL, total: TOTAL, body: MAX_ANSWER };
    request.retries = Some(0);
    let failed = |error: NetError| match error {
        NetError::Timeout { .. } => Error::invalid("request timeout"),
        // A refusal says which rule refuses.
        NetError::Denied(denied) => Error::invalid(denied.to_string()),
        NetError::TooLarge { .. } => Error::invalid(error.to_string()),
        other => Error::invalid("request connection error").caused_by(other),
    };
    let answer = services.outbound.of(tenant).await?.send(request).await.map_err(failed)?;
    let status = answer.status.as_u16();
    let text = answer.text().await.map_err(failed)?;
    if status != 200 {
        let told: String = text.chars().take(MAX_TOLD).collect();
        return Err(Error::invalid(format!("request error, status_code: {status}, content: {told}")));
    }
    serde_json::from_str(&text).map_err(|_| Error::invalid("request error, the answer is not JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_masked() {
        for (key, shown) in
            [("abcde", "a******e"), ("abcdefghi", "abc******ghi"), ("\u{fc}bcdefgh\u{fc}", "\u{fc}bc******gh\u{fc}")]
        {
            assert_eq!(masked(key), shown);
        }
    }

    #[test]
    fn forms_are_checked_by_name() {
        let good =
            ExtensionForm { name: "Guard".into(), api_endpoint: "https://x.test/a".into(), api_key: "12345".into() };
        assert!(check(&good).is_ok());
        for (form, field) in [
            (ExtensionForm { name: " ".into(), ..good.clone() }, "name"),
            (ExtensionForm { name: "x".repeat(256), ..good.clone() }, "name"),
            (ExtensionForm { api_endpoint: "ftp://x".into(), ..good.clone() }, "api_endpoint"),
            (ExtensionForm { api_endpoint: String::new(), ..good.clone() }, "api_endpoint"),
            (ExtensionForm { api_key: "1234".into(), ..good.clone() }, "api_key"),
        ] {
            assert_eq!(check(&form).unwrap_err().field.as_deref(), Some(field), "{form:?}");
        }
    }
}

//! Signing in at Notion: its page in the browser, then a code, then a token that becomes a credential.

use std::{collections::BTreeMap, time::Duration};

use base64::Engine as _;
use ox_db::repo;
use ox_net::Method;
use ox_types::{AccountId, Json, TenantId, boxed};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    Key, Provider,
    wire::{Call, text},
};
use crate::{
    Error, Principal, Result, Services,
    principal::{Permission, Role},
};

/// How long somebody may take.
const SIGN_IN: Duration = Duration::from_secs(600);

#[derive(Serialize, Deserialize)]
struct Attempt {
    tenant: TenantId,
    account: AccountId,
    redirect: String,
}

fn attempt_key(state: &str) -> String {
    format!("notion_sign_in:{}", hex::encode(Sha256::digest(state.as_bytes())))
}

/// What comes of a wish to connect Notion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The browser goes there.
    Go(String),
    /// Done with the operator's own token.
    Connected,
}

/// Connects Notion: by the operator's integration, or with an address to sign in at.
///
/// # Errors
/// 400 when the operator has entered neither.
#[boxed]
pub async fn start(services: &Services, principal: &Principal) -> Result<Start> {
    principal.require(Permission::CredentialManage)?;
    let settings = &services.settings.sources;
    if settings.notion_internal {
        let unset = || Error::invalid("Internal secret is not set: NOTION_INTERNAL_SECRET.");
        let secret = settings.notion_secret.clone().ok_or_else(unset)?;
        let (tenant, provider) = (principal.tenant_id(), Provider::Notion);
        let (base_url, plain) = (String::new(), BTreeMap::new());
        let key = Key { tenant, id: Uuid::nil(), provider, secret: secret.clone(), base_url, plain };
        let workspace = super::notion::workspace(services, &key).await?;
        keep(services, principal, &secret, workspace, "api-key").await?;
        return Ok(Start::Connected);
    }
    let Some(client) = settings.notion_client_id.as_deref().filter(|_| settings.notion_client_secret.is_some()) else {
        return Err(Error::new(
            400,
            "notion_oauth_not_set_up",
            "Notion sign-in is not set up: NOTION_CLIENT_ID and NOTION_CLIENT_SECRET. Add an internal integration secret instead.",
        ));
    };
    let redirect = format!(
        "{}/console/api/oauth/data-source/callback/notion",
        services.settings.console_api_url.trim_end_matches('/')
    );
    let state = ox_auth::random_code(32);
    let attempt = Attempt { tenant: principal.tenant_id(), account: principal.account_id()?, redirect };
    let kept = serde_json::to_string(&attempt).map_err(Error::internal)?;
    services.kv.set(&attempt_key(&state), &kept, Some(SIGN_IN)).await?;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", client)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", &attempt.redirect)
        .append_pair("owner", "user")
        .append_pair("state", &state)
        .finish();
    Ok(Start::Go(format!("{}/v1/oauth/authorize?{query}", settings.notion_url)))
}

/// The browser is back: its code becomes a credential of the workspace that it was asked for.
///
/// # Errors
/// 400 for a state that is not known (any more) or a code that Notion does not take.
#[boxed]
pub async fn finish(services: &Services, state: &str, code: &str) -> Result<()> {
    let gone = || Error::invalid_field("state", "State parameter has expired or is invalid");
    let kept = services.kv.take(&attempt_key(state)).await?.ok_or_else(gone)?;
    let attempt: Attempt = serde_json::from_str(&kept).map_err(|_| gone())?;
    let settings = &services.settings.sources;
    let (Some(id), Some(secret)) = (&settings.notion_client_id, &settings.notion_client_secret) else {
        return Err(gone());
    };
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    let call = Call {
        tenant: attempt.tenant,
        service: "Notion",
        method: Method::POST,
        url: format!("{}/v1/oauth/token", settings.notion_url),
        secret: Some(("authorization", format!("Basic {basic}"))),
        headers: &[],
        body: Some(json!({"grant_type": "authorization_code", "code": code, "redirect_uri": attempt.redirect})),
        again: &[],
    };
    let answer = call.json(services).await?;
    let token = text(&answer, "access_token");
    if token.is_empty() {
        return Err(Error::invalid("Notion gave no token."));
    }
    let workspace = json!({
        "workspace_name": text(&answer, "workspace_name"),
        "workspace_id": text(&answer, "workspace_id"),
        "workspace_icon": answer.get("workspace_icon"),
    });
    // That the account may do this was looked at when it began.
    let principal = Principal::Member { account_id: attempt.account, tenant_id: attempt.tenant, role: Role::Admin };
    keep(services, &principal, &token, workspace, "oauth2").await
}

/// One credential for each workspace of Notion: signing in again gives it the new token.
async fn keep(
    services: &Services,
    principal: &Principal,
    secret: &str,
    workspace: Json,
    auth_type: &str,
) -> Result<()> {
    let tenant = principal.tenant_id();
    let values = json!({"integration_secret": secret});
    let wanted = text(&workspace, "workspace_id");
    let all = repo::data_sources::list(&services.db, tenant).await?;
    let known = all.iter().find(|row| {
        let is_same = !wanted.is_empty() && text(&super::workspace_of(row), "workspace_id") == wanted;
        row.provider == Provider::Notion.name() && row.auth_type == auth_type && is_same
    });
    let id = match known {
        Some(row) => {
            super::update(services, principal, row.id, None, Some(values)).await?;
            row.id
        }
        None => super::insert(services, principal, Provider::Notion, None, &values, auth_type).await?,
    };
    note(services, tenant, id, workspace).await
}

/// Keeps what is known of the workspace behind a token.
async fn note(services: &Services, tenant: TenantId, id: Uuid, workspace: Json) -> Result<()> {
    let tx = services.db.begin().await?;
    if let Some(mut row) = repo::data_sources::find(&tx, tenant, id).await? {
        if let Some(fields) = row.encrypted_credentials.as_object_mut() {
            fields.insert("workspace".into(), workspace);
        }
        repo::data_sources::update(&tx, row).await?;
    }
    Ok(tx.commit().await?)
}

/// Counts anew what a token may see.
///
/// # Errors
/// 404 for an unknown credential, 400 with what Notion says.
#[boxed]
pub async fn sync(services: &Services, principal: &Principal, id: Uuid) -> Result<()> {
    principal.require(Permission::CredentialManage)?;
    let tenant = principal.tenant_id();
    let (row, provider) = super::find(services, tenant, id).await?;
    if provider != Provider::Notion {
        return Err(super::missing());
    }
    let key = super::key(services, tenant, provider, Some(id)).await?;
    let total = super::notion::count(services, &key).await?;
    let mut workspace = super::workspace_of(&row);
    if let Some(fields) = workspace.as_object_mut() {
        fields.insert("total".into(), json!(total));
    }
    note(services, tenant, id, workspace).await
}

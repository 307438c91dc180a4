//! Providers that come with this program, and their credentials.

use ox_db::{model::ToolCredential, now, repo};
use ox_models::Credentials;
use ox_tools::{FieldView, Provider, ToolView, builtin as providers};
use ox_types::{AccountId, Json, TenantId, boxed, new_uuid};
use serde::Serialize;
use serde_json::{Map, json};
use uuid::Uuid;

use super::{HIDDEN, ProviderView};
use crate::{Error, Principal, Result, Services, audit, principal::Permission, secrets::mask_fields};

/// Characters of a credential's name.
const MAX_NAME: usize = 30;
/// Credentials of one provider.
const MOST: usize = 100;

/// A stored credential, masked.
#[derive(Clone, Debug, Serialize)]
pub struct CredentialView {
    pub id: Uuid,
    pub name: String,
    pub provider: String,
    pub credential_type: String,
    pub is_default: bool,
    /// `workspace`, or `personal`: nobody but its member sees it.
    pub visibility: String,
    pub credentials: Credentials,
}

/// Credentials to add.
#[derive(Clone, Debug, Default)]
pub struct NewCredential {
    /// `api-key`.
    pub kind: String,
    pub values: Credentials,
    /// One is made up without it.
    pub name: Option<String>,
    /// For the caller alone.
    pub personal: bool,
}

/// The provider that an id means.
///
/// # Errors
/// 404 when there is none.
pub fn find(id: &str) -> Result<&'static Provider> {
    providers::find(id).ok_or_else(|| Error::not_found(format!("There is no tool provider '{id}'.")))
}

fn view(provider: &'static Provider, default: Option<&CredentialView>) -> ProviderView {
    ProviderView {
        id: provider.name.to_owned(),
        author: providers::AUTHOR.to_owned(),
        name: provider.name.to_owned(),
        plugin_id: None,
        plugin_unique_identifier: String::new(),
        description: ox_models::I18n::new(provider.description.0, provider.description.1),
        icon: format!("/console/api/workspaces/current/tool-provider/builtin/{}/icon", provider.name).into(),
        icon_dark: "".into(),
        label: ox_models::I18n::new(provider.label.0, provider.label.1),
        kind: "builtin",
        team_credentials: default.map(|row| row.credentials.clone()).unwrap_or_default(),
        is_team_authorization: provider.form.is_empty() || default.is_some(),
        allow_delete: !provider.form.is_empty(),
        tools: provider.views(),
        labels: provider.labels.iter().map(|&label| label.to_owned()).collect(),
        more: Map::new(),
    }
}

/// All of them, those that can be used first.
#[boxed]
pub(super) async fn list(services: &Services, principal: &Principal) -> Result<Vec<ProviderView>> {
    let stored = shown(services, principal.tenant_id(), None).await?;
    let default = |provider: &Provider| chosen(&stored, provider.name, |row| &row.provider, |row| row.is_default);
    let mut all: Vec<_> = providers::PROVIDERS.iter().map(|provider| view(provider, default(provider))).collect();
    all.sort_by_key(|view| !view.is_team_authorization);
    Ok(all)
}

/// The default of a provider among those of the workspace: the one that is marked, or else the first.
fn chosen<'a, T>(
    rows: &'a [T],
    provider: &str,
    of: impl Fn(&T) -> &String,
    is_default: impl Fn(&T) -> bool,
) -> Option<&'a T> {
    let mut own = rows.iter().filter(|row| of(row) == provider);
    let first = own.clone().next();
    own.find(|row| is_default(row)).or(first)
}

/// One of them.
///
/// # Errors
/// 404 when there is none of this id.
#[boxed]
pub async fn info(services: &Services, principal: &Principal, id: &str) -> Result<ProviderView> {
    let provider = find(id)?;
    let stored = shown(services, principal.tenant_id(), None).await?;
    Ok(view(provider, chosen(&stored, provider.name, |row| &row.provider, |row| row.is_default)))
}

/// The tools of a provider.
///
/// # Errors
/// As [`info`].
pub fn tools(id: &str) -> Result<Vec<ToolView>> {
    Ok(find(id)?.views())
}

/// The picture of a provider, as SVG.
///
/// # Errors
/// As [`info`].
pub fn icon(id: &str) -> Result<&'static str> {
    Ok(find(id)?.icon)
}

/// The form of a provider's credentials.
///
/// # Errors
/// 404 for an unknown provider, 400 for a type that it does not take.
pub fn schema(id: &str, credential_type: &str) -> Result<Vec<FieldView>> {
    let provider = find(id)?;
    if !["api-key", "unauthorized"].contains(&credential_type) {
        let text = format!("'{}' takes no credentials of the type '{credential_type}'.", provider.name);
        return Err(Error::invalid_field("credential_type", text));
    }
    Ok(provider.form.iter().map(FieldView::from).collect())
}

/// What kinds of credentials a provider takes.
#[must_use]
pub fn supported(provider: &Provider) -> Vec<&'static str> {
    if provider.form.is_empty() { Vec::new() } else { vec!["api-key"] }
}

/// Those of the workspace and, where one is named, of a member.
async fn shown(services: &Services, tenant: TenantId, member: Option<AccountId>) -> Result<Vec<CredentialView>> {
    let rows = repo::tools::credentials::list(&services.db, tenant, member).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let key = services.secrets.tenant_key(&services.db, tenant).await?;
    rows.into_iter()
        .filter_map(|row| providers::find(&row.provider).map(|provider| (row, provider)))
        .map(|(row, provider)| {
            let values = key.open_fields(&row.encrypted_credentials, &provider.secrets())?;
            Ok(CredentialView {
                id: row.id,
                name: row.name,
                provider: row.provider,
                credential_type: row.credential_type,
                is_default: row.is_default,
                visibility: row.visibility,
                credentials: mask_fields(&values, &provider.secrets()),
            })
        })
        .collect()
}

/// The credentials of a provider that the caller may use, masked; the default is first, personal ones are last.
///
/// # Errors
/// 404 for an unknown provider.
#[boxed]
pub async fn credentials(services: &Services, principal: &Principal, id: &str) -> Result<Vec<CredentialView>> {
    let provider = find(id)?;
    let mut all = shown(services, principal.tenant_id(), principal.account_id().ok()).await?;
    all.retain(|row| row.provider == provider.name);
    all.sort_by_key(|row| (row.visibility == ToolCredential::PERSONAL, !row.is_default));
    Ok(all)
}

/// The values of a form: known ones, hidden ones from what is stored, required ones there.
fn checked(provider: &Provider, sent: &Credentials, stored: Option<&Credentials>) -> Result<Credentials> {
    let mut values = Credentials::new();
    for field in provider.form {
        let text = |value: &Json| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let kept = stored.and_then(|stored| stored.get(field.name)).and_then(text);
        let value = match sent.get(field.name).and_then(text) {
            Some(hidden) if hidden == HIDDEN => kept,
            // What was shown comes back as it was shown.
            Some(same)
                if kept.as_ref().is_some_and(|kept| field.kind == "secret-input" && ox_auth::mask(kept) == same) =>
            {
                kept
            }
            given => given,
        };
        match value.or_else(|| field.default.map(str::to_owned)) {
            Some(value) => _ = values.insert(field.name.to_owned(), value.into()),
            None if field.required => {
                let text = format!("{} ({}) must be given.", field.label.0, field.name);
                return Err(Error::invalid_field("credentials", text));
            }
            None => {}
        }
    }
    Ok(values)
}

/// Tries credentials out, where the provider has a way to.
async fn tried(services: &Services, tenant: TenantId, provider: &'static Provider, values: &Credentials) -> Result<()> {
    let Some((name, parameter, value)) = provider.trial else { return Ok(()) };
    let Some(tool) = provider.tool(name) else { return Ok(()) };
    let parameters = Map::from_iter([(parameter.to_owned(), Json::from(value))]);
    let said = services.tools.try_builtin(services.outbound.of(tenant).await?, tool, parameters, values.clone()).await;
    said.map(|_| ()).map_err(|why| Error::invalid_field("credentials", why))
}

fn named(name: Option<String>, taken: &[CredentialView]) -> Result<String> {
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    if let Some(name) = name {
        if name.chars().count() > MAX_NAME {
            return Err(Error::invalid_field("name", format!("name: at most {MAX_NAME} characters.")));
        }
        return Ok(name);
    }
    let free = (1..=MOST + 1).map(|number| format!("API KEY {number}"));
    let free = free.into_iter().find(|name| !taken.iter().any(|row| row.name == *name));
    free.ok_or_else(|| Error::invalid_field("name", "name: Field required"))
}

fn name_taken(error: ox_db::Error) -> Error {
    match error {
        ox_db::Error::Conflict(_) => Error::invalid_field("name", "The provider has other credentials of this name."),
        other => other.into(),
    }
}

/// Asks for what adding and changing credentials takes: those of the workspace are its administrators', personal ones
/// whosoever builds.
fn require(principal: &Principal, personal: bool) -> Result<()> {
    principal.require(if personal { Permission::AppEdit } else { Permission::CredentialManage })
}

/// Adds credentials after trying them out; the first ones of the workspace are the default.
///
/// # Errors
/// 403 without the permission; 400 for what is missing or refused.
#[boxed]
pub async fn add(services: &Services, principal: &Principal, id: &str, new: NewCredential) -> Result<()> {
    require(principal, new.personal)?;
    let (provider, kind) = (find(id)?, new.kind);
    if !supported(provider).contains(&kind.as_str()) {
        let text = format!("'{}' takes no credentials of the type '{kind}'.", provider.name);
        return Err(Error::invalid_field("type", text));
    }
    let visibility = if new.personal { ToolCredential::PERSONAL } else { ToolCredential::WORKSPACE };
    let mut taken = credentials(services, principal, id).await?;
    taken.retain(|row| row.visibility == visibility);
    if taken.len() >= MOST {
        return Err(Error::invalid(format!("The provider has {MOST} credentials already.")));
    }
    let tenant = principal.tenant_id();
    let (values, name) = (checked(provider, &new.values, None)?, named(new.name, &taken)?);
    tried(services, tenant, provider, &values).await?;
    let sealed = services.secrets.tenant_key(&services.db, tenant).await?.seal_fields(&values, &provider.secrets())?;
    let row = ToolCredential {
        id: new_uuid(),
        tenant_id: tenant,
        user_id: principal.account_id()?,
        provider: provider.name.to_owned(),
        name,
        encrypted_credentials: sealed,
        is_default: taken.is_empty() && !new.personal,
        credential_type: kind,
        expires_at: -1,
        visibility: visibility.to_owned(),
        created_at: now(),
        updated_at: now(),
    };
    let tx = services.db.begin().await?;
    repo::tools::credentials::insert(&tx, row.clone()).await.map_err(name_taken)?;
    tx.commit().await?;
    noted(services, principal, "tool.credential.create", &row).await;
    Ok(())
}

async fn noted(services: &Services, principal: &Principal, action: &'static str, row: &ToolCredential) {
    // What a member calls a key of their own is nobody else's.
    let name = (!row.is_personal()).then_some(&row.name);
    let about = json!({"provider": row.provider, "name": name, "visibility": row.visibility});
    audit::record(services, principal, action, "tool_credential", row.id, None, Some(about)).await;
}

/// Credentials that the caller may change. Personal ones of somebody else are not there.
async fn stored(services: &Services, principal: &Principal, provider: &Provider, id: Uuid) -> Result<ToolCredential> {
    let found = repo::tools::credentials::find(&services.db, principal.tenant_id(), id).await?;
    let caller = principal.account_id()?;
    let found = found.filter(|row| row.provider == provider.name && (!row.is_personal() || row.user_id == caller));
    // Who may change none of the workspace's is told so, whether there is such a one or not.
    let Some(row) = found else {
        require(principal, false)?;
        return Err(Error::not_found("The provider has no such credentials."));
    };
    require(principal, row.is_personal())?;
    Ok(row)
}

/// Changes credentials, trying them out when their values change.
///
/// # Errors
/// As [`add`]; 404 for unknown ones.
#[boxed]
pub async fn update(
    services: &Services,
    principal: &Principal,
    id: &str,
    credential: Uuid,
    sent: Option<Credentials>,
    name: Option<String>,
) -> Result<()> {
    let (provider, tenant) = (find(id)?, principal.tenant_id());
    let mut row = stored(services, principal, provider, credential).await?;
    if let Some(sent) = sent {
        let key = services.secrets.tenant_key(&services.db, tenant).await?;
        let before = key.open_fields(&row.encrypted_credentials, &provider.secrets())?;
        let values = checked(provider, &sent, Some(&before))?;
        if values != before {
            let moved = provider
                .form
                .iter()
                .any(|field| field.kind != "secret-input" && values.get(field.name) != before.get(field.name));
            let kept = provider
                .secrets()
                .into_iter()
                .any(|name| values.get(name) == before.get(name) && values.get(name).is_some());
            // A stored key is for the address it was entered with.
            if moved && kept {
                return Err(Error::invalid_field("credentials", "Enter the key again for another address."));
            }
            tried(services, tenant, provider, &values).await?;
        }
        row.encrypted_credentials = key.seal_fields(&values, &provider.secrets())?;
    }
    if let Some(name) = name.filter(|name| !name.trim().is_empty()) {
        row.name = named(Some(name), &[])?;
    }
    row.updated_at = now();
    let tx = services.db.begin().await?;
    repo::tools::credentials::update(&tx, row.clone()).await.map_err(name_taken)?;
    tx.commit().await?;
    noted(services, principal, "tool.credential.update", &row).await;
    Ok(())
}

/// Removes credentials.
///
/// # Errors
/// As [`update`].
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, id: &str, credential: Uuid) -> Result<()> {
    let row = stored(services, principal, find(id)?, credential).await?;
    let tx = services.db.begin().await?;
    repo::tools::credentials::delete(&tx, row.tenant_id, row.id).await?;
    tx.commit().await?;
    noted(services, principal, "tool.credential.delete", &row).await;
    Ok(())
}

/// Makes credentials of the workspace the ones that are used where none are named.
///
/// # Errors
/// As [`update`].
#[boxed]
pub async fn set_default(services: &Services, principal: &Principal, id: &str, credential: Uuid) -> Result<()> {
    let row = stored(services, principal, find(id)?, credential).await?;
    if row.is_personal() {
        return Err(Error::invalid_field("id", "Only credentials of the workspace can be its default."));
    }
    let tx = services.db.begin().await?;
    repo::tools::credentials::set_default(&tx, row.tenant_id, &row.provider, row.id).await?;
    tx.commit().await?;
    noted(services, principal, "tool.credential.default", &row).await;
    Ok(())
}

/// The default of some credentials of a workspace.
pub(super) fn default_of<'a>(rows: &'a [ToolCredential], provider: &str) -> Option<&'a ToolCredential> {
    chosen(rows, provider, |row| &row.provider, |row| row.is_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "called with `json!`")]
    fn form(value: Json) -> Credentials {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn what_was_hidden_or_shown_stays() {
        let provider = find("tavily").expect("provider");
        let stored = form(json!({"tavily_api_key": "tvly-1234567890", "base_url": "https://x.test"}));
        let same =
            checked(provider, &form(json!({"tavily_api_key": HIDDEN, "base_url": "https://x.test"})), Some(&stored));
        assert_eq!(same.expect("values"), stored);
        let shown = mask_fields(&stored, &provider.secrets());
        assert_ne!(shown["tavily_api_key"], stored["tavily_api_key"]);
        assert_eq!(checked(provider, &shown, Some(&stored)).expect("values"), stored);
        let error = checked(provider, &form(json!({})), None).expect_err("missing");
        assert_eq!(error.field.as_deref(), Some("credentials"));
        let usual = checked(provider, &form(json!({"tavily_api_key": "k", "unknown": 1})), None).expect("values");
        assert_eq!(usual["base_url"], "https://api.tavily.com");
        assert!(!usual.contains_key("unknown"));
    }
}

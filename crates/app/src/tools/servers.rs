//! MCP servers whose tools a workspace uses: their address, sign-in, and the tools they told of.

mod renewal;
mod signing;

use std::{collections::BTreeMap, time::Duration};

use ox_db::{model::McpProvider, now, repo};
use ox_models::I18n;
use ox_nodes::CallStream;
use ox_tools::{
    ToolView, builtin,
    mcp::{Error as McpError, McpTool, Server, Session, oauth},
};
use ox_types::{Json, TenantId, boxed, new_uuid};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub(super) use self::signing::for_member;
pub use self::signing::{authorize, authorize_own, leave_own, signed_in};
use self::{
    renewal::{Renewing, renew},
    signing::{Member, is_signed_in, own_sign_ins},
};
use super::{
    HIDDEN, HubParts, ProviderView,
    programs::{self, ProgramHost},
    sign_in,
};
use crate::{
    Error, Principal, Result, Services, audit,
    principal::Permission,
    secrets::{Secrets, TenantKey},
};

const MAX_NAME: usize = 40;
const MAX_IDENTIFIER: usize = 64;
const MAX_HEADERS: usize = 50;

/// What a provider is made of.
#[derive(Clone, Debug, Default)]
pub struct ServerForm {
    pub server_url: String,
    pub name: String,
    pub server_identifier: String,
    /// An emoji, or an address.
    pub icon: String,
    pub icon_type: String,
    pub icon_background: String,
    pub timeout: Option<f64>,
    pub sse_read_timeout: Option<f64>,
    pub headers: BTreeMap<String, String>,
    pub client_id: Option<String>,
    pub client_secret: Option<String>,
    /// Each member signs in with an account of their own. `None`: as it was.
    pub personal: Option<bool>,
}

/// What lets us in, kept as one encrypted text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct SignIn {
    #[serde(default)]
    client: Option<oauth::Client>,
    /// The client was not entered by somebody.
    #[serde(default)]
    registered: bool,
    #[serde(default)]
    authority: Option<oauth::Authority>,
    #[serde(default)]
    tokens: Option<oauth::Tokens>,
    /// Unix seconds at which the token ends.
    #[serde(default)]
    expires_at: Option<i64>,
}

/// What no two servers of a workspace have in common. One program can be several: with other variables.
fn hash(opened: &Opened) -> String {
    let url = match programs::named(&opened.url) {
        Some(_) => format!("{} {}", opened.url, opened.row.server_identifier),
        None => opened.url.clone(),
    };
    hex::encode(Sha256::digest(url.as_bytes()))
}

/// Opens a session in the way that the server is spoken to.
async fn session(host: &ProgramHost, egress: &ox_net::Egress, opened: &Opened) -> Result<Session, McpError> {
    let server = opened.server();
    let Some(name) = programs::named(&opened.url) else { return Session::open(egress, &server).await };
    let program = host.program(opened.row.tenant_id, name, &opened.headers).map_err(McpError::NotSpoken)?;
    Session::start(&host.running, &program, server.timeout, server.read_timeout).await
}

/// What a server's failure is to the caller.
fn told(error: McpError) -> Error {
    match error {
        McpError::Unauthorized { .. } => Error::invalid("The MCP server wants a sign-in."),
        other => Error::invalid(other.to_string()).caused_by(other),
    }
}

/// A provider with its secrets opened.
pub(super) struct Opened {
    pub row: McpProvider,
    url: String,
    headers: BTreeMap<String, String>,
    /// Of the workspace.
    sign_in: SignIn,
    /// Who calls, where each member signs in with an account of their own.
    member: Option<Member>,
}

impl Opened {
    /// What lets in whoever calls: a member is never let in as the workspace.
    fn tokens(&self) -> Option<&oauth::Tokens> {
        match &self.member {
            Some(member) => member.kept.as_ref().map(|(_, own)| &own.tokens),
            None => self.sign_in.tokens.as_ref(),
        }
    }

    fn is_due(&self) -> bool {
        sign_in::is_due(match &self.member {
            Some(member) => member.kept.as_ref().and_then(|(row, _)| row.expires_at).map(|at| at.timestamp()),
            None => self.sign_in.expires_at,
        })
    }

    fn has_refresh(&self) -> bool {
        self.tokens().is_some_and(|tokens| tokens.refresh_token.is_some())
    }

    /// What somebody can do whom the server does not let in.
    fn how_to_sign_in(&self) -> String {
        let name = &self.row.name;
        match (&self.member, self.row.personal) {
            (Some(_), _) => {
                format!("The MCP server '{name}' wants you to sign in with your own account: do that under Tools.")
            }
            (None, true) => format!(
                "Each member signs in to the MCP server '{name}' with an account of their own, and this run is no \
                 member's: for published apps, API calls, schedules and webhooks an administrator has to sign the \
                 workspace in, too, under Tools."
            ),
            (None, false) => {
                "The MCP server wants a sign-in: an administrator has to authorize it again under Tools.".to_owned()
            }
        }
    }

    fn not_renewed(&self, error: &Error) -> String {
        let (name, why) = (&self.row.name, &error.message);
        if self.member.is_none() {
            return why.clone();
        }
        format!("Your sign-in to the MCP server '{name}' cannot be renewed ({why}): sign in again under Tools.")
    }
}

impl Opened {
    fn server(&self) -> Server {
        Server {
            url: self.url.clone(),
            headers: self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            token: self.tokens().map(|tokens| tokens.access_token.clone()),
            timeout: Duration::from_secs_f64(self.row.timeout.clamp(1.0, 600.0)),
            read_timeout: Duration::from_secs_f64(self.row.sse_read_timeout.clamp(1.0, 3600.0)),
        }
    }
}

/// Opens the secrets of a provider.
pub(super) async fn opened(db: &ox_db::Database, secrets: &Secrets, row: McpProvider) -> Result<Opened> {
    let key = secrets.tenant_key(db, row.tenant_id).await?;
    let url = key.open(&row.server_url)?;
    let headers = row.encrypted_headers.as_deref().map(|text| key.open(text)).transpose()?;
    let headers = headers.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let sign_in = sign_in_of(&key, row.encrypted_credentials.as_deref())?;
    Ok(Opened { row, url, headers, sign_in, member: None })
}

fn sign_in_of(key: &TenantKey, sealed: Option<&str>) -> Result<SignIn> {
    let text = sealed.map(|text| key.open(text)).transpose()?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Calls a tool of a server, after renewing its token where that is due.
pub(super) async fn call(
    HubParts { db, secrets, kv, programs, .. }: &HubParts,
    egress: &ox_net::Egress,
    mut opened: Opened,
    (tool, arguments): (&str, Map<String, Json>),
) -> Result<CallStream, ox_nodes::CallError> {
    let failed = |error: McpError, opened: &Opened| match error {
        McpError::Unauthorized { .. } => ox_nodes::CallError::missing("ToolInvokeError", opened.how_to_sign_in()),
        other => builtin::failed(other.to_string()),
    };
    let with = Renewing { db, secrets, kv, egress };
    if opened.is_due()
        && let Err(error) = renew(with, &mut opened).await
    {
        return Err(builtin::failed(opened.not_renewed(&error)));
    }
    let mut began = session(programs, egress, &opened).await;
    if matches!(began, Err(McpError::Unauthorized { .. })) && opened.has_refresh() {
        if let Err(error) = renew(with, &mut opened).await {
            return Err(builtin::failed(opened.not_renewed(&error)));
        }
        began = session(programs, egress, &opened).await;
    }
    let mut session = began.map_err(|error| failed(error, &opened))?;
    let said = session.call(tool, arguments).await;
    session.close().await;
    let said = said.map_err(|error| failed(error, &opened))?;
    if said.is_error {
        let text = if said.text.is_empty() { "The tool tells of an error.".to_owned() } else { said.text };
        return Err(builtin::failed(text));
    }
    Ok(builtin::stream(said.messages))
}

/// Arguments with the types that the tool asks for: texts of a form may stand for numbers, lists and objects.
pub(super) fn typed(opened: &Opened, tool: &str, mut arguments: Map<String, Json>) -> Map<String, Json> {
    let Some(tool) = tools_of(&opened.row).into_iter().find(|known| known.name == tool) else { return arguments };
    let fields = &tool.input_schema["properties"];
    arguments.retain(|name, value| {
        *value = ox_tools::openapi::typed(value, &fields[name.as_str()]);
        // An empty text is how forms say that nothing was given.
        value.as_str() != Some("") || fields[name.as_str()]["type"] == "string"
    });
    arguments
}

/// The tools that a server told of.
pub(super) fn tools_of(row: &McpProvider) -> Vec<McpTool> {
    serde_json::from_value(row.tools.clone()).unwrap_or_default()
}

fn views(row: &McpProvider) -> Vec<ToolView> {
    tools_of(row).iter().map(|tool| tool.view("Anonymous")).collect()
}

/// The address without what may be a key: its path and query.
fn shown_url(url: &str) -> String {
    if programs::named(url).is_some() {
        return url.to_owned();
    }
    url::Url::parse(url)
        .map_or_else(|_| "******".to_owned(), |url| format!("{}/******", url.origin().ascii_serialization()))
}

fn view(opened: &Opened, signed_in: bool) -> ProviderView {
    let row = &opened.row;
    let icon: Json = serde_json::from_str(&row.icon).unwrap_or_default();
    let client = opened.sign_in.client.as_ref().filter(|_| !opened.sign_in.registered);
    let authentication = client.map(|client| {
        let secret = client.client_secret.as_deref().map(ox_auth::mask);
        json!({"client_id": ox_auth::mask(&client.client_id), "client_secret": secret})
    });
    let masked: BTreeMap<&String, String> =
        opened.headers.iter().map(|(name, value)| (name, ox_auth::mask(value))).collect();
    let more = json!({
        "server_url": shown_url(&opened.url), "updated_at": row.updated_at.timestamp(), "server_identifier": row.server_identifier,
        "configuration": {"timeout": row.timeout, "sse_read_timeout": row.sse_read_timeout}, "authentication": authentication,
        "is_dynamic_registration": client.is_none(), "masked_headers": masked,
        "personal": row.personal, "signed_in": signed_in,
    });
    ProviderView {
        id: row.id.to_string(),
        author: "Anonymous".to_owned(),
        name: row.name.clone(),
        description: I18n::same(""),
        icon: if icon["icon_type"] == "image" { icon["content"].clone() } else { icon },
        icon_dark: "".into(),
        label: I18n::same(&row.name),
        kind: "mcp",
        is_team_authorization: row.authed,
        allow_delete: true,
        tools: views(row),
        more: more.as_object().cloned().unwrap_or_default(),
        ..ProviderView::default()
    }
}

/// Those of the workspace.
#[boxed]
pub(super) async fn list(services: &Services, principal: &Principal) -> Result<Vec<ProviderView>> {
    let mut all = Vec::new();
    let mut own = own_sign_ins(services, principal).await?;
    for row in repo::tools::servers::list(&services.db, principal.tenant_id()).await? {
        let kept = own.remove(&row.id);
        let opened = opened(&services.db, &services.secrets, row).await?;
        all.push(view(&opened, is_signed_in(services, &opened, kept).await?));
    }
    Ok(all)
}

async fn find(services: &Services, tenant: TenantId, id: Uuid) -> Result<Opened> {
    let row = repo::tools::servers::find(&services.db, tenant, id).await?;
    let row = row.ok_or_else(|| Error::not_found("MCP tool not found"))?;
    opened(&services.db, &services.secrets, row).await
}

/// One of the workspace.
///
/// # Errors
/// 404 when there is none of this id.
#[boxed]
pub async fn get(services: &Services, principal: &Principal, id: Uuid) -> Result<ProviderView> {
    let opened = find(services, principal.tenant_id(), id).await?;
    let kept = own_sign_ins(services, principal).await?.remove(&id);
    Ok(view(&opened, is_signed_in(services, &opened, kept).await?))
}

fn checked(form: &ServerForm) -> Result<()> {
    let name = form.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::invalid_field("name", "name must not be empty, and have 40 characters at most."));
    }
    let identifier = form.server_identifier.trim();
    let is_identifier = !identifier.is_empty()
        && identifier.len() <= MAX_IDENTIFIER
        && identifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !is_identifier {
        let text = "server_identifier must have letters, digits, _ and - only, 64 at most.";
        return Err(Error::invalid_field("server_identifier", text));
    }
    if form.headers.len() > MAX_HEADERS {
        return Err(Error::invalid_field("headers", format!("At most {MAX_HEADERS} headers.")));
    }
    for seconds in [form.timeout, form.sse_read_timeout].into_iter().flatten() {
        if !(1.0..=3600.0).contains(&seconds) {
            return Err(Error::invalid_field("configuration", "Times are 1 to 3600 seconds."));
        }
    }
    Ok(())
}

fn is_masked(url: &str) -> bool {
    url.contains("******") || url == HIDDEN
}

fn checked_url(url: &str) -> Result<String> {
    if let Some(name) = programs::named(url) {
        return Ok(format!("stdio:{name}"));
    }
    let parsed = url::Url::parse(url.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    parsed.map(Into::into).ok_or_else(|| Error::invalid_field("server_url", "Server URL is not valid."))
}

/// Headers with those that came back masked as they were.
fn headers(form: &ServerForm, before: Option<&BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let kept = |name: &String, value: &String| {
        let known = before.and_then(|before| before.get(name))?;
        (value == HIDDEN || *value == ox_auth::mask(known)).then(|| known.clone())
    };
    let all = form.headers.iter().filter(|(name, _)| !name.trim().is_empty());
    all.map(|(name, value)| (name.trim().to_owned(), kept(name, value).unwrap_or_else(|| value.clone()))).collect()
}

fn taken(error: ox_db::Error) -> Error {
    match error {
        ox_db::Error::Conflict(_) => {
            Error::invalid("An MCP server with this name, address or identifier already exists.")
        }
        other => other.into(),
    }
}

fn icon(form: &ServerForm) -> String {
    let kind = if form.icon_type.is_empty() { "emoji" } else { &form.icon_type };
    json!({"content": form.icon, "background": form.icon_background, "icon_type": kind}).to_string()
}

/// Asks a server for its tools. `Ok(None)`: it wants a sign-in first.
async fn look(services: &Services, opened: &Opened) -> Result<Option<Vec<McpTool>>> {
    let egress = services.outbound.of(opened.row.tenant_id).await?;
    let mut session = match session(services.tools.programs(), &egress, opened).await {
        Err(McpError::Unauthorized { .. }) => return Ok(None),
        other => other.map_err(told)?,
    };
    let tools = session.tools().await;
    session.close().await;
    match tools {
        Err(McpError::Unauthorized { .. }) => Ok(None),
        other => other.map(Some).map_err(told),
    }
}

async fn sealed(services: &Services, mut opened: Opened) -> Result<McpProvider> {
    let key = services.secrets.tenant_key(&services.db, opened.row.tenant_id).await?;
    opened.row.server_url = key.seal(&opened.url)?;
    opened.row.server_url_hash = hash(&opened);
    opened.row.encrypted_headers = Some(key.seal(&text_json(&opened.headers)?)?);
    opened.row.encrypted_credentials = Some(key.seal(&text_json(&opened.sign_in)?)?);
    opened.row.updated_at = now();
    Ok(opened.row)
}

fn text_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

/// Takes a server in: it is asked for its tools at once, unless it wants a sign-in.
///
/// # Errors
/// 403 without the permission; 400 for what is wrong, or a server that cannot be used.
#[boxed]
pub async fn create(services: &Services, principal: &Principal, form: ServerForm) -> Result<ProviderView> {
    principal.require(Permission::CredentialManage)?;
    checked(&form)?;
    let tenant = principal.tenant_id();
    let client = client_of(&form, None);
    let url = checked_url(&form.server_url)?;
    let personal = form.personal.unwrap_or_default() && programs::named(&url).is_none();
    let mut opened = Opened {
        url,
        member: None,
        headers: headers(&form, None),
        sign_in: SignIn { client, ..SignIn::default() },
        row: McpProvider {
            id: new_uuid(),
            tenant_id: tenant,
            user_id: principal.account_id()?,
            name: form.name.trim().to_owned(),
            server_identifier: form.server_identifier.trim().to_owned(),
            server_url: String::new(),
            server_url_hash: String::new(),
            icon: icon(&form),
            authed: false,
            tools: json!([]),
            encrypted_credentials: None,
            encrypted_headers: None,
            timeout: form.timeout.unwrap_or(30.0),
            sse_read_timeout: form.sse_read_timeout.unwrap_or(300.0),
            personal,
            created_at: now(),
            updated_at: now(),
        },
    };
    if let Some(tools) = look(services, &opened).await? {
        opened.row.authed = true;
        opened.row.tools = serde_json::to_value(tools).map_err(Error::internal)?;
    }
    let row = sealed(services, opened).await?;
    let tx = services.db.begin().await?;
    repo::tools::servers::insert(&tx, row.clone()).await.map_err(taken)?;
    tx.commit().await?;
    noted(services, principal, "tool.mcp.create", &row).await;
    get(services, principal, row.id).await
}

fn client_of(form: &ServerForm, before: Option<&oauth::Client>) -> Option<oauth::Client> {
    let set = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let kept = |given: Option<String>, known: Option<&String>| match (given, known) {
        (Some(given), Some(known)) if given == HIDDEN || given == ox_auth::mask(known) => Some(known.clone()),
        (given, _) => given,
    };
    let client_id = kept(set(&form.client_id), before.map(|before| &before.client_id))?;
    let client_secret = kept(set(&form.client_secret), before.and_then(|before| before.client_secret.as_ref()));
    Some(oauth::Client { client_id, client_secret })
}

/// Changes a server. Another address is looked at anew, without what was known for the old one.
///
/// # Errors
/// As [`create`]; 404 for an unknown one.
#[boxed]
pub async fn update(services: &Services, principal: &Principal, id: Uuid, form: ServerForm) -> Result<()> {
    principal.require(Permission::CredentialManage)?;
    checked(&form)?;
    let tenant = principal.tenant_id();
    let mut opened = find(services, tenant, id).await?;
    let url = if is_masked(&form.server_url) { opened.url.clone() } else { checked_url(&form.server_url)? };
    let moved = url != opened.url;
    let before = (!moved).then_some(&opened.headers);
    let new_headers = headers(&form, before);
    if moved && new_headers.values().any(|value| value == HIDDEN || value.contains("**")) {
        return Err(Error::invalid_field("headers", "Enter the headers again for another server."));
    }
    let known = opened.sign_in.client.clone().filter(|_| !opened.sign_in.registered && !moved);
    let client = client_of(&form, known.as_ref());
    // Another server or another client: what let us in is over, for the workspace and for each member.
    let over = moved || (client.is_some() && client != known);
    let had_tokens = opened.sign_in.tokens.is_some();
    if over {
        opened.sign_in = SignIn { client, ..SignIn::default() };
    }
    let was_personal = opened.row.personal;
    opened.row.personal = form.personal.unwrap_or(was_personal) && programs::named(&url).is_none();
    opened.url = url;
    opened.headers = new_headers;
    opened.row.name = form.name.trim().to_owned();
    opened.row.server_identifier = form.server_identifier.trim().to_owned();
    opened.row.icon = icon(&form);
    opened.row.timeout = form.timeout.unwrap_or(opened.row.timeout);
    opened.row.sse_read_timeout = form.sse_read_timeout.unwrap_or(opened.row.sse_read_timeout);
    let tools = if moved { Some(look(services, &opened).await?) } else { None };
    let row = sealed(services, opened).await?;
    let tx = services.db.begin().await?;
    repo::tools::servers::update(&tx, row.clone()).await.map_err(taken)?;
    if over {
        repo::tools::servers::set_sign_in(&tx, tenant, id, row.encrypted_credentials.clone()).await?;
    }
    if let Some(tools) = tools {
        let told = serde_json::to_value(tools.as_deref().unwrap_or_default()).map_err(Error::internal)?;
        repo::tools::servers::set_tools(&tx, tenant, id, Some(&told), tools.is_some()).await?;
    } else if over {
        repo::tools::servers::set_tools(&tx, tenant, id, None, row.authed && !had_tokens).await?;
    }
    if over || (was_personal && !row.personal) {
        repo::tools::sign_ins::delete_of_provider(&tx, tenant, "mcp", id).await?;
    }
    tx.commit().await?;
    noted(services, principal, "tool.mcp.update", &row).await;
    Ok(())
}

/// Lets a server go. Apps that use it say so when they run.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, id: Uuid) -> Result<()> {
    principal.require(Permission::CredentialManage)?;
    let opened = find(services, principal.tenant_id(), id).await?;
    let tx = services.db.begin().await?;
    repo::tools::servers::delete(&tx, opened.row.tenant_id, id).await?;
    repo::tools::permissions::delete_all(&tx, opened.row.tenant_id, "mcp", &id.to_string()).await?;
    repo::tools::sign_ins::delete_of_provider(&tx, opened.row.tenant_id, "mcp", id).await?;
    tx.commit().await?;
    noted(services, principal, "tool.mcp.delete", &opened.row).await;
    Ok(())
}

async fn noted(services: &Services, principal: &Principal, action: &'static str, row: &McpProvider) {
    let about = json!({"name": row.name, "server_identifier": row.server_identifier});
    audit::record(services, principal, action, "tool_provider", row.id, None, Some(about)).await;
}

/// Asks a server for its tools again.
///
/// # Errors
/// 400 when it cannot be used, or wants a sign-in; 404 for an unknown one.
#[boxed]
pub async fn reload(services: &Services, principal: &Principal, id: Uuid) -> Result<ProviderView> {
    principal.require(Permission::CredentialManage)?;
    let mut opened = find(services, principal.tenant_id(), id).await?;
    if opened.row.personal && opened.sign_in.tokens.is_none() {
        // Where nobody has signed the workspace in, who asks does it as they are.
        opened = for_member(&services.db, &services.secrets, opened, principal.account_id()?).await?;
    }
    if opened.is_due() && opened.has_refresh() {
        let egress = services.outbound.of(principal.tenant_id()).await?;
        let with = Renewing { db: &services.db, secrets: &services.secrets, kv: &services.kv, egress: &egress };
        renew(with, &mut opened).await?;
    }
    let Some(tools) = look(services, &opened).await? else {
        return Err(Error::invalid("Please auth the tool first"));
    };
    keep_tools(services, &opened, tools).await?;
    get(services, principal, id).await
}

/// Keeps what a server told of, and nothing else: its sign-in may have been renewed meanwhile.
async fn keep_tools(services: &Services, opened: &Opened, tools: Vec<McpTool>) -> Result<()> {
    let tools = serde_json::to_value(tools).map_err(Error::internal)?;
    let (tenant, id) = (opened.row.tenant_id, opened.row.id);
    // That it lets in a member says nothing of the workspace.
    let authed = opened.member.is_none() || opened.row.authed;
    let tx = services.db.begin().await?;
    repo::tools::servers::set_tools(&tx, tenant, id, Some(&tools), authed).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_masked_stays() {
        let before = BTreeMap::from([("X-Key".to_owned(), "sk-1234567890".to_owned())]);
        let sent = |value: &str| ServerForm {
            headers: BTreeMap::from([("X-Key".to_owned(), value.to_owned()), (" ".to_owned(), "x".to_owned())]),
            ..ServerForm::default()
        };
        for shown in [HIDDEN.to_owned(), ox_auth::mask("sk-1234567890")] {
            assert_eq!(headers(&sent(&shown), Some(&before)), before);
        }
        assert_eq!(headers(&sent("new"), Some(&before))["X-Key"], "new");
        assert_eq!(shown_url("https://a.test/secret?key=1"), "https://a.test/******");
        assert!(is_masked(&shown_url("https://a.test/x")) && !is_masked("https://a.test/x"));
    }
}

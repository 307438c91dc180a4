//! Signing in to MCP servers: the workspace once for all, or each member with an account of their own.

use std::collections::HashMap;

use ox_db::{
    Database,
    model::{McpProvider, ToolSignIn},
    now, repo,
};
use ox_tools::mcp::{Error as McpError, McpTool, oauth};
use ox_types::{AccountId, boxed, new_uuid};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    super::{
        api_sign_in::Begun,
        sign_in::{self, Attempt},
    },
    Opened, SignIn, find, keep_tools, look, noted, opened, session, sign_in_of, text_json, told,
};
use crate::{
    Error, Principal, Result, Services,
    principal::Permission,
    secrets::{Secrets, TenantKey},
};

/// The kind of attempts to sign in, and of providers in the table of members' sign-ins.
const MCP: &str = "mcp";
/// How often a sign-in is read again that changed between reading and writing.
const TRIES: u32 = 5;

/// What lets one member in, kept as one encrypted text. Tokens are for one client at one authority, and for one server:
/// where one of them is another, these are worth nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OwnTokens {
    pub client_id: String,
    pub token_endpoint: String,
    /// The digest of its address.
    pub server: String,
    pub tokens: oauth::Tokens,
}

impl OwnTokens {
    fn new(opened: &Opened, tokens: oauth::Tokens) -> Option<Self> {
        let (authority, client) = (opened.sign_in.authority.as_ref()?, opened.sign_in.client.as_ref()?);
        Some(Self {
            client_id: client.client_id.clone(),
            token_endpoint: authority.token_endpoint.clone(),
            server: opened.row.server_url_hash.clone(),
            tokens,
        })
    }

    fn is_for(&self, opened: &Opened) -> bool {
        Self::new(opened, self.tokens.clone()).is_some_and(|own| own == *self)
    }
}

/// The member who calls, with their sign-in where there is one.
pub(super) struct Member {
    pub account: AccountId,
    pub kept: Option<(ToolSignIn, OwnTokens)>,
}

fn own_of(key: &TenantKey, opened: &Opened, row: ToolSignIn) -> Result<Option<(ToolSignIn, OwnTokens)>> {
    let text = key.open(&row.encrypted_tokens)?;
    let own: Option<OwnTokens> = serde_json::from_str(&text).ok();
    Ok(own.filter(|own| own.is_for(opened)).map(|own| (row, own)))
}

/// A server as a member calls it: with their own sign-in where it wants those, and then with no other.
#[boxed]
pub(in crate::tools) async fn for_member(
    db: &Database,
    secrets: &Secrets,
    opened: Opened,
    account: AccountId,
) -> Result<Opened> {
    if !opened.row.personal {
        return Ok(opened);
    }
    let (tenant, id) = (opened.row.tenant_id, opened.row.id);
    let key = secrets.tenant_key(db, tenant).await?;
    let row = repo::tools::sign_ins::find(db, tenant, MCP, id, account).await?;
    let kept = row.map(|row| own_of(&key, &opened, row)).transpose()?.flatten();
    Ok(Opened { member: Some(Member { account, kept }), ..opened })
}

/// At which servers the caller is signed in with an account of their own.
pub(super) async fn own_sign_ins(services: &Services, principal: &Principal) -> Result<HashMap<Uuid, ToolSignIn>> {
    let Ok(account) = principal.account_id() else { return Ok(HashMap::new()) };
    let rows = repo::tools::sign_ins::list(&services.db, principal.tenant_id(), MCP, account).await?;
    Ok(rows.into_iter().map(|row| (row.provider_id, row)).collect())
}

/// Whether a kept sign-in of the caller still lets them in.
pub(super) async fn is_signed_in(services: &Services, opened: &Opened, row: Option<ToolSignIn>) -> Result<bool> {
    let Some(row) = row.filter(|_| opened.row.personal) else { return Ok(false) };
    let key = services.secrets.tenant_key(&services.db, opened.row.tenant_id).await?;
    Ok(own_of(&key, opened, row)?.is_some())
}

/// Changes what lets the workspace in, as it is kept now and nothing else of the server: `change` gets that, and is asked
/// again where somebody was faster.
pub(super) async fn change_sign_in(
    db: &Database,
    secrets: &Secrets,
    known: &Opened,
    change: impl Fn(&mut SignIn) -> Result<()> + Send + Sync,
) -> Result<Opened> {
    let (tenant, id) = (known.row.tenant_id, known.row.id);
    // Made before the transaction: there is one writer, and making the key would wait for it.
    let key = secrets.tenant_key(db, tenant).await?;
    for _ in 0..TRIES {
        let row = repo::tools::servers::find(db, tenant, id).await?;
        let row = row.ok_or_else(|| Error::not_found("MCP tool not found"))?;
        let before = opened(db, secrets, row).await?;
        if before.url != known.url {
            return Err(Error::invalid("The MCP server has another address meanwhile: sign in again."));
        }
        let mut sign_in = before.sign_in.clone();
        change(&mut sign_in)?;
        if sign_in == before.sign_in {
            return Ok(before);
        }
        let sealed = key.seal(&text_json(&sign_in)?)?;
        let tx = db.begin().await?;
        if repo::tools::servers::swap_sign_in(&tx, &before.row, sealed.clone()).await? {
            tx.commit().await?;
            let row = McpProvider { encrypted_credentials: Some(sealed), ..before.row };
            return Ok(Opened { row, sign_in, ..before });
        }
    }
    Err(Error::new(503, "service_unavailable", "The sign-in of the MCP server is being changed; try again."))
}

/// Signs the workspace in to a server: `None` when it lets us in, or else where the browser has to go.
///
/// # Errors
/// 400 when the server or its authority cannot be used; 404 for an unknown one.
#[boxed]
pub async fn authorize(services: &Services, principal: &Principal, id: Uuid) -> Result<Option<Begun>> {
    principal.require(Permission::CredentialManage)?;
    let opened = find(services, principal.tenant_id(), id).await?;
    begin(services, principal, opened).await
}

/// Signs the caller in to a server with an account of their own; as [`authorize`], for every member.
///
/// # Errors
/// As [`authorize`]; 400 where the workspace signs in for all, or nobody has to.
#[boxed]
pub async fn authorize_own(services: &Services, principal: &Principal, id: Uuid) -> Result<Option<Begun>> {
    let account = principal.account_id()?;
    let opened = find(services, principal.tenant_id(), id).await?;
    if !opened.row.personal {
        return Err(Error::invalid("The workspace signs in to this MCP server for all of its members."));
    }
    let opened = for_member(&services.db, &services.secrets, opened, account).await?;
    begin(services, principal, opened).await
}

/// What a server says to who comes.
enum Asked {
    LetsIn(Vec<McpTool>),
    /// With the address of what describes its sign-in, where it tells that.
    WantsSignIn(Option<String>),
}

async fn ask(services: &Services, egress: &ox_net::Egress, opened: &Opened) -> Result<Asked> {
    let mut session = match session(services.tools.programs(), egress, opened).await {
        Err(McpError::Unauthorized { metadata, .. }) => return Ok(Asked::WantsSignIn(metadata)),
        other => other.map_err(told)?,
    };
    let tools = session.tools().await;
    session.close().await;
    match tools {
        Err(McpError::Unauthorized { metadata, .. }) => Ok(Asked::WantsSignIn(metadata)),
        other => other.map(Asked::LetsIn).map_err(told),
    }
}

async fn begin(services: &Services, principal: &Principal, opened: Opened) -> Result<Option<Begun>> {
    let (tenant, id) = (opened.row.tenant_id, opened.row.id);
    let egress = services.outbound.of(tenant).await?;
    let hint = match ask(services, &egress, &opened).await? {
        Asked::LetsIn(tools) => {
            let Some(member) = &opened.member else {
                keep_tools(services, &opened, tools).await?;
                return Ok(None);
            };
            if member.kept.is_none() {
                return Err(Error::invalid("The MCP server lets everybody in: there is nothing to sign in to."));
            }
            return Ok(None);
        }
        Asked::WantsSignIn(hint) => hint,
    };
    let authority = oauth::discover(&egress, &opened.url, hint.as_deref()).await.map_err(told)?;
    let redirect =
        format!("{}/console/api/mcp/oauth/callback", services.settings.console_api_url.trim_end_matches('/'));
    // A client that was registered is one of its authority; one that was entered is for whichever there is.
    let usable = |kept: &SignIn| {
        let same = kept.authority.as_ref().is_some_and(|known| known.token_endpoint == authority.token_endpoint);
        kept.client.is_some() && (same || !kept.registered)
    };
    let registered = if usable(&opened.sign_in) {
        None
    } else {
        Some(oauth::register(&egress, &authority, &redirect).await.map_err(told)?)
    };
    let kept = change_sign_in(&services.db, &services.secrets, &opened, |kept| {
        // Two may begin at the same time: the client of the first one is it.
        if !usable(kept) {
            let client = registered.clone().ok_or_else(sign_in::gone)?;
            (kept.client, kept.registered) = (Some(client), true);
        }
        kept.authority = Some(authority.clone());
        Ok(())
    });
    let client = kept.await?.sign_in.client.ok_or_else(sign_in::gone)?;
    let held = oauth::secret();
    let attempt = Attempt::new(tenant, id, principal.account_id()?, redirect.clone()).in_browser(&held);
    let attempt = if opened.member.is_some() { attempt.for_oneself() } else { attempt };
    let (state, verifier) = sign_in::begin(services, MCP, attempt).await?;
    let authorization_url =
        oauth::authorization_url(&authority, &client, &redirect, &state, &verifier).map_err(told)?;
    Ok(Some(Begun { authorization_url, held }))
}

/// The browser is back from the authority: its code becomes tokens, for the member who began in it (`held`: what the
/// browser was given then; `account`: who is signed in in it now, if anybody), and the server is asked for its tools.
///
/// # Errors
/// 400 for an attempt that is unknown, over or begun in another browser or by another account, or a code that is
/// refused; 403 when the member may not do this any more.
#[boxed]
pub async fn signed_in(
    services: &Services,
    state: &str,
    code: &str,
    held: Option<&str>,
    account: Option<AccountId>,
) -> Result<()> {
    let (attempt, verifier) = sign_in::take(services, MCP, state).await?;
    // In one browser somebody else may have signed in meanwhile, with whom the service has agreed then.
    if !attempt.is_of(held) || account.is_some_and(|account| account != attempt.account) {
        return Err(sign_in::gone());
    }
    let principal = attempt.member(services).await?;
    if !attempt.own {
        principal.require(Permission::CredentialManage)?;
    }
    let opened = find(services, attempt.tenant, attempt.provider).await?;
    if attempt.own && !opened.row.personal {
        return Err(sign_in::gone());
    }
    let egress = services.outbound.of(attempt.tenant).await?;
    let (Some(authority), Some(client)) = (&opened.sign_in.authority, &opened.sign_in.client) else {
        return Err(sign_in::gone());
    };
    let tokens = oauth::exchange(&egress, authority, client, &attempt.redirect, (code, &verifier)).await;
    let tokens = tokens.map_err(told)?;
    if attempt.own {
        member_is_in(services, &principal, opened, attempt.account, tokens).await
    } else {
        workspace_is_in(services, opened, tokens).await
    }
}

/// The tools that a server tells of with new tokens.
async fn first_look(services: &Services, opened: &Opened) -> Result<Vec<McpTool>> {
    let tools = look(services, opened).await?;
    tools.ok_or_else(|| Error::invalid("The MCP server does not take the token of its own authority."))
}

async fn workspace_is_in(services: &Services, mut opened: Opened, tokens: oauth::Tokens) -> Result<()> {
    let expires_at = sign_in::ends(&tokens);
    opened.sign_in.tokens = Some(tokens.clone());
    let tools = first_look(services, &opened).await?;
    let (client, authority) = (opened.sign_in.client.clone(), opened.sign_in.authority.clone());
    let kept = change_sign_in(&services.db, &services.secrets, &opened, |kept| {
        if kept.client != client || kept.authority != authority {
            return Err(sign_in::gone());
        }
        (kept.tokens, kept.expires_at) = (Some(tokens.clone()), expires_at);
        Ok(())
    });
    let kept = kept.await?;
    keep_tools(services, &kept, tools).await
}

async fn member_is_in(
    services: &Services,
    principal: &Principal,
    mut opened: Opened,
    account: AccountId,
    tokens: oauth::Tokens,
) -> Result<()> {
    let (tenant, id) = (opened.row.tenant_id, opened.row.id);
    let expires_at = sign_in::ends(&tokens).and_then(|at| chrono::DateTime::from_timestamp(at, 0));
    let own = OwnTokens::new(&opened, tokens).ok_or_else(sign_in::gone)?;
    let key = services.secrets.tenant_key(&services.db, tenant).await?;
    let row = ToolSignIn {
        id: new_uuid(),
        tenant_id: tenant,
        provider_kind: MCP.to_owned(),
        provider_id: id,
        account_id: account,
        encrypted_tokens: key.seal(&text_json(&own)?)?,
        expires_at,
        created_at: now(),
        updated_at: now(),
    };
    opened.member = Some(Member { account, kept: Some((row.clone(), own)) });
    let tools = first_look(services, &opened).await?;
    let tx = services.db.begin().await?;
    // While the server was asked, somebody may have changed it or taken the member out.
    let current = repo::tools::servers::find(&tx, tenant, id).await?.ok_or_else(sign_in::gone)?;
    let kept = sign_in_of(&key, current.encrypted_credentials.as_deref())?;
    let is_same = current.personal
        && current.server_url_hash == opened.row.server_url_hash
        && kept.client == opened.sign_in.client
        && kept.authority == opened.sign_in.authority;
    if !is_same || repo::tenants::member(&tx, tenant, account).await?.is_none() {
        return Err(sign_in::gone());
    }
    repo::tools::sign_ins::set(&tx, row).await?;
    // Which tools there are is what an administrator asks for; without any the first who comes tells.
    if super::tools_of(&current).is_empty() {
        let tools = serde_json::to_value(tools).map_err(Error::internal)?;
        repo::tools::servers::set_tools(&tx, tenant, id, Some(&tools), current.authed).await?;
    }
    tx.commit().await?;
    noted(services, principal, "tool.mcp.sign_in", &opened.row).await;
    Ok(())
}

/// Forgets the caller's own sign-in to a server.
///
/// # Errors
/// 404 for an unknown server.
#[boxed]
pub async fn leave_own(services: &Services, principal: &Principal, id: Uuid) -> Result<()> {
    let (tenant, account) = (principal.tenant_id(), principal.account_id()?);
    let row = repo::tools::servers::find(&services.db, tenant, id).await?;
    let row = row.ok_or_else(|| Error::not_found("MCP tool not found"))?;
    let tx = services.db.begin().await?;
    let was_in = repo::tools::sign_ins::delete(&tx, tenant, MCP, id, account).await?;
    tx.commit().await?;
    if was_in {
        noted(services, principal, "tool.mcp.sign_out", &row).await;
    }
    Ok(())
}

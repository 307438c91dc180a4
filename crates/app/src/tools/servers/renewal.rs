//! Renewing the sign-in of an MCP server.

use std::sync::Arc;

use ox_db::{model::ToolSignIn, now, repo};
use ox_kv::{Kv, Lock};
use ox_tools::mcp::oauth;

use super::{
    super::sign_in::{REFRESH, STEP, STEPS, ends},
    Opened, opened,
    signing::{Member, OwnTokens, change_sign_in, for_member},
    text_json, told,
};
use crate::{Error, Result, secrets::Secrets};

fn token(opened: &Opened) -> Option<&str> {
    opened.tokens().map(|tokens| tokens.access_token.as_str())
}

/// What renewing a sign-in takes.
#[derive(Clone, Copy)]
pub(super) struct Renewing<'a> {
    pub db: &'a ox_db::Database,
    pub secrets: &'a Secrets,
    pub kv: &'a Arc<dyn Kv>,
    pub egress: &'a ox_net::Egress,
}

/// Gets a new token instead of the one there is, and keeps it. One process does at a time: many servers take a refresh
/// token once, so whoever comes later takes what the first one got.
pub(super) async fn renew(with: Renewing<'_>, server: &mut Opened) -> Result<()> {
    if !server.has_refresh() {
        return Ok(());
    }
    let stale = token(server).map(str::to_owned);
    let name = match server.member.as_ref().and_then(|member| member.kept.as_ref()) {
        Some((row, _)) => format!("tool_sign_in:{}", row.id),
        None => format!("mcp_sign_in:{}", server.row.id),
    };
    for _ in 0..STEPS {
        if let Some(lock) = Lock::acquire(Arc::clone(with.kv), &name, REFRESH).await? {
            let renewed = renew_alone(with, server, stale.as_deref()).await;
            if let Err(error) = lock.release().await {
                tracing::warn!(%error, "the lock of a sign-in ends with its life time");
            }
            return renewed;
        }
        tokio::time::sleep(STEP).await;
        look_again(with, server).await?;
        if token(server) != stale.as_deref() {
            return Ok(());
        }
    }
    let text = format!("The sign-in of the MCP server '{}' is still being renewed.", server.row.name);
    Err(Error::new(503, "service_unavailable", text))
}

/// Reads what is kept of a server now, for the one who calls.
async fn look_again(with: Renewing<'_>, server: &mut Opened) -> Result<()> {
    let row = repo::tools::servers::find(with.db, server.row.tenant_id, server.row.id).await?;
    let row = row.ok_or_else(|| Error::not_found("MCP tool not found"))?;
    let now = opened(with.db, with.secrets, row).await?;
    *server = match &server.member {
        Some(member) => for_member(with.db, with.secrets, now, member.account).await?,
        None => now,
    };
    Ok(())
}

fn over() -> Error {
    Error::invalid("The MCP server wants a sign-in.")
}

async fn renew_alone(with: Renewing<'_>, server: &mut Opened, stale: Option<&str>) -> Result<()> {
    look_again(with, server).await?;
    if token(server) != stale {
        return Ok(());
    }
    let refresh = server.tokens().and_then(|tokens| tokens.refresh_token.clone());
    let (Some(refresh), Some(authority), Some(client)) =
        (refresh, server.sign_in.authority.as_ref(), server.sign_in.client.as_ref())
    else {
        return Ok(());
    };
    let tokens = oauth::refresh(with.egress, authority, client, &refresh).await.map_err(told)?;
    match server.member.take() {
        Some(Member { account, kept: Some((row, own)) }) => {
            let kept = keep_own(with, row, OwnTokens { tokens, ..own }).await;
            // Also where this failed, the call is still this member's.
            let (kept, failed) = match kept {
                Ok(kept) => (Some(kept), None),
                Err(error) => (None, Some(error)),
            };
            server.member = Some(Member { account, kept });
            failed.map_or(Ok(()), Err)
        }
        member => {
            server.member = member;
            keep(with, server, tokens, stale).await
        }
    }
}

/// Keeps renewed tokens of the workspace, unless somebody has signed in anew meanwhile.
async fn keep(with: Renewing<'_>, server: &mut Opened, tokens: oauth::Tokens, stale: Option<&str>) -> Result<()> {
    let (client, authority, expires_at) =
        (server.sign_in.client.clone(), server.sign_in.authority.clone(), ends(&tokens));
    let kept = change_sign_in(with.db, with.secrets, server, |kept| {
        // Somebody may have changed meanwhile whose client we are: then this sign-in is over.
        if kept.client != client || kept.authority != authority {
            return Err(over());
        }
        if kept.tokens.as_ref().map(|tokens| tokens.access_token.as_str()) == stale {
            (kept.tokens, kept.expires_at) = (Some(tokens.clone()), expires_at);
        }
        Ok(())
    });
    let kept = kept.await?;
    *server = kept;
    Ok(())
}

/// Keeps renewed tokens of a member who has neither left nor signed in anew meanwhile.
async fn keep_own(with: Renewing<'_>, before: ToolSignIn, own: OwnTokens) -> Result<(ToolSignIn, OwnTokens)> {
    // Made before the transaction: there is one writer, and making the key would wait for it.
    let key = with.secrets.tenant_key(with.db, before.tenant_id).await?;
    let row = ToolSignIn {
        encrypted_tokens: key.seal(&text_json(&own)?)?,
        expires_at: ends(&own.tokens).and_then(|at| chrono::DateTime::from_timestamp(at, 0)),
        updated_at: now(),
        ..before.clone()
    };
    let tx = with.db.begin().await?;
    if !repo::tools::sign_ins::swap(&tx, &before.encrypted_tokens, row.clone()).await? {
        return Err(over());
    }
    tx.commit().await?;
    Ok((row, own))
}

//! Renewing the sign-in of an MCP server.

use std::sync::Arc;

use ox_db::{model::McpProvider, now, repo};
use ox_kv::{Kv, Lock};
use ox_tools::mcp::oauth;

use super::{
    super::sign_in::{REFRESH, STEP, STEPS, ends},
    Opened, SignIn, has_refresh, opened, sign_in_of, text_json, told,
};
use crate::{Error, Result, secrets::Secrets};

fn token(opened: &Opened) -> Option<&str> {
    opened.sign_in.tokens.as_ref().map(|tokens| tokens.access_token.as_str())
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
    if !has_refresh(server) {
        return Ok(());
    }
    let stale = token(server).map(str::to_owned);
    let name = format!("mcp_sign_in:{}", server.row.id);
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

/// Reads what is kept of a server now.
async fn look_again(with: Renewing<'_>, server: &mut Opened) -> Result<()> {
    let row = repo::tools::servers::find(with.db, server.row.tenant_id, server.row.id).await?;
    let row = row.ok_or_else(|| Error::not_found("MCP tool not found"))?;
    *server = opened(with.db, with.secrets, row).await?;
    Ok(())
}

async fn renew_alone(with: Renewing<'_>, server: &mut Opened, stale: Option<&str>) -> Result<()> {
    look_again(with, server).await?;
    if token(server) != stale {
        return Ok(());
    }
    let sign_in = &server.sign_in;
    let refresh = sign_in.tokens.as_ref().and_then(|tokens| tokens.refresh_token.clone());
    let (Some(refresh), Some(authority), Some(client)) = (refresh, &sign_in.authority, &sign_in.client) else {
        return Ok(());
    };
    let tokens = oauth::refresh(with.egress, authority, client, &refresh).await.map_err(told)?;
    let expires_at = ends(&tokens);
    let renewed = SignIn { tokens: Some(tokens), expires_at, ..sign_in.clone() };
    // Made before the transaction: there is one writer, and making the key would wait for it.
    let key = with.secrets.tenant_key(with.db, server.row.tenant_id).await?;
    let sealed = key.seal(&text_json(&renewed)?)?;
    let tx = with.db.begin().await?;
    let current = repo::tools::servers::find(&tx, server.row.tenant_id, server.row.id).await?;
    // Somebody may have changed meanwhile whose client we are: then this sign-in is over.
    if let Some(current) = current {
        let known = sign_in_of(&key, current.encrypted_credentials.as_deref())?;
        if known.client != renewed.client || known.authority != renewed.authority {
            return Err(Error::invalid("The MCP server wants a sign-in."));
        }
        let row = McpProvider { encrypted_credentials: Some(sealed), updated_at: now(), ..current };
        repo::tools::servers::update(&tx, row.clone()).await?;
        tx.commit().await?;
        server.row = row;
    }
    server.sign_in = renewed;
    Ok(())
}

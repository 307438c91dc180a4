//! What sign-ins by OAuth have in common, at MCP servers and at services of OpenAPI documents: the attempt while the
//! browser is away, and when a token is due.

use std::time::Duration;

use ox_db::{now, repo};
use ox_tools::mcp::oauth;
use ox_types::{AccountId, TenantId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Error, Principal, Result, Services, principal::Role};

/// How long somebody may take to sign in.
pub const LIFE: Duration = Duration::from_secs(600);
/// A token is renewed so many seconds before it ends.
const EARLY: i64 = 60;
/// How long one process may take to renew a token; others wait for it in steps.
pub(super) const REFRESH: Duration = Duration::from_secs(60);
pub(super) const STEP: Duration = Duration::from_millis(200);
pub(super) const STEPS: u32 = 150;

/// An attempt to sign in, while the browser is away.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub tenant: TenantId,
    pub provider: Uuid,
    pub account: AccountId,
    pub redirect: String,
    /// Of the account itself, not of the workspace.
    #[serde(default)]
    pub own: bool,
    /// The digest of what the browser holds that began it, where it holds something.
    #[serde(default)]
    browser: Option<String>,
    /// Encrypted: it leaves this process.
    #[serde(default)]
    verifier: String,
}

impl Attempt {
    pub(super) fn new(tenant: TenantId, provider: Uuid, account: AccountId, redirect: String) -> Self {
        Self { tenant, provider, account, redirect, own: false, browser: None, verifier: String::new() }
    }

    /// One that lets in who begins it, and nobody else.
    pub(super) fn for_oneself(self) -> Self {
        Self { own: true, ..self }
    }

    /// One that ends only in the browser that holds this.
    pub(super) fn in_browser(self, held: &str) -> Self {
        Self { browser: Some(digest(held)), ..self }
    }

    /// Who began it, with the role they have now.
    pub(super) async fn member(&self, services: &Services) -> Result<Principal> {
        let member = repo::tenants::member(&services.db, self.tenant, self.account).await?;
        let role = member.and_then(|member| Role::parse(&member.role));
        let principal = role.map(|role| Principal::Member { account_id: self.account, tenant_id: self.tenant, role });
        principal.ok_or_else(|| Error::forbidden("You are no member of the workspace any more."))
    }

    /// Whether it was begun in the browser that holds this.
    pub(super) fn is_of(&self, held: Option<&str>) -> bool {
        self.browser.as_deref().is_none_or(|known| held.is_some_and(|held| digest(held) == known))
    }
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn key(kind: &str, state: &str) -> String {
    format!("{kind}_sign_in:{}", digest(state))
}

/// Keeps an attempt; gives its state and its proof.
pub(super) async fn begin(services: &Services, kind: &str, attempt: Attempt) -> Result<(String, String)> {
    let (state, verifier) = (oauth::secret(), oauth::secret());
    let sealed = services.encrypt(attempt.tenant, &verifier).await?;
    let text = serde_json::to_string(&Attempt { verifier: sealed, ..attempt }).map_err(Error::internal)?;
    services.kv.set(&key(kind, &state), &text, Some(LIFE)).await?;
    Ok((state, verifier))
}

/// Takes an attempt that came back, once, with its proof.
pub(super) async fn take(services: &Services, kind: &str, state: &str) -> Result<(Attempt, String)> {
    let text = services.kv.take(&key(kind, state)).await?.ok_or_else(gone)?;
    let attempt: Attempt = serde_json::from_str(&text).map_err(|_| gone())?;
    let verifier = services.decrypt(attempt.tenant, &attempt.verifier).await?;
    Ok((attempt, verifier))
}

/// What somebody is told who comes with an attempt that is unknown or over.
pub(super) fn gone() -> Error {
    Error::invalid_field("state", "State parameter has expired or is invalid")
}

/// When a token ends that was given now.
pub(super) fn ends(tokens: &oauth::Tokens) -> Option<i64> {
    tokens.expires_in.map(|seconds| now().timestamp().saturating_add(seconds))
}

/// Whether a token has to be renewed before it is used.
pub(super) fn is_due(expires_at: Option<i64>) -> bool {
    expires_at.is_some_and(|at| at.saturating_sub(EARLY) <= now().timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_end_where_they_began() {
        let attempt =
            || Attempt::new(TenantId::new(), ox_types::new_uuid(), AccountId::new(), "https://x.test/cb".into());
        assert!(attempt().is_of(None), "one that is bound to no browser");
        let bound = attempt().in_browser("mine");
        assert!(bound.is_of(Some("mine")) && !bound.is_of(Some("other")) && !bound.is_of(None));
    }

    #[test]
    fn tokens_are_due_a_minute_early() {
        let at = |seconds: i64| Some(now().timestamp() + seconds);
        for (expires, due) in [(None, false), (at(3600), false), (at(30), true), (at(-5), true)] {
            assert_eq!(is_due(expires), due, "{expires:?}");
        }
    }
}

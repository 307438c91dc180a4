//! Signing in by OAuth to the services that OpenAPI documents describe: whose client we are, the tokens, their refresh.

use std::sync::Arc;

use ox_db::{model::ApiToolProvider, now, repo};
use ox_kv::Lock;
use ox_tools::{
    mcp::{Error as SignInError, oauth},
    openapi::{Auth, OAuthFlow},
};
use ox_types::{Json, TenantId, boxed};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{
    HIDDEN, apis,
    sign_in::{self, Attempt, REFRESH, STEP, STEPS},
};
use crate::{Error, Principal, Result, Services, audit, principal::Permission};

/// How this way of signing calls is named.
pub(super) const OAUTH: &str = "oauth2";
/// The parts of a provider's credentials that are secret, whatever their kind.
pub(super) const SECRETS: [&str; 3] = ["api_key_value", CLIENT_SECRET, TOKENS];
const CLIENT_SECRET: &str = "client_secret";
const TOKENS: &str = "tokens";
/// The kind of its attempts to sign in.
const KIND: &str = "api";

/// What is kept of a sign-in.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    tokens: oauth::Tokens,
    /// Unix seconds.
    expires_at: Option<i64>,
}

impl Kept {
    fn is_over(&self) -> bool {
        self.expires_at.is_some_and(|at| at <= now().timestamp())
    }
}

/// Where the browser goes, and what it holds until it is back.
pub struct Begun {
    pub authorization_url: String,
    pub held: String,
}

fn text<'a>(map: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    map.get(name).and_then(Json::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// A form whose addresses come from the document where nobody entered others.
pub(super) fn filled(sent: &Map<String, Json>, flow: Option<&OAuthFlow>) -> Map<String, Json> {
    let mut sent = sent.clone();
    let Some(flow) = flow.filter(|_| text(&sent, "auth_type") == Some(OAUTH)) else { return sent };
    let from_scheme =
        [("authorization_url", &flow.authorization_url), ("token_url", &flow.token_url), ("scope", &flow.scope)];
    for (name, value) in from_scheme {
        // A scope that was cleared on purpose stays away.
        let is_missing = if name == "scope" { !sent.contains_key(name) } else { text(&sent, name).is_none() };
        if is_missing && !value.is_empty() {
            sent.insert(name.to_owned(), value.as_str().into());
        }
    }
    sent
}

/// The credentials as they are kept. Tokens stay while nothing about the sign-in changes.
pub(super) fn checked(sent: &Map<String, Json>, stored: Option<&Map<String, Json>>) -> Result<Map<String, Json>> {
    let wrong = |why: String| Error::invalid_field("credentials", why);
    let mut kept = Map::from_iter([("auth_type".to_owned(), Json::from(OAUTH))]);
    for name in ["authorization_url", "token_url"] {
        let given = text(sent, name).unwrap_or_default();
        let url = url::Url::parse(given).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            return Err(wrong(format!("{name} must be an address that begins with http:// or https://.")));
        }
        kept.insert(name.to_owned(), given.into());
    }
    let client = text(sent, "client_id").ok_or_else(|| wrong("Missing client_id".to_owned()))?;
    kept.insert("client_id".to_owned(), client.into());
    // An empty one is kept, too: it says that the document's is not wanted.
    if let Some(scope) = sent.get("scope").and_then(Json::as_str) {
        kept.insert("scope".to_owned(), scope.trim().into());
    }
    let same = |name: &str| stored.and_then(|stored| text(stored, name)) == text(&kept, name);
    let is_there = same("token_url");
    let before = stored.and_then(|stored| text(stored, CLIENT_SECRET));
    let secret = match (text(sent, CLIENT_SECRET), before) {
        (Some(given), Some(before)) if given == HIDDEN || given == ox_auth::mask(before) => {
            if !is_there {
                return Err(wrong("Enter the client secret again for another token address.".to_owned()));
            }
            Some(before)
        }
        (Some(HIDDEN), None) => return Err(wrong("Missing client_secret".to_owned())),
        (given, _) => given,
    };
    let unchanged = is_there && same("authorization_url") && same("client_id") && same("scope") && secret == before;
    if let Some(secret) = secret {
        kept.insert(CLIENT_SECRET.to_owned(), secret.into());
    }
    if let Some(tokens) = stored.and_then(|stored| stored.get(TOKENS)).filter(|_| unchanged) {
        kept.insert(TOKENS.to_owned(), tokens.clone());
    }
    Ok(kept)
}

/// Takes the tokens away: they were given for other servers.
pub(super) fn forget(credentials: &mut Map<String, Json>) {
    credentials.remove(TOKENS);
}

/// What of opened credentials is shown: the secret masked, of the tokens only that there are some.
pub(super) fn shown(mut credentials: Map<String, Json>) -> Map<String, Json> {
    let is_oauth = text(&credentials, "auth_type") == Some(OAUTH);
    if let Some(Json::String(secret)) = credentials.get_mut(CLIENT_SECRET) {
        *secret = ox_auth::mask(secret);
    }
    let tokens = credentials.remove(TOKENS);
    if is_oauth {
        credentials.insert("authorized".to_owned(), tokens.is_some().into());
    }
    credentials
}

/// Whether a provider can be called as far as signing in goes.
pub(super) fn is_let_in(row: &ApiToolProvider) -> bool {
    row.credentials["auth_type"] != OAUTH || row.credentials.get(TOKENS).is_some()
}

/// Where the browser comes back to; it is entered where the client is registered. `None`: the operator has not said
/// where this server is found.
pub(super) fn redirect(services: &Services, provider: Uuid) -> Option<String> {
    let base = services.settings.console_api_url.trim_end_matches('/');
    (!base.is_empty()).then(|| format!("{base}/console/api/oauth/plugin/{provider}/tool/callback"))
}

/// Whose client we are, and where.
fn client_of(credentials: &Map<String, Json>) -> Option<(oauth::Authority, oauth::Client)> {
    if text(credentials, "auth_type") != Some(OAUTH) {
        return None;
    }
    let owned = |name: &str| text(credentials, name).map(str::to_owned);
    let authority = oauth::Authority {
        authorization_endpoint: owned("authorization_url")?,
        token_endpoint: owned("token_url")?,
        scope: owned("scope"),
        ..oauth::Authority::default()
    };
    Some((authority, oauth::Client { client_id: owned("client_id")?, client_secret: owned(CLIENT_SECRET) }))
}

fn tokens_of(credentials: &Map<String, Json>) -> Option<Kept> {
    serde_json::from_str(text(credentials, TOKENS)?).ok()
}

fn failed(error: SignInError) -> Error {
    let why = match &error {
        SignInError::Net(why) | SignInError::Protocol(why) | SignInError::NotSpoken(why) => why.clone(),
        other => other.to_string(),
    };
    Error::invalid(format!("Signing in to the service failed: {why}")).caused_by(error)
}

async fn find(services: &Services, tenant: TenantId, provider: &str) -> Result<ApiToolProvider> {
    let found = match provider.parse::<Uuid>() {
        Ok(id) => repo::tools::apis::find(&services.db, tenant, id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| Error::not_found("There is no API tool provider of this id."))
}

/// Begins to sign the workspace in to the service of a provider.
///
/// # Errors
/// 403 without the permission; 404 for an unknown provider; 400 for one that signs its calls otherwise.
#[boxed]
pub async fn begin(services: &Services, principal: &Principal, provider: &str) -> Result<Begun> {
    principal.require(Permission::CredentialManage)?;
    let (tenant, account) = (principal.tenant_id(), principal.account_id()?);
    let row = find(services, tenant, provider).await?;
    let credentials = apis::opened(services, &row).await?;
    let (authority, client) =
        client_of(&credentials).ok_or_else(|| Error::invalid("This provider does not sign in by OAuth."))?;
    let redirect = redirect(services, row.id).ok_or_else(|| {
        Error::invalid("The service cannot send the browser back: the operator has to set CONSOLE_API_URL to the address of this server.")
    })?;
    let held = oauth::secret();
    let attempt = Attempt::new(tenant, row.id, account, redirect.clone()).in_browser(&held);
    let (state, verifier) = sign_in::begin(services, KIND, attempt).await?;
    let authorization_url =
        oauth::authorization_url(&authority, &client, &redirect, &state, &verifier).map_err(failed)?;
    Ok(Begun { authorization_url, held })
}

/// What the browser brings back.
#[derive(Clone, Copy)]
pub struct Back<'a> {
    pub provider: &'a str,
    pub state: &'a str,
    pub code: &'a str,
    /// What it was given when it began.
    pub held: Option<&'a str>,
}

/// The browser is back: its code becomes tokens, once, for the member who began in it.
///
/// # Errors
/// 400 for an attempt that is unknown, over or begun in another browser, or a code that is refused; 403 when the member
/// may not do this any more.
pub async fn finish(services: &Services, back: Back<'_>) -> Result<()> {
    let (attempt, verifier) = sign_in::take(services, KIND, back.state).await?;
    if attempt.provider.to_string() != back.provider || !attempt.is_of(back.held) {
        return Err(sign_in::gone());
    }
    let principal = attempt.member(services).await?;
    principal.require(Permission::CredentialManage)?;
    let row = find(services, attempt.tenant, back.provider).await?;
    let credentials = apis::opened(services, &row).await?;
    let (authority, client) = client_of(&credentials).ok_or_else(sign_in::gone)?;
    let egress = services.outbound.of(attempt.tenant).await?;
    let got = oauth::exchange(&egress, &authority, &client, &attempt.redirect, (back.code, &verifier)).await;
    keep(services, &row, &credentials, Some(got.map_err(failed)?)).await?;
    noted(services, &principal, "tool.api.sign_in", &row).await;
    Ok(())
}

async fn noted(services: &Services, principal: &Principal, action: &'static str, row: &ApiToolProvider) {
    audit::record(services, principal, action, "tool_provider", row.id, None, Some(json!({"name": row.name}))).await;
}

/// Forgets the tokens of a provider.
///
/// # Errors
/// As [`begin`].
#[boxed]
pub async fn disconnect(services: &Services, principal: &Principal, provider: &str) -> Result<()> {
    principal.require(Permission::CredentialManage)?;
    let row = find(services, principal.tenant_id(), provider).await?;
    let credentials = apis::opened(services, &row).await?;
    keep(services, &row, &credentials, None).await?;
    noted(services, principal, "tool.api.disconnect", &row).await;
    Ok(())
}

/// Writes tokens, or none, unless somebody has changed meanwhile whose client we are.
async fn keep(
    services: &Services,
    row: &ApiToolProvider,
    used: &Map<String, Json>,
    tokens: Option<oauth::Tokens>,
) -> Result<()> {
    // Made before the transaction: there is one writer, and making the key would wait for it.
    let key = services.secrets.tenant_key(&services.db, row.tenant_id).await?;
    let tx = services.db.begin().await?;
    let Some(current) = repo::tools::apis::find(&tx, row.tenant_id, row.id).await? else { return Ok(()) };
    let mut credentials = key.open_fields(&current.credentials, &SECRETS)?;
    if client_of(&credentials) != client_of(used) {
        return Ok(());
    }
    credentials.remove(TOKENS);
    if let Some(tokens) = tokens {
        let kept = Kept { expires_at: sign_in::ends(&tokens), tokens };
        let text = serde_json::to_string(&kept).map_err(Error::internal)?;
        credentials.insert(TOKENS.to_owned(), text.into());
    }
    let credentials = key.seal_fields(&credentials, &SECRETS)?;
    repo::tools::apis::update(&tx, ApiToolProvider { credentials, updated_at: now(), ..current }).await?;
    Ok(tx.commit().await?)
}

/// How calls of a provider are signed that signs in by OAuth: with a token that is renewed before it ends.
///
/// # Errors
/// 400 when somebody has to sign in.
#[boxed]
pub(super) async fn auth(services: &Services, row: &ApiToolProvider) -> Result<Auth> {
    let mut row = row.clone();
    for _ in 0..STEPS {
        let credentials = apis::opened(services, &row).await?;
        let usable = |kept: &Kept| kept.tokens.refresh_token.is_some() || !kept.is_over();
        let Some(kept) = tokens_of(&credentials).filter(usable) else {
            return Err(Error::invalid(format!(
                "The API tool provider '{}' wants a sign-in: an owner or admin has to sign in under Tools.",
                row.name
            )));
        };
        if !sign_in::is_due(kept.expires_at) || kept.tokens.refresh_token.is_none() {
            return Ok(bearer(kept.tokens.access_token));
        }
        // One refresher at a time: many services take a refresh token once.
        let name = format!("api_sign_in:{}", row.id);
        if let Some(lock) = Lock::acquire(Arc::clone(&services.kv), &name, REFRESH).await? {
            let renewed = renew(services, &row).await;
            if let Err(error) = lock.release().await {
                tracing::warn!(%error, "the lock of a sign-in ends with its life time");
            }
            return renewed;
        }
        tokio::time::sleep(STEP).await;
        row = find(services, row.tenant_id, &row.id.to_string()).await?;
    }
    Err(Error::new(503, "service_unavailable", format!("The sign-in of '{}' is still being renewed.", row.name)))
}

/// Renews the tokens, unless somebody else was first.
async fn renew(services: &Services, row: &ApiToolProvider) -> Result<Auth> {
    let row = find(services, row.tenant_id, &row.id.to_string()).await?;
    let credentials = apis::opened(services, &row).await?;
    let (Some(kept), Some((authority, client))) = (tokens_of(&credentials), client_of(&credentials)) else {
        return Err(Error::invalid(format!("The API tool provider '{}' wants a sign-in.", row.name)));
    };
    let Some(refresh) = kept.tokens.refresh_token.as_deref().filter(|_| sign_in::is_due(kept.expires_at)) else {
        return Ok(bearer(kept.tokens.access_token));
    };
    let egress = services.outbound.of(row.tenant_id).await?;
    let got = oauth::refresh(&egress, &authority, &client, refresh).await.map_err(|error| {
        let text = format!(
            "The sign-in of the API tool provider '{}' cannot be renewed: {} An owner or admin can sign in again under Tools.",
            row.name,
            failed(error).message
        );
        Error::invalid(text)
    })?;
    let signed = bearer(got.access_token.clone());
    keep(services, &row, &credentials, Some(got)).await?;
    Ok(signed)
}

fn bearer(token: String) -> Auth {
    Auth {
        auth_type: "api_key_header".to_owned(),
        api_key_header: Some("Authorization".to_owned()),
        api_key_value: Some(token),
        api_key_header_prefix: Some("bearer".to_owned()),
        ..Auth::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: &Json) -> Map<String, Json> {
        value.as_object().cloned().expect("object")
    }

    #[test]
    fn tokens_stay_while_the_client_does() {
        let stored = map(
            &json!({"auth_type": OAUTH, "authorization_url": "https://a.test/authorize", "token_url": "https://a.test/token",
            "client_id": "c", "client_secret": "secret-123456", "tokens": "{}"}),
        );
        let sent = |change: Json| {
            let mut sent = shown(stored.clone());
            sent.extend(map(&change));
            checked(&sent, Some(&stored))
        };
        assert_eq!(sent(json!({})).expect("same"), stored);
        for change in [
            json!({"client_id": "d"}),
            json!({"scope": "read"}),
            json!({"client_secret": "other"}),
            json!({"authorization_url": "https://b.test/"}),
        ] {
            assert!(!sent(change.clone()).expect("kept").contains_key(TOKENS), "{change}");
        }
        // The secret goes to the token address: it is not sent to another one.
        let moved = sent(json!({"token_url": "https://evil.test/token"})).expect_err("moved");
        assert!(moved.message.contains("again"), "{}", moved.message);
        for (change, why) in
            [(json!({"client_id": ""}), "client_id"), (json!({"token_url": "ftp://a.test"}), "token_url")]
        {
            assert!(sent(change).expect_err(why).message.contains(why), "{why}");
        }
    }

    #[test]
    fn addresses_come_from_the_document_where_none_are_entered() {
        let flow = OAuthFlow {
            authorization_url: "https://a.test/a".into(),
            token_url: "https://a.test/t".into(),
            scope: "read".into(),
        };
        let form = filled(
            &map(&json!({"auth_type": OAUTH, "token_url": "https://own.test/t", "client_id": "c"})),
            Some(&flow),
        );
        assert_eq!(
            Json::Object(form),
            json!({"auth_type": OAUTH, "authorization_url": "https://a.test/a", "token_url": "https://own.test/t", "client_id": "c", "scope": "read"})
        );
        let key = map(&json!({"auth_type": "none"}));
        assert_eq!(filled(&key, Some(&flow)), key);
    }
}

//! From a service account's key to an access token, by a signed assertion.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use base64::Engine as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ox_net::{Class, Method, Request};
use ox_types::Json;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{ErrorClass, ModelError, exchange::Exchange, fault};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
/// How long an assertion is good for: the most the vendor takes.
const LIFE: u64 = 3600;
/// A token is not used in its last minutes.
const MARGIN: Duration = Duration::from_secs(300);
/// Keys whose tokens are kept.
const MAX_KEPT: usize = 256;

#[derive(Deserialize)]
struct Account {
    client_email: String,
    private_key: String,
    #[serde(default)]
    private_key_id: Option<String>,
    #[serde(default)]
    token_uri: Option<String>,
}

type Kept = HashMap<[u8; 32], (String, Instant)>;

/// Tokens by the hash of the whole key: who has the key may have the token.
static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

fn kept() -> std::sync::MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A token for the key, kept until it runs out.
pub async fn of(exchange: &Exchange<'_>, key: &str) -> Result<String, ModelError> {
    let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
    let known = kept().get(&hash).filter(|(_, until)| *until > Instant::now()).map(|(token, _)| token.clone());
    if let Some(token) = known {
        return Ok(token);
    }
    let wrong = |text: &str| exchange.error(ErrorClass::Auth, format!("the service account key {text}"));
    let account = read(key).ok_or_else(|| wrong("is neither the JSON of a key file nor that in base64"))?;
    let uri = account.token_uri.clone().unwrap_or_else(|| TOKEN_URI.to_owned());
    let audience = uri.clone();
    // Signing takes longer than an async task may hold its thread.
    let signed = tokio::task::spawn_blocking(move || sign(&account, &audience)).await;
    let assertion = signed.ok().flatten().ok_or_else(|| wrong("has no private key that signs"))?;
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", &assertion)
        .finish();
    let mut request = Request::new(Class::Model, Method::POST, uri);
    request.body = body.into();
    let request = exchange.header(request, "content-type", "application/x-www-form-urlencoded")?;
    let own = Exchange {
        call: exchange.call,
        provider: exchange.provider,
        own: Some(TOKEN_URI.to_owned()),
        secrets: [exchange.secrets.clone(), vec![assertion]].concat(),
    };
    let json = own.json(request).await.map_err(|error| match error.class {
        // What is wrong with a key is a bad request there.
        ErrorClass::BadRequest => ModelError { class: ErrorClass::Auth, ..error },
        _ => error,
    })?;
    let token = json.get("access_token").and_then(Json::as_str);
    let token = token.ok_or_else(|| fault::garbage(exchange.provider, "there is no token in the answer", ""))?;
    let life = Duration::from_secs(json.get("expires_in").and_then(Json::as_u64).unwrap_or(0).min(LIFE));
    let until = Instant::now() + life.saturating_sub(MARGIN);
    let mut kept = kept();
    if kept.len() >= MAX_KEPT {
        kept.retain(|_, (_, until)| *until > Instant::now());
    }
    if kept.len() < MAX_KEPT {
        kept.insert(hash, (token.to_owned(), until));
    }
    Ok(token.to_owned())
}

fn read(key: &str) -> Option<Account> {
    if key.trim_start().starts_with('{') {
        return serde_json::from_str(key).ok();
    }
    let packed: String = key.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn sign(account: &Account, audience: &str) -> Option<String> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let claims = json!({
        "iss": account.client_email, "scope": SCOPE, "aud": audience, "iat": now, "exp": now + LIFE,
    });
    let key = EncodingKey::from_rsa_pem(account.private_key.as_bytes()).ok()?;
    let header = Header { kid: account.private_key_id.clone(), ..Header::new(Algorithm::RS256) };
    jsonwebtoken::encode(&header, &claims, &key).ok()
}

//! Signing in to a server by OAuth: finding out how (RFC 9728, RFC 8414), becoming a client (RFC 7591), the code with
//! its proof (PKCE), tokens and their refresh. Each step by itself; what is kept between them is the caller's.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ox_net::{Class, Egress, Limits, Request};
use ox_types::{Json, boxed};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use super::{Error, transport::net};
use crate::call::told;

const LIMIT: Duration = Duration::from_secs(20);
/// Bytes of a document.
const MAX_ANSWER: u64 = 512 * 1024;

/// How one signs in to a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    #[serde(default)]
    pub registration_endpoint: Option<String>,
    /// What tokens are asked for.
    #[serde(default)]
    pub resource: Option<String>,
    #[serde(default)]
    pub scope: Option<String>,
}

/// Who we are there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    pub client_id: String,
    #[serde(default)]
    pub client_secret: Option<String>,
}

/// What lets us in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    pub access_token: String,
    #[serde(default)]
    pub refresh_token: Option<String>,
    /// Seconds from now.
    #[serde(default)]
    pub expires_in: Option<i64>,
}

async fn send(egress: &Egress, mut request: Request) -> Result<(u16, Json, String), Error> {
    request.limits =
        Limits { connect: Duration::from_secs(10), first_byte: LIMIT, read: LIMIT, total: LIMIT, body: MAX_ANSWER };
    request.retries = Some(0);
    let response = egress.send(request).await.map_err(|error| net(&error))?;
    let status = response.status.as_u16();
    let text = response.text().await.map_err(|error| net(&error))?;
    Ok((status, serde_json::from_str(&text).unwrap_or_default(), text))
}

async fn document(egress: &Egress, url: &str) -> Result<Option<Json>, Error> {
    let request = Request::get(Class::Tool, url).header("accept", "application/json").map_err(|error| net(&error))?;
    let (status, json, _) = send(egress, request).await?;
    Ok((status == 200 && json.is_object()).then_some(json))
}

/// A well-known document of an address: before its path (RFC 8414, 9728), and for the whole server.
fn well_known(url: &Url, name: &str) -> Vec<String> {
    let origin = url.origin().ascii_serialization();
    let path = url.path().trim_end_matches('/');
    let mut all = vec![format!("{origin}/.well-known/{name}{path}")];
    if !path.is_empty() {
        all.push(format!("{origin}/.well-known/{name}"));
    }
    all
}

/// An address that a browser or we may be sent to.
fn address(value: &Json) -> Option<String> {
    let url = Url::parse(value.as_str()?).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then(|| url.into())
}

/// Finds out how one signs in to a server; `hint` is where it said so itself.
///
/// # Errors
/// When it does not say, or what it says is not usable.
#[boxed]
pub async fn discover(egress: &Egress, server: &str, hint: Option<&str>) -> Result<Authority, Error> {
    let server_url = Url::parse(server).map_err(|error| Error::Net(error.to_string()))?;
    let mut places: Vec<String> = hint.map(str::to_owned).into_iter().collect();
    places.extend(well_known(&server_url, "oauth-protected-resource"));
    let mut resource = None;
    for place in &places {
        if let Some(found) = document(egress, place).await?.filter(|found| found["authorization_servers"].is_array()) {
            resource = Some(found);
            break;
        }
    }
    let named = resource.as_ref().and_then(|resource| resource["resource"].as_str());
    if let Some(named) = named {
        let same = Url::parse(named).is_ok_and(|named| named.origin() == server_url.origin());
        if !same {
            return Err(Error::Protocol(format!("it says that it is '{}', which is another server", told(named))));
        }
    }
    let issuer = resource.as_ref().and_then(|resource| address(&resource["authorization_servers"][0]));
    let issuer = match issuer {
        Some(issuer) => Url::parse(&issuer).map_err(|error| Error::Protocol(error.to_string()))?,
        // Compat: before RFC 9728 the server was its own authority.
        None => {
            Url::parse(&server_url.origin().ascii_serialization()).map_err(|error| Error::Net(error.to_string()))?
        }
    };
    let mut places = well_known(&issuer, "oauth-authorization-server");
    places.extend(well_known(&issuer, "openid-configuration"));
    let path = issuer.path().trim_end_matches('/');
    if !path.is_empty() {
        places.push(format!("{}{path}/.well-known/openid-configuration", issuer.origin().ascii_serialization()));
    }
    let scope = |found: &Json| {
        let names: Vec<&str> = found["scopes_supported"].as_array()?.iter().filter_map(Json::as_str).collect();
        (!names.is_empty()).then(|| names.join(" "))
    };
    let wanted = resource.as_ref().and_then(scope);
    for place in &places {
        let Some(found) = document(egress, place).await? else { continue };
        let (Some(authorization), Some(token)) =
            (address(&found["authorization_endpoint"]), address(&found["token_endpoint"]))
        else {
            continue;
        };
        let methods = found["code_challenge_methods_supported"].as_array();
        if methods.is_some_and(|methods| !methods.iter().any(|method| method == "S256")) {
            return Err(Error::Protocol("its sign-in does not take proofs of the kind S256 (PKCE)".into()));
        }
        return Ok(Authority {
            authorization_endpoint: authorization,
            token_endpoint: token,
            registration_endpoint: address(&found["registration_endpoint"]),
            resource: named.map(str::to_owned),
            scope: wanted,
        });
    }
    if resource.is_some() {
        return Err(Error::Protocol(format!("its authority {issuer} does not say how one signs in")));
    }
    // Compat: the addresses that the first version of the protocol fixed.
    let at = |path: &str| format!("{}{path}", issuer.origin().ascii_serialization());
    Ok(Authority {
        authorization_endpoint: at("/authorize"),
        token_endpoint: at("/token"),
        registration_endpoint: Some(at("/register")),
        resource: None,
        scope: None,
    })
}

/// Becomes a client of the authority.
///
/// # Errors
/// When it takes no new clients.
#[boxed]
pub async fn register(egress: &Egress, authority: &Authority, redirect: &str) -> Result<Client, Error> {
    let endpoint = authority.registration_endpoint.as_deref().ok_or_else(|| {
        Error::Net("its sign-in takes no new clients by itself: enter a client id and secret that it gave you".into())
    })?;
    let about = json!({
        "client_name": "Oxidify", "redirect_uris": [redirect], "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"], "token_endpoint_auth_method": "none",
    });
    let request = Request::post_json(Class::Tool, endpoint, about.to_string());
    let (status, answer, text) = send(egress, request).await?;
    if !(200..300).contains(&status) {
        return Err(Error::Net(format!("its sign-in does not take us as a client (HTTP {status}): {}", told(&text))));
    }
    serde_json::from_value(answer).map_err(|_| Error::Protocol("its sign-in gives no client id".into()))
}

/// A fresh secret of an attempt.
#[must_use]
pub fn secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// Where the user's browser goes to sign in.
///
/// # Errors
/// When the authority's address is none.
pub fn authorization_url(
    authority: &Authority,
    client: &Client,
    redirect: &str,
    state: &str,
    verifier: &str,
) -> Result<String, Error> {
    let mut url = Url::parse(&authority.authorization_endpoint).map_err(|error| Error::Protocol(error.to_string()))?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &client.client_id)
        .append_pair("redirect_uri", redirect)
        .append_pair("state", state)
        .append_pair("code_challenge", &challenge(verifier))
        .append_pair("code_challenge_method", "S256");
    for (name, value) in [("scope", &authority.scope), ("resource", &authority.resource)] {
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    Ok(url.into())
}

/// Changes the code that the browser brought for tokens.
///
/// # Errors
/// When the authority refuses.
#[boxed]
pub async fn exchange(
    egress: &Egress,
    authority: &Authority,
    client: &Client,
    redirect: &str,
    (code, verifier): (&str, &str),
) -> Result<Tokens, Error> {
    let form =
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect), ("code_verifier", verifier)];
    tokens(egress, authority, client, &form).await
}

/// Gets new tokens for old ones.
///
/// # Errors
/// When the authority refuses: somebody has to sign in again.
#[boxed]
pub async fn refresh(egress: &Egress, authority: &Authority, client: &Client, token: &str) -> Result<Tokens, Error> {
    let fresh = tokens(egress, authority, client, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await?;
    // One that is not replaced goes on.
    Ok(Tokens { refresh_token: fresh.refresh_token.clone().or_else(|| Some(token.to_owned())), ..fresh })
}

/// A request for tokens, as a form.
fn form_of(authority: &Authority, client: &Client, form: &[(&str, &str)]) -> String {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form).append_pair("client_id", &client.client_id);
    if let Some(secret) = client.client_secret.as_deref().filter(|secret| !secret.is_empty()) {
        body.append_pair("client_secret", secret);
    }
    if let Some(resource) = &authority.resource {
        body.append_pair("resource", resource);
    }
    body.finish()
}

async fn tokens(
    egress: &Egress,
    authority: &Authority,
    client: &Client,
    form: &[(&str, &str)],
) -> Result<Tokens, Error> {
    let body = form_of(authority, client, form);
    let mut request = Request::post_json(Class::Tool, authority.token_endpoint.as_str(), body);
    request.headers.remove("content-type");
    let request = request
        .header("content-type", "application/x-www-form-urlencoded")
        .and_then(|request| request.header("accept", "application/json"))
        .map_err(|error| net(&error))?;
    let (status, answer, text) = send(egress, request).await?;
    if !(200..300).contains(&status) {
        let why = answer["error_description"].as_str().or_else(|| answer["error"].as_str()).unwrap_or(&text);
        return Err(Error::Net(format!("its sign-in refuses (HTTP {status}): {}", told(why))));
    }
    serde_json::from_value(answer).map_err(|_| Error::Protocol("its sign-in gives no token".into()))
}

//! From the configuration to the request that is sent, and its form for the log.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use ox_engine::{NodeContext, Pool};
use ox_net::{HeaderMap, HeaderName, HeaderValue, Method};
use ox_types::boxed;
use url::Url;

use super::{
    ApiKeyKind, AuthorizationKind, Config, Refusal,
    body::{self, BodyKind},
};
use crate::{Ports, template};

/// What is sent.
#[derive(Debug)]
pub struct Prepared {
    pub url: String,
    pub headers: HeaderMap,
    pub secret_headers: Vec<HeaderName>,
    pub body: Bytes,
    pub log: String,
}

/// Headers by name in the order given; a later one of the same name replaces the earlier.
#[derive(Default)]
struct Headers(Vec<(String, String)>);

impl Headers {
    fn set(&mut self, name: &str, value: String) {
        match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some(entry) => entry.1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn set_default(&mut self, name: &str, value: &str) {
        if self.get(name).is_none() {
            self.set(name, value.to_owned());
        }
    }
}

/// Lines of `key:value`; a line without a colon has an empty value, one without a key is skipped.
pub fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let key = key.trim();
        (!key.is_empty()).then(|| (key, value.trim()))
    })
}

/// The credential of the request: header name and value.
struct Credential {
    header: String,
    value: String,
}

/// Prepares the request.
#[boxed]
pub async fn prepare(config: &Config, cx: &NodeContext, ports: &Ports, method: &Method) -> Result<Prepared, Refusal> {
    let url = full_url(config, &cx.pool, template::text)?;
    let shown_url = full_url(config, &cx.pool, template::log).unwrap_or_else(|_| url.clone());
    let credential = credential(config, &cx.pool)?;
    let mut headers = Headers::default();
    let mut shown = Headers::default();
    for (headers, render) in [(&mut headers, template::text as Render), (&mut shown, template::log as Render)] {
        // Compat: resolved before it is split, so a value of several lines breaks.
        for (name, value) in pairs(&render(&config.headers, &cx.pool)) {
            headers.set(name, value.to_owned());
        }
    }
    if let Some(credential) = &credential {
        headers.set(&credential.header, credential.value.clone());
        shown.set(&credential.header, "*".repeat(credential.value.chars().count()));
    }
    let given = headers.get("content-type").and_then(boundary_of);
    let body = body::build(&config.body, cx, ports, given).await?;
    for headers in [&mut headers, &mut shown] {
        match &body.boundary {
            Some(boundary) if headers.get("content-type").and_then(boundary_of).is_none() => {
                headers.set("Content-Type", format!("multipart/form-data; boundary={boundary}"));
            }
            _ => {
                if let Some(default) = config.body.kind.content_type() {
                    headers.set_default("Content-Type", default);
                }
            }
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            // Stable over retries: who understands it does the work once.
            headers.set_default("Idempotency-Key", &cx.node_run_id.to_string());
        }
    }
    let log = log(method, &shown_url, &shown, &body, config.body.kind);
    headers.set_default("User-Agent", concat!("Oxidify/", env!("CARGO_PKG_VERSION")));
    headers.set_default("Accept", "*/*");
    let secret_headers = credential.iter().filter_map(|credential| credential.header.parse().ok()).collect();
    Ok(Prepared { url, headers: header_map(&headers)?, secret_headers, body: body.bytes, log })
}

type Render = fn(&str, &Pool) -> String;

fn full_url(config: &Config, pool: &Pool, render: Render) -> Result<String, Refusal> {
    let url = render(&config.url, pool);
    let url = url.trim();
    if url.is_empty() {
        return Err(Refusal::new("InvalidURLError", "url is required"));
    }
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(Refusal::new("InvalidURLError", "url should start with http:// or https://"));
    }
    let params: Vec<(String, String)> =
        pairs(&config.params).map(|(key, value)| (render(key, pool), render(value, pool))).collect();
    if params.is_empty() {
        return Ok(url.to_owned());
    }
    let mut parsed =
        Url::parse(url).map_err(|error| Refusal::new("InvalidURLError", format!("invalid url: {error}")))?;
    parsed.query_pairs_mut().extend_pairs(params);
    Ok(parsed.into())
}

fn credential(config: &Config, pool: &Pool) -> Result<Option<Credential>, Refusal> {
    if config.authorization.kind == AuthorizationKind::NoAuth {
        return Ok(None);
    }
    let wrong = |text: &str| Refusal::new("AuthorizationConfigError", text);
    let settings = config.authorization.config.as_ref().ok_or_else(|| wrong("authorization config is required"))?;
    let key = template::text(&settings.api_key, pool);
    if key.trim().is_empty() {
        return Err(wrong("API key is required for authorization but was empty. Please provide a valid API key."));
    }
    let value = match settings.kind {
        ApiKeyKind::Bearer => format!("Bearer {key}"),
        ApiKeyKind::Basic if key.contains(':') => format!("Basic {}", STANDARD.encode(&key)),
        ApiKeyKind::Basic => format!("Basic {key}"),
        ApiKeyKind::Custom => key,
    };
    let header = settings.header.trim();
    let header = if header.is_empty() { "Authorization" } else { header };
    Ok(Some(Credential { header: header.to_owned(), value }))
}

/// The boundary named in a content type.
fn boundary_of(content_type: &str) -> Option<String> {
    let (_, rest) = content_type.split_once("boundary=")?;
    let boundary = rest.split(';').next()?.trim().trim_matches('"');
    (!boundary.is_empty() && content_type.starts_with("multipart/")).then(|| boundary.to_owned())
}

fn header_map(headers: &Headers) -> Result<HeaderMap, Refusal> {
    let mut map = HeaderMap::with_capacity(headers.0.len());
    for (name, value) in &headers.0 {
        let wrong = || Refusal::new("HttpRequestNodeError", format!("'{}' is not a valid header", name.escape_debug()));
        let name = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        // Text outside of ASCII goes out as UTF-8.
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong())?;
        map.insert(name, value);
    }
    Ok(map)
}

/// The request as HTTP text, secrets masked.
fn log(method: &Method, url: &str, headers: &Headers, body: &body::Body, kind: BodyKind) -> String {
    let parsed = Url::parse(url).ok();
    let path = parsed.as_ref().map_or("/", |url| &url[url::Position::BeforePath..url::Position::AfterQuery]);
    let host = parsed.as_ref().map_or("", |url| &url[url::Position::BeforeHost..url::Position::AfterPort]);
    let mut out = format!("{method} {path} HTTP/1.1\r\n");
    let mut line = |name: &str, value: &str| {
        out.push_str(name);
        out.push_str(": ");
        out.push_str(value);
        out.push_str("\r\n");
    };
    if headers.get("host").is_none() {
        line("Host", host);
    }
    for (name, value) in &headers.0 {
        line(name, value);
    }
    if kind != BodyKind::None {
        line("Content-Length", &body.bytes.len().to_string());
    }
    out.push_str("\r\n");
    out.push_str(&body.log);
    out
}

//! Calling an operation: the request, the call, and what is made of the answer.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use ox_net::{Class, Egress, Limits, Method, NetError, Request};
use ox_nodes::CallMessage;
use ox_types::Json;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::{
    Bundle, Invalid,
    parse::{BODY, body, properties, type_of},
};
use crate::call::{MAX_ANSWER, mime_of, told, why};

/// How calls are signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Auth {
    /// `none`, `api_key_header` (formerly `api_key`), `api_key_query`.
    #[serde(default)]
    pub auth_type: String,
    #[serde(default)]
    pub api_key_header: Option<String>,
    #[serde(default)]
    pub api_key_value: Option<String>,
    /// `basic`, `bearer`, `custom`.
    #[serde(default)]
    pub api_key_header_prefix: Option<String>,
    #[serde(default)]
    pub api_key_query_param: Option<String>,
}

/// A file that goes with a call.
#[derive(Clone, Debug)]
pub struct Attachment {
    pub filename: String,
    pub mime: String,
    pub bytes: Bytes,
}

/// One call of an operation.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    pub parameters: Map<String, Json>,
    /// The files of parameters that are files.
    pub files: BTreeMap<String, Vec<Attachment>>,
    pub auth: Auth,
    /// Sent with calls that change something.
    pub idempotency_key: Option<String>,
    /// For connecting, and for each pause of the answer.
    pub connect: Option<Duration>,
    pub read: Option<Duration>,
}

/// Calls an operation.
///
/// # Errors
/// What is missing or went wrong, for the user.
pub async fn call(egress: &Egress, bundle: &Bundle, invocation: &Invocation) -> Result<Vec<CallMessage>, String> {
    let request = request(bundle, invocation).map_err(|error| error.0)?;
    let response = egress.send(request).await.map_err(|error| why(&error))?;
    let (status, mime) = (response.status, mime_of(&response));
    let disposition =
        response.headers.get("content-disposition").and_then(|value| value.to_str().ok()).and_then(filename);
    let named = disposition.or_else(|| {
        let name = response.url.path().rsplit('/').next().filter(|name| name.contains('.'))?;
        Some(name.to_owned())
    });
    let bytes = response.bytes().await.map_err(|error| why(&error))?;
    if status.as_u16() >= 400 {
        let text = told(&String::from_utf8_lossy(&bytes));
        return Err(format!("Request failed with status code {} and {text}", status.as_u16()));
    }
    Ok(answer(bytes, &mime, named))
}

/// What an answer says.
fn answer(bytes: Bytes, mime: &str, filename: Option<String>) -> Vec<CallMessage> {
    if bytes.is_empty() {
        let text = "Empty response from the tool, please check your parameters and try again.";
        return vec![CallMessage::Text(text.to_owned())];
    }
    let is_text = mime.is_empty()
        || mime.starts_with("text/")
        || ["json", "xml", "yaml", "javascript", "x-www-form-urlencoded"].iter().any(|kind| mime.contains(kind));
    match std::str::from_utf8(&bytes) {
        Ok(text) if is_text || serde_json::from_slice::<Value>(&bytes).is_ok() => {
            let said = CallMessage::Text(text.to_owned());
            match serde_json::from_str(text) {
                Ok(Value::Array(items)) => std::iter::once(said)
                    .chain(items.into_iter().filter(Value::is_object).map(CallMessage::Json))
                    .collect(),
                Ok(data @ Value::Object(_)) => vec![said, CallMessage::Json(data)],
                _ => vec![said],
            }
        }
        _ if is_text && mime.starts_with("text/") => vec![CallMessage::Text(ox_extract::decode(&bytes))],
        _ => {
            let mime = if mime.is_empty() { "application/octet-stream" } else { mime };
            vec![CallMessage::Blob { bytes, mime: mime.to_owned(), filename }]
        }
    }
}

/// The file name that a server proposes, without any path.
fn filename(disposition: &str) -> Option<String> {
    let (_, rest) = disposition.split_once("filename=")?;
    let name = rest.trim_start().trim_start_matches('"').split(['"', ';']).next()?.trim();
    let name = name.rsplit(['/', '\\']).next()?;
    (!name.is_empty() && name.len() <= 255).then(|| name.to_owned())
}

/// A value as it stands in an address or a header.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The value with the type that its schema asks for, as far as it can be had.
#[must_use]
pub fn typed(value: &Json, schema: &Json) -> Json {
    let Value::String(text) = value else { return value.clone() };
    let trimmed = text.trim();
    match type_of(schema) {
        Some("integer") => trimmed.parse::<i64>().map_or_else(|_| value.clone(), Json::from),
        Some("number") => trimmed.parse::<f64>().map_or_else(
            |_| value.clone(),
            |number| trimmed.parse::<i64>().map_or_else(|_| Json::from(number), Json::from),
        ),
        Some("boolean") => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => true.into(),
            "false" | "0" | "no" => false.into(),
            _ => value.clone(),
        },
        Some("array") => match serde_json::from_str(trimmed) {
            Ok(items @ Value::Array(_)) => items,
            _ => vec![value.clone()].into(),
        },
        Some("object") => serde_json::from_str(trimmed).ok().filter(Value::is_object).unwrap_or_else(|| value.clone()),
        Some("string") => value.clone(),
        _ => serde_json::from_str(trimmed)
            .ok()
            .filter(|json: &Json| json.is_object() || json.is_array())
            .unwrap_or_else(|| value.clone()),
    }
}

impl Invocation {
    /// The value of a parameter: given, or its default.
    fn value(&self, name: &str, schema: &Json, required: bool) -> Result<Option<Json>, Invalid> {
        let given = self.parameters.get(name).filter(|value| !value.is_null());
        // An empty text is how forms say that nothing was given.
        let given = given.filter(|value| required || value.as_str() != Some(""));
        match given.or_else(|| Some(&schema["default"]).filter(|value| !value.is_null())) {
            Some(value) => Ok(Some(typed(value, schema))),
            None if required => Err(Invalid(format!("Missing required parameter {name}"))),
            None => Ok(None),
        }
    }
}

/// Octets that stay as they are in a part of a path.
fn in_path(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    // A part of dots would be taken for the way up.
    match out.as_str() {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => out,
    }
}

fn request(bundle: &Bundle, invocation: &Invocation) -> Result<Request, Invalid> {
    let (operation, invalid) = (&bundle.openapi, |error: NetError| Invalid(error.to_string()));
    let mut address = bundle.server_url.clone();
    let (mut query, mut headers, mut cookies) = (Vec::new(), Vec::new(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (Some(name), Some(place)) = (parameter["name"].as_str(), parameter["in"].as_str()) else { continue };
        let required = parameter["required"] == true || place == "path";
        let Some(value) = invocation.value(name, &parameter["schema"], required)? else { continue };
        match place {
            "path" => address = address.replace(&format!("{{{name}}}"), &in_path(&joined(&value))),
            "query" => in_query(parameter, name, &value, &mut query),
            "header" => headers.push((name.to_owned(), joined(&value))),
            "cookie" => cookies.push(format!("{name}={}", joined(&value))),
            _ => {}
        }
    }
    let mut url = Url::parse(&address).map_err(|error| {
        Invalid(format!("'{address}' is not an address ({error}); the servers of the schema must be absolute."))
    })?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(&query);
    }
    let method = Method::from_bytes(bundle.method.to_ascii_uppercase().as_bytes());
    let method = method.map_err(|_| Invalid(format!("'{}' is not an HTTP method.", bundle.method)))?;
    let mut request = Request::new(Class::Tool, method, url.as_str()).limits(limits(invocation));
    if let Some((kind, schema)) = body(operation) {
        let needed = operation["requestBody"]["required"] == true;
        if let Some((kind, bytes)) = encoded(kind, schema, needed, invocation)? {
            request = request.header("content-type", &kind).map_err(invalid)?;
            request.body = bytes;
        }
    }
    for (name, value) in headers {
        let is_body = name.eq_ignore_ascii_case("content-type") || name.eq_ignore_ascii_case("content-length");
        if !is_body || request.body.is_empty() {
            request = request.secret_header(&name, &value).map_err(invalid)?;
        }
    }
    if !cookies.is_empty() {
        request = request.secret_header("cookie", &cookies.join("; ")).map_err(invalid)?;
    }
    if request.method != Method::GET && request.method != Method::HEAD {
        // A call that changes something is made once.
        request.retries = Some(0);
        if let Some(key) = &invocation.idempotency_key
            && !request.headers.contains_key("idempotency-key")
        {
            request = request.header("idempotency-key", key).map_err(invalid)?;
        }
    }
    signed(request, &invocation.auth)
}

fn limits(invocation: &Invocation) -> Limits {
    let connect = invocation.connect.unwrap_or(Duration::from_secs(10));
    let read = invocation.read.unwrap_or(Duration::from_secs(60));
    Limits { connect, first_byte: connect + read, read, total: (connect + read).saturating_mul(2), body: MAX_ANSWER }
}

fn signed(mut request: Request, auth: &Auth) -> Result<Request, Invalid> {
    let set = |text: &Option<String>, usual: &str| {
        text.as_deref().map(str::trim).filter(|text| !text.is_empty()).unwrap_or(usual).to_owned()
    };
    if matches!(auth.auth_type.as_str(), "" | "none") {
        return Ok(request);
    }
    let key = auth.api_key_value.as_deref().unwrap_or_default().trim();
    if key.is_empty() {
        return Err(Invalid("Missing api_key_value".into()));
    }
    if auth.auth_type == "api_key_query" {
        let mut url = Url::parse(&request.url).map_err(|error| Invalid(error.to_string()))?;
        url.query_pairs_mut().append_pair(&set(&auth.api_key_query_param, "key"), key);
        request.url = url.into();
        return Ok(request);
    }
    let name = set(&auth.api_key_header, "Authorization");
    let value = match auth.api_key_header_prefix.as_deref() {
        Some("basic") => format!("Basic {key}"),
        Some("bearer") => format!("Bearer {key}"),
        _ => key.to_owned(),
    };
    request.headers.remove(name.as_str());
    request.secret_header(&name, &value).map_err(|error| Invalid(error.to_string()))
}

/// A list as its items between commas; anything else as it is.
fn joined(value: &Json) -> String {
    match value {
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => plain(other),
    }
}

fn in_query(parameter: &Json, name: &str, value: &Json, query: &mut Vec<(String, String)>) {
    let explode = parameter["explode"].as_bool().unwrap_or(true);
    match value {
        Value::Array(items) if explode => query.extend(items.iter().map(|item| (name.to_owned(), plain(item)))),
        Value::Array(_) => {
            let between = match parameter["style"].as_str() {
                Some("pipeDelimited") => "|",
                Some("spaceDelimited") => " ",
                _ => ",",
            };
            query.push((name.to_owned(), joined(value).replace(',', between)));
        }
        Value::Object(fields) if parameter["style"] == "deepObject" => {
            query.extend(fields.iter().map(|(key, value)| (format!("{name}[{key}]"), plain(value))));
        }
        other => query.push((name.to_owned(), plain(other))),
    }
}

/// The body and its type; `None` when there is nothing to send.
fn encoded(
    kind: &str,
    schema: &Json,
    needed: bool,
    invocation: &Invocation,
) -> Result<Option<(String, Bytes)>, Invalid> {
    let bare = kind.split(';').next().unwrap_or_default().trim();
    let (fields, required) = properties(schema);
    if fields.is_empty() {
        let Some(value) = invocation.value(BODY, schema, needed)? else { return Ok(None) };
        if let Some(file) = invocation.files.get(BODY).and_then(|files| files.first()) {
            return Ok(Some((kind.to_owned(), file.bytes.clone())));
        }
        let is_json = bare.contains("json");
        let text = if is_json { typed(&value, schema).to_string() } else { plain(&value) };
        return Ok(Some((kind.to_owned(), text.into())));
    }
    let mut values = Map::new();
    for (name, schema) in &fields {
        if let Some(value) = invocation.value(name, schema, required.contains(name))? {
            values.insert(name.clone(), value);
        }
    }
    if values.is_empty() && !needed && !bare.contains("json") {
        return Ok(None);
    }
    Ok(Some(match bare {
        "application/x-www-form-urlencoded" => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in &values {
                match value {
                    Value::Array(items) => items.iter().for_each(|item| _ = form.append_pair(name, &plain(item))),
                    other => _ = form.append_pair(name, &plain(other)),
                }
            }
            (bare.to_owned(), form.finish().into())
        }
        "multipart/form-data" => multipart(&values, &invocation.files),
        _ if bare.contains("json") => (kind.to_owned(), Value::Object(values).to_string().into()),
        "text/plain" => (kind.to_owned(), Value::Object(values).to_string().into()),
        other => return Err(Invalid(format!("Bodies of the type {other} cannot be made of parameters."))),
    }))
}

/// A form with files: its content type, and the form. A file stands in the place of the value of its name.
pub(crate) fn multipart(values: &Map<String, Json>, files: &BTreeMap<String, Vec<Attachment>>) -> (String, Bytes) {
    let boundary = format!("oxidify-{:032x}", rand::random::<u128>());
    let quoted = |text: &str| text.replace('"', "%22").replace(['\r', '\n'], " ");
    let mut out = Vec::new();
    for (name, value) in values {
        match files.get(name).filter(|files| !files.is_empty()) {
            Some(files) => {
                for file in files {
                    let mime: String = file.mime.chars().filter(|character| !character.is_control()).collect();
                    let head = format!(
                        "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {mime}\r\n\r\n",
                        quoted(name),
                        quoted(&file.filename)
                    );
                    out.extend_from_slice(head.as_bytes());
                    out.extend_from_slice(&file.bytes);
                    out.extend_from_slice(b"\r\n");
                }
            }
            None => {
                let part = format!(
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n",
                    quoted(name),
                    plain(value)
                );
                out.extend_from_slice(part.as_bytes());
            }
        }
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), out.into())
}

#[cfg(test)]
pub(super) fn built(bundle: &Bundle, invocation: &Invocation) -> Result<Request, Invalid> {
    request(bundle, invocation)
}

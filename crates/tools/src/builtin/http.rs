//! `http`: one HTTP request, under the rules of the workspace.

use std::time::Duration;

use ox_net::{Class, Method, Request};
use ox_nodes::CallMessage;
use serde_json::{Value, json};

use crate::{
    Call, Parameter, Provider, Tool,
    call::limits,
    spec::{Run, Said},
};

pub const PROVIDER: Provider = Provider {
    name: "http",
    label: ("HTTP", "HTTP 请求"),
    description: ("Sends a request to an API.", "向接口发送请求。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#4f46e5"/>"##,
        r##"<path d="M6 9h10m-3-3 3 3-3 3M18 15H8m3-3-3 3 3 3" stroke="#fff" stroke-width="1.800" fill="none" stroke-linecap="round" stroke-linejoin="round"/></svg>"##
    ),
    labels: &["utilities"],
    form: &[],
    trial: None,
    tools: &[Tool {
        name: "http_request",
        label: ("HTTP request", "HTTP 请求"),
        description: ("Sends a request and gives the answer.", "发送请求并返回结果。"),
        for_model: "Sends an HTTP request to a public URL and returns status and body.",
        parameters: &[
            Parameter::text("url", ("URL", "URL"), "Address, beginning with http:// or https://").needed(),
            Parameter::select(
                "method",
                ("Method", "方法"),
                "GET",
                &[
                    ("GET", ("GET", "GET")),
                    ("POST", ("POST", "POST")),
                    ("PUT", ("PUT", "PUT")),
                    ("PATCH", ("PATCH", "PATCH")),
                    ("DELETE", ("DELETE", "DELETE")),
                    ("HEAD", ("HEAD", "HEAD")),
                ],
            )
            .asked("HTTP method"),
            Parameter::text("headers", ("Headers", "请求头"), "Headers: a JSON object, or one 'Name: value' a line"),
            Parameter::text("body", ("Body", "请求体"), "Body of the request; JSON is sent as such"),
            Parameter::number("timeout", ("Time limit (s)", "超时（秒）"), "").or("30").within(1.0, 120.0).fixed(),
        ],
        run: Run::Calls(|call| Box::pin(request(call))),
    }],
};

/// Headers of either form.
fn headers(text: &str) -> Result<Vec<(String, String)>, String> {
    if let Ok(Value::Object(fields)) = serde_json::from_str(text) {
        let plain = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return Ok(fields.into_iter().map(|(name, value)| (name, plain(value))).collect());
    }
    let line = |line: &str| {
        let pair = line.split_once(':').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        pair.ok_or_else(|| format!("'{line}' is not a header: write 'Name: value'."))
    };
    text.lines().filter(|text| !text.trim().is_empty()).map(line).collect()
}

async fn request(call: &Call) -> Said {
    let arguments = &call.arguments;
    let method = arguments.get("method").unwrap_or_else(|| "GET".into()).trim().to_ascii_uppercase();
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("'{method}' is not an HTTP method."))?;
    let total = Duration::from_secs(u64::from(arguments.count("timeout", 30, 1, 120)?));
    let mut request = Request::new(Class::Tool, method, arguments.required("url")?.trim()).limits(limits(total));
    let mut has_type = false;
    for (name, value) in headers(&arguments.get("headers").unwrap_or_default())? {
        has_type |= name.eq_ignore_ascii_case("content-type");
        // Any of them may be a key.
        request = request.secret_header(&name, &value).map_err(|error| error.to_string())?;
    }
    if let Some(body) = arguments.get("body") {
        if !has_type {
            let is_json = serde_json::from_str::<Value>(&body).is_ok();
            let kind = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
            request = request.header("content-type", kind).map_err(|error| error.to_string())?;
        }
        request.body = body.into();
    }
    let answer = call.fetch(request).await?;
    let (status, mime) = (answer.status.as_u16(), answer.mime.clone());
    let is_text = mime.is_empty()
        || mime.starts_with("text/")
        || ["json", "xml", "javascript", "x-www-form-urlencoded", "yaml"].iter().any(|kind| mime.contains(kind));
    if !is_text {
        let about = json!({"status_code": status, "content_type": mime, "size": answer.bytes.len()});
        let blob = CallMessage::Blob { bytes: answer.bytes, mime, filename: None };
        return Ok(vec![CallMessage::Text(about.to_string()), CallMessage::Json(about), blob]);
    }
    let text = answer.text();
    let body = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.as_str()));
    let data = json!({"status_code": status, "content_type": mime, "body": body});
    Ok(vec![CallMessage::Text(data.to_string()), CallMessage::Json(data)])
}

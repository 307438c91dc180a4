//! `/openapi/docs`: the OpenAPI document as pages to read. Plain HTML: no script, and nothing that comes from elsewhere.

mod schema;

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use ox_app::{Error, Services};
use serde_json::Value;
use tokio::sync::OnceCell;

use self::schema::{Schemas, list, rich, text};
use crate::{ApiError, ApiResult, extract::Path, server};

/// One page: its name in the address, what its paths begin with, title, what it is for.
struct Surface {
    name: &'static str,
    prefix: &'static str,
    title: &'static str,
    about: &'static str,
}

const SURFACES: [Surface; 5] = [
    Surface {
        name: "service",
        prefix: "/v1/",
        title: "Service API",
        about: "Apps and knowledge bases from your own code, with the key of an app or of the knowledge.",
    },
    Surface {
        name: "gateway",
        prefix: "/gateway/v1/",
        title: "Model gateway",
        about: "The models of a workspace in OpenAI's words, with a gateway key.",
    },
    Surface {
        name: "mcp",
        prefix: "/mcp/",
        title: "MCP",
        about: "Apps as tools of other models; the address is the key.",
    },
    Surface {
        name: "pages",
        prefix: "/api/",
        title: "Published pages",
        about: "What the page of an app calls, with the passport of its visitor.",
    },
    Surface {
        name: "console",
        prefix: "/console/api/",
        title: "Console",
        about: "What the Studio calls, with the session of a member and the header X-CSRF-Token.",
    },
];

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#d9d4cd;--soft:#f6f3ef;--text:#1e1b17;--link:#8f3517}\
@media(prefers-color-scheme:dark){:root{--line:#3b3733;--soft:#24211e;--text:#ece7e1;--link:#f0a283}\
body{background:#1a1816}}\
*{box-sizing:border-box}body{margin:0 auto;max-width:60rem;padding:1rem;color:var(--text);\
font:16px/1.5 system-ui,sans-serif}a{color:var(--link)}code{font:.875em ui-monospace,monospace;overflow-wrap:anywhere}\
h2{margin-top:2.5rem}section{border-top:1px solid var(--line);padding:.75rem 0}h3{margin:.25rem 0;font-size:1rem}\
nav ul{columns:14rem;padding-left:1.25rem}nav a{display:inline-block;min-height:24px}\
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.875rem}\
th,td{border:1px solid var(--line);padding:.25rem .5rem;text-align:left;vertical-align:top}th{background:var(--soft)}\
summary{cursor:pointer;min-height:24px}b.method{display:inline-block;min-width:4rem}";

/// Nothing of a page may run, and nothing may be loaded.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// The pages by their names; the first is the list of the others.
type Pages = BTreeMap<&'static str, Bytes>;

/// Where the pages are, made when one is asked for the first time.
struct Docs {
    services: Arc<Services>,
    pages: OnceCell<Pages>,
}

pub fn router(services: &Arc<Services>) -> Router {
    let docs = Docs { services: Arc::clone(services), pages: OnceCell::new() };
    Router::new()
        .route("/openapi/docs", get(index))
        .route("/openapi/docs/{surface}", get(surface))
        .with_state(Arc::new(docs))
}

async fn index(State(docs): State<Arc<Docs>>) -> ApiResult<Response> {
    page(&docs, "").await
}

async fn surface(State(docs): State<Arc<Docs>>, Path(name): Path<String>) -> ApiResult<Response> {
    page(&docs, &name).await
}

async fn page(docs: &Docs, name: &str) -> ApiResult<Response> {
    let services = Arc::clone(&docs.services);
    let make = move || serde_json::to_value(server::document(&services)).map(|document| pages(&document));
    let make = async { tokio::task::spawn_blocking(make).await.map_err(Error::internal)?.map_err(Error::internal) };
    let pages = docs.pages.get_or_try_init(|| make).await?;
    let page =
        pages.get(name).ok_or_else(|| ApiError(Error::not_found("There is no such page of the documentation.")))?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, page.clone()).into_response())
}

fn pages(document: &Value) -> Pages {
    let mut pages = Pages::new();
    pages.insert("", Bytes::from(contents(document)));
    for surface in &SURFACES {
        pages.insert(surface.name, Bytes::from(described(document, surface)));
    }
    pages
}

fn framed(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{title} · Oxidify API</title><style>{STYLE}</style></head>\
         <body>{body}</body></html>"
    )
}

fn contents(document: &Value) -> String {
    let mut body = format!(
        "<main><h1>Oxidify API</h1><p>{}</p><ul>",
        rich(text(document.get("info").unwrap_or(&Value::Null), "description"))
    );
    for Surface { name, prefix, title, about } in &SURFACES {
        let count = operations(document, prefix).count();
        let noun = if count == 1 { "operation" } else { "operations" };
        _ = write!(
            body,
            "<li><a href=\"/openapi/docs/{name}\">{title}</a> <code>{prefix}</code>, {count} {noun}. {about}</li>"
        );
    }
    body.push_str(
        "</ul><p>The same for programs: <a href=\"/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p></main>",
    );
    framed("Contents", &body)
}

/// The operations of a surface with method and path.
fn operations<'a>(document: &'a Value, prefix: &'a str) -> impl Iterator<Item = (String, &'a str, &'a Value)> {
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    let under = paths.filter(move |(path, _)| path.starts_with(prefix));
    under.flat_map(|(path, item)| {
        let operations = item.as_object().into_iter().flatten();
        operations.map(move |(method, operation)| (method.to_ascii_uppercase(), path.as_str(), operation))
    })
}

fn described(document: &Value, surface: &Surface) -> String {
    let mut by_tag: BTreeMap<&str, Vec<(String, &str, &Value)>> = BTreeMap::new();
    for operation in operations(document, surface.prefix) {
        let tag = list(operation.2, "tags").next().and_then(Value::as_str).unwrap_or("Other");
        by_tag.entry(tag).or_default().push(operation);
    }
    let Surface { title, about, .. } = surface;
    let mut body = format!(
        "<header><p><a href=\"/openapi/docs\">Oxidify API</a></p><h1>{title}</h1><p>{about}</p></header><nav \
         aria-label=\"Groups\"><ul>"
    );
    for (tag, found) in &by_tag {
        let tag = schema::escaped(tag);
        _ = write!(body, "<li><a href=\"#{}\">{tag}</a> ({})</li>", anchor(&tag), found.len());
    }
    body.push_str("<li><a href=\"#schemas\">Schemas</a></li></ul></nav><main>");
    let mut schemas = Schemas::new(document);
    for (tag, found) in &by_tag {
        let tag = schema::escaped(tag);
        _ = write!(body, "<h2 id=\"{}\">{tag}</h2>", anchor(&tag));
        for (method, path, operation) in found {
            operation_section(&mut body, &mut schemas, (method.as_str(), path), operation);
        }
    }
    body.push_str("<h2 id=\"schemas\">Schemas</h2>");
    schemas.write_named(&mut body);
    body.push_str("</main>");
    framed(title, &body)
}

/// The place of a group on its page.
fn anchor(tag: &str) -> String {
    let plain = tag.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    format!("group-{}", plain.collect::<String>())
}

fn operation_section<'a>(
    body: &mut String,
    schemas: &mut Schemas<'a>,
    (method, path): (&str, &str),
    operation: &'a Value,
) {
    let id = schema::escaped(text(operation, "operationId"));
    let path = schema::escaped(path);
    _ = write!(body, "<section id=\"{id}\"><h3><b class=\"method\">{method}</b> <code>{path}</code></h3>");
    for key in ["summary", "description"] {
        let told = text(operation, key);
        if !told.is_empty() {
            _ = write!(body, "<p>{}</p>", rich(told));
        }
    }
    let keys: Vec<&str> = list(operation, "security")
        .filter_map(Value::as_object)
        .flat_map(serde_json::Map::keys)
        .map(|scheme| key_of(scheme))
        .collect();
    _ = write!(body, "<p>{}</p>", if keys.is_empty() { "Open to all.".to_owned() } else { keys.join(" or ") });
    parameters(body, schemas, operation);
    if let Some(content) = operation.pointer("/requestBody/content") {
        _ = write!(body, "<p>Body: {}</p>", contents_of(schemas, content));
    }
    body.push_str("<details><summary>Answers</summary><ul>");
    for (status, answer) in operation.get("responses").and_then(Value::as_object).into_iter().flatten() {
        let answer = schemas.resolved(answer);
        let told = rich(text(answer, "description"));
        let content = answer.get("content").map(|content| contents_of(schemas, content)).unwrap_or_default();
        _ = write!(body, "<li><b>{}</b> {told} {content}</li>", schema::escaped(status));
    }
    body.push_str("</ul></details></section>");
}

/// What has to be sent to be let in.
fn key_of(scheme: &str) -> &'static str {
    match scheme {
        "app_key" => "With a key: <code>Authorization: Bearer …</code>.",
        "gateway_key" => "With a gateway key: <code>Authorization: Bearer sk-ox-…</code>.",
        "passport" => "With a passport: <code>X-App-Passport</code> and <code>X-App-Code</code>.",
        _ => "With the session of a member: its cookies and <code>X-CSRF-Token</code>.",
    }
}

fn parameters<'a>(body: &mut String, schemas: &mut Schemas<'a>, operation: &'a Value) {
    let mut found = list(operation, "parameters").peekable();
    if found.peek().is_none() {
        return;
    }
    body.push_str("<div class=\"scroll\"><table><tr><th>Parameter</th><th>In</th><th>Type</th><th>About</th></tr>");
    for parameter in found {
        let needed = parameter.get("required").and_then(Value::as_bool).unwrap_or(false);
        let kind = schemas.type_of(parameter.get("schema").unwrap_or(&Value::Null));
        _ = write!(
            body,
            "<tr><td><code>{}</code>{}</td><td>{}</td><td>{kind}</td><td>{}</td></tr>",
            schema::escaped(text(parameter, "name")),
            if needed { " (required)" } else { "" },
            schema::escaped(text(parameter, "in")),
            rich(text(parameter, "description")),
        );
    }
    body.push_str("</table></div>");
}

fn contents_of<'a>(schemas: &mut Schemas<'a>, content: &'a Value) -> String {
    let types = content.as_object().into_iter().flatten().map(|(mime, what)| {
        let kind = schemas.type_of(what.get("schema").unwrap_or(&Value::Null));
        format!("<code>{}</code> {kind}", schema::escaped(mime))
    });
    types.collect::<Vec<_>>().join(", ")
}

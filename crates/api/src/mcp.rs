//! `/mcp`: every app as a tool for models elsewhere (service API reference §13). JSON-RPC over plain POST; no
//! sessions, no streams. The code in the address is the secret.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use ox_app::{
    Access::Public,
    Error, Services,
    mcp::{self, Called, OpenServer, Tool},
};
use serde_json::{Map, Value, json};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    access::{Rule, rule},
    extract::Path,
    openapi::routes,
};

/// One line for each route and method.
pub const RULES: &[Rule] = &[rule(Method::POST, "/server/{server_code}/mcp", Public)];

/// Compat: answered whatever the client speaks.
const PROTOCOL: &str = "2024-11-05";

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const INTERNAL_ERROR: i64 = -32603;

/// What clients tell without waiting for an answer.
const NOTIFICATIONS: &[&str] = &[
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/roots/list_changed",
];

/// What a server may be asked beside tools, by the names that errors give it.
const REQUESTS: &[(&str, &str)] = &[
    ("completion/complete", "CompleteRequest"),
    ("logging/setLevel", "SetLevelRequest"),
    ("prompts/get", "GetPromptRequest"),
    ("prompts/list", "ListPromptsRequest"),
    ("resources/list", "ListResourcesRequest"),
    ("resources/read", "ReadResourceRequest"),
    ("resources/subscribe", "SubscribeRequest"),
    ("resources/templates/list", "ListResourceTemplatesRequest"),
    ("resources/unsubscribe", "UnsubscribeRequest"),
];

/// Every MCP route with its documentation.
pub fn router(services: &Arc<Services>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(receive)).with_state(Arc::clone(services))
}

/// A failed request, in JSON-RPC's words.
struct Failure {
    code: i64,
    message: String,
}

impl Failure {
    fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// What is wrong with the arguments is the caller's to mend; everything else is not.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if (400..500).contains(&error.status) && error.code == "invalid_param" {
            return Self::new(INVALID_PARAMS, error.message);
        }
        if error.status >= 500 {
            tracing::error!(%error, source = ?error.source, "an MCP call failed");
        }
        Self::new(INTERNAL_ERROR, format!("Internal server error: {}", error.message))
    }
}

/// One JSON-RPC message to the MCP server of an app.
///
/// Methods: `initialize`, `ping`, `tools/list`, `tools/call`, and notifications, which are answered with an empty 202.
#[utoipa::path(post, path = "/server/{server_code}/mcp", tag = "MCP", request_body = Object,
    params(("server_code" = String, Path, description = "The secret part of the server's address")),
    responses((status = 200, body = Object, description = "The result, or an error in JSON-RPC's form"),
        (status = 202, description = "A notification was taken")))]
async fn receive(State(services): State<Arc<Services>>, Path(code): Path<String>, body: Bytes) -> Response {
    let message: Value = match serde_json::from_slice(&body) {
        Ok(message) => message,
        Err(error) => return failed(&Value::Null, &Failure::new(PARSE_ERROR, format!("Parse error: {error}"))),
    };
    let id = message.get("id").filter(|id| id.is_string() || id.is_number()).cloned().unwrap_or_default();
    let open = match mcp::open(&services, &code).await {
        Ok(open) => open,
        Err(error) if error.status < 500 => return failed(&id, &Failure::new(INVALID_REQUEST, error.message)),
        Err(error) => return failed(&id, &error.into()),
    };
    let Some(method) = message.get("method").and_then(Value::as_str) else {
        return failed(&id, &Failure::new(INVALID_PARAMS, "Invalid MCP request: method: Field required"));
    };
    if method.starts_with("notifications/") {
        if NOTIFICATIONS.contains(&method) {
            return StatusCode::ACCEPTED.into_response();
        }
        return failed(&id, &Failure::new(INVALID_REQUEST, "Invalid notification method"));
    }
    if id.is_null() {
        return failed(&id, &Failure::new(INVALID_REQUEST, "Request ID is required"));
    }
    let params = message.get("params").and_then(Value::as_object).cloned().unwrap_or_default();
    match answer(&services, &open, method, params).await {
        Ok(result) => Json(json!({"jsonrpc": "2.0", "id": id, "result": result})).into_response(),
        Err(failure) => failed(&id, &failure),
    }
}

fn failed(id: &Value, failure: &Failure) -> Response {
    let Failure { code, message } = failure;
    Json(json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})).into_response()
}

async fn answer(
    services: &Arc<Services>,
    open: &OpenServer,
    method: &str,
    mut params: Map<String, Value>,
) -> Result<Value, Failure> {
    match method {
        "initialize" => {
            mcp::greet(services, open, &client_name(&params)?).await?;
            Ok(json!({
                "protocolVersion": PROTOCOL,
                "capabilities": {"tools": {"listChanged": false}},
                // Compat: clients tell servers of apps by this name.
                "serverInfo": {"name": "Dify", "version": services.settings.version},
                "instructions": open.server.description,
            }))
        }
        "ping" => Ok(json!({})),
        "tools/list" => {
            let Tool { name, description, schema } = mcp::tool(services, open).await?;
            Ok(json!({"tools": [{"name": name, "description": description, "inputSchema": schema}]}))
        }
        "tools/call" => {
            // Compat: there is one tool, and it is called whatever its caller knows it by.
            if !params.get("name").is_some_and(Value::is_string) {
                return Err(Failure::new(INVALID_PARAMS, "Invalid MCP request: params.name: Field required"));
            }
            let arguments = match params.remove("arguments") {
                None | Some(Value::Null) => Map::new(),
                Some(Value::Object(arguments)) => arguments,
                Some(_) => {
                    let text = "Invalid MCP request: params.arguments: Input should be a valid dictionary";
                    return Err(Failure::new(INVALID_PARAMS, text));
                }
            };
            let Called { text, is_error } = mcp::call(services, open, arguments).await?;
            let mut result = json!({"content": [{"type": "text", "text": text}]});
            if is_error {
                result["isError"] = true.into();
            }
            Ok(result)
        }
        other => {
            let name = REQUESTS.iter().find(|(method, _)| *method == other).map_or(other, |(_, name)| *name);
            Err(Failure::new(METHOD_NOT_FOUND, format!("Method not found: {name}")))
        }
    }
}

/// `client@version`, as the end user is called.
fn client_name(params: &Map<String, Value>) -> Result<String, Failure> {
    let part = |name: &str| params.get("clientInfo").and_then(|info| info.get(name)).and_then(Value::as_str);
    let named = part("name").zip(part("version")).map(|(name, version)| format!("{name}@{version}"));
    named.ok_or_else(|| Failure::new(INVALID_PARAMS, "Invalid MCP request: params.clientInfo: Field required"))
}

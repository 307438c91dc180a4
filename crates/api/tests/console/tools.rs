//! Tools of a workspace: built-in ones with credentials, OpenAPI documents, workflows, MCP servers, and runs that call them.

mod own_sign_in;
mod rights;
mod sign_in;

use axum::{
    Json, Router,
    http::{HeaderMap, Method, StatusCode},
    routing::{get, post},
};
use ox_net::{Egress, Policy};
use serde_json::{Value, json};

use crate::support::{Session, TestServer};

const TOOLS: &str = "/workspaces/current/tool-provider";

/// A server that may call this machine.
async fn open() -> (TestServer, Session) {
    let (policy, _) = Policy::from_env(|name| (name == "SSRF_PROXY_ALLOW_PRIVATE_IPS").then(|| "127.0.0.1".to_owned()));
    let server = TestServer::sqlite_on(Egress::new(policy)).await;
    let owner = server.owner().await;
    (server, owner)
}

/// A web service of the test's.
async fn peer(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A workflow that calls a tool with its input `q` and gives what that says.
fn calling(name: &str, tool: &Value, parameter: &str) -> String {
    let start = json!({"type": "start", "title": "Start", "variables": [{"variable": "q", "label": "Q", "type": "text-input", "required": true, "max_length": 100}]});
    let mut node = json!({"type": "tool", "title": "Tool", "tool_node_version": "2", "tool_configurations": {},
        "tool_parameters": {parameter: {"type": "mixed", "value": "{{#s.q#}}"}}});
    node.as_object_mut().unwrap().extend(tool.as_object().unwrap().clone());
    let end =
        json!({"type": "end", "title": "End", "outputs": [{"variable": "said", "value_selector": ["t", "text"]}]});
    file(name, &[("s", start), ("t", node), ("e", end)])
}

fn file(name: &str, nodes: &[(&str, Value)]) -> String {
    let edges: Vec<Value> = nodes
        .windows(2)
        .map(|pair| json!({"id": format!("{}-{}", pair[0].0, pair[1].0), "source": pair[0].0, "sourceHandle": "source", "target": pair[1].0, "targetHandle": "target"}))
        .collect();
    let nodes: Vec<Value> = nodes
        .iter()
        .map(|(id, data)| json!({"id": id, "type": "custom", "position": {"x": 0, "y": 0}, "data": data}))
        .collect();
    json!({
        "app": {"name": name, "mode": "workflow", "icon": "x", "icon_background": "#fff", "description": ""}, "kind": "app",
        "version": "0.6.0", "dependencies": [], "workflow": {"environment_variables": [], "conversation_variables": [],
            "features": {}, "graph": {"nodes": nodes, "edges": edges, "viewport": {"x": 0, "y": 0, "zoom": 1}}},
    })
    .to_string()
}

/// What a run of the app says, or why it failed.
async fn run(server: &TestServer, key: &str, q: &str) -> Result<String, String> {
    let body = json!({"inputs": {"q": q}, "user": "ann", "response_mode": "blocking"});
    let answer = server.v1(key, Method::POST, "/workflows/run", Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let data = answer.json()["data"].clone();
    match data["status"].as_str() {
        Some("succeeded") => Ok(data["outputs"]["said"].as_str().unwrap_or_default().to_owned()),
        _ => Err(data["error"].as_str().unwrap_or_default().to_owned()),
    }
}

#[tokio::test]
async fn built_in_providers_and_their_credentials() {
    let (server, owner) = open().await;
    let search = || get(|| async { Json(json!({"results": [{"title": "Found", "url": "u"}]})) });
    let peer = peer(Router::new().route("/search", search())).await;
    let all = server.get(&owner, "/workspaces/current/tools/builtin").await.json();
    let named = |name: &str| all.as_array().unwrap().iter().find(|one| one["name"] == name).cloned().unwrap();
    let (time, searxng) = (named("time"), named("searxng"));
    assert_eq!(
        (&time["type"], &time["is_team_authorization"], &time["label"]["zh_Hans"]),
        (&json!("builtin"), &json!(true), &json!("时间"))
    );
    assert_eq!(time["tools"][0]["parameters"][0]["type"], "string");
    assert_eq!((&searxng["is_team_authorization"], &searxng["team_credentials"]), (&json!(false), &json!({})));
    let icon = server
        .send(axum::http::Request::get(time["icon"].as_str().unwrap()).body(axum::body::Body::empty()).unwrap())
        .await;
    assert!(icon.status == StatusCode::OK && icon.text.starts_with("<svg"), "{}", icon.text);
    let labels = server.get(&owner, "/workspaces/current/tool-labels").await.json();
    assert_eq!((labels.as_array().unwrap().len(), &labels[0]["name"]), (17, &json!("search")));
    let schema = server.get(&owner, &format!("{TOOLS}/builtin/tavily/credential/schema/api-key")).await.json();
    assert_eq!((&schema[0]["name"], &schema[0]["type"]), (&json!("tavily_api_key"), &json!("secret-input")));
    // Credentials are tried out before they are kept.
    let add = |base: &str| json!({"type": "api-key", "credentials": {"searxng_base_url": base}});
    let wrong = server.post(&owner, &format!("{TOOLS}/builtin/searxng/add"), add(&format!("{peer}/nothing"))).await;
    assert!(wrong.status == StatusCode::BAD_REQUEST && wrong.text.contains("404"), "{}", wrong.text);
    for _ in 0..2 {
        let added = server.post(&owner, &format!("{TOOLS}/builtin/searxng/add"), add(&peer)).await;
        assert_eq!(added.status, StatusCode::OK, "{}", added.text);
    }
    let info = server.get(&owner, &format!("{TOOLS}/builtin/searxng/credential/info")).await.json();
    let rows = info["credentials"].as_array().unwrap();
    assert_eq!(
        rows.iter()
            .map(|row| (row["name"].as_str().unwrap(), row["is_default"].as_bool().unwrap()))
            .collect::<Vec<_>>(),
        [("API KEY 1", true), ("API KEY 2", false)]
    );
    let second = rows[1]["id"].clone();
    let done = server.post(&owner, &format!("{TOOLS}/builtin/searxng/default-credential"), json!({"id": second})).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let renamed = json!({"credential_id": second, "name": "Mine"});
    assert_eq!(server.post(&owner, &format!("{TOOLS}/builtin/searxng/update"), renamed).await.status, StatusCode::OK);
    let list = server.get(&owner, &format!("{TOOLS}/builtin/searxng/credentials")).await.json();
    assert_eq!((&list[0]["name"], &list[0]["is_default"]), (&json!("Mine"), &json!(true)));
    // A run uses the default, or those that its node names.
    let node = json!({"provider_type": "builtin", "provider_id": "langgenius/searxng/searxng", "provider_name": "searxng", "tool_name": "searxng_search"});
    let (_, key) = server.app(&owner, &calling("Search", &node, "query")).await;
    assert!(run(&server, &key, "x").await.unwrap().contains("Found"));
    for row in rows {
        let gone =
            server.post(&owner, &format!("{TOOLS}/builtin/searxng/delete"), json!({"credential_id": row["id"]})).await;
        assert_eq!(gone.status, StatusCode::OK, "{}", gone.text);
    }
    assert!(run(&server, &key, "x").await.unwrap_err().contains("has no credentials in this workspace"));
    // Editors use tools; keys are for administrators.
    let editor = server.member(&owner, "ed@example.com", "editor").await;
    assert_eq!(server.get(&editor, "/workspaces/current/tool-providers").await.status, StatusCode::OK);
    assert_eq!(
        server.post(&editor, &format!("{TOOLS}/builtin/searxng/add"), add(&peer)).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(server.get(&owner, &format!("{TOOLS}/builtin/nothing/info")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        server.get(&owner, "/workspaces/current/tool-providers?type=magic").await.status,
        StatusCode::BAD_REQUEST
    );
}

/// A service with a document about itself.
async fn pets() -> String {
    let say = |headers: HeaderMap, Json(body): Json<Value>| async move {
        let key = headers.get("x-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
        if key == "sk-secret-1234" {
            (StatusCode::OK, Json(json!({"hello": body["name"]})))
        } else {
            (StatusCode::UNAUTHORIZED, Json(json!({"error": "key"})))
        }
    };
    peer(Router::new().route("/hello", post(say))).await
}

fn pets_document(base: &str) -> String {
    json!({"openapi": "3.0.0", "info": {"title": "Pets", "description": "Greets"}, "servers": [{"url": base}], "paths": {"/hello": {"post": {
        "operationId": "greet", "summary": "Greets somebody",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "description": "Who"}}}}}}}}}})
    .to_string()
}

fn pets_form(base: &str, key: &str) -> Value {
    json!({"provider": "Pets", "schema": pets_document(base), "schema_type": "openapi", "icon": {"content": "🐶", "background": "#fff"}, "labels": ["social"],
        "credentials": {"auth_type": "api_key_header", "api_key_header": "X-Key", "api_key_value": key, "api_key_header_prefix": "custom"}})
}

#[tokio::test]
async fn documents_become_tools() {
    let (server, owner) = open().await;
    let base = pets().await;
    let read =
        server.post(&owner, &format!("{TOOLS}/api/schema"), json!({"schema": pets_document(&base)})).await.json();
    assert_eq!(
        (&read["schema_type"], &read["parameters_schema"][0]["operation_id"]),
        (&json!("openapi"), &json!("greet"))
    );
    let wrong = server.post(&owner, &format!("{TOOLS}/api/schema"), json!({"schema": "<html>"})).await;
    assert!(wrong.status == StatusCode::BAD_REQUEST && wrong.text.contains("HTML"), "{}", wrong.text);
    let form = pets_form(&base, "sk-secret-1234");
    let trial = |key: &str| {
        let mut body = pets_form(&base, key);
        body.as_object_mut()
            .unwrap()
            .extend(json!({"tool_name": "greet", "parameters": {"name": "Ada"}}).as_object().unwrap().clone());
        body
    };
    let tried = server.post(&owner, &format!("{TOOLS}/api/test/pre"), trial("sk-secret-1234")).await.json();
    assert_eq!(tried["result"], r#"{"hello":"Ada"}"#, "{tried}");
    let tried = server.post(&owner, &format!("{TOOLS}/api/test/pre"), trial("other")).await.json();
    assert!(tried["error"].as_str().unwrap().starts_with("Request failed with status code 401"), "{tried}");
    assert_eq!(server.post(&owner, &format!("{TOOLS}/api/add"), form.clone()).await.status, StatusCode::OK);
    let again = server.post(&owner, &format!("{TOOLS}/api/add"), form.clone()).await;
    assert!(again.status == StatusCode::BAD_REQUEST && again.text.contains("already exists"), "{}", again.text);
    let listed = server.get(&owner, "/workspaces/current/tools/api").await.json();
    let provider = listed[0].clone();
    assert_eq!(
        (&provider["name"], &provider["labels"], &provider["tools"][0]["name"]),
        (&json!("Pets"), &json!(["social"]), &json!("greet"))
    );
    let kept = server.get(&owner, &format!("{TOOLS}/api/get?provider=Pets")).await;
    assert!(!kept.text.contains("sk-secret-1234"), "{}", kept.text);
    // What was shown masked comes back, and stays; not for another server.
    let mut changed = pets_form(&base, kept.json()["credentials"]["api_key_value"].as_str().unwrap());
    changed["original_provider"] = "Pets".into();
    let done = server.post(&owner, &format!("{TOOLS}/api/update"), changed.clone()).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    changed["schema"] = pets_document("https://other.test").into();
    let refused = server.post(&owner, &format!("{TOOLS}/api/update"), changed).await;
    assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains("another server"), "{}", refused.text);
    let node =
        json!({"provider_type": "api", "provider_id": provider["id"], "provider_name": "Pets", "tool_name": "greet"});
    let (_, key) = server.app(&owner, &calling("Greeter", &node, "name")).await;
    assert_eq!(run(&server, &key, "Ada").await.unwrap(), r#"{"hello":"Ada"}"#);
    assert_eq!(
        server.post(&owner, &format!("{TOOLS}/api/delete"), json!({"provider": "Pets"})).await.status,
        StatusCode::OK
    );
    assert!(run(&server, &key, "Ada").await.unwrap_err().contains("has no API tool provider 'Pets'"));
    // Addresses of schemas are checked as all others are.
    let shut = TestServer::sqlite().await;
    let owner = shut.owner().await;
    let refused = shut.get(&owner, &format!("{TOOLS}/api/remote?url=http%3A%2F%2F127.0.0.1%3A9%2Fopenapi.json")).await;
    assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains("SSRF"), "{}", refused.text);
}

#[tokio::test]
async fn workflows_become_tools() {
    let (server, owner) = open().await;
    let start = json!({"type": "start", "title": "Start", "variables": [{"variable": "q", "label": "Q", "type": "text-input", "required": true, "max_length": 100}]});
    let end = json!({"type": "end", "title": "End", "outputs": [{"variable": "echo", "value_selector": ["s", "q"]}]});
    let (inner, _) = server.app(&owner, &file("Inner", &[("s", start), ("e", end)])).await;
    let form = |app: &str, name: &str| {
        json!({"workflow_app_id": app, "name": name, "label": "Inner", "description": "Says it again", "icon": {"content": "🔁", "background": "#fff"},
            "parameters": [{"name": "q", "description": "What to say", "form": "llm"}], "labels": ["utilities"]})
    };
    let made = server.post(&owner, &format!("{TOOLS}/workflow/create"), form(&inner, "inner")).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let twice = server.post(&owner, &format!("{TOOLS}/workflow/create"), form(&inner, "other")).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST, "{}", twice.text);
    assert_eq!(
        server.post(&owner, &format!("{TOOLS}/workflow/create"), form(&inner, "not a name")).await.status,
        StatusCode::BAD_REQUEST
    );
    let found = server.get(&owner, &format!("{TOOLS}/workflow/get?workflow_app_id={inner}")).await.json();
    assert_eq!(
        (&found["synced"], &found["tool"]["parameters"][0]["llm_description"]),
        (&json!(true), &json!("What to say")),
        "{found}"
    );
    let id = found["workflow_tool_id"].as_str().unwrap().to_owned();
    let listed = server.get(&owner, "/workspaces/current/tools/workflow").await.json();
    assert_eq!((&listed[0]["id"], &listed[0]["workflow_app_id"]), (&json!(id), &json!(inner)));
    let node = json!({"provider_type": "workflow", "provider_id": id, "provider_name": "inner", "tool_name": "inner"});
    let (outer, key) = server.app(&owner, &calling("Outer", &node, "q")).await;
    assert_eq!(run(&server, &key, "hello").await.unwrap(), r#"{"echo":"hello"}"#);
    // A new version of the inner one is told, and taken over.
    assert_eq!(
        server.post(&owner, &format!("/apps/{inner}/workflows/publish"), json!({})).await.status,
        StatusCode::OK
    );
    let found = server.get(&owner, &format!("{TOOLS}/workflow/get?workflow_tool_id={id}")).await.json();
    assert_eq!(found["synced"], false, "{found}");
    let mut update = form(&inner, "inner");
    update["workflow_tool_id"] = id.clone().into();
    assert_eq!(server.post(&owner, &format!("{TOOLS}/workflow/update"), update).await.status, StatusCode::OK);
    let found = server.get(&owner, &format!("{TOOLS}/workflow/get?workflow_tool_id={id}")).await.json();
    assert_eq!(found["synced"], true);
    // An app that calls itself comes to an end.
    let made = server.post(&owner, &format!("{TOOLS}/workflow/create"), form(&outer, "outer")).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let own = server.get(&owner, &format!("{TOOLS}/workflow/get?workflow_app_id={outer}")).await.json();
    let mut draft = server.get(&owner, &format!("/apps/{outer}/workflows/draft")).await.json();
    for data in draft["graph"]["nodes"].as_array_mut().unwrap().iter_mut().map(|node| &mut node["data"]) {
        if data["type"] == "tool" {
            data["provider_id"] = own["workflow_tool_id"].clone();
        }
    }
    let body = json!({"graph": draft["graph"], "features": draft["features"], "hash": draft["hash"], "environment_variables": [], "conversation_variables": []});
    let saved = server.post(&owner, &format!("/apps/{outer}/workflows/draft"), body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
    assert_eq!(
        server.post(&owner, &format!("/apps/{outer}/workflows/publish"), json!({})).await.status,
        StatusCode::OK
    );
    let error = run(&server, &key, "round").await.unwrap_err();
    assert!(error.contains("call depth 5 reached"), "{error}");
    assert_eq!(
        server.post(&owner, &format!("{TOOLS}/workflow/delete"), json!({"workflow_tool_id": id})).await.status,
        StatusCode::OK
    );
    assert_eq!(
        server.get(&owner, &format!("{TOOLS}/workflow/tools?workflow_tool_id={id}")).await.status,
        StatusCode::NOT_FOUND
    );
}

/// An MCP server with one tool.
async fn speaking() -> String {
    let answer = |headers: HeaderMap, Json(asked): Json<Value>| async move {
        let result = match asked["method"].as_str().unwrap_or_default() {
            "initialize" => {
                json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "T", "version": "1"}})
            }
            "tools/list" => {
                json!({"tools": [{"name": "shout", "description": "Says it loud", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}]})
            }
            "tools/call" if asked["params"]["arguments"]["text"] == "fail" => {
                json!({"content": [{"type": "text", "text": "too loud"}], "isError": true})
            }
            "tools/call" => {
                json!({"content": [{"type": "text", "text": asked["params"]["arguments"]["text"].as_str().unwrap_or_default().to_uppercase()}]})
            }
            _ => return (StatusCode::ACCEPTED, Json(Value::Null)),
        };
        if headers.get("x-key").is_none_or(|key| key != "mcp-secret-99") {
            return (StatusCode::FORBIDDEN, Json(json!({"error": {"message": "no key"}})));
        }
        (StatusCode::OK, Json(json!({"jsonrpc": "2.0", "id": asked["id"], "result": result})))
    };
    peer(Router::new().route("/mcp", post(answer))).await
}

#[tokio::test]
async fn tools_of_mcp_servers() {
    let (server, owner) = open().await;
    let base = speaking().await;
    let form = |key: &str| {
        json!({"server_url": format!("{base}/mcp"), "name": "Loud", "server_identifier": "loud", "icon": "📣", "icon_type": "emoji", "icon_background": "#fff",
        "headers": {"X-Key": key}, "configuration": {"timeout": 5, "sse_read_timeout": 5}})
    };
    let refused = server.post(&owner, &format!("{TOOLS}/mcp"), form("wrong")).await;
    assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains("no key"), "{}", refused.text);
    let made = server.post(&owner, &format!("{TOOLS}/mcp"), form("mcp-secret-99")).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let provider = made.json();
    assert_eq!(
        (&provider["is_team_authorization"], &provider["tools"][0]["name"], &provider["server_identifier"]),
        (&json!(true), &json!("shout"), &json!("loud"))
    );
    assert!(!made.text.contains("mcp-secret-99") && !made.text.contains("/mcp\""), "{}", made.text);
    let id = provider["id"].as_str().unwrap().to_owned();
    assert_eq!(
        server.post(&owner, &format!("{TOOLS}/mcp"), form("mcp-secret-99")).await.status,
        StatusCode::BAD_REQUEST
    );
    let node = json!({"provider_type": "mcp", "provider_id": "loud", "provider_name": "Loud", "tool_name": "shout"});
    let (_, key) = server.app(&owner, &calling("Shouter", &node, "text")).await;
    assert_eq!(run(&server, &key, "hello").await.unwrap(), "HELLO");
    assert!(run(&server, &key, "fail").await.unwrap_err().contains("too loud"));
    // Masked values come back, and stay.
    let mut changed = form(provider["masked_headers"]["X-Key"].as_str().unwrap());
    (changed["provider_id"], changed["server_url"], changed["name"]) =
        (id.clone().into(), provider["server_url"].clone(), "Louder".into());
    let done = server.console(&owner, Method::PUT, &format!("{TOOLS}/mcp"), Some(changed.clone())).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(run(&server, &key, "again").await.unwrap(), "AGAIN");
    // A key that was given for one server does not go to another.
    changed["server_url"] = format!("{base}/elsewhere").into();
    let refused = server.console(&owner, Method::PUT, &format!("{TOOLS}/mcp"), Some(changed)).await;
    assert!(
        refused.status == StatusCode::BAD_REQUEST && refused.text.contains("Enter the headers again"),
        "{}",
        refused.text
    );
    assert_eq!(server.get(&owner, &format!("{TOOLS}/mcp/update/{id}")).await.json()["name"], "Louder");
    assert_eq!(
        server.post(&owner, &format!("{TOOLS}/mcp/auth"), json!({"provider_id": id})).await.json()["result"],
        "success"
    );
    let stray = server.get(&owner, "/mcp/oauth/callback?code=x&state=y").await;
    assert_eq!(stray.status, StatusCode::BAD_REQUEST, "{}", stray.text);
    let gone = server.console(&owner, Method::DELETE, &format!("{TOOLS}/mcp"), Some(json!({"provider_id": id}))).await;
    assert_eq!(gone.status, StatusCode::OK, "{}", gone.text);
    assert!(run(&server, &key, "x").await.unwrap_err().contains("has no MCP server 'loud'"));
    // Without the operator's leave nobody comes to this machine.
    let shut = TestServer::sqlite().await;
    let owner = shut.owner().await;
    let refused = shut.post(&owner, &format!("{TOOLS}/mcp"), form("mcp-secret-99")).await;
    assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains("SSRF"), "{}", refused.text);
}

#[tokio::test]
async fn a_run_writes_reads_and_gives_out_files_of_its_own() {
    let (server, owner) = open().await;
    let node = |tool: &str, parameters: Value| {
        let mut all = serde_json::Map::new();
        for (name, value) in parameters.as_object().unwrap() {
            all.insert(name.clone(), json!({"type": "mixed", "value": value}));
        }
        json!({"type": "tool", "title": tool, "tool_node_version": "2", "tool_configurations": {}, "provider_type": "builtin",
            "provider_id": "file", "provider_name": "file", "tool_name": tool, "tool_parameters": all})
    };
    let start = json!({"type": "start", "title": "Start", "variables": [{"variable": "q", "label": "Q", "type": "text-input", "required": true, "max_length": 100}]});
    let end = json!({"type": "end", "title": "End", "outputs": [
        {"variable": "said", "value_selector": ["r", "text"]}, {"variable": "files", "value_selector": ["g", "files"]}]});
    let nodes = [
        ("s", start),
        ("w", node("file_write", json!({"name": "out/report.csv", "content": "{{#s.q#}},"}))),
        ("a", node("file_write", json!({"name": "out/report.csv", "content": "2", "mode": "append"}))),
        ("r", node("file_read", json!({"name": "out/report.csv"}))),
        ("g", node("file_give", json!({"name": "out/report.csv"}))),
        ("e", end),
    ];
    let (_, key) = server.app(&owner, &file("Files", &nodes)).await;
    // The second run begins with an empty space: what the first one wrote is not there to be added to.
    for q in ["1", "ü"] {
        let body = json!({"inputs": {"q": q}, "user": "ann", "response_mode": "blocking"});
        let done = server.v1(&key, Method::POST, "/workflows/run", Some(body)).await.json()["data"].clone();
        assert_eq!(done["status"], "succeeded", "{done}");
        let said: Value = serde_json::from_str(done["outputs"]["said"].as_str().unwrap()).unwrap();
        assert_eq!(said, json!({"name": "out/report.csv", "content": format!("{q},2")}));
        let given = &done["outputs"]["files"][0];
        let size = q.len() + 2;
        assert_eq!(
            (&given["filename"], &given["mime_type"], &given["size"]),
            (&json!("report.csv"), &json!("text/csv"), &json!(size)),
            "{given}"
        );
    }
    let bad = [("s", nodes[0].1.clone()), ("t", node("file_write", json!({"name": "{{#s.q#}}", "content": "x"})))];
    let end =
        json!({"type": "end", "title": "End", "outputs": [{"variable": "said", "value_selector": ["t", "text"]}]});
    let (_, key) = server.app(&owner, &file("Bad", &[bad[0].clone(), bad[1].clone(), ("e", end)])).await;
    let error = run(&server, &key, "../../secret").await.unwrap_err();
    assert!(error.contains("is not a file name here"), "{error}");
}

/// Shouts, and knows the variable that the workspace has given.
const SHOUTER: &str = r#"while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9][0-9]*\).*/\1/p')
  answer() { printf '%s\n' '{"jsonrpc":"2.0","id":'"$id"',"result":'"$1"'}'; }
  case "$line" in
    *'"initialize"'*) answer '{"protocolVersion":"2025-06-18"}' ;;
    *'"tools/list"'*) answer '{"tools":[{"name":"shout","inputSchema":{"type":"object","properties":{"text":{"type":"string"}}}}]}' ;;
    *'"tools/call"'*) answer '{"content":[{"type":"text","text":"'"LOUD $VOICE"'"}]}' ;;
  esac
done"#;

#[tokio::test]
async fn mcp_servers_that_are_programs() {
    let form = |url: &str, headers: Value| {
        json!({"server_url": url, "name": "Loud", "server_identifier": "loud", "icon": "📣", "icon_type": "emoji", "headers": headers,
            "configuration": {"timeout": 20, "sse_read_timeout": 20}})
    };
    let programs = "/workspaces/current/tool-provider/mcp/programs";
    // Off by default: refused by name, with the setting to change.
    let off = TestServer::sqlite().await;
    let owner = off.owner().await;
    assert_eq!(off.get(&owner, programs).await.json(), json!([]));
    let refused = off.post(&owner, &format!("{TOOLS}/mcp"), form("stdio:shouter", json!({}))).await;
    assert!(
        refused.status == StatusCode::BAD_REQUEST && refused.text.contains("OXIDIFY_MCP_STDIO_COMMANDS"),
        "{}",
        refused.text
    );
    let allowed = json!({"shouter": {"command": "sh", "args": ["-c", SHOUTER], "variables": ["VOICE"]}}).to_string();
    let server = TestServer::sqlite_with(&[("OXIDIFY_MCP_STDIO_COMMANDS", &allowed)]).await;
    let owner = server.owner().await;
    let offered = server.get(&owner, programs).await.json();
    assert_eq!(offered, json!([{"name": "shouter", "server_url": "stdio:shouter", "variables": ["VOICE"]}]));
    for (url, headers, why) in [
        ("stdio:sh", json!({}), "The program 'sh' is not among those"),
        ("stdio:shouter", json!({"LD_PRELOAD": "/tmp/x.so"}), "takes no variable 'LD_PRELOAD'"),
    ] {
        let refused = server.post(&owner, &format!("{TOOLS}/mcp"), form(url, headers)).await;
        assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains(why), "{}", refused.text);
    }
    let made = server.post(&owner, &format!("{TOOLS}/mcp"), form("stdio:shouter", json!({"VOICE": "bass-42"}))).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let provider = made.json();
    assert_eq!(
        (&provider["server_url"], &provider["is_team_authorization"], &provider["tools"][0]["name"]),
        (&json!("stdio:shouter"), &json!(true), &json!("shout"))
    );
    assert!(!made.text.contains("bass-42"), "{}", made.text);
    let node = json!({"provider_type": "mcp", "provider_id": "loud", "provider_name": "Loud", "tool_name": "shout"});
    let (_, key) = server.app(&owner, &calling("Shouter", &node, "text")).await;
    assert_eq!(run(&server, &key, "hello").await.unwrap(), "LOUD bass-42");
    // What was shown masked stays.
    let mut changed = form("stdio:shouter", json!({"VOICE": provider["masked_headers"]["VOICE"]}));
    (changed["provider_id"], changed["name"]) = (provider["id"].clone(), "Louder".into());
    let done = server.console(&owner, Method::PUT, &format!("{TOOLS}/mcp"), Some(changed)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(run(&server, &key, "hello").await.unwrap(), "LOUD bass-42");
    let id = provider["id"].as_str().unwrap();
    assert_eq!(server.get(&owner, &format!("{TOOLS}/mcp/update/{id}")).await.json()["name"], "Louder");
}

//! Rules that hold for every route: an access entry, a documented form, no look into another workspace.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use ox_api::access::Rule;
use serde_json::{Value, json};

use crate::support::{Session, TestServer, app_file};

const SURFACES: &[(&str, &[Rule])] = &[
    ("/console/api", ox_api::console::RULES),
    ("/v1", ox_api::service::RULES),
    ("/api", ox_api::webapp::RULES),
    ("/mcp", ox_api::mcp::RULES),
    ("/gateway/v1", ox_api::gateway::RULES),
];

async fn server() -> TestServer {
    TestServer::sqlite().await
}

/// `(method, path)` of every operation in the OpenAPI document.
fn documented(document: &Value) -> BTreeSet<(String, String)> {
    let mut out = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            if item.get(method).is_some() {
                out.insert((method.to_uppercase(), path.clone()));
            }
        }
    }
    out
}

#[tokio::test]
async fn every_route_has_an_access_rule_and_every_rule_a_route() {
    let server = server().await;
    let document = serde_json::to_value(ox_api::document(&server.services)).unwrap();
    let documented = documented(&document);
    let mut ruled = BTreeSet::new();
    for (prefix, table) in SURFACES {
        for rule in *table {
            assert!(
                ruled.insert((rule.method.to_string(), format!("{prefix}{}", rule.path.replace("{*", "{")))),
                "{} {} twice",
                rule.method,
                rule.path
            );
        }
    }
    let open: Vec<_> = documented.difference(&ruled).collect();
    assert!(open.is_empty(), "routes without an access rule: {open:?}");
    let stale: Vec<_> = ruled.difference(&documented).collect();
    assert!(stale.is_empty(), "rules without a route: {stale:?}");
}

/// Also writes the document when asked to (`scripts/generate.sh`).
#[tokio::test]
async fn openapi_document_is_the_committed_one() {
    let server = server().await;
    let mut text = serde_json::to_string_pretty(&ox_api::document(&server.services)).unwrap();
    text.push('\n');
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    if std::env::var_os("OXIDIFY_WRITE_OPENAPI").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == text, "docs/openapi.json is not what the handlers say: run scripts/generate.sh");
}

/// Replaces `{app_id}` and its like by ids of the first workspace.
fn fill(path: &str, ids: &Value) -> String {
    let mut out = path.to_owned();
    while let Some(start) = out.find('{') {
        let end = out[start..].find('}').unwrap() + start;
        let name = out[start + 1..end].trim_start_matches('*').to_owned();
        let value = ids[&name].as_str().unwrap_or("0194aaaa-0000-7000-8000-000000000000").to_owned();
        out.replace_range(start..=end, &value);
    }
    out
}

/// A second workspace with an owner of its own, made beside the API (there is no route that makes one).
async fn stranger(server: &TestServer) -> Session {
    ox_app::workspaces::create_with_owner(&server.services, "Other", "stranger@example.com", crate::support::PASSWORD)
        .await
        .unwrap();
    server.login("stranger@example.com").await
}

/// A workflow file of these nodes and edges.
pub fn workflow_file(name: &str, nodes: &[(&str, Value)], edges: &[(&str, &str, &str)]) -> String {
    let nodes: Vec<Value> = nodes
        .iter()
        .map(|(id, data)| json!({"id": id, "type": "custom", "position": {"x": 0, "y": 0}, "data": data}))
        .collect();
    let edges: Vec<Value> = edges
        .iter()
        .map(|(from, handle, to)| {
            json!({"id": format!("{from}-{to}"), "source": from, "sourceHandle": handle, "target": to, "targetHandle": "target"})
        })
        .collect();
    json!({
        "app": {"name": name, "mode": "workflow", "icon": "x", "icon_background": "#fff", "description": ""}, "kind": "app",
        "version": "0.6.0", "dependencies": [], "workflow": {"environment_variables": [], "conversation_variables": [],
            "features": {}, "graph": {"nodes": nodes, "edges": edges, "viewport": {"x": 0, "y": 0, "zoom": 1}}},
    })
    .to_string()
}

/// An app whose run waits for somebody: start → form → end.
fn asking() -> String {
    let form = json!({
        "type": "human-input", "title": "Ask", "form_content": "top secret words", "inputs": [],
        "delivery_methods": [{"id": "w", "type": "webapp", "enabled": true, "config": {}}],
        "user_actions": [{"id": "yes", "title": "Yes"}], "timeout": 2, "timeout_unit": "hour",
    });
    let start = json!({"type": "start", "title": "Start", "variables": []});
    let end = json!({"type": "end", "title": "End", "outputs": []});
    workflow_file(
        "Asking",
        &[("s", start), ("form", form), ("e", end)],
        &[("s", "source", "form"), ("form", "yes", "e")],
    )
}

/// An app that a webhook starts.
fn hooked() -> String {
    let hook = json!({"type": "trigger-webhook", "title": "top secret words", "method": "post", "content_type": "application/json",
        "headers": [], "params": [], "body": [], "status_code": 200, "response_body": ""});
    let end = json!({"type": "end", "title": "End", "outputs": []});
    workflow_file("Hooked", &[("hook", hook), ("e", end)], &[("hook", "source", "e")])
}

/// Ids of the things of a workspace, one set for each of its apps.
async fn things(server: &TestServer, owner: &Session) -> Vec<Value> {
    let (app, key) = server.app(owner, &app_file("chatflow")).await;
    let ask = json!({"inputs": {}, "query": "top secret words", "user": "ann"});
    let chat = server.v1(&key, Method::POST, "/chat-messages", Some(ask)).await.json();
    let account = server.get(owner, "/account/profile").await.json()["id"].clone();
    let tag = server.post(owner, "/tags", json!({"name": "private", "type": "app"})).await.json()["id"].clone();
    let keys = server.get(owner, &format!("/apps/{app}/api-keys")).await.json();
    let runs = server.get(owner, &format!("/apps/{app}/workflow-runs?triggered_from=app-run")).await.json();
    let draft = server.get(owner, &format!("/apps/{app}/workflows/draft")).await.json();
    let door = json!({"description": "top secret words", "parameters": {}});
    let door = server.post(owner, &format!("/apps/{app}/server"), door).await.json();
    let installed = server.get(owner, &format!("/installed-apps?app_id={app}")).await.json();
    let shelf = shelf(server, owner).await;
    let line = line(server, owner).await;
    let mcp = mcp_server(server, owner).await;
    let gate = server.post(owner, "/workspaces/current/gateway-keys", json!({"name": "top secret words"})).await.json();
    let base = json!({
        "app_id": app, "conversation_id": chat["conversation_id"], "message_id": chat["message_id"], "member_id": account,
        "tag_id": tag, "api_key_id": keys["data"][0]["id"], "run_id": runs["data"][0]["id"], "workflow_id": draft["id"],
        "task_id": chat["task_id"], "import_id": app, "provider": "openai", "model_type": "llm", "block_type": "llm",
        "dataset_id": shelf["dataset_id"], "document_id": shelf["document_id"], "segment_id": shelf["segment_id"], "metadata_id": shelf["metadata_id"],
        "pipeline_id": line["pipeline_id"], "template_id": line["template_id"],
        "installed_app_id": installed["installed_apps"][0]["id"], "icon_type": "icon_small", "lang": "en_US", "gateway_key_id": gate["id"], "server_id": door["id"], "provider_id": mcp, "tenant_id": app, "workflow_run_id": runs["data"][0]["id"],
    });
    let with = |more: Value| {
        let mut ids = base.clone();
        ids.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ids
    };
    let (asking, key) = server.app(owner, &asking()).await;
    let body = json!({"inputs": {}, "user": "ann", "response_mode": "blocking"});
    let paused = server.v1(&key, Method::POST, "/workflows/run", Some(body)).await.json();
    let run = paused["workflow_run_id"].as_str().unwrap_or_else(|| panic!("{paused}")).to_owned();
    let forms = server.get(owner, &format!("/apps/{asking}/workflow-runs/{run}/forms")).await.json();
    let form = &forms["data"][0];
    let (hooked, _) = server.app(owner, &hooked()).await;
    let trigger = server.get(owner, &format!("/apps/{hooked}/triggers")).await.json()["data"][0].clone();
    let hook = server.get(owner, &format!("/apps/{hooked}/workflows/triggers/webhook?node_id=hook")).await;
    assert_eq!((hook.status, &trigger["status"]), (StatusCode::OK, &json!("enabled")), "{}", hook.text);
    vec![
        base.clone(),
        with(
            json!({"app_id": asking, "run_id": run, "workflow_run_id": run, "form_token": form["form_token"], "node_id": "form"}),
        ),
        with(
            json!({"app_id": hooked, "node_id": "hook", "trigger_id": trigger["id"], "webhook_id": hook.json()["webhook_id"]}),
        ),
    ]
}

/// An MCP server, made beside the API: that would ask it for its tools.
async fn mcp_server(server: &TestServer, owner: &Session) -> String {
    let services = &server.services;
    let workspaces = server.get(owner, "/workspaces").await.json();
    let tenant: ox_types::TenantId = serde_json::from_value(workspaces["workspaces"][0]["id"].clone()).unwrap();
    let row = ox_db::model::McpProvider {
        id: ox_types::new_uuid(),
        tenant_id: tenant,
        user_id: ox_types::AccountId::new(),
        name: "top secret words".into(),
        server_identifier: "secret".into(),
        server_url: services.encrypt(tenant, "https://mcp.test/mcp").await.unwrap(),
        server_url_hash: "hash".into(),
        icon: "{}".into(),
        authed: true,
        tools: json!([{"name": "top secret words"}]),
        encrypted_credentials: None,
        encrypted_headers: None,
        timeout: 5.0,
        sse_read_timeout: 5.0,
        personal: true,
        created_at: ox_db::now(),
        updated_at: ox_db::now(),
    };
    let tx = services.db.begin().await.unwrap();
    ox_db::repo::tools::servers::insert(&tx, row.clone()).await.unwrap();
    tx.commit().await.unwrap();
    row.id.to_string()
}

/// A knowledge base with a pipeline, and a template of it.
async fn line(server: &TestServer, owner: &Session) -> Value {
    let template = server.get(owner, "/rag/pipeline/templates/general-files").await.json();
    let yaml = template["export_data"].as_str().unwrap().replace(": high_quality", ": economy");
    let yaml = yaml.replace("General from files", "top secret words");
    let made = server.post(owner, "/rag/pipeline/dataset", json!({"yaml_content": yaml})).await.json();
    let pipeline = made["pipeline_id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    let live = server.post(owner, &format!("/rag/pipelines/{pipeline}/workflows/publish"), json!({})).await;
    assert_eq!(live.status, StatusCode::OK, "{}", live.text);
    let name = json!({"name": "top secret words", "description": "top secret words"});
    let kept = server.post(owner, &format!("/rag/pipelines/{pipeline}/customized/publish"), name).await;
    assert_eq!(kept.status, StatusCode::OK, "{}", kept.text);
    let list = server.get(owner, "/rag/pipeline/templates?type=customized").await.json();
    json!({"pipeline_id": pipeline, "template_id": list["pipeline_templates"][0]["id"]})
}

/// A knowledge base with a document.
async fn shelf(server: &TestServer, owner: &Session) -> Value {
    let key = server.post(owner, "/datasets/api-keys", json!({})).await.json();
    let key = key["token"].as_str().unwrap_or_else(|| panic!("{key}"));
    let body = json!({"name": "top secret words", "indexing_technique": "economy"});
    let dataset = server.post(owner, "/datasets", body).await.json()["id"].as_str().unwrap().to_owned();
    let body = json!({"name": "top secret words", "text": "top secret words"});
    let made = server.v1(key, Method::POST, &format!("/datasets/{dataset}/document/create-by-text"), Some(body)).await;
    let document = made.json()["document"]["id"].as_str().unwrap_or_else(|| panic!("{}", made.text)).to_owned();
    let field = json!({"type": "string", "name": "top secret words"});
    let field = server.post(owner, &format!("/datasets/{dataset}/metadata"), field).await.json()["id"].clone();
    for _ in 0..500 {
        let path = format!("/datasets/{dataset}/documents/{document}/segments");
        let chunk = server.get(owner, &path).await.json()["data"][0]["id"].clone();
        if chunk.is_string() {
            return json!({"dataset_id": dataset, "document_id": document, "segment_id": chunk, "metadata_id": field});
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the document is never done");
}

#[tokio::test]
async fn no_route_shows_or_changes_another_workspace() {
    let server = server().await;
    let owner = server.owner().await;
    let all = things(&server, &owner).await;
    let stranger = stranger(&server).await;
    for ids in &all {
        for rule in ox_api::console::RULES.iter().filter(|rule| rule.path.contains('{') || rule.path.ends_with("/mcp"))
        {
            probe(&server, &stranger, rule, ids).await;
        }
    }
    // All of it is still there and unchanged.
    let [chat, asking, hooked] = &all[..] else { panic!("three apps") };
    let text = |ids: &Value, name: &str| ids[name].as_str().unwrap().to_owned();
    let app = text(chat, "app_id");
    assert_eq!(server.get(&owner, &format!("/apps/{app}")).await.json()["name"], "Chatflow");
    let door = server.get(&owner, &format!("/apps/{app}/server")).await.json();
    assert_eq!((&door["id"], &door["status"]), (&chat["server_id"], &json!("active")), "{door}");
    let keys = server.get(&owner, &format!("/apps/{app}/api-keys")).await.json();
    assert_eq!((&keys["data"][0]["id"], &keys["data"][0]["scopes"]), (&chat["api_key_id"], &json!(null)), "{keys}");
    let conversation = text(chat, "conversation_id");
    let messages = server.get(&owner, &format!("/apps/{app}/chat-messages?conversation_id={conversation}")).await;
    assert!(messages.text.contains("top secret words"));
    let form = server.get(&owner, &format!("/form/human_input/{}", text(asking, "form_token"))).await;
    assert!(form.status == StatusCode::OK && form.text.contains("top secret words"), "{}", form.text);
    let shelf = text(chat, "dataset_id");
    let documents = server.get(&owner, &format!("/datasets/{shelf}/documents")).await.json();
    assert_eq!(
        (&documents["total"], &documents["data"][0]["display_status"]),
        (&json!(1), &json!("available")),
        "{documents}"
    );
    let pipeline = text(chat, "pipeline_id");
    let draft = server.get(&owner, &format!("/rag/pipelines/{pipeline}/workflows/draft")).await.json();
    assert_eq!(draft["graph"]["nodes"].as_array().map(Vec::len), Some(4), "{draft}");
    let kept = server.get(&owner, "/rag/pipeline/templates?type=customized").await.json();
    assert_eq!(kept["pipeline_templates"][0]["name"], "top secret words", "{kept}");
    let mcp =
        server.get(&owner, &format!("/workspaces/current/tool-provider/mcp/tools/{}", text(chat, "provider_id"))).await;
    assert_eq!(mcp.json()["name"], "top secret words", "{}", mcp.text);
    assert_eq!(server.get(&stranger, "/workspaces/current/tools/mcp").await.json(), json!([]));
    let keys = server.get(&owner, "/workspaces/current/gateway-keys").await.json();
    assert_eq!(
        (&keys["data"][0]["id"], &keys["data"][0]["name"]),
        (&chat["gateway_key_id"], &json!("top secret words"))
    );
    assert_eq!(server.get(&stranger, "/workspaces/current/gateway-keys").await.json()["data"], json!([]));
    let app = text(hooked, "app_id");
    let triggers = server.get(&owner, &format!("/apps/{app}/triggers")).await.json();
    assert_eq!(triggers["data"][0]["status"], "enabled", "{triggers}");
    let hook = server.get(&owner, &format!("/apps/{app}/workflows/triggers/webhook?node_id=hook")).await.json();
    assert_eq!(hook["webhook_id"], hooked["webhook_id"], "the address is the same");
    let logs = server.get(&owner, &format!("/apps/{app}/trigger-logs")).await.json();
    assert_eq!(logs["data"], json!([]), "no event came of it");
    assert!(server.get(&stranger, "/apps").await.json()["data"].as_array().unwrap().is_empty());
}

async fn probe(server: &TestServer, stranger: &Session, rule: &Rule, ids: &Value) {
    let mut path = fill(rule.path, ids);
    if rule.method == Method::GET {
        path.push_str(&format!("?conversation_id={}&node_id=hook", ids["conversation_id"].as_str().unwrap()));
    }
    let body = (rule.method != Method::GET).then(|| json!({
        "provider_id": ids["provider_id"], "server_url": "http://127.0.0.1:9/x", "server_identifier": "stolen",
        "name": "stolen", "graph": {"nodes": [], "edges": []}, "features": {}, "inputs": {}, "query": "x", "role": "admin",
        "model_config": {"model": {"provider": "oxidify/scripted", "name": "echo", "mode": "chat"}}, "message_id": ids["message_id"],
        "rating": "like", "enable_api": false, "enable_site": false, "model": "m", "model_type": "llm", "credentials": {},
        "marked_name": "stolen", "preferred_provider_type": "custom", "action": "yes", "trigger_id": ids["trigger_id"],
        "enable_trigger": false, "id": ids["server_id"], "parameters": {}, "status": "inactive", "scopes": ["run"], "node_id": ids["node_id"], "node_ids": [ids["node_id"]], "config": {}, "document_list": [ids["document_id"]],
    }));
    let answer = server.console(stranger, rule.method.clone(), &path, body).await;
    let told = format!("{} {path} answered {}: {}", rule.method, answer.status, answer.text);
    assert_ne!(answer.status.as_u16() / 100, 5, "{told}");
    let named = [
        "{app_id}",
        "{server_id}",
        "{tag_id}",
        "{member_id}",
        "{form_token}",
        "{workflow_run_id}",
        "{installed_app_id}",
        "{dataset_id}",
        "{provider_id}",
        "{gateway_key_id}",
        "{pipeline_id}",
        "{template_id}",
    ];
    if named.iter().any(|name| rule.path.contains(name)) {
        let refused = [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST];
        assert!(refused.contains(&answer.status), "{told}");
    }
    assert!(!answer.text.contains("top secret words"), "{told}");
}

#[tokio::test]
async fn unknown_paths_are_json_under_the_servers_prefixes_and_the_ui_elsewhere() {
    let server = server().await;
    for path in ["/console/api/nothing", "/v1/nothing", "/api/nothing", "/files/nothing/here", "/mcp/x"] {
        let answer = server.send(axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.code(), "not_found", "{path}");
    }
    let wrong =
        server.send(axum::http::Request::delete("/console/api/ping").body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"));
}

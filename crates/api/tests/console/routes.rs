//! Rules that hold for every route: an access entry, a documented form, no look into another workspace.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use ox_api::access::Rule;
use serde_json::{Value, json};

use crate::support::{Session, TestServer, app_file};

const SURFACES: &[(&str, &[Rule])] =
    &[("/console/api", ox_api::console::RULES), ("/v1", ox_api::service::RULES), ("/api", ox_api::webapp::RULES)];

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
                ruled.insert((rule.method.to_string(), format!("{prefix}{}", rule.path))),
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

#[tokio::test]
async fn no_route_shows_or_changes_another_workspace() {
    let server = server().await;
    let owner = server.owner().await;
    let (app, key) = server.app(&owner, &app_file("chatflow")).await;
    let chat = server
        .v1(
            &key,
            Method::POST,
            "/chat-messages",
            Some(json!({"inputs": {}, "query": "top secret words", "user": "ann"})),
        )
        .await
        .json();
    let account = server.get(&owner, "/account/profile").await.json()["id"].clone();
    let tag = server.post(&owner, "/tags", json!({"name": "private", "type": "app"})).await.json()["id"].clone();
    let keys = server.get(&owner, &format!("/apps/{app}/api-keys")).await.json();
    let runs = server.get(&owner, &format!("/apps/{app}/workflow-runs?triggered_from=app-run")).await.json();
    let draft = server.get(&owner, &format!("/apps/{app}/workflows/draft")).await.json();
    let ids = json!({
        "app_id": app, "conversation_id": chat["conversation_id"], "message_id": chat["message_id"], "member_id": account,
        "tag_id": tag, "api_key_id": keys["data"][0]["id"], "run_id": runs["data"][0]["id"], "workflow_id": draft["id"],
        "task_id": chat["task_id"], "import_id": app, "provider": "openai", "model_type": "llm", "block_type": "llm",
        "icon_type": "icon_small", "lang": "en_US", "tenant_id": app,
    });
    let stranger = stranger(&server).await;
    for rule in ox_api::console::RULES {
        if rule.path.contains('{') {
            let mut path = fill(rule.path, &ids);
            if rule.method == Method::GET {
                path.push_str(&format!("?conversation_id={}", ids["conversation_id"].as_str().unwrap()));
            }
            let body = (rule.method != Method::GET).then(|| json!({
                "name": "stolen", "graph": {"nodes": [], "edges": []}, "features": {}, "inputs": {}, "query": "x", "role": "admin",
                "model_config": {"model": {"provider": "oxidify/scripted", "name": "echo", "mode": "chat"}}, "message_id": ids["message_id"],
                "rating": "like", "enable_api": false, "enable_site": false, "model": "m", "model_type": "llm", "credentials": {},
                "marked_name": "stolen", "preferred_provider_type": "custom",
            }));
            let answer = server.console(&stranger, rule.method.clone(), &path, body).await;
            assert_ne!(answer.status.as_u16() / 100, 5, "{} {path}: {}", rule.method, answer.text);
            if rule.path.contains("{app_id}") || rule.path.contains("{tag_id}") || rule.path.contains("{member_id}") {
                assert!(
                    matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST),
                    "{} {path} answered {}: {}",
                    rule.method,
                    answer.status,
                    answer.text
                );
            }
            assert!(!answer.text.contains("top secret words"), "{} {path} shows another workspace", rule.method);
        }
    }
    // All of it is still there and unchanged.
    assert_eq!(server.get(&owner, &format!("/apps/{app}")).await.json()["name"], "Chatflow");
    let messages = server
        .get(&owner, &format!("/apps/{app}/chat-messages?conversation_id={}", ids["conversation_id"].as_str().unwrap()))
        .await;
    assert!(messages.text.contains("top secret words"));
    assert!(server.get(&stranger, "/apps").await.json()["data"].as_array().unwrap().is_empty());
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

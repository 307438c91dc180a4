//! Every shared fixture and every app of ours, imported, run and replayed from its journal: equal in every byte.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use axum::http::StatusCode;
use ox_sandbox::{CodeError, CodeOutput, CodeRequest, CodeRunner};
use ox_testkit::on_each_database;
use serde_json::{Value, json};

use super::drafts::events;
use crate::support::TestServer;

/// Returns what stands after `"result":` in the code, with its arguments put in.
struct Literal;

#[async_trait]
impl CodeRunner for Literal {
    async fn run(&self, request: CodeRequest) -> Result<CodeOutput, CodeError> {
        let at = request.code.find("\"result\":").map_or("null", |at| &request.code[at + 9..]);
        let mut text = at[..at.rfind('}').unwrap_or(at.len())].trim().trim_end_matches(',').to_owned();
        if let Some(number) = request.inputs.get("arg1").and_then(Value::as_i64) {
            text = text.replace("arg1 * 2", &(number * 2).to_string()).replace("arg1", &number.to_string());
        }
        let result = serde_json::from_str(&text).unwrap_or_else(|_| json!({"arg": request.inputs}));
        Ok(CodeOutput { result: serde_json::Map::from_iter([("result".to_owned(), result)]) })
    }
}

fn apps() -> Vec<(String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var("OXIDIFY_SHARED").map_or_else(|_| root.join("../shared"), PathBuf::from);
    let mut apps = Vec::new();
    for folder in [root.join("tests/apps"), shared.join("fixtures/dsl")] {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            println!("skipped: {} is not here", folder.display());
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            if path.extension().is_some_and(|extension| extension == "yml") && !LEFT_OUT.contains(&name.as_str()) {
                apps.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    apps.sort();
    apps
}

/// Models that take their time, and tell nothing more than the others; an app that begins with a request from outside.
const LEFT_OUT: [&str; 3] = ["llm_slow", "llm_paced", "hooked"];

/// The same app with a model that is here.
fn with_our_model(text: &str) -> String {
    text.replace("langgenius/openai/openai", "oxidify/scripted")
        .replace("provider: openai", "provider: oxidify/scripted")
        .replace("provider: ''", "provider: oxidify/scripted")
        .replace("name: gpt-4o", "name: echo")
        .replace("name: gpt-3.5-turbo", "name: echo")
        .replace("          name: ''", "          name: echo")
}

#[tokio::test]
async fn every_fixture_replays_byte_for_byte() {
    on_each_database(|database| async {
        let server = TestServer::with_code(database, Arc::new(Literal)).await;
        let owner = server.owner().await;
        let (mut replayed, mut succeeded) = (Vec::new(), Vec::new());
        for (name, text) in apps() {
            let done = server
                .post(&owner, "/apps/imports", json!({"mode": "yaml-content", "yaml_content": with_our_model(&text)}))
                .await
                .json();
            let id = done["app_id"].as_str().unwrap_or_else(|| panic!("{name}: {done}"));
            let path = match done["app_mode"].as_str().unwrap() {
                "workflow" => "workflows/draft/run",
                "advanced-chat" => "advanced-chat/workflows/draft/run",
                _ => continue,
            };
            let inputs = json!({"query": "hello 你好\n😀", "topic": "tea", "switch": 1, "url": "http://127.0.0.1:1/"});
            let body = json!({"inputs": inputs, "query": "hello\n你好", "conversation_id": ""});
            let ran = server.post(&owner, &format!("/apps/{id}/{path}"), body).await;
            assert_eq!(ran.status, StatusCode::OK, "{name}: {}", ran.text);
            let told = events(&ran);
            let run = told.iter().find_map(|event| event["workflow_run_id"].as_str()).unwrap().to_owned();
            let detail = |run: String| {
                let (server, owner) = (&server, &owner);
                async move { server.get(owner, &format!("/apps/{id}/workflow-runs/{run}")).await.json() }
            };
            let parent = detail(run.clone()).await;
            if parent["status"] == "paused" {
                // It waits for somebody.
                continue;
            }
            let answer = server.post(&owner, &format!("/apps/{id}/workflow-runs/{run}/replay"), json!({})).await;
            assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.text);
            let comparison = answer.json();
            assert_eq!(
                (&comparison["identical"], &comparison["outputs_identical"]),
                (&json!(true), &json!(true)),
                "{name}: {comparison}"
            );
            let child = detail(comparison["run_id"].as_str().unwrap().to_owned()).await;
            for field in ["status", "outputs", "error", "total_tokens", "total_steps", "exceptions_count"] {
                assert_eq!(child[field].to_string(), parent[field].to_string(), "{name}: {field}");
            }
            if parent["status"] == "succeeded" {
                succeeded.push(name.clone());
            }
            replayed.push(name);
        }
        println!("{} replayed, {} of runs that succeeded: {succeeded:?}", replayed.len(), succeeded.len());
        assert!(succeeded.len() >= 4, "{succeeded:?}");
    })
    .await;
}

//! Templates that are tried: they run, and the workspace sees no app of it.

use std::collections::HashMap;

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::support::{Session, TestServer, app_file};

/// The templates by their names.
async fn templates(server: &TestServer, session: &Session) -> HashMap<String, String> {
    let list = server.get(session, "/explore/apps").await.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_else(|| panic!("{list}")).to_owned();
    let apps = list["recommended_apps"].as_array().unwrap_or_else(|| panic!("{list}"));
    assert!(apps.iter().all(|item| item["can_trial"] == true), "{list}");
    apps.iter().map(|item| (text(&item["app"]["name"]), text(&item["app_id"]))).collect()
}

#[tokio::test]
async fn a_template_runs_without_an_app() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    server.app(&owner, &app_file("chat")).await;
    assert_eq!(server.get(&owner, "/system-features").await.json()["enable_trial_app"], true);
    let all = templates(&server, &owner).await;
    let at = |name: &str, path: &str| format!("/trial-apps/{}{path}", all[name]);
    let shown = server.get(&owner, &at("Text summary", "")).await.json();
    assert_eq!((&shown["name"], &shown["mode"]), (&json!("Text summary"), &json!("workflow")));
    let site = server.get(&owner, &at("Text summary", "/site")).await.json();
    assert_eq!((&site["mode"], &site["site"]["title"]), (&json!("workflow"), &json!("Text summary")), "{site}");
    let form = server.get(&owner, &at("Text summary", "/parameters")).await.json();
    assert_eq!(form["user_input_form"].as_array().map(Vec::len), Some(2), "{form}");
    assert!(server.get(&owner, &at("Text summary", "/meta")).await.json()["tool_icons"].is_object());
    let graph = server.get(&owner, &at("Text summary", "/workflows")).await.json();
    assert!(graph["graph"]["nodes"].as_array().is_some_and(|nodes| nodes.len() > 2), "{graph}");
    let inputs = json!({"inputs": {"text": "one two", "sentences": 2}});
    for _ in 0..2 {
        let run = server.post(&owner, &at("Text summary", "/workflows/run"), inputs.clone()).await;
        assert!(run.text.contains("\"succeeded\""), "{}", run.text);
    }
    let none = server.get(&owner, &at("Writing coach", "/workflows")).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    let wrong = server.post(&owner, &at("Text summary", "/chat-messages"), json!({"inputs": {}, "query": "x"})).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (StatusCode::BAD_REQUEST, "not_chat_app"));

    // Lists have the one app that was made, and the hidden one's id opens nothing.
    assert_eq!(server.get(&owner, "/apps").await.json()["total"], 1);
    assert_eq!(server.get(&owner, "/installed-apps").await.json()["installed_apps"].as_array().map(Vec::len), Some(1));
    let hidden = site["app_id"].as_str().unwrap();
    for (method, path) in [
        (Method::GET, format!("/apps/{hidden}")),
        (Method::GET, format!("/apps/{hidden}/export")),
        (Method::GET, format!("/apps/{hidden}/workflow-runs")),
        (Method::GET, format!("/apps/{hidden}/api-keys")),
        (Method::DELETE, format!("/apps/{hidden}")),
    ] {
        let answer = server.console(&owner, method, &path, None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_chat_goes_on_and_belongs_to_its_member() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    server.app(&owner, &app_file("chat")).await;
    let all = templates(&server, &owner).await;
    let at = |path: &str| format!("/trial-apps/{}{path}", all["Patient tutor"]);
    let form = server.get(&owner, &at("/parameters")).await.json();
    let mut inputs = serde_json::Map::new();
    for field in form["user_input_form"].as_array().unwrap() {
        for field in field.as_object().unwrap().values() {
            let value = field["options"].get(0).cloned().unwrap_or_else(|| json!("tea"));
            inputs.insert(field["variable"].as_str().unwrap().to_owned(), value);
        }
    }
    let ask = json!({"inputs": inputs, "query": "hello there", "response_mode": "blocking"});
    let answer = server.post(&owner, &at("/chat-messages"), ask).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let answer = answer.json();
    let conversation = answer["conversation_id"].as_str().unwrap();
    let message = answer["message_id"].as_str().unwrap();
    let list = server.get(&owner, &at(&format!("/messages?conversation_id={conversation}"))).await.json();
    assert_eq!(list["data"][0]["id"], message, "{list}");
    let rated = server.post(&owner, &at(&format!("/messages/{message}/feedbacks")), json!({"rating": "like"})).await;
    assert_eq!(rated.json(), json!({"result": "success"}));
    let other = server.member(&owner, "other@example.com", "normal").await;
    let foreign = server.get(&other, &at(&format!("/messages?conversation_id={conversation}"))).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    let own = server.get(&other, &at("/site")).await.json();
    let site = server.get(&owner, &at("/site")).await.json();
    assert_eq!(own["app_id"], site["app_id"], "one for the workspace");
}

#[tokio::test]
async fn only_templates_can_be_tried_and_so_often_a_day() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (app, _) = server.app(&owner, &app_file("chat")).await;
    for id in [app.as_str(), "0194aaaa-0000-7000-8000-000000000000"] {
        for path in ["", "/site", "/parameters"] {
            let refused = server.get(&owner, &format!("/trial-apps/{id}{path}")).await;
            assert_eq!(
                (refused.status, refused.code().as_str()),
                (StatusCode::FORBIDDEN, "trial_app_not_allowed"),
                "{path}"
            );
        }
    }
    let all = templates(&server, &owner).await;
    let run = format!("/trial-apps/{}/workflows/run", all["Text summary"]);
    // What is asked wrongly counts as well.
    for _ in 0..ox_app::explore::trials::RUNS_PER_DAY {
        let asked = server.post(&owner, &run, json!({"inputs": {}})).await;
        assert_eq!(asked.status, StatusCode::BAD_REQUEST, "{}", asked.text);
    }
    let refused = server.post(&owner, &run, json!({"inputs": {}})).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "trial_app_limit_exceeded"));
    let other = server.member(&owner, "other@example.com", "normal").await;
    let asked = server.post(&other, &run, json!({"inputs": {}})).await;
    assert_eq!(asked.status, StatusCode::BAD_REQUEST, "each member has their own");
}

//! An app of one sentence. The scripted `echo` answers with the last text it is given, so a description that is a plan
//! is the model's answer.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Session, TestServer};

async fn described(server: &TestServer, session: &Session, description: &str) -> (StatusCode, Value) {
    let answer = server.post(session, "/apps/describe", json!({"description": description})).await;
    (answer.status, answer.json())
}

async fn choose(server: &TestServer, owner: &Session) {
    let choice = json!({"model_settings": [{"model_type": "llm", "provider": "oxidify/scripted", "model": "echo"}]});
    let done = server.post(owner, "/workspaces/current/default-model", choice).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
}

async fn apps(server: &TestServer, session: &Session) -> Value {
    server.get(session, "/apps?page=1&limit=20").await.json()["total"].clone()
}

#[tokio::test]
async fn a_plan_becomes_a_draft_that_runs() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    choose(&server, &owner).await;
    let plan = json!({"name": "Greeter", "icon": "👋", "mode": "workflow",
        "inputs": [{"name": "who", "label": "Who", "type": "text"}],
        "steps": [{"id": "greet", "kind": "template", "text": "Hello {{who}}"}]});
    let (status, made) = described(&server, &owner, &format!("Here is the plan: {plan}")).await;
    assert_eq!((status, &made["status"], &made["app_mode"]), (StatusCode::OK, &json!("completed"), &json!("workflow")));
    let id = made["app_id"].as_str().unwrap_or_else(|| panic!("{made}"));
    let app = server.get(&owner, &format!("/apps/{id}")).await.json();
    assert_eq!((&app["name"], &app["icon"]), (&json!("Greeter"), &json!("👋")));
    let draft = server.get(&owner, &format!("/apps/{id}/workflows/draft")).await.json();
    assert_eq!(draft["graph"]["nodes"].as_array().map(Vec::len), Some(3), "{draft}");
    let run = server.post(&owner, &format!("/apps/{id}/workflows/draft/run"), json!({"inputs": {"who": "Ada"}})).await;
    assert!(run.text.contains("Hello Ada"), "{}", run.text);

    let chat = json!({"name": "Guide", "mode": "chat", "instructions": "You are a guide."});
    let (_, made) = described(&server, &owner, &chat.to_string()).await;
    let id = made["app_id"].as_str().unwrap_or_else(|| panic!("{made}"));
    let app = server.get(&owner, &format!("/apps/{id}")).await.json();
    assert_eq!(app["model_config"]["pre_prompt"], "You are a guide.", "{app}");
    assert_eq!(app["model_config"]["model"]["name"], "echo");
}

#[tokio::test]
async fn what_makes_no_app_is_told_and_makes_none() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (status, error) = described(&server, &owner, "Sort my mails").await;
    assert_eq!((status, &error["code"]), (StatusCode::BAD_REQUEST, &json!("provider_not_initialize")), "{error}");
    choose(&server, &owner).await;
    let (status, told) = described(&server, &owner, "Sort my mails").await;
    assert_eq!((status, &told["status"], &told["app_id"]), (StatusCode::OK, &json!("unusable"), &Value::Null));
    // It was asked again, with what was wrong.
    assert!(told["answer"].as_str().is_some_and(|answer| answer.contains("cannot be used")), "{told}");
    assert!(told["problems"][0].is_string(), "{told}");
    for description in ["  ".to_owned(), "x".repeat(2_001)] {
        let (status, error) = described(&server, &owner, &description).await;
        assert_eq!((status, &error["params"]), (StatusCode::BAD_REQUEST, &json!("description")), "{error}");
    }
    let normal = server.member(&owner, "normal@example.com", "normal").await;
    assert_eq!(described(&server, &normal, "Sort my mails").await.0, StatusCode::FORBIDDEN);
    assert_eq!(apps(&server, &owner).await, json!(0));
}

//! Providers, credentials, defaults.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    http::{HeaderMap, Method, StatusCode},
    routing::get,
};
use ox_testkit::on_each_database;
use serde_json::{Value, json};

use crate::support::TestServer;

fn provider<'a>(list: &'a Value, id: &str) -> &'a Value {
    list["data"].as_array().unwrap().iter().find(|row| row["provider"] == id).unwrap_or_else(|| panic!("no {id}"))
}

#[tokio::test]
async fn the_scripted_model_is_ready_and_the_default() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let default = server.get(&owner, "/workspaces/current/default-model?model_type=llm").await.json();
        assert!(default["data"]["provider"]["provider"].as_str().unwrap().contains("scripted"), "{default}");
        let usable = server.get(&owner, "/workspaces/current/models/model-types/llm").await.json();
        assert_eq!(usable["data"].as_array().unwrap().len(), 1, "only what needs no key is usable: {usable}");
        let wrong = server.get(&owner, "/workspaces/current/models/model-types/dance").await;
        assert_eq!(wrong.json()["params"], "model_type");
    })
    .await;
}

#[tokio::test]
async fn production_hides_the_scripted_model() {
    let server = TestServer::sqlite_with(&[("DEPLOY_ENV", "PRODUCTION")]).await;
    let owner = server.owner().await;
    let list = server.get(&owner, "/workspaces/current/model-providers").await;
    assert!(!list.text.contains("scripted"));
}

#[tokio::test]
async fn a_refused_key_is_not_kept_and_says_why() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let list = server.get(&owner, "/workspaces/current/model-providers").await.json();
    let openai = provider(&list, "langgenius/openai/openai");
    assert_eq!(openai["custom_configuration"]["status"], "no-configure");
    assert_eq!(provider(&list, "langgenius/anthropic/anthropic")["untested"], true);
    assert_eq!(provider(&list, "oxidify/litellm/litellm")["untested"], false);
    let path = "/workspaces/current/model-providers/langgenius%2Fopenai%2Fopenai/credentials";
    let missing = server.post(&owner, path, json!({"credentials": {}})).await;
    assert_eq!((missing.status, missing.json()["params"].as_str()), (StatusCode::BAD_REQUEST, Some("openai_api_key")));
    // Nobody listens there: the answer is an error of ours, quickly, and nothing is kept.
    let body = json!({"credentials": {"openai_api_key": "sk-1", "openai_api_base": "http://127.0.0.1:9"}});
    let refused = server.post(&owner, path, body.clone()).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    let tried = server.post(&owner, &format!("{path}/validate"), body).await;
    assert_eq!((tried.status, tried.json()["result"].as_str()), (StatusCode::OK, Some("error")));
    let list = server.get(&owner, "/workspaces/current/model-providers").await.json();
    assert_eq!(provider(&list, "langgenius/openai/openai")["custom_configuration"]["status"], "no-configure");
}

#[tokio::test]
async fn models_are_switched_off_and_on_and_defaults_chosen() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let usable = server.get(&owner, "/workspaces/current/models/model-types/llm").await.json();
    let id = usable["data"][0]["provider"].as_str().unwrap().replace('/', "%2F");
    let base = format!("/workspaces/current/model-providers/{id}/models");
    let model = json!({"model": "echo", "model_type": "llm"});
    let off = server.console(&owner, Method::PATCH, &format!("{base}/disable"), Some(model.clone())).await;
    assert_eq!(off.status, StatusCode::OK, "{}", off.text);
    let text = server.get(&owner, "/workspaces/current/models/model-types/llm").await.text;
    assert!(!text.contains("\"model\":\"echo\""));
    server.console(&owner, Method::PATCH, &format!("{base}/enable"), Some(model)).await;
    let choice = json!({"model_settings": [{"model_type": "llm", "provider": "oxidify/scripted", "model": "canned"}]});
    assert_eq!(server.post(&owner, "/workspaces/current/default-model", choice).await.status, StatusCode::OK);
    let default = server.get(&owner, "/workspaces/current/default-model?model_type=llm").await.json();
    assert_eq!(default["data"]["model"], "canned");
    let rules = server.get(&owner, &format!("{base}/parameter-rules?model=canned")).await.json();
    assert!(rules["data"].as_array().unwrap().iter().any(|rule| rule["name"] == "text"), "{rules}");
}

#[tokio::test]
async fn ids_with_plain_slashes_reach_the_same_routes() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    for id in ["langgenius/openai/openai", "langgenius%2Fopenai%2Fopenai", "openai"] {
        let answer = server.get(&owner, &format!("/workspaces/current/model-providers/{id}/models")).await;
        assert_eq!(answer.status, StatusCode::OK, "{id}: {}", answer.text);
        assert!(!answer.json()["data"].as_array().unwrap().is_empty());
    }
    let unknown = server.get(&owner, "/workspaces/current/model-providers/nobody/models").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_stored_key_is_tried_out_without_being_typed_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    let models = move |headers: HeaderMap| async move {
        heard.lock().unwrap().push(headers["authorization"].to_str().unwrap().to_owned());
        Json(json!({"object": "list", "data": []}))
    };
    let router = Router::new().route("/v1/models", get(models));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let allow_private_nets = vec!["127.0.0.1/32".parse().unwrap()];
    let policy = ox_net::Policy { allow_private_nets, ..ox_net::Policy::default() };
    let server = TestServer::sqlite_on(ox_net::Egress::new(policy)).await;
    let owner = server.owner().await;
    let path = "/workspaces/current/model-providers/langgenius%2Fopenai%2Fopenai/credentials";
    let body = json!({"credentials": {"openai_api_key": "sk-kept", "openai_api_base": url}});
    let kept = server.post(&owner, path, body).await;
    assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.text);
    let list = server.get(&owner, "/workspaces/current/model-providers").await.json();
    let openai = provider(&list, "langgenius/openai/openai");
    let id = openai["custom_configuration"]["current_credential_id"].as_str().unwrap().to_owned();

    let path = format!("{path}/validate");
    let hidden = json!({"openai_api_key": "[__HIDDEN__]", "openai_api_base": url});
    for (what, body) in
        [("as stored", json!({"credential_id": id})), ("hidden", json!({"credential_id": id, "credentials": hidden}))]
    {
        asked.lock().unwrap().clear();
        let tried = server.post(&owner, &path, body).await.json();
        assert_eq!(tried["result"], "success", "{what}");
        assert_eq!(*asked.lock().unwrap(), ["Bearer sk-kept"], "{what}");
    }
    let nobody = json!({"credential_id": ox_types::new_uuid()});
    assert_eq!(server.post(&owner, &path, nobody).await.status, StatusCode::NOT_FOUND);
    let normal = server.member(&owner, "normal@example.com", "normal").await;
    assert_eq!(server.post(&normal, &path, json!({"credential_id": id})).await.status, StatusCode::FORBIDDEN);
}

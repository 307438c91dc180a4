//! Apps, files, drafts, versions, keys, sites, labels.

use axum::http::{Method, StatusCode};
use ox_testkit::on_each_database;
use serde_json::{Value, json};

use crate::support::{Session, TestServer, app_file};

async fn create(server: &TestServer, owner: &Session, mode: &str) -> Value {
    let answer = server.post(owner, "/apps", json!({"name": format!("A {mode}"), "mode": mode})).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn apps_of_every_mode_are_made_listed_changed_copied_and_deleted() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        for mode in ["workflow", "advanced-chat", "chat", "agent-chat", "completion"] {
            let app = create(&server, &owner, mode).await;
            assert_eq!(app["mode"], mode);
            assert_eq!(app["site"]["code"].as_str().unwrap().len(), 16);
            assert_eq!(app["model_config"].is_null(), ["workflow", "advanced-chat"].contains(&mode));
        }
        let list = server.get(&owner, "/apps?limit=2").await.json();
        assert_eq!((list["total"].as_u64(), list["has_more"].as_bool()), (Some(5), Some(true)));
        let found = server.get(&owner, "/apps?name=AGENT").await.json();
        assert_eq!(found["data"].as_array().unwrap().len(), 1);
        assert_eq!(server.get(&owner, "/apps?mode=chat").await.json()["total"], 1);
        let id = found["data"][0]["id"].as_str().unwrap().to_owned();
        let renamed = server.post(&owner, &format!("/apps/{id}/name"), json!({"name": "助手"})).await;
        assert_eq!(renamed.json()["name"], "助手");
        let copy = server.post(&owner, &format!("/apps/{id}/copy"), json!({"name": "Übersicht"})).await;
        assert_eq!((copy.status, copy.json()["mode"].as_str()), (StatusCode::CREATED, Some("agent-chat")));
        // üBERS
        let found = server.get(&owner, "/apps?name=%C3%BCBERS").await.json();
        assert_eq!((&found["total"], &found["data"][0]["id"]), (&json!(1), &copy.json()["id"]));
        assert_eq!(
            server.console(&owner, Method::DELETE, &format!("/apps/{id}"), None).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(server.get(&owner, &format!("/apps/{id}")).await.code(), "app_not_found");
    })
    .await;
}

#[tokio::test]
async fn drafts_notice_each_other_and_versions_stay() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let id = create(&server, &owner, "workflow").await["id"].as_str().unwrap().to_owned();
        let draft = format!("/apps/{id}/workflows/draft");
        assert_eq!(server.get(&owner, &draft).await.code(), "draft_workflow_not_exist");
        let graph = json!({"nodes": [{"id": "start", "data": {"type": "start", "title": "Start", "variables": []}}], "edges": []});
        let body = json!({"graph": graph, "features": {}, "environment_variables": [
            {"id": "11111111-1111-4111-8111-111111111111", "name": "KEY", "value_type": "secret", "value": "sk-very-secret"}]});
        let saved = server.post(&owner, &draft, body.clone()).await;
        assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
        let shown = server.get(&owner, &draft).await;
        assert!(!shown.text.contains("sk-very-secret"), "the secret is shown");
        let shown = shown.json();
        assert_eq!(shown["hash"], saved.json()["hash"]);
        let mut stale = body.clone();
        stale["hash"] = json!("0".repeat(64));
        let refused = server.post(&owner, &draft, stale).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "draft_workflow_not_sync"));
        let publish = format!("/apps/{id}/workflows/publish");
        assert_eq!(server.post(&owner, &publish, json!({"marked_name": "one"})).await.status, StatusCode::OK);
        let long = server.post(&owner, &publish, json!({"marked_name": "x".repeat(21)})).await;
        assert_eq!(long.json()["params"], "marked_name");
        let versions = server.get(&owner, &format!("/apps/{id}/workflows")).await.json();
        assert_eq!(versions["items"][0]["version"], "draft");
        assert_eq!(versions["items"][1]["marked_name"], "one");
        let live = versions["items"][1]["id"].as_str().unwrap();
        let kept = server.console(&owner, Method::DELETE, &format!("/apps/{id}/workflows/{live}"), None).await;
        assert_eq!(kept.status, StatusCode::BAD_REQUEST);
    })
    .await;
}

#[tokio::test]
async fn files_come_in_and_go_out_again() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        for name in ["passthrough", "chat", "completion", "chatflow", "branch"] {
            let (id, _) = server.app(&owner, &app_file(name)).await;
            let exported = server.get(&owner, &format!("/apps/{id}/export")).await;
            let text = exported.json()["data"].as_str().unwrap().to_owned();
            let again = server
                .post(&owner, "/apps/imports", json!({"mode": "yaml-content", "yaml_content": text}))
                .await
                .json();
            assert_eq!(again["status"], "completed", "{name}: {again}");
            let second =
                server.get(&owner, &format!("/apps/{}/export", again["app_id"].as_str().unwrap())).await.json();
            assert_eq!(second["data"].as_str().unwrap(), text, "{name} changed on its way");
        }
    })
    .await;
}

#[tokio::test]
async fn bad_files_say_what_is_wrong_and_newer_ones_ask() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let import = |text: String| {
        let (server, owner) = (&server, &owner);
        async move { server.post(owner, "/apps/imports", json!({"mode": "yaml-content", "yaml_content": text})).await }
    };
    for (text, reason) in [
        ("a: [".to_owned(), "Invalid YAML format"),
        ("- 1".into(), "content must be a mapping"),
        ("kind: app".into(), "Missing app data"),
        ("app: {name: x, mode: dance}\nversion: 0.6.0".into(), "Invalid app mode"),
        ("app: {name: x, mode: workflow}\nversion: 0.6.0".into(), "Missing workflow data"),
    ] {
        let answer = import(text).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
        assert!(answer.json()["error"].as_str().unwrap().contains(reason), "{}", answer.text);
    }
    let newer = import(app_file("passthrough").replace("version: 0.6.0", "version: 9.0.0")).await;
    assert_eq!((newer.status, newer.json()["status"].as_str()), (StatusCode::ACCEPTED, Some("pending")));
    let confirm = format!("/apps/imports/{}/confirm", newer.json()["id"].as_str().unwrap());
    assert_eq!(server.post(&owner, &confirm, json!({})).await.json()["status"], "completed");
    assert_eq!(server.post(&owner, &confirm, json!({})).await.json()["status"], "failed");
    let mode = server.post(&owner, "/apps/imports", json!({"mode": "carrier-pigeon"})).await;
    assert_eq!((mode.status, mode.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_param"));
    let own =
        server.post(&owner, "/apps/imports", json!({"mode": "yaml-url", "yaml_url": "http://127.0.0.1:1/a.yml"})).await;
    assert!(own.json()["error"].as_str().unwrap().contains("Error fetching YAML from URL"), "{}", own.text);
}

#[tokio::test]
async fn keys_sites_and_switches() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (id, key) = server.app(&owner, &app_file("passthrough")).await;
    assert!(key.starts_with("app-") && key.len() == 28);
    for _ in 1..10 {
        assert_eq!(server.post(&owner, &format!("/apps/{id}/api-keys"), json!({})).await.status, StatusCode::CREATED);
    }
    let eleventh = server.post(&owner, &format!("/apps/{id}/api-keys"), json!({})).await;
    assert_eq!(eleventh.code(), "max_keys_exceeded");
    assert_eq!(server.v1(&key, Method::GET, "/info", None).await.status, StatusCode::OK);
    server.post(&owner, &format!("/apps/{id}/api-enable"), json!({"enable_api": false})).await;
    assert_eq!(server.v1(&key, Method::GET, "/info", None).await.status, StatusCode::FORBIDDEN);
    server.post(&owner, &format!("/apps/{id}/api-enable"), json!({"enable_api": true})).await;
    let keys = server.get(&owner, &format!("/apps/{id}/api-keys")).await.json();
    let row = keys["data"].as_array().unwrap().iter().find(|row| row["token"] == key.as_str()).unwrap();
    let gone = server
        .console(&owner, Method::DELETE, &format!("/apps/{id}/api-keys/{}", row["id"].as_str().unwrap()), None)
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(server.v1(&key, Method::GET, "/info", None).await.status, StatusCode::UNAUTHORIZED);
    let site = server
        .post(&owner, &format!("/apps/{id}/site"), json!({"title": "Ask us", "default_language": "zh-Hans"}))
        .await
        .json();
    assert_eq!(site["title"], "Ask us");
    let wrong = server.post(&owner, &format!("/apps/{id}/site"), json!({"default_language": "xx-XX"})).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_param"), "{}", wrong.text);
    let reset = server.post(&owner, &format!("/apps/{id}/site/access-token-reset"), json!({})).await.json();
    assert_ne!(reset["code"], site["code"]);
}

#[tokio::test]
async fn labels() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let app = create(&server, &owner, "workflow").await["id"].as_str().unwrap().to_owned();
        create(&server, &owner, "chat").await;
        let tag = server.post(&owner, "/tags", json!({"name": "support", "type": "app"})).await.json();
        let id = tag["id"].as_str().unwrap();
        assert_eq!(
            server.post(&owner, "/tags", json!({"name": "support", "type": "app"})).await.status,
            StatusCode::BAD_REQUEST
        );
        let bind = json!({"tag_ids": [id], "target_id": app, "type": "app"});
        assert_eq!(server.post(&owner, "/tag-bindings/create", bind.clone()).await.status, StatusCode::OK);
        assert_eq!(server.post(&owner, "/tag-bindings/create", bind).await.status, StatusCode::OK);
        assert_eq!(server.get(&owner, "/tags?type=app").await.json()[0]["binding_count"], "1");
        assert_eq!(server.get(&owner, &format!("/apps?tag_ids={id}")).await.json()["total"], 1);
        let unbind = json!({"tag_id": id, "target_id": app, "type": "app"});
        assert_eq!(server.post(&owner, "/tag-bindings/remove", unbind).await.status, StatusCode::OK);
        assert_eq!(server.get(&owner, &format!("/apps?tag_ids={id}")).await.json()["total"], 0);
    })
    .await;
}

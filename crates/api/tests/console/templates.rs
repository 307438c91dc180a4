//! Apps to begin with: all of them can be made, and they run.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::support::TestServer;

#[tokio::test]
async fn every_template_becomes_an_app() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let list = server.get(&owner, "/explore/apps?language=zh-Hans").await.json();
    let apps = list["recommended_apps"].as_array().unwrap();
    assert_eq!(apps.len(), 8);
    assert_eq!(apps[0]["app"]["name"], "写作教练");
    let mut ran = 0;
    for item in apps {
        assert!(list["categories"].as_array().unwrap().contains(&item["category"]));
        let path = format!("/explore/apps/{}", item["app_id"].as_str().unwrap());
        let detail = server.get(&owner, &path).await.json();
        assert_eq!(detail["mode"], item["app"]["mode"]);
        let (id, key) = server.app(&owner, detail["export_data"].as_str().unwrap()).await;
        let made = server.get(&owner, &format!("/apps/{id}")).await.json();
        assert_eq!((&made["name"], &made["mode"]), (&detail["name"], &detail["mode"]));
        let inputs = match detail["name"].as_str().unwrap() {
            "Text summary" => json!({"text": "one two", "sentences": 2}),
            "Draft and review" => json!({"topic": "tea", "reader": "all"}),
            _ => continue,
        };
        let body = json!({"inputs": inputs, "user": "ann", "response_mode": "blocking"});
        let run = server.v1(&key, Method::POST, "/workflows/run", Some(body)).await;
        assert_eq!(run.json()["data"]["status"], "succeeded", "{}", run.text);
        ran += 1;
    }
    assert_eq!(ran, 2);
    let unknown = server.get(&owner, "/explore/apps/0194aaaa-0000-7000-8000-000000000000").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

//! A: authentication and transport.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    body::Body,
    http::{Method, Request},
};
use ox_app::api_keys;
use serde_json::json;
use tokio::task::JoinSet;

use crate::rig::{Rig, passthrough};

/// A1 to A6, A9, A10, G18.
#[tokio::test]
async fn keys_and_headers() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", passthrough(&json!([])), Default::default()).await;
    let index = rig.call(Method::GET, "/v1/", "", None).await;
    assert_eq!(index.status, 200, "A1 {}", index.text());
    assert_eq!(index.json()["welcome"], "Dify OpenAPI");
    assert_eq!(index.json()["api_version"], "v1");
    let info = |header: &str| {
        let request = Request::builder().uri("/v1/info");
        let request = if header.is_empty() { request } else { request.header("authorization", header) };
        rig.send(request.body(Body::empty()).unwrap())
    };
    let missing = "Authorization header must be provided and start with 'Bearer'";
    for (case, header, text) in [
        ("A2", String::new(), missing),
        ("A3", app.key.clone(), missing),
        ("A4", "Basic abc".to_owned(), "Authorization scheme must be 'Bearer'"),
        ("A6", "Bearer app-unknown".to_owned(), "Access token is invalid"),
    ] {
        let answer = info(&header).await;
        answer.expect_error(401, "unauthorized", text);
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"api\"", "{case}");
    }
    let ok = info(&format!("bearer {}", app.key)).await;
    assert_eq!(ok.status, 200, "A5 {}", ok.text());
    assert!(ok.headers.contains_key("x-version") && ok.headers.contains_key("x-env"), "A10");
    for key in ["name", "description", "tags", "mode", "author_name"] {
        assert!(ok.json().get(key).is_some(), "G18 {key}");
    }
    ox_app::apps::set_api(&rig.services, &rig.owner, app.id, false).await.unwrap();
    rig.get("/v1/info", &app).await.expect_error(403, "forbidden", "The app's API service has been disabled.");
}

/// A11 to A13.
#[tokio::test]
async fn bodies_and_methods() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    rig.get("/v1/chat-messages", &app).await.expect_error(405, "method_not_allowed", "");
    let raw = |kind: &'static str, body: &'static str| {
        let request = Request::post("/v1/chat-messages").header("authorization", format!("Bearer {}", app.key));
        rig.send(request.header("content-type", kind).body(Body::from(body)).unwrap())
    };
    raw("application/json", "{bad").await.expect_error(400, "bad_request", "");
    raw("application/json", "").await.expect_error(400, "bad_request", "");
    raw("application/json", "[]").await.expect_error(400, "invalid_param", "");
    raw("text/plain", "{}").await.expect_error(415, "unsupported_media_type", "Did not attempt to load JSON data");
    rig.get("/v1/nothing-here", &app).await.expect_error(404, "not_found", "");
}

#[tokio::test]
async fn a_deleted_or_foreign_key_opens_nothing() {
    let rig = Rig::new().await;
    let app = rig.basic_app("chat", "echo", json!({}), json!({})).await;
    assert_eq!(rig.get("/v1/info", &app).await.status, 200);
    let keys = ox_app::apps::list_keys(&rig.services, &rig.owner, app.id).await.unwrap();
    ox_app::apps::delete_key(&rig.services, &rig.owner, app.id, keys[0].id).await.unwrap();
    rig.get("/v1/info", &app).await.expect_error(401, "unauthorized", "Access token is invalid");
}

/// G19 to G21.
#[tokio::test]
async fn site_and_parameters() {
    let rig = Rig::new().await;
    let form = json!([{"variable": "q", "label": "Q", "type": "paragraph", "required": true, "max_length": 400}]);
    let app = rig.graph_app("workflow", passthrough(&form), Default::default()).await;
    let parameters = rig.get("/v1/parameters", &app).await.json();
    assert_eq!(parameters["user_input_form"][0]["paragraph"]["variable"], "q", "G19 {parameters}");
    assert_eq!(parameters["system_parameters"]["file_size_limit"], 15);
    let site = rig.get("/v1/site", &app).await.json();
    for key in ["title", "default_language", "icon_url"] {
        assert!(site.get(key).is_some(), "G21 {key}");
    }
    assert_eq!(rig.get("/v1/meta", &app).await.json(), json!({"tool_icons": {}}));
    let draft = crate::rig::Draft { publish: false, ..Default::default() };
    let unpublished = rig.graph_app("workflow", passthrough(&json!([])), draft).await;
    rig.get("/v1/parameters", &unpublished).await.expect_error(400, "app_unavailable", "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deleted_key_opens_nothing_however_busy_it_is() {
    let rig = Rig::new().await;
    let app = rig.graph_app("workflow", passthrough(&json!([])), Default::default()).await.id;
    for round in 0..30 {
        let key = ox_app::apps::create_key(&rig.services, &rig.owner, app).await.unwrap();
        let header = format!("Bearer {}", key.token);
        let quit = Arc::new(AtomicBool::new(false));
        let mut users = JoinSet::new();
        for _ in 0..4 {
            let (services, header, quit) = (Arc::clone(&rig.services), header.clone(), Arc::clone(&quit));
            users.spawn(async move {
                while !quit.load(Ordering::Relaxed) {
                    // Looked up anew each time, so that a look-up is on its way while the key is deleted.
                    services.forget_app(app).await;
                    _ = api_keys::open(&services, Some(&header), None).await;
                }
            });
        }
        tokio::task::yield_now().await;
        assert!(api_keys::open(&rig.services, Some(&header), None).await.is_ok());
        ox_app::apps::delete_key(&rig.services, &rig.owner, app, key.id).await.unwrap();
        let opened = api_keys::open(&rig.services, Some(&header), None).await;
        assert!(opened.is_err(), "round {round}: the deleted key opens the app");
        quit.store(true, Ordering::Relaxed);
        users.join_all().await;
    }
}

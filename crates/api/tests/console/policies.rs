//! The policies of calls of models over HTTP, and providers that need no key.

use axum::http::{Method, StatusCode};
use ox_models::{ChatRequest, ErrorClass, Message, ModelRef, ModelRuntime as _, ModelScope};
use ox_testkit::on_each_database;
use serde_json::{Value, json};

use crate::support::{Session, TestServer};

const PATH: &str = "/workspaces/current/model-policies";
const PURGE: &str = "/workspaces/current/model-policies/cache/purge";

fn policies() -> Value {
    json!({
        "cache": {"enabled": true, "models": ["scripted/echo"], "semantic": false, "threshold": 0.95, "max_age_seconds": 600,
            "max_megabytes": 8, "max_temperature": null},
        "tiers": [{"name": "short", "enabled": true, "models": [], "apps": [], "tags": [], "languages": ["en"],
            "min_tokens": null, "max_tokens": 50, "min_complexity": null, "max_complexity": 20, "to": "scripted/json"}],
        "hedging": {"models": [{"model": "scripted/tools", "after_ms": null}], "max_percent": 5},
        "rates": [{"model": null, "requests_per_minute": 600, "tokens_per_minute": null, "concurrent": null, "wait_seconds": 5}],
        "access": [{"role": "editor", "models": ["scripted/echo", "oxidify/scripted/json"], "regions": null}],
    })
}

#[tokio::test]
async fn policies_are_set_by_owners_and_hold_for_members() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let before = server.get(&owner, PATH).await.json();
        assert_eq!(
            (&before["policies"]["cache"]["enabled"], &before["policies"]["rates"]),
            (&json!(false), &json!([])),
            "{before}"
        );
        let saved = server.console(&owner, Method::PUT, PATH, Some(policies())).await;
        assert_eq!(saved.status, StatusCode::OK, "{}", saved.json());
        let shown = server.get(&owner, PATH).await.json()["policies"].clone();
        assert_eq!(shown, saved.json()["policies"]);
        assert_eq!(shown["cache"]["models"], json!(["oxidify/scripted/echo"]), "by whole names");
        assert_eq!(shown["tiers"][0]["to"], "oxidify/scripted/json");
        assert!(shown["rates"][0]["id"].as_str().is_some_and(|id| !id.starts_with("00000000")), "{shown}");
        // What was read is what may be written.
        let again = server.console(&owner, Method::PUT, PATH, Some(shown.clone())).await.json();
        assert_eq!(again["policies"], shown);
        let purged = server.console(&owner, Method::POST, PURGE, Some(json!({}))).await.json();
        assert_eq!(purged, json!({"answers": 0, "bytes": 0}));

        for (change, field) in [
            (json!({"access": [{"models": ["scripted/echo"], "regions": null}]}), "access"),
            (json!({"access": [{"role": "owner", "models": ["scripted/echo"], "regions": null}]}), "access"),
        ] {
            let mut wrong = policies();
            wrong.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let answer = server.console(&owner, Method::PUT, PATH, Some(wrong)).await;
            assert_eq!((answer.status, &answer.json()["params"]), (StatusCode::BAD_REQUEST, &json!(field)));
        }

        let editor = server.member(&owner, "editor@example.com", "editor").await;
        assert_eq!(server.get(&editor, PATH).await.status, StatusCode::FORBIDDEN);
        for (method, path) in [(Method::PUT, PATH), (Method::POST, PURGE)] {
            let refused = server.console(&editor, method.clone(), path, Some(policies())).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method} {path}");
        }

        // An editor asks what is listed, the owner anything.
        let tenant = ox_db::repo::tenants::first(&server.services.db).await.unwrap().unwrap().id;
        let ask = async |session: &Session, model: &str| {
            let profile = server.get(session, "/account/profile").await.json();
            let user = profile["id"].as_str().unwrap().to_owned();
            let scope = ModelScope { user: Some(user), ..ModelScope::of(tenant) };
            let request = ChatRequest { messages: vec![Message::user("12")], ..ChatRequest::default() };
            let asked = server.services.models.chat(&scope, &ModelRef::chat("oxidify/scripted", model), request).await;
            asked.map(|_| ())
        };
        assert_eq!(ask(&editor, "echo").await, Ok(()));
        assert_eq!(ask(&owner, "canned").await, Ok(()));
        let refused = ask(&editor, "canned").await.unwrap_err();
        assert_eq!(refused.class, ErrorClass::BadRequest);
        for word in ["oxidify/scripted/canned", "\"editor\"", "oxidify/scripted/echo", "owner or admin"] {
            assert!(refused.to_string().contains(word), "no {word}: {refused}");
        }

        // Where models are chosen, the list says so before anybody asks.
        let state = async |session: &Session, model: &str, query: &str| {
            let path = format!("/workspaces/current/models/model-types/llm{query}");
            let list = server.get(session, &path).await.json();
            let models = list["data"][0]["models"].as_array().unwrap().clone();
            let found = models.into_iter().find(|one| one["model"] == model).unwrap();
            (found["status"].as_str().unwrap().to_owned(), found["refused"].clone())
        };
        let active = ("active".to_owned(), Value::Null);
        assert_eq!(state(&owner, "canned", "").await, active);
        assert_eq!(state(&editor, "echo", "").await, active);
        let (status, why) = state(&editor, "canned", "").await;
        assert_eq!((status.as_str(), &why["by"], &why["what"]), ("no-permission", &json!("role"), &json!("model")));
        assert!(why["message"].as_str().unwrap().contains("owner or admin"), "{why}");

        let app =
            server.console(&owner, Method::POST, "/apps", Some(json!({"name": "A", "mode": "chat"}))).await.json();
        let app = app["id"].as_str().unwrap();
        let mut of_app = policies();
        of_app["access"] = json!([{"app": app, "models": ["scripted/json"], "regions": null}]);
        assert_eq!(server.console(&owner, Method::PUT, PATH, Some(of_app)).await.status, StatusCode::OK);
        let query = format!("?app_id={app}");
        let (status, why) = state(&owner, "canned", &query).await;
        assert_eq!(
            (status.as_str(), &why["by"]),
            ("no-permission", &json!("app")),
            "an app's list holds for owners, too"
        );
        assert_eq!(state(&owner, "json", &query).await, active);
        assert_eq!(state(&editor, "canned", "").await, active, "not without the app");
    })
    .await;
}

#[tokio::test]
async fn refusals_are_counted_with_the_latest_reason() {
    const REFUSALS: &str = "/workspaces/current/model-policies/refusals";
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let editor = server.member(&owner, "editor@example.com", "editor").await;
        assert_eq!(server.get(&owner, REFUSALS).await.json(), json!({"data": []}));
        assert_eq!(server.get(&editor, REFUSALS).await.status, StatusCode::FORBIDDEN);
        for wrong in ["0", "31", "x"] {
            assert_eq!(server.get(&owner, &format!("{REFUSALS}?days={wrong}")).await.status, StatusCode::BAD_REQUEST);
        }
        let mut rules = policies();
        rules["cache"]["enabled"] = json!(false);
        rules["tiers"] = json!([]);
        rules["rates"] = json!([{"model": "scripted/echo", "requests_per_minute": null, "tokens_per_minute": null,
            "concurrent": 1, "wait_seconds": 0}]);
        assert_eq!(server.console(&owner, Method::PUT, PATH, Some(rules)).await.status, StatusCode::OK);
        let tenant = ox_db::repo::tenants::first(&server.services.db).await.unwrap().unwrap().id;
        let profile = server.get(&editor, "/account/profile").await.json();
        let scope = ModelScope { user: profile["id"].as_str().map(str::to_owned), ..ModelScope::of(tenant) };
        let ask = async |model: &str| {
            let request = ChatRequest { messages: vec![Message::user("12")], stream: true, ..ChatRequest::default() };
            server.services.models.chat(&scope, &ModelRef::chat("oxidify/scripted", model), request).await
        };
        for _ in 0..3 {
            assert!(ask("canned").await.is_err(), "not in the editor's list");
        }
        let held = ask("echo").await.unwrap();
        let Err(rate) = ask("echo").await else { panic!("one at a time") };
        drop(held);
        let listed = async || server.get(&owner, REFUSALS).await.json()["data"].as_array().unwrap().clone();
        let of = |list: &[Value], reason: &str| list.iter().find(|one| one["reason"] == reason).cloned();
        let list = listed().await;
        let access = of(&list, "access").unwrap();
        assert_eq!((&access["model"], &access["count"]), (&json!("oxidify/scripted/canned"), &json!(3)), "{access}");
        assert!(access["last_why"].as_str().unwrap().contains("\"editor\""), "{access}");
        assert!(access["last_at"].as_i64().unwrap() > 1_700_000_000 && access["last_app_id"].is_null(), "{access}");
        let limited = of(&list, "rate").unwrap();
        assert_eq!((&limited["count"], &limited["last_why"]), (&json!(1), &json!(rate.text)));
        // Counts go on where they were written already.
        assert!(ask("canned").await.is_err());
        let list = listed().await;
        assert_eq!(of(&list, "access").unwrap()["count"], 4);
        assert_eq!(list[0]["reason"], "access", "the latest first");
        // Another workspace has none of it.
        let foreign =
            ox_db::repo::model_refusals::since(&server.services.db, ox_types::TenantId::new(), "2000-01-01", 9);
        assert!(foreign.await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_provider_without_keys_is_connected_when_it_has_models() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let providers = server.get(&owner, "/workspaces/current/model-providers").await.json();
    let status = |id: &str| {
        let found = providers["data"].as_array().unwrap().iter().find(|provider| provider["provider"] == id);
        found.unwrap_or_else(|| panic!("no {id}"))["custom_configuration"]["status"].clone()
    };
    let models = server.get(&owner, "/workspaces/current/model-providers/oxidify%2Flocal/models").await.json();
    let expected = if models["data"] == json!([]) { "no-configure" } else { "active" };
    assert_eq!(status("oxidify/local"), expected, "{models}");
    assert_eq!(status("oxidify/scripted"), "active");
}

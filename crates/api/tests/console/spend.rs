//! The log of what models cost, and budgets, as the Studio reads them.

use axum::http::{Method, StatusCode};
use ox_app::spend;
use ox_testkit::on_each_database;
use serde_json::{Value, json};

use crate::support::{Session, TestServer, app_file};

async fn asked(server: &TestServer, owner: &Session) -> String {
    let (app, key) = server.app(owner, &app_file("chatflow")).await;
    let ask = json!({"inputs": {}, "query": "hello", "user": "=ann"});
    let told = server.v1(&key, Method::POST, "/chat-messages", Some(ask)).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    spend::flush(&server.services).await;
    app
}

#[tokio::test]
async fn what_was_spent_is_shown_in_sums_pages_and_files() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let empty = server.get(&owner, "/workspaces/current/model-spend").await.json();
        assert_eq!(empty, json!({"total": [], "days": []}));
        let app = asked(&server, &owner).await;
        let summary = server.get(&owner, "/workspaces/current/model-spend").await.json();
        let total = &summary["total"][0];
        let count = total["calls"].as_i64().unwrap_or_else(|| panic!("{summary}"));
        assert!(count >= 1 && total["total_tokens"].as_i64() > Some(0) && total["failed"] == 0, "{summary}");
        assert_eq!(summary["days"][0]["sums"][0]["calls"], count);

        let groups = async |by: &str| {
            let path = format!("/workspaces/current/model-spend/groups?by={by}");
            server.get(&owner, &path).await.json()["data"].clone()
        };
        assert_eq!(groups("model").await[0]["provider"].as_str().map(|id| id.contains("scripted")), Some(true));
        assert_eq!(groups(&format!("model&app_id={app}")).await[0]["calls"], count, "of one app");
        let other = ox_types::new_uuid();
        assert_eq!(groups(&format!("model&app_id={other}")).await, json!([]), "of an app that called none");
        let apps = groups("app").await;
        assert_eq!((&apps[0]["name"], &apps[0]["label"]), (&json!(app), &json!("Chatflow")), "{apps}");
        assert_eq!(groups("user").await[0]["label"], "=ann");
        assert_eq!(groups("key").await[0]["name"], Value::Null);

        let calls = server.get(&owner, "/workspaces/current/model-spend/calls?limit=1").await.json();
        assert_eq!((&calls["data"][0]["outcome"], &calls["data"][0]["app_name"]), (&json!("ok"), &json!("Chatflow")));
        assert_eq!(calls["has_more"], count > 1);
        let last = calls["data"][0]["id"].as_str().unwrap();
        let rest = server.get(&owner, &format!("/workspaces/current/model-spend/calls?after={last}")).await.json();
        assert_eq!(rest["data"].as_array().unwrap().len() as i64, count - 1);
        let none = server.get(&owner, "/workspaces/current/model-spend/calls?status=failed").await.json();
        assert_eq!(none["data"], json!([]));

        let file = server.get(&owner, "/workspaces/current/model-spend/export").await;
        assert!(file.headers["content-disposition"].to_str().unwrap().contains("model-calls-"));
        let lines: Vec<&str> = file.text.trim_start_matches('\u{feff}').trim_end().split("\r\n").collect();
        assert_eq!(lines.len() as i64, count + 1);
        assert!(
            lines[0].starts_with("id,created_at,app_id,app,user_id,user,") && lines[1].contains(",'=ann,"),
            "{lines:?}"
        );

        for (path, field) in [
            ("/workspaces/current/model-spend?start=yesterday", "start"),
            ("/workspaces/current/model-spend?start=2026-03-02%2000:00&end=2026-03-01%2000:00", "start"),
            ("/workspaces/current/model-spend?status=odd", "status"),
            ("/workspaces/current/model-spend/groups?by=moon", "by"),
            ("/workspaces/current/model-spend/export?format=xml", "format"),
        ] {
            let wrong = server.get(&owner, path).await;
            assert_eq!((wrong.status, &wrong.json()["params"]), (StatusCode::BAD_REQUEST, &json!(field)), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_cards_of_providers_tell_what_was_asked_lately() {
    on_each_database(|database| async {
        const PATH: &str = "/workspaces/current/model-spend/providers";
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let empty = server.get(&owner, PATH).await.json();
        assert_eq!(empty["data"], json!([]), "nobody was asked");
        let span = empty["until"].as_i64().zip(empty["since"].as_i64()).map(|(until, since)| until - since);
        assert_eq!(span, Some(24 * 3_600));
        asked(&server, &owner).await;
        let found = server.get(&owner, PATH).await.json();
        let one = &found["data"][0];
        assert!(one["provider"].as_str().is_some_and(|id| id.contains("scripted")), "{found}");
        let count = one["calls"].as_i64();
        let steps = one["steps"].as_array().unwrap_or_else(|| panic!("{found}"));
        assert_eq!((steps.len(), Some(steps.iter().filter_map(Value::as_i64).sum::<i64>())), (24, count));
        assert_eq!((&one["failed"], &one["apps"]), (&json!(0), &json!(1)), "{found}");
        assert!(one["latency_p50_ms"].as_i64() >= Some(0) && one["last_call_at"].as_i64() > Some(0), "{found}");
        assert_eq!((&one["models"][0]["apps"], one["models"][0]["calls"].as_i64()), (&json!(1), count), "{found}");
        assert_eq!(one["keys"], json!([]), "the scripted model is asked without a key");
        // The card finds its figures by the id that the list of providers tells.
        let providers = server.get(&owner, "/workspaces/current/model-providers").await.json();
        let listed = providers["data"].as_array().unwrap_or_else(|| panic!("{providers}"));
        assert!(listed.iter().any(|provider| provider["provider"] == one["provider"]), "{one}");

        let normal = server.member(&owner, "normal@example.com", "normal").await;
        assert_eq!(server.get(&normal, PATH).await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

fn budget() -> Value {
    json!({"name": "Team", "scope": "workspace", "period": "month", "action": "warn", "money_limit": "25.00", "token_limit": 100})
}

#[tokio::test]
async fn budgets_are_set_by_owners_and_admins() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        asked(&server, &owner).await;
        const PATH: &str = "/workspaces/current/model-budgets";
        let made = server.post(&owner, PATH, budget()).await.json();
        let id = made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        assert_eq!((&made["currency"], &made["enabled"], &made["mail"]), (&json!("USD"), &json!(true), &json!(true)));
        assert!(made["used_tokens"].as_u64() > Some(0) && made["ratio"].as_f64() > Some(0.0), "{made}");
        let one = format!("{PATH}/{id}");
        let mut hooked = budget();
        hooked["webhook_url"] = json!("https://hooks.example/x");
        let wrong = server.console(&owner, Method::PUT, &one, Some(hooked)).await;
        assert_eq!((wrong.status, &wrong.json()["params"]), (StatusCode::BAD_REQUEST, &json!("webhook_secret")));
        let mut each = budget();
        each["scope"] = json!("user");
        each["enabled"] = json!(false);
        let changed = server.console(&owner, Method::PUT, &one, Some(each)).await.json();
        assert_eq!((&changed["scope"], &changed["enabled"]), (&json!("user"), &json!(false)), "{changed}");
        assert!(changed["used_tokens"].as_u64() > Some(0), "the most that one of them has used: {changed}");
        let mut lost = budget();
        (lost["scope"], lost["subject"]) = (json!("app"), json!("0194aaaa-0000-7000-8000-000000000000"));
        assert_eq!(server.post(&owner, PATH, lost).await.json()["params"], "subject");

        let editor = server.member(&owner, "editor@example.com", "editor").await;
        assert_eq!(server.get(&editor, PATH).await.json()["data"].as_array().unwrap().len(), 1);
        for (method, path) in [(Method::POST, PATH), (Method::PUT, one.as_str()), (Method::DELETE, one.as_str())] {
            let refused = server.console(&editor, method.clone(), path, Some(budget())).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method}");
        }
        let reader = server.member(&owner, "normal@example.com", "normal").await;
        for path in [PATH, "/workspaces/current/model-spend", "/workspaces/current/model-spend/export"] {
            assert_eq!(server.get(&reader, path).await.status, StatusCode::FORBIDDEN, "{path}");
        }

        ox_app::workspaces::create_with_owner(&server.services, "Other", "s@example.com", crate::support::PASSWORD)
            .await
            .unwrap();
        let stranger = server.login("s@example.com").await;
        assert_eq!(server.get(&stranger, PATH).await.json(), json!({"data": [], "alerts": []}));
        assert_eq!(server.get(&stranger, "/workspaces/current/model-spend").await.json()["total"], json!([]));
        for method in [Method::PUT, Method::DELETE] {
            let refused = server.console(&stranger, method.clone(), &one, Some(budget())).await;
            assert_eq!(refused.status, StatusCode::NOT_FOUND, "{method}");
        }
        assert_eq!(server.console(&owner, Method::DELETE, &one, None).await.status, StatusCode::OK);
        assert_eq!(server.get(&owner, PATH).await.json()["data"], json!([]));
    })
    .await;
}

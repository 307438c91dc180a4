//! What the settings of a published page say, from the console to the page and the Service API.

use axum::http::Method;
use ox_testkit::on_each_database;
use serde_json::{Value, json};

use crate::{
    page_access::{Page, passport, told},
    support::{TestServer, app_file},
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

/// A chat app with its page and a key.
async fn chat<'a>(server: &'a TestServer, owner: &crate::support::Session) -> (Page<'a>, String) {
    let (app, key) = server.app(owner, &app_file("chat")).await;
    let code = server.get(owner, &format!("/apps/{app}")).await.json()["site"]["code"].as_str().unwrap().to_owned();
    (Page { server, app, code }, key)
}

#[tokio::test]
async fn each_field_is_told_to_the_page_and_by_key() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let (page, key) = chat(&server, &owner).await;
        let hers = passport(&page.enter("").await);
        let site = async || page.get("/site", &hers).await.json()["site"].clone();
        let fresh = site().await;
        for unset in ["copyright", "privacy_policy", "chat_color_theme", "description", "icon_url"] {
            assert_eq!(fresh[unset], Value::Null, "{unset}: {fresh}");
        }
        assert_eq!((&fresh["custom_disclaimer"], &fresh["chat_color_theme_inverted"]), (&json!(""), &json!(false)));
        let picture = server.keep_file(&owner, ("logo.png", "image/png"), PNG).await.json();
        let set = json!({
            "title": "Help desk", "description": "Ask us", "copyright": "2026 Acme", "custom_disclaimer": "Mind the gap",
            "privacy_policy": "https://acme.test/privacy", "chat_color_theme": "#1C64F2",
            "chat_color_theme_inverted": true, "show_workflow_steps": false, "default_language": "zh-Hans",
            "use_icon_as_answer_icon": true, "icon_type": "image", "icon": picture["id"], "icon_background": "#E4FBCC",
        });
        let path = format!("/apps/{}/site", page.app);
        let saved = server.post(&owner, &path, set.clone()).await;
        assert_eq!(saved.status, 200, "{}", saved.text);
        let by_key = server.v1(&key, Method::GET, "/site", None).await.json();
        for (field, value) in set.as_object().unwrap() {
            for told in [&saved.json(), &site().await, &by_key] {
                assert_eq!(&told[field], value, "{field}: {told}");
            }
        }
        // The picture is at its address, for everybody who sees the page.
        let url = site().await["icon_url"].as_str().unwrap().to_owned();
        let shown = server.send(axum::http::Request::get(&url).body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!((shown.status.as_u16(), shown.headers["content-type"].to_str().unwrap()), (200, "image/png"));
        // What is not named stays; an empty text takes a thing away.
        let change = json!({"copyright": "", "privacy_policy": "", "chat_color_theme": "", "icon_type": "emoji", "icon": "x"});
        assert_eq!(server.post(&owner, &path, change).await.status, 200);
        let left = site().await;
        for (field, value) in [
            ("title", json!("Help desk")),
            ("copyright", json!("")),
            ("privacy_policy", json!("")),
            ("chat_color_theme", json!("")),
            ("custom_disclaimer", json!("Mind the gap")),
            ("icon_url", Value::Null),
            ("icon", json!("x")),
        ] {
            assert_eq!(left[field], value, "{field}: {left}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_would_harm_a_page_is_refused() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let (page, _) = chat(&server, &owner).await;
    let path = format!("/apps/{}/site", page.app);
    let text = server.keep_file(&owner, ("a.txt", "text/plain"), b"x").await.json()["id"].clone();
    let before = server.get(&owner, &format!("/apps/{}", page.app)).await.json()["site"].clone();
    let huge = "x".repeat(100_000);
    let mut cases = vec![
        ("chat_color_theme", json!({"chat_color_theme": "red;background:url(//x.test)"})),
        ("chat_color_theme", json!({"chat_color_theme": "#12345"})),
        ("default_language", json!({"default_language": "xx-XX"})),
        ("customize_token_strategy", json!({"customize_token_strategy": "maybe"})),
        ("icon_type", json!({"icon_type": "script"})),
        ("icon", json!({"icon_type": "image", "icon": "javascript:alert(1)"})),
        ("icon", json!({"icon_type": "image", "icon": text})),
        ("copyright", json!({"copyright": "a\u{0}b"})),
    ];
    for wrong in [
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "//x.test",
        "see our office",
    ] {
        cases.push(("privacy_policy", json!({"privacy_policy": wrong})));
    }
    for field in [
        "title",
        "description",
        "copyright",
        "custom_disclaimer",
        "privacy_policy",
        "chat_color_theme",
        "customize_domain",
        "icon",
        "icon_background",
    ] {
        cases.push((field, json!({ field: huge })));
    }
    for (field, body) in cases {
        let refused = server.post(&owner, &path, body).await;
        assert_eq!(told(&refused), (400, "invalid_param".into()), "{field}: {}", refused.text);
        assert_eq!(refused.json()["params"], field, "{}", refused.text);
    }
    let after = server.get(&owner, &format!("/apps/{}", page.app)).await.json()["site"].clone();
    assert_eq!(after, before, "nothing is half saved");
    // A viewer changes nothing.
    let ann = server.member(&owner, "ann@example.com", "normal").await;
    assert_eq!(server.post(&ann, &path, json!({"title": "Mine"})).await.status, 403);
}

//! Versions of a workflow: put back into the draft with all they hold, the draft before them kept.

use axum::http::{Method, StatusCode};
use ox_testkit::on_each_database;
use serde_json::{Value, json};

use super::drafts::{app, chain, end, events, start, template};
use crate::support::{Session, TestServer};

/// A draft whose every part tells its edition. The template gives the length of the secret, which only a secret that can
/// still be decrypted has.
fn edition(name: &str, secret: &str) -> Value {
    let text = format!("{name} {{{{ arg|length }}}}");
    let mut nodes = vec![start(&[name]), template("tpl", &["env", "KEY"], &text), end(&["tpl", "output"])];
    let mut edges = chain(&["start", "tpl", "end"]);
    if name == "two" {
        nodes.insert(2, template("more", &["tpl", "output"], "{{ arg }}!"));
        edges = chain(&["start", "tpl", "more", "end"]);
    }
    json!({
        "graph": {"nodes": nodes, "edges": edges, "viewport": {"x": name.len(), "y": 0, "zoom": 1}},
        "features": {"opening_statement": format!("Edition {name}")},
        "environment_variables": [
            {"id": "11111111-1111-4111-8111-111111111111", "name": "KEY", "value_type": "secret", "value": secret},
            {"id": "33333333-3333-4333-8333-333333333333", "name": "TONE", "value_type": "string", "value": name},
        ],
        "conversation_variables": [
            {"id": "22222222-2222-4222-8222-222222222222", "name": name, "value_type": "string", "value": name, "description": ""},
        ],
    })
}

async fn good(server: &TestServer, session: &Session, path: &str, body: Value) -> Value {
    let answer = server.post(session, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.json()
}

/// What the draft gives.
async fn result(server: &TestServer, owner: &Session, base: &str) -> Value {
    let ran = server.post(owner, &format!("{base}/draft/run"), json!({"inputs": {}})).await;
    let last = events(&ran).pop().unwrap();
    assert_eq!(last["data"]["status"], "succeeded", "{last}");
    last["data"]["outputs"]["result"].clone()
}

const PARTS: [&str; 5] = ["graph", "features", "environment_variables", "conversation_variables", "hash"];

fn parts(shown: &Value) -> [&Value; 5] {
    PARTS.map(|part| &shown[part])
}

#[tokio::test]
async fn a_version_is_put_back_into_the_draft_with_all_its_parts() {
    on_each_database(|database| async {
        let server = TestServer::start(database).await;
        let owner = server.owner().await;
        let id =
            app(&server, &owner, "workflow", vec![start(&[]), end(&["start", "x"])], chain(&["start", "end"])).await;
        let base = format!("/apps/{id}/workflows");
        let draft = format!("{base}/draft");
        let mut editions = Vec::new();
        for (name, secret) in [("one", "sk-very-secret"), ("two", "sk-other")] {
            let mut body = edition(name, secret);
            // An editor goes on from what is stored.
            body["hash"] = server.get(&owner, &draft).await.json()["hash"].clone();
            good(&server, &owner, &draft, body).await;
            good(&server, &owner, &format!("{base}/publish"), json!({"marked_name": name})).await;
            editions.push(server.get(&owner, &draft).await.json());
        }
        let (one, two) = (&editions[0], &editions[1]);
        for (part, (one, two)) in PARTS.iter().zip(parts(one).into_iter().zip(parts(two))) {
            assert_ne!(one, two, "the editions differ in {part}");
        }
        let listed = server.get(&owner, &base).await.json();
        let version = |name: &str| {
            let found = listed["items"].as_array().unwrap().iter().find(|item| item["marked_name"] == name);
            found.unwrap_or_else(|| panic!("no {name}: {listed}"))["id"].as_str().unwrap().to_owned()
        };
        let (first, live) = (version("one"), version("two"));
        assert_eq!(result(&server, &owner, &base).await, "two 8");

        let restored = good(&server, &owner, &format!("{base}/{first}/restore"), json!({})).await;
        let after = server.get(&owner, &draft).await;
        assert!(!after.text.contains("sk-very-secret"), "the secret is shown");
        let after = after.json();
        assert_eq!(parts(&after), parts(one));
        assert_eq!((&restored["hash"], &restored["result"]), (&one["hash"], &json!("success")));
        assert_eq!((&after["id"], &after["version"]), (&two["id"], &json!("draft")), "it is the same draft");
        assert_eq!(result(&server, &owner, &base).await, "one 14", "its secret is that of the version");

        // What callers get is as it was, and the draft before is a version of its own, that can be put back too.
        let published = server.get(&owner, &format!("{base}/publish")).await.json();
        assert_eq!((&published["id"], &published["marked_name"]), (&json!(live), &json!("two")));
        let listed = server.get(&owner, &base).await.json();
        let names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|item| &item["marked_name"]).collect();
        assert_eq!(names, [&json!(""), &json!("Before restore"), &json!("two"), &json!("one")]);
        let kept = &listed["items"][1];
        assert_eq!(parts(kept), parts(two));
        good(&server, &owner, &format!("{base}/{}/restore", kept["id"].as_str().unwrap()), json!({})).await;
        assert_eq!(parts(&server.get(&owner, &draft).await.json()), parts(two));
        assert_eq!(result(&server, &owner, &base).await, "two 8");

        // An editor that still shows the draft from before is told so.
        let mut stale = edition("one", "sk-late");
        stale["hash"] = one["hash"].clone();
        let refused = server.post(&owner, &draft, stale).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "draft_workflow_not_sync"));
    })
    .await;
}

#[tokio::test]
async fn only_editors_put_versions_of_the_same_app_back() {
    let server = TestServer::sqlite().await;
    let owner = server.owner().await;
    let reader = server.member(&owner, "reader@example.com", "normal").await;
    let mut apps = Vec::new();
    for name in ["one", "two"] {
        let id =
            app(&server, &owner, "workflow", vec![start(&[]), end(&["start", "x"])], chain(&["start", "end"])).await;
        let base = format!("/apps/{id}/workflows");
        good(&server, &owner, &format!("{base}/draft"), edition(name, "sk-very-secret")).await;
        good(&server, &owner, &format!("{base}/publish"), json!({"marked_name": name})).await;
        let version = server.get(&owner, &format!("{base}/publish")).await.json()["id"].as_str().unwrap().to_owned();
        apps.push((base, version));
    }
    let (base, own) = &apps[0];
    let before = server.get(&owner, &format!("{base}/draft")).await.json();
    let unknown = "99999999-9999-4999-8999-999999999999";
    for (session, version, status) in [
        (&reader, own.as_str(), StatusCode::FORBIDDEN),
        (&owner, apps[1].1.as_str(), StatusCode::NOT_FOUND),
        (&owner, unknown, StatusCode::NOT_FOUND),
    ] {
        let path = format!("{base}/{version}/restore");
        let refused = server.console(session, Method::POST, &path, Some(json!({}))).await;
        assert_eq!(refused.status, status, "{path}: {}", refused.text);
    }
    let after = server.get(&owner, &format!("{base}/draft")).await.json();
    assert_eq!(parts(&after), parts(&before), "what is refused changes nothing");
    let listed = server.get(&owner, base).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2, "no copy is kept of it: {listed}");
}

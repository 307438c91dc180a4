//! Who may use which tool, and whose credentials.

use super::*;

const SEARCH: &str = "/workspaces/current/tool-provider/builtin/searxng";

/// What runs of a draft say, as they come.
async fn try_out(server: &TestServer, session: &Session, app: &str) -> String {
    let path = format!("/apps/{app}/workflows/draft/run");
    server.post(session, &path, json!({"inputs": {"q": "x"}})).await.text
}

/// A search service, and the credentials for it.
async fn searching(visibility: &str) -> Value {
    let found = get(|| async { Json(json!({"results": [{"title": "Found", "url": "u"}]})) });
    let base = peer(Router::new().route("/search", found)).await;
    json!({"type": "api-key", "credentials": {"searxng_base_url": base}, "visibility": visibility})
}

fn search_node(credential: &Value) -> Value {
    json!({"provider_type": "builtin", "provider_id": "searxng", "provider_name": "searxng", "tool_name": "searxng_search",
        "credential_id": credential})
}

#[tokio::test]
async fn personal_credentials_are_for_their_member_in_the_studio() {
    let (server, owner) = open().await;
    let editor = server.member(&owner, "ed@example.com", "editor").await;
    let form = searching("personal").await;
    let odd = json!({"type": "api-key", "credentials": {}, "visibility": "mine"});
    assert_eq!(server.post(&editor, &format!("{SEARCH}/add"), odd).await.status, StatusCode::BAD_REQUEST);
    let normal = server.member(&owner, "nora@example.com", "normal").await;
    assert_eq!(server.post(&normal, &format!("{SEARCH}/add"), form.clone()).await.status, StatusCode::FORBIDDEN);
    let added = server.post(&editor, &format!("{SEARCH}/add"), form.clone()).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text);
    let own = server.get(&editor, &format!("{SEARCH}/credentials")).await.json();
    assert_eq!(
        (own.as_array().unwrap().len(), &own[0]["visibility"], &own[0]["is_default"]),
        (1, &json!("personal"), &json!(false))
    );
    let id = own[0]["id"].clone();
    // Nobody else sees it, not even the owner: it is not there.
    assert_eq!(server.get(&owner, &format!("{SEARCH}/credentials")).await.json(), json!([]));
    for path in ["update", "delete"] {
        let body = json!({"credential_id": id, "name": "Taken"});
        let answer = server.post(&owner, &format!("{SEARCH}/{path}"), body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
    }
    // The provider has no key of the workspace by that.
    assert_eq!(server.get(&editor, &format!("{SEARCH}/info")).await.json()["is_team_authorization"], false);
    let renamed = json!({"credential_id": id, "name": "Ed's"});
    assert_eq!(server.post(&editor, &format!("{SEARCH}/update"), renamed).await.status, StatusCode::OK);
    // Its member runs the draft with it; others and the published app are told what to do.
    let (app, key) = server.app(&editor, &calling("Mine", &search_node(&id), "query")).await;
    let ran = try_out(&server, &editor, &app).await;
    assert!(ran.contains("Found") && ran.contains("succeeded"), "{ran}");
    let ran = try_out(&server, &owner, &app).await;
    assert!(ran.contains("personal key of another member"), "{ran}");
    let published = run(&server, &key, "x").await.unwrap_err();
    assert!(published.contains("works in the Studio only") && published.contains("publish again"), "{published}");
    // A member who leaves takes them along.
    let members = server.get(&owner, "/workspaces/current/members").await.json();
    let accounts = members["accounts"].as_array().unwrap();
    let ed = accounts.iter().find(|one| one["email"] == "ed@example.com").unwrap()["id"].as_str().unwrap();
    let path = format!("/workspaces/current/members/{ed}");
    let left = server.console(&owner, Method::DELETE, &path, None).await;
    assert!(left.status.is_success(), "{}", left.text);
    let published = run(&server, &key, "x").await.unwrap_err();
    assert!(published.contains("not the credentials that are named"), "{published}");
}

#[tokio::test]
async fn only_credentials_of_the_workspace_are_its_default() {
    let (server, owner) = open().await;
    let (own, shared) = (searching("personal").await, searching("workspace").await);
    for form in [own, shared.clone()] {
        let added = server.post(&owner, &format!("{SEARCH}/add"), form).await;
        assert_eq!(added.status, StatusCode::OK, "{}", added.text);
    }
    let rows = server.get(&owner, &format!("{SEARCH}/credentials")).await.json();
    let told: Vec<_> = rows.as_array().unwrap().iter().map(|row| (&row["visibility"], &row["is_default"])).collect();
    assert_eq!(told, [(&json!("workspace"), &json!(true)), (&json!("personal"), &json!(false))]);
    let personal = json!({"id": rows[1]["id"]});
    let refused = server.post(&owner, &format!("{SEARCH}/default-credential"), personal).await;
    assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains("of the workspace"), "{}", refused.text);
    let deleted = server.post(&owner, &format!("{SEARCH}/delete"), json!({"credential_id": rows[1]["id"]})).await;
    assert_eq!(deleted.status, StatusCode::OK, "{}", deleted.text);
    // Editors add none for everybody.
    let editor = server.member(&owner, "ed@example.com", "editor").await;
    assert_eq!(server.post(&editor, &format!("{SEARCH}/add"), shared).await.status, StatusCode::FORBIDDEN);
    let change = json!({"credential_id": rows[0]["id"], "name": "Mine now"});
    assert_eq!(server.post(&editor, &format!("{SEARCH}/update"), change).await.status, StatusCode::FORBIDDEN);
}

/// Says who may use the search tools in the Studio; `None`: everybody.
async fn rule(server: &TestServer, session: &Session, tool: Option<&str>, roles: Option<Value>) -> StatusCode {
    let body = json!({"provider_type": "builtin", "provider_id": "searxng", "tool_name": tool, "roles": roles});
    server.console(session, Method::PUT, "/workspaces/current/tool-permissions", Some(body)).await.status
}

/// The search tools that a member is told may not be used.
async fn closed(server: &TestServer, session: &Session) -> Value {
    let all = server.get(session, "/workspaces/current/tools/builtin").await.json();
    all.as_array().unwrap().iter().find(|one| one["name"] == "searxng").unwrap()["closed_tools"].clone()
}

/// Saves the draft of an app as it is, but for what a test changes.
async fn save(server: &TestServer, session: &Session, app: &str, change: impl Fn(&mut Value)) -> (StatusCode, String) {
    let path = format!("/apps/{app}/workflows/draft");
    let mut draft = server.get(session, &path).await.json();
    change(&mut draft["graph"]);
    let body = json!({"graph": draft["graph"], "features": draft["features"], "hash": draft["hash"],
        "environment_variables": [], "conversation_variables": []});
    let saved = server.post(session, &path, body).await;
    (saved.status, saved.text)
}

#[tokio::test]
async fn roles_that_may_not_use_a_tool_neither_add_nor_try_it() {
    let (server, owner) = open().await;
    let editor = server.member(&owner, "ed@example.com", "editor").await;
    let form = searching("workspace").await;
    assert_eq!(server.post(&owner, &format!("{SEARCH}/add"), form).await.status, StatusCode::OK);
    let (app, key) = server.app(&editor, &calling("Search", &search_node(&json!("")), "query")).await;
    // Only administrators make rules, and only about what there is.
    assert_eq!(rule(&server, &editor, None, Some(json!(["editor"]))).await, StatusCode::FORBIDDEN);
    assert_eq!(rule(&server, &owner, None, Some(json!(["king"]))).await, StatusCode::BAD_REQUEST);
    assert_eq!(rule(&server, &owner, Some("nothing"), Some(json!(["owner"]))).await, StatusCode::NOT_FOUND);
    assert_eq!(rule(&server, &owner, None, Some(json!(["admin", "owner", "admin"]))).await, StatusCode::OK);
    let rules = server.get(&editor, "/workspaces/current/tool-permissions").await.json();
    assert_eq!(
        rules,
        json!([{"provider_type": "builtin", "provider_id": "searxng", "tool_name": null, "roles": ["owner", "admin"]}])
    );
    assert_eq!(closed(&server, &editor).await, json!(["searxng_search"]));
    assert_eq!(closed(&server, &owner).await, Value::Null);
    // The draft is not run, nor a node of it; the sentence names the tool and who can change it.
    let refused =
        server.post(&editor, &format!("/apps/{app}/workflows/draft/run"), json!({"inputs": {"q": "x"}})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    for part in ["searxng_search", "editor", "owner or admin"] {
        assert!(refused.text.contains(part), "{part}: {}", refused.text);
    }
    let step = format!("/apps/{app}/workflows/draft/nodes/t/run");
    let refused = server.post(&editor, &step, json!({"inputs": {"#s.q#": "x"}})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    // What is there may stay while something else is changed; it is not put in anew.
    let moved = |graph: &mut Value| graph["viewport"] = json!({"x": 5, "y": 5, "zoom": 1});
    assert_eq!(save(&server, &editor, &app, moved).await.0, StatusCode::OK);
    let without = |graph: &mut Value| graph["nodes"].as_array_mut().unwrap().retain(|node| node["id"] != "t");
    let kept = server.get(&editor, &format!("/apps/{app}/workflows/draft")).await.json()["graph"]["nodes"].clone();
    assert_eq!(save(&server, &editor, &app, without).await.0, StatusCode::OK);
    let (status, text) = save(&server, &editor, &app, |graph| graph["nodes"] = kept.clone()).await;
    assert!(status == StatusCode::FORBIDDEN && text.contains("searxng_search"), "{text}");
    let imported = json!({"mode": "yaml-content", "yaml_content": calling("Again", &search_node(&json!("")), "query")});
    let imported = server.post(&editor, "/apps/imports", imported).await;
    assert!(imported.text.contains("may not use the tool 'searxng_search'"), "{}", imported.text);
    // Whom the rule names goes on, and so does what is published.
    assert_eq!(save(&server, &owner, &app, |graph| graph["nodes"] = kept.clone()).await.0, StatusCode::OK);
    assert!(try_out(&server, &owner, &app).await.contains("Found"));
    assert!(run(&server, &key, "x").await.unwrap().contains("Found"));
    // The rule of a tool comes before that of its provider; without both everybody may.
    assert_eq!(rule(&server, &owner, Some("searxng_search"), Some(json!(["editor"]))).await, StatusCode::OK);
    assert!(try_out(&server, &editor, &app).await.contains("Found"));
    for tool in [Some("searxng_search"), None] {
        assert_eq!(rule(&server, &owner, tool, None).await, StatusCode::OK);
    }
    assert_eq!(server.get(&owner, "/workspaces/current/tool-permissions").await.json(), json!([]));
    assert!(try_out(&server, &editor, &app).await.contains("Found"));
}
